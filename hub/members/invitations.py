"""Invitations as the operator has them: made, listed, taken back.

The hub keeps the hash of a code alone. An invitation goes by the first eight signs of that hash:
who knows them cannot join.
"""

from dataclasses import dataclass
from enum import StrEnum

from hub.members.enrolment import code_hash
from hub.members.office import candidates
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, LocalError
from protocol.wire import Invitation

REFERENCE_SIGNS = 8


class InvitationState(StrEnum):
    """What became of an invitation."""

    WAITING = "waiting"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Invited:
    """One invitation: until when it can be used (Unix seconds), and by whom it was."""

    reference: str
    state: InvitationState
    expires: int
    used_by: str


def reference_of(invitation: Invitation) -> str:
    """What an invitation goes by."""
    return code_hash(invitation.code)[:REFERENCE_SIGNS]


def invited(tables: HubTables, now: int) -> list[Invited]:
    """All invitations, the first to expire first."""
    names = {item.party_id: item.name for item in candidates(tables)}
    found = []
    for item in tables.members.invitations():
        state = InvitationState.WAITING if item.expires > now else InvitationState.EXPIRED
        if item.used_by is not None:
            state = InvitationState.USED
        who = names.get(item.used_by or "", item.used_by or "")
        found.append(Invited(item.code_hash[:REFERENCE_SIGNS], state, item.expires, who))
    return found


def cancel_invitation(tables: HubTables, reference: str) -> None:
    """Take back an invitation that nobody has used. Raises LocalError(NOT_FOUND)."""
    open_ones = [item for item in tables.members.invitations() if item.used_by is None]
    found = [item for item in open_ones if item.code_hash[:REFERENCE_SIGNS] == reference.strip()]
    if not found:
        raise LocalError(
            ErrorCode.NOT_FOUND,
            "no unused invitation goes by that reference: see patchwork-hub invite --list",
        )
    for item in found:
        tables.members.cancel_invitation(item.code_hash)
