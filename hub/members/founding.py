"""Founding a federation: the first charter and the key-birth transcript (specs/02-charter.md §2).

Runs once, before the hub serves. The root of the log at size 1 is the genesis fingerprint that
every member and auditor pins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from hub.log.ledger import HubSigner, Ledger
from hub.members.charter_changes import charter_body, check_findable, check_witnesses
from hub.members.holidays import public_holidays, years_from
from hub.members.template import template
from hub.policies.packs import DEFAULT, pack
from hub.store.tables import HubTables
from protocol import canonical
from protocol.dsse import pae, payload_type
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.governance.ceremony import TRANSCRIPT_KIND, HolderRecord, SignedTranscript
from protocol.governance.charter import Charter, DutyDesk, TokenHolder, parse_charter
from protocol.governance.directory import MOST_FOUNDING_DAYS
from protocol.governance.limits import DAY
from protocol.log.leaf import public_leaf
from protocol.log.merkle import leaf_hash
from protocol.log.note import VerifierKey
from protocol.matchkeys.tables import table_hashes
from protocol.messages.bodies import KeyBirthBody, TranscriptSignature
from protocol.signing import public_key, verify_ed25519


@dataclass(frozen=True)
class Terms:
    """How long the founders have to join, and how many days a later member waits (None: as the
    template says).
    """

    founding_days: int = MOST_FOUNDING_DAYS
    cooling_days: int | None = None


@dataclass(frozen=True)
class Founding:
    """Everything the first charter needs beside the template."""

    charter_id: str
    hub_name: str
    control_domain: str
    log_key: VerifierKey
    witnesses: Sequence[Mapping[str, str]]
    quorum: int
    holders: Sequence[HolderRecord]
    transcripts: Sequence[SignedTranscript]
    duty_desk: DutyDesk
    terms: Terms = field(default_factory=Terms)


def found(tables: HubTables, plan: Founding, signer: HubSigner) -> str:
    """Write entries 0 (charter) and 1 (key generation); the genesis fingerprint.

    Raises LocalError(CONFLICT) if the log has begun, LocalError(NOT_ALLOWED) for witnesses that are
    too few or too near, RemoteError for a transcript that lies.
    """
    if tables.log.next_index() != 0:
        raise LocalError(ErrorCode.CONFLICT, "this hub is already founded")
    transcript = _agreed_transcript(plan)
    charter = _charter(plan, transcript, public_key(signer.seed).hex(), signer.env.clock())
    check_witnesses(charter)
    check_findable(charter)
    ledger = FirstLedger(tables, signer, charter)
    tables.charters.keep(charter.document_hash, charter.encode())
    first, _ = ledger.issue(charter_body(charter), charter.charter_id)
    birth = KeyBirthBody(
        transcript=to_base64(canonical.encode(transcript)),
        signatures=[
            TranscriptSignature(holder_id=item.holder_id, sig=item.sig) for item in plan.transcripts
        ],
    )
    ledger.issue(birth, charter.charter_id)
    tables.mailboxes.begin(signer.env.new_id())
    return leaf_hash(public_leaf(first.envelope.encode())).hex()


class FirstLedger(Ledger):
    """A ledger whose charter is not in the log yet: of a new federation, or of a successor."""

    def __init__(self, tables: HubTables, signer: HubSigner, charter: Charter) -> None:
        super().__init__(tables, signer)
        self._first = charter

    @property
    def charter(self) -> Charter:
        """The charter that is about to be written."""
        return self._first


def _agreed_transcript(plan: Founding) -> Mapping[str, Any]:
    """The one transcript that every holder signed."""
    keys = {holder.holder_id: bytes.fromhex(holder.sign) for holder in plan.holders}
    if {item.holder_id for item in plan.transcripts} != keys.keys():
        raise RemoteError(ErrorCode.BAD_SHARE, "every key holder must sign the transcript, once")
    if len({item.transcript for item in plan.transcripts}) != 1:
        raise RemoteError(ErrorCode.BAD_SHARE, "the key holders signed different transcripts")
    data = from_base64(plan.transcripts[0].transcript)
    message = pae(payload_type(TRANSCRIPT_KIND), data)
    for item in plan.transcripts:
        verify_ed25519(keys[item.holder_id], message, from_base64(item.sig))
    value = canonical.parse(data, limit=64 * 1024)
    if not isinstance(value, dict) or value.get("charter_id") != plan.charter_id:
        raise RemoteError(ErrorCode.WRONG_CHARTER, "the transcript is for another charter")
    return value


def _token_holder(
    item: Mapping[str, Any], record: HolderRecord, commitments: Sequence[str]
) -> TokenHolder:
    return TokenHolder(
        holder_id=item["id"],
        index=item["index"],
        name=record.name,
        control_domain=record.control_domain,
        sign=record.sign,
        commitment=commitments[item["index"] - 1],
        url=record.url,
    )


def _admission(first: Mapping[str, int], terms: Terms, now: int) -> dict[str, int]:
    if not 0 <= terms.founding_days <= MOST_FOUNDING_DAYS:
        raise LocalError(
            ErrorCode.CONFIGURATION, f"founding days are 0 to {MOST_FOUNDING_DAYS}, no more"
        )
    admission = {**first, "founding_until": now + terms.founding_days * DAY}
    return (
        admission
        if terms.cooling_days is None
        else {**admission, "cooling_days": terms.cooling_days}
    )


def _charter(plan: Founding, transcript: Mapping[str, Any], hub_key: str, now: int) -> Charter:
    first = template()
    records = {holder.holder_id: holder for holder in plan.holders}
    try:
        holders = [
            _token_holder(item, records[item["id"]], transcript["holder_commitments"]).model_dump()
            for item in transcript["holders"]
        ]
        value = {
            **first,
            "charter_id": plan.charter_id,
            "version": 1,
            "predecessor": None,
            "hub": {
                "name": plan.hub_name,
                "control_domain": plan.control_domain,
                "sign": hub_key,
            },
            "log": {"origin": plan.log_key.name, "vkey": plan.log_key.text},
            "witnesses": list(plan.witnesses),
            "quorum": plan.quorum,
            "admission": _admission(first["admission"], plan.terms, now),
            "duty_desk": plan.duty_desk.model_dump(),
            "match_policy": pack(DEFAULT).to_json(),
            "answering": {
                **first["answering"],
                "holidays": public_holidays(first["jurisdictions"], years_from(now)),
            },
            "tables": {**table_hashes()},
            "token_key": {
                "epoch": transcript["epoch"],
                "threshold": transcript["threshold"],
                "public_key": transcript["public_key"],
                "holders": holders,
            },
        }
    except (KeyError, TypeError, IndexError, ValidationError) as error:
        raise RemoteError(ErrorCode.MALFORMED, "transcript and key holders do not match") from error
    return parse_charter(canonical.encode(value))
