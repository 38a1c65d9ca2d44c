"""What travels around statements over HTTP: specs/07-transport.md §3.

These wrappers carry no authority: every claim in them is checked against a signed statement or a
cosigned checkpoint.
"""

from typing import Annotated, TypeVar

from pydantic import Field, ValidationError

from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import (
    Base64,
    Count,
    Hex16,
    Hex32,
    Name,
    WireModel,
    from_base64,
    refused_shape,
)

MESSAGE_LIMIT = 72 * 1024
MOST_QUOTES = 64
ANSWER_LIMIT = 8 * 1024 * 1024

Wire = TypeVar("Wire", bound=WireModel)


class Message(WireModel):
    """A statement on its way in: envelope, the sealed part that it names, a log proof."""

    envelope: Base64
    sealed: Base64 | None
    proof: Base64 | None


class Submitted(WireModel):
    """The hub's answer: its signed `accepted`, the leaf's salt, its decision if it made one."""

    accepted: Base64
    salt: Hex32 | None
    decision: Base64 | None


class UploadState(WireModel):
    """What a publication still lacks; `submitted` once it is applied, whole."""

    missing: Annotated[list[Hex32], Field(max_length=128)]
    submitted: Submitted | None


class Delivery(WireModel):
    """One message in a mailbox: where it stands in the log, and its parts."""

    seq: Count
    index: Count | None
    salt: Hex32 | None
    envelope: Base64
    sealed: Base64 | None
    proof: Base64 | None


class Mailbag(WireModel):
    """The answer to a poll: the mailbox's generation and what comes after the cursor."""

    generation: Hex16
    deliveries: Annotated[list[Delivery], Field(max_length=100)]


class ExportRecord(WireModel):
    """One log entry's payload for an auditor; `evidence` records of raw bytes follow it.

    Evidence is what a statement commits to by hash: chunks of rows, items of a round. Behind a
    member's own question it is what the hub tells it of its links, signed.
    """

    index: Count
    salt: Hex32
    envelope: Base64
    evidence: Annotated[int, Field(ge=0, le=65_536)]


class Invitation(WireModel):
    """What the operator hands to a new member, once: where, what log, and a one-time code."""

    hub: Annotated[str, Field(max_length=300)]
    hub_name: Name
    genesis: Hex32
    code: Hex32


def read_invitation(text: str) -> Invitation:
    """The invitation as the operator handed it over. Raises RemoteError(INVITATION)."""
    try:
        return parse_wire(Invitation, from_base64("".join(text.split())))
    except (ValueError, RemoteError) as error:
        raise RemoteError(ErrorCode.INVITATION, "this is not an invitation; copy all of it") from (
            error
        )


def encode_wire(value: WireModel) -> bytes:
    """Canonical bytes of a wrapper."""
    return canonical.encode(value.model_dump(mode="json"))


def parse_message(data: bytes) -> Message:
    """Parse what a member posts. Raises RemoteError and nothing else.

    It holds strings and nulls alone, so nobody who has signed nothing has long lists read.
    """
    if b"[" in data or data.count(b"{") > 1 or data.count(b'"') > MOST_QUOTES:
        raise RemoteError(ErrorCode.MALFORMED, "a message is an object of strings")
    return parse_wire(Message, data)


def parse_wire(model: type[Wire], data: bytes, *, limit: int = MESSAGE_LIMIT) -> Wire:
    """Parse a wrapper. Raises RemoteError and nothing else."""
    value = canonical.parse(data, limit=limit)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise refused_shape(error, model.__name__) from None
