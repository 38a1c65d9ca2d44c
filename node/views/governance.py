"""What an agency's lead for information governance must know: specs/06-requests.md §7 and §8.

Cards about the wrong person, and cards that left or came before witnesses had signed. Read from
where they are written down.
"""

from typing import Any

from node.membership.hub import HubMembership
from node.store.governance import RecallNotice, UnwitnessedCard
from node.store.tables import NodeTables


def governance_value(tables: NodeTables, membership: HubMembership) -> list[dict[str, Any]]:
    """Everything, newest first, for scripts."""
    hub_id = membership.hub.hub_id
    found = [_recall(membership, notice) for notice in tables.governance.recalls(hub_id)]
    found += [_card(membership, card) for card in tables.governance.cards(hub_id)]
    return sorted(found, key=lambda item: (-item["told_at"], item["request_id"], item["what"]))


def _common(
    membership: HubMembership, item: RecallNotice | UnwitnessedCard, what: str
) -> dict[str, Any]:
    member = membership.directory.member(item.other)
    return {
        "what": what,
        "request_id": item.request_id,
        "we_asked": item.we_asked,
        "agency": member.body.name if member else "an organisation that has left",
        "told_at": item.told_at,
        "seen": item.seen_at is not None,
    }


def _recall(membership: HubMembership, notice: RecallNotice) -> dict[str, Any]:
    return {
        **_common(membership, notice, "wrong_person"),
        "said_by_us": notice.said_by == membership.hub.party_id,
        "recalled_at": notice.recalled_at,
    }


def _card(membership: HubMembership, card: UnwitnessedCard) -> dict[str, Any]:
    return {**_common(membership, card, "unwitnessed"), "practitioner": card.worker}
