"""What a person is told after a backup was put back: what was lost, and what was done since."""

from datetime import UTC, datetime
from typing import Any

from node.membership.hub import HubMembership
from node.store.resync import ResyncState
from node.store.tables import NodeTables


def resync_value(tables: NodeTables, membership: HubMembership) -> dict[str, Any] | None:
    """The last return from a backup, for scripts; None if there was none."""
    resync = tables.resyncs.get(membership.hub.hub_id)
    if resync is None:
        return None
    lost = resync.lost
    return {
        "noticed_at": resync.noticed_at,
        "cause": resync.cause.value,
        "done": resync.state is ResyncState.DONE,
        "withdrawn": list(lost.withdrawn),
        "shortened": list(lost.shortened),
        "unknown_clients": lost.unknown_clients,
        "cards": lost.cards,
        "recalled": lost.recalled,
        "asked": lost.asked,
        "unreadable": [
            {"request_id": request_id, "agency": _name(membership, asker)}
            for request_id, asker in lost.unreadable
        ],
        "ours": [
            {**vars(entry), "when": datetime.fromtimestamp(entry.at, UTC).isoformat()}
            for entry in lost.ours
        ],
    }


def _name(membership: HubMembership, party_id: str) -> str:
    member = membership.directory.member(party_id)
    return member.body.name if member else party_id
