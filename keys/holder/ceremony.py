"""The key holders' side of distributed key generation, by files: specs/03-tokens.md §6.

Each key holder writes one signed deal file, its shares sealed to each of the others; each reads
all deal files, checks them, keeps its own share and signs the transcript. No share is ever in the
clear outside its key holder's folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, ValidationError

from keys.dkg import Ceremony, Deal, assemble, deal
from keys.group import RandomBytes, SecretScalar, parse_scalar
from keys.groups import default_group
from keys.threshold import KeyShare
from keys.transcript import deal_value, make_transcript, parse_deal, transcript_value
from protocol import canonical
from protocol.dsse import parse_envelope, sign
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import Base64, Hex16, WireModel, from_base64, to_base64
from protocol.governance.ceremony import TRANSCRIPT_KIND, CeremonyTerms, HolderRecord
from protocol.requests.sealing import SealBinding
from protocol.signing import SecretSeed
from transport.seal import seal, unseal

DEAL_KIND = "key-deal"
DEAL_LIMIT = 64 * 1024


class DealFile(WireModel):
    """X"""

    charter_id: Hex16
    epoch: Annotated[int, Field(ge=1, le=65_535)]
    threshold: Annotated[int, Field(ge=2, le=16)]
    holders: Annotated[list[Hex16], Field(min_length=2, max_length=16)]
    dealer: Hex16
    deal: dict[str, object]
    shares: dict[Hex16, Base64]


@dataclass(frozen=True)
class Identity:
    """One key holder's own keys."""

    record: HolderRecord
    sign_seed: SecretSeed
    seal_secret: SecretSeed


def holder_number(terms: CeremonyTerms, holder_id: str) -> int:
    """A key holder's number, from 1. Raises LocalError for somebody else."""
    for number, holder in enumerate(terms.holders, 1):
        if holder.holder_id == holder_id:
            return number
    raise LocalError(ErrorCode.NOT_FOUND, "this key holder is not in the ceremony")


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
        "holders": [holder.holder_id for holder in terms.holders],
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
        number, dealt, share = _read_deal(terms, own, data)
        if number in shares:
            raise RemoteError(ErrorCode.BAD_SHARE, f"key holder {number} dealt twice")
        deals.append(dealt)
        shares[number] = share
    group = default_group()
    share_of_key, _ = assemble(group, ceremony_of(terms), index, deals, shares)
    ids = [holder.holder_id for holder in terms.holders]
    transcript = transcript_value(make_transcript(group, ceremony_of(terms), ids, deals))
    envelope = sign(TRANSCRIPT_KIND, canonical.encode(transcript), own.sign_seed)
    signed = canonical.encode(
        {
            "holder_id": own.record.holder_id,
            "transcript": to_base64(envelope.payload),
            "sig": to_base64(envelope.signature),
        }
    )
    return share_of_key, transcript, signed


def _read_deal(terms: CeremonyTerms, own: Identity, data: bytes) -> tuple[int, Deal, SecretScalar]:
    envelope = parse_envelope(data, limit=DEAL_LIMIT)
    try:
        file = DealFile.model_validate(canonical.parse(envelope.payload, limit=DEAL_LIMIT))
    except ValidationError as error:
        raise RemoteError(ErrorCode.MALFORMED, "not a deal file") from error
    number = next(
        (n for n, item in enumerate(terms.holders, 1) if item.holder_id == file.dealer), None
    )
    if number is None or envelope.kind != DEAL_KIND:
        raise RemoteError(ErrorCode.BAD_SHARE, "a deal comes from somebody outside the ceremony")
    dealer = terms.holders[number - 1]
    envelope.verify(bytes.fromhex(dealer.sign))
    agreed = (terms.charter_id, terms.epoch, terms.threshold)
    ids = [holder.holder_id for holder in terms.holders]
    if (file.charter_id, file.epoch, file.threshold) != agreed or file.holders != ids:
        raise RemoteError(ErrorCode.BAD_SHARE, f"key holder {number} dealt on other terms")
    dealt = parse_deal(file.deal)  # type: ignore[arg-type]
    sealed = file.shares.get(own.record.holder_id)
    if dealt.index != number or sealed is None:
        raise RemoteError(ErrorCode.BAD_SHARE, f"key holder {number} left a key holder out")
    binding = _binding(terms, dealer, own.record)
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
