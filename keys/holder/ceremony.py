"""The key holders' side of distributed key generation, by files: specs/03-tokens.md §6.

Each key holder writes one signed deal file, its shares sealed to each of the others; each reads
all deal files, checks them, keeps its own share and signs the transcript. No share is ever in the
clear outside its key holder's folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keys.dkg import Ceremony, Deal, assemble, deal
from keys.group import RandomBytes, SecretScalar, parse_scalar
from keys.groups import default_group
from keys.threshold import KeyShare
from keys.transcript import deal_value, make_transcript, parse_deal, transcript_value
from protocol import canonical
from protocol.dsse import sign
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.governance.ceremony import (
    DEAL_KIND,
    TRANSCRIPT_KIND,
    CeremonyTerms,
    HolderRecord,
    holder_ids,
    read_deal,
)
from protocol.requests.sealing import SealBinding
from protocol.signing import SecretSeed
from transport.seal import seal, unseal


@dataclass(frozen=True)
class Identity:
    """One key holder's own keys."""

    record: HolderRecord
    sign_seed: SecretSeed
    seal_secret: SecretSeed


def holder_number(terms: CeremonyTerms, holder_id: str) -> int:
    """A key holder's number, from 1. Raises LocalError for somebody else."""
    ids = holder_ids(terms)
    if holder_id not in ids:
        raise LocalError(ErrorCode.NOT_FOUND, "this key holder is not in the ceremony")
    return ids.index(holder_id) + 1


def ceremony_of(terms: CeremonyTerms) -> Ceremony:
    """The terms for the arithmetic."""
    return Ceremony(terms.charter_id, terms.epoch, len(terms.holders), terms.threshold)


def write_deal(terms: CeremonyTerms, own: Identity, rand: RandomBytes) -> bytes:
    """Deal: the bytes of the signed deal file."""
    index = holder_number(terms, own.record.holder_id)
    dealt, shares = deal(default_group(), ceremony_of(terms), index, rand)
    sealed: dict[str, canonical.JsonValue] = {
        holder.holder_id: to_base64(
            seal(_binding(terms, own.record, holder), shares[number].to_bytes())
        )
        for number, holder in enumerate(terms.holders, 1)
    }
    payload: canonical.JsonValue = {
        "charter_id": terms.charter_id,
        "epoch": terms.epoch,
        "threshold": terms.threshold,
        "holders": holder_ids(terms),
        "dealer": own.record.holder_id,
        "deal": deal_value(dealt),
        "shares": sealed,
    }
    return sign(DEAL_KIND, canonical.encode(payload), own.sign_seed).encode()


def combine_deals(
    terms: CeremonyTerms, own: Identity, files: Sequence[bytes]
) -> tuple[KeyShare, Mapping[str, Any], bytes]:
    """Check all deals: our share, the transcript, and the bytes of our signed transcript.

    Raises RemoteError naming the dealer at fault.
    """
    index = holder_number(terms, own.record.holder_id)
    deals: list[Deal] = []
    shares: dict[int, SecretScalar] = {}
    for data in files:
        number, dealt, share = _open_deal(terms, own, data)
        if number in shares:
            raise RemoteError(ErrorCode.BAD_SHARE, f"key holder {number} dealt twice")
        deals.append(dealt)
        shares[number] = share
    group = default_group()
    share_of_key, _ = assemble(group, ceremony_of(terms), index, deals, shares)
    ceremony, ids = ceremony_of(terms), holder_ids(terms)
    transcript = transcript_value(make_transcript(group, ceremony, ids, deals))
    envelope = sign(TRANSCRIPT_KIND, canonical.encode(transcript), own.sign_seed)
    signed = canonical.encode(
        {
            "holder_id": own.record.holder_id,
            "transcript": to_base64(envelope.payload),
            "sig": to_base64(envelope.signature),
        }
    )
    return share_of_key, transcript, signed


def _open_deal(terms: CeremonyTerms, own: Identity, data: bytes) -> tuple[int, Deal, SecretScalar]:
    file = read_deal(terms, data)
    number = holder_ids(terms).index(file.dealer) + 1
    dealt = parse_deal(file.deal)  # type: ignore[arg-type]
    sealed = file.shares.get(own.record.holder_id)
    if dealt.index != number or sealed is None:
        raise RemoteError(ErrorCode.BAD_SHARE, f"key holder {number} left a key holder out")
    binding = _binding(terms, terms.holders[number - 1], own.record)
    opened = unseal(binding, own.seal_secret.value, from_base64(sealed))
    return number, dealt, SecretScalar(parse_scalar(opened))


def _binding(terms: CeremonyTerms, dealer: HolderRecord, receiver: HolderRecord) -> SealBinding:
    return SealBinding(
        kind=DEAL_KIND,
        charter_id=terms.charter_id,
        sender=dealer.holder_id,
        recipient=receiver.holder_id,
        sign_key=dealer.sign,
        request_id=f"{terms.epoch:032x}",
        seal_key=receiver.seal,
    )
