"""Sealed parts: what one agency seals for another, and opens of another's.

specs/06-requests.md §4. The other side's keys come from the log, never from a message; the sender's
signature over the part's hash is checked before anything is opened.
"""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from node.membership.hub import HubMembership
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.messages.statement import Statement
from protocol.requests.sealing import SealBinding, sealed_hash
from protocol.wire import encode_wire, parse_wire
from transport.seal import seal, unseal

Plain = TypeVar("Plain", bound=WireModel)


@dataclass(frozen=True)
class Recipient:
    """For whom a part is sealed: the kind of the statement beside it, the agency, the request."""

    kind: str
    party_id: str
    request_id: str


@dataclass(frozen=True)
class SealedPart:
    """A part as it travels, its hash as the statement names it, and the key it is sealed to."""

    data: bytes
    hash: str
    seal_key: str


def seal_for(membership: HubMembership, recipient: Recipient, plain: WireModel) -> SealedPart:
    """Seal a part to an agency's key in the log.

    Raises RemoteError for an agency that left or whose key has expired, LocalError before we are a
    member.
    """
    seal_key = membership.recipient(recipient.party_id).seal
    binding = SealBinding(
        kind=recipient.kind,
        charter_id=membership.hub.hub_id,
        sender=membership.hub.party_id,
        recipient=recipient.party_id,
        sign_key=membership.me().body.keys.sign,
        request_id=recipient.request_id,
        seal_key=seal_key,
    )
    data = seal(binding, encode_wire(plain))
    return SealedPart(data, sealed_hash(data), seal_key)


def named_part(sealed: str, named: str) -> bytes:
    """The sealed part of a delivery, if its hash is the one that the statement names.

    Raises RemoteError(NOT_OPENED).
    """
    data = from_base64(sealed)
    if sealed_hash(data) != named:
        raise RemoteError(ErrorCode.NOT_OPENED, "the sealed part is not the one that is named")
    return data


def open_part(
    membership: HubMembership,
    statement: Statement[Any],
    request_id: str,
    data: bytes,
    model: type[Plain],
) -> Plain:
    """Open what was sealed to us beside a statement, before our key was renewed or since.

    Raises RemoteError(NOT_OPENED).
    """
    preamble, held = statement.preamble, membership.keys.seals()
    named = getattr(statement.body, "seal_key", None)
    if named is not None and named not in held:
        raise RemoteError(ErrorCode.NOT_OPENED, "sealed to a key that is not ours")
    binding = SealBinding(
        kind=preamble.kind,
        charter_id=membership.hub.hub_id,
        sender=preamble.sender,
        recipient=membership.hub.party_id,
        sign_key=membership.directory.key_for(preamble.sender, preamble.kind).hex(),
        request_id=request_id,
        seal_key="",
    )
    for seal_key in held if named is None else [named]:
        try:
            plain = unseal(replace(binding, seal_key=seal_key), held[seal_key].value, data)
        except RemoteError as error:
            refusal = error
        else:
            return parse_wire(model, plain)
    raise refusal
