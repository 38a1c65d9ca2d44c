"""What changes of a member without its recovery key: specs/02-charter.md §9. Pure.

A seal key that comes to its end, a telephone, a name. Its `auth` and `sign` keys, and so who it
is, stay out of reach of all of it.
"""

from collections.abc import Iterable

from protocol.errors import ErrorCode, RemoteError
from protocol.governance.rotation import check_key_record
from protocol.messages.bodies import MemberBody
from protocol.messages.key_record import KeyRecord
from protocol.messages.members import DetailsBody, SealRenewalBody


def new_keys(before: KeyRecord, after: KeyRecord) -> bool:
    """Whether it takes a person to change from one to the other: more than the seal key differs."""
    seal = {"seal": "", "seal_expires": 0}
    return before.model_copy(update=seal) != after.model_copy(update=seal)


def renewed(member: MemberBody, renewal: SealRenewalBody, iat: int) -> MemberBody:
    """The member with the seal key of a renewal. Raises RemoteError."""
    held = member.keys
    if renewal.replaces != held.seal:
        raise RemoteError(ErrorCode.CONFLICT, "replaces is not the seal key in force")
    if renewal.seal == held.seal:
        raise RemoteError(ErrorCode.WEAK_KEY, "the new seal key is the old one")
    changed = {"seal": renewal.seal, "seal_expires": renewal.seal_expires}
    keys = held.model_copy(update=changed)
    check_key_record(keys, iat)
    return member.model_copy(update={"keys": keys})


def amended(
    member: MemberBody, details: DetailsBody, last: int, others: Iterable[MemberBody]
) -> MemberBody:
    """The member with other details; `last` is the sequence of the ones before them.

    Raises RemoteError(CONFLICT): repeated, nothing new, or another member's name.
    """
    if details.sequence <= last:
        raise RemoteError(ErrorCode.CONFLICT, f"sequence is not above {last}")
    said = details.model_dump(exclude={"sequence"}, exclude_none=True)
    changed = {name: value for name, value in said.items() if getattr(member, name) != value}
    if not changed:
        raise RemoteError(ErrorCode.CONFLICT, "this changes nothing")
    if "name" in changed:
        check_name(member, changed["name"], others)
    return member.model_copy(update=changed)


def check_name(member: MemberBody, name: str, others: Iterable[MemberBody]) -> None:
    """Refuse a new name that another member has, or that is none. Raises RemoteError(CONFLICT)."""
    check_free(member.party_id, name, others)
    if name == member.name:
        raise RemoteError(ErrorCode.CONFLICT, "this changes nothing")


def check_free(party_id: str, name: str, others: Iterable[MemberBody]) -> None:
    """Refuse a name that another member has: people would take one for the other.

    Raises RemoteError(CONFLICT).
    """
    taken = {
        other.name for other in others if other.party_id != party_id and other.status != "revoked"
    }
    if name in taken:
        raise RemoteError(ErrorCode.CONFLICT, "another member has that name")
