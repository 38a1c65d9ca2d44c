"""What an agency's lead for information governance must know: specs/06-requests.md §7 and §8.

Cards about the wrong person, and cards that left or came before witnesses had signed. Read from
where they are written down; the lead marks them as seen.
"""

from typing import Any

from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from storage.engine import Row

_TABLES = ("governance_notice", "unwitnessed_card")
_WORKER = (
    "SELECT c.*, p.name AS worker FROM unwitnessed_card c "
    "LEFT JOIN practitioner p ON p.id = c.practitioner WHERE c.hub_id = ?"
)


def governance_value(tables: NodeTables, membership: HubMembership) -> list[dict[str, Any]]:
    """Everything, newest first, for scripts."""
    hub_id = membership.hub.hub_id
    recalls = tables.tx.rows("SELECT * FROM governance_notice WHERE hub_id = ?", hub_id)
    cards = tables.tx.rows(_WORKER, hub_id)
    found = [_recall(membership, row) for row in recalls]
    found += [_card(membership, row) for row in cards]
    return sorted(found, key=lambda item: (-item["told_at"], item["request_id"], item["what"]))


def mark_seen(tables: NodeTables, membership: HubMembership) -> int:
    """The lead has seen what there is; how many were new."""
    now, hub_id = membership.env.clock(), membership.hub.hub_id
    return sum(
        tables.tx.run(
            f"UPDATE {name} SET seen_at = ? WHERE hub_id = ? AND seen_at IS NULL",  # noqa: S608 - our own names
            now, hub_id,
        )
        for name in _TABLES
    )  # fmt: skip


def _common(membership: HubMembership, row: Row, what: str) -> dict[str, Any]:
    member = membership.directory.member(row["other"])
    return {
        "what": what,
        "request_id": row["request_id"],
        "we_asked": bool(row["we_asked"]),
        "agency": member.body.name if member else "an organisation that has left",
        "told_at": row["told_at"],
        "seen": row["seen_at"] is not None,
    }


def _recall(membership: HubMembership, row: Row) -> dict[str, Any]:
    return {
        **_common(membership, row, "wrong_person"),
        "said_by_us": row["said_by"] == membership.hub.party_id,
        "recalled_at": row["recalled_at"],
    }


def _card(membership: HubMembership, row: Row) -> dict[str, Any]:
    return {**_common(membership, row, "unwitnessed"), "practitioner": row["worker"]}
