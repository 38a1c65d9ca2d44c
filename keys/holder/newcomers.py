"""Whom a key holder serves yet: who came late waits, and must have been answered for. Pure.

The hub states when somebody joined, and could state a time long past. So a key holder goes by when
it saw them first.
"""

from datetime import UTC, datetime

from protocol.errors import ErrorCode, RemoteError
from protocol.governance.admission import Came, joined_at, served_from
from protocol.governance.directory import Directory
from protocol.governance.follow import LogView, verify_note_by_charter


def newcomers_in(old: LogView, new: LogView) -> dict[str, int]:
    """The members that are new in a view, and when they came (Unix seconds).

    That is the time of the checkpoint that shows them. Who begins to follow has seen nobody come,
    and goes by what the hub says of each.
    """
    came = new.directory.members.keys() - old.directory.members.keys()
    if not came:
        return {}
    seen_at = verify_note_by_charter(new.note, new.directory.charter).seen_at
    return {
        party_id: seen_at if old.size else joined_at(new.directory, party_id) for party_id in came
    }


def settled_in(old: LogView, new: LogView, came: Came, now: int) -> list[str]:
    """Whom a successor names again and we served already: they have not joined late.

    Their endorsements stand in the lost log. Who was still waiting is answered for once more.
    """
    if not old.size or old.genesis == new.genesis:
        return []
    before = old.directory
    known = before.members.keys() & new.directory.members.keys()
    since = {party_id: served_from(before, party_id, came) for party_id in known}
    return [party_id for party_id, time in since.items() if time is not None and time <= now]


def check_served(directory: Directory, party_id: str, came: Came, now: int) -> None:
    """Refuse a member that is not served yet. Raises RemoteError: NOT_ALLOWED, NOT_READY."""
    since = served_from(directory, party_id, came)
    if since is None:
        raise RemoteError(
            ErrorCode.NOT_ALLOWED,
            "this member joined late, or is large, and no member of another organisation has "
            "answered for it (patchwork-node endorse)",
        )
    if now < since:
        day = datetime.fromtimestamp(since, UTC)
        raise RemoteError(
            ErrorCode.NOT_READY,
            f"key holders serve a late member from {day:%H:%M} UTC on {day.day} {day:%B %Y}",
        )
