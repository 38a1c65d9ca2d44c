"""The record of a DKG that all key holders sign and the log keeps: specs/03-tokens.md §6.

The value goes into canonical JSON. Reading one re-does the public arithmetic, so a transcript
that parses says the truth about the public key and every commitment. Not trusted with: who the
key holders are; their signatures are the caller's to verify.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from keys.dkg import MAX_EPOCH, Ceremony, Deal, GroupKey, group_key
from keys.dleq import parse_proof
from keys.group import Group
from keys.threshold import MAX_HOLDERS
from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, refused_shape


def _matches(pattern: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError("not of the stated form")
        return text

    return check


Index = Annotated[int, Field(ge=1, le=MAX_HOLDERS)]
CharterId = Annotated[str, AfterValidator(_matches("[0-9a-f]{32}"))]
HolderId = Annotated[str, AfterValidator(_matches("[a-z0-9][a-z0-9._-]{0,63}"))]
Element = Annotated[str, AfterValidator(_matches("[0-9a-f]{64}"))]
Elements = Annotated[list[Element], Field(min_length=1, max_length=MAX_HOLDERS)]
ProofHex = Annotated[str, AfterValidator(_matches("[0-9a-f]{128}"))]


class DealRecord(WireModel):
    """A deal on the wire."""

    index: Index
    commitments: Elements
    proof: ProofHex


class HolderRecord(DealRecord):
    """A deal in the transcript: the same, and who the key holder is."""

    id: HolderId


class TranscriptRecord(WireModel):
    """A transcript on the wire."""

    charter_id: CharterId
    epoch: Annotated[int, Field(ge=0, le=MAX_EPOCH)]
    threshold: Index
    holders: Annotated[list[HolderRecord], Field(min_length=1, max_length=MAX_HOLDERS)]
    public_key: Element
    holder_commitments: Elements


@dataclass(frozen=True, slots=True)
class Transcript:
    """A distributed key generation: its terms, who dealt what, and the public result."""

    ceremony: Ceremony
    holder_ids: tuple[str, ...]
    deals: tuple[Deal, ...]
    key: GroupKey


def make_transcript(
    group: Group, ceremony: Ceremony, holder_ids: Sequence[str], deals: Sequence[Deal]
) -> Transcript:
    """Record a DKG: `holder_ids` in the order of the key holders' numbers, deals in any order."""
    if len(set(holder_ids)) != ceremony.holders or len(holder_ids) != ceremony.holders:
        raise LocalError(ErrorCode.MALFORMED, "each key holder needs one id of its own")
    key = group_key(group, ceremony, deals)
    in_order = sorted(deals, key=lambda dealt: dealt.index)
    return Transcript(ceremony, tuple(holder_ids), tuple(in_order), key)


def deal_value(dealt: Deal) -> dict[str, JsonValue]:
    """A deal as a JSON value: index, commitments, proof."""
    return {
        "index": dealt.index,
        "commitments": [commitment.hex() for commitment in dealt.commitments],
        "proof": dealt.proof.to_bytes().hex(),
    }


def parse_deal(value: JsonValue) -> Deal:
    """Read a deal. Raises RemoteError only. Its arithmetic is `verify_deal`'s to check."""
    return _deal(_validate(DealRecord, value))


def transcript_value(transcript: Transcript) -> dict[str, JsonValue]:
    """A transcript as the JSON value that every key holder signs."""
    ceremony, key = transcript.ceremony, transcript.key
    named = zip(transcript.holder_ids, transcript.deals, strict=True)
    return {
        "charter_id": ceremony.charter_id,
        "epoch": ceremony.epoch,
        "threshold": ceremony.threshold,
        "holders": [deal_value(dealt) | {"id": holder_id} for holder_id, dealt in named],
        "public_key": key.public_key.hex(),
        "holder_commitments": [commitment.hex() for commitment in key.commitments],
    }


def parse_transcript(group: Group, value: JsonValue) -> Transcript:
    """Read a transcript and check all its public arithmetic. Raises RemoteError only."""
    record = _validate(TranscriptRecord, value)
    deals = [_deal(holder) for holder in record.holders]
    if [dealt.index for dealt in deals] != list(range(1, len(deals) + 1)):
        raise RemoteError(ErrorCode.MALFORMED, "key holders are not numbered 1, 2, 3 ... in order")
    try:
        ceremony = Ceremony(record.charter_id, record.epoch, len(deals), record.threshold)
        transcript = make_transcript(group, ceremony, [each.id for each in record.holders], deals)
    except LocalError as error:
        raise RemoteError(error.code, error.detail) from error
    claimed = (record.public_key, record.holder_commitments)
    key = transcript.key
    if claimed != (key.public_key.hex(), [commitment.hex() for commitment in key.commitments]):
        raise RemoteError(ErrorCode.BAD_SHARE, "the public key is not the sum of the deals")
    return transcript


_Record = TypeVar("_Record", bound=WireModel)


def _validate(model: type[_Record], value: JsonValue) -> _Record:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise refused_shape(error, "key ceremony") from None


def _deal(record: DealRecord) -> Deal:
    commitments = tuple(bytes.fromhex(commitment) for commitment in record.commitments)
    return Deal(record.index, commitments, parse_proof(bytes.fromhex(record.proof)))
