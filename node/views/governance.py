"""What an agency's lead for information governance must know: specs/06-requests.md §7 and §8.

Cards about the wrong person, cards that left or came before witnesses had signed, cards to decide
about after a withdrawal, whose questions
are held (specs/04-matching.md §7.6), and who had us named and sent nothing to compare (§6). Read
from where they are written down.
"""

from typing import Any

from node.alarms import FOR_THE_LEAD
from node.membership.hub import HubMembership
from node.requests.keeping import to_decide
from node.store.alarms import AlarmRow
from node.store.cards import CardOut
from node.store.governance import RecallNotice, UnwitnessedCard
from node.store.tables import NodeTables


def governance_value(tables: NodeTables, membership: HubMembership) -> list[dict[str, Any]]:
    """Everything, newest first, for scripts."""
    hub_id = membership.hub.hub_id
    found = [_recall(membership, notice) for notice in tables.governance.recalls(hub_id)]
    found += [_card(membership, card) for card in tables.governance.cards(hub_id)]
    found += [_card_out(membership, card) for card in to_decide(tables, membership)]
    found += [
        _alarm(membership, row) for row in tables.alarms.open(hub_id) if row.code in FOR_THE_LEAD
    ]
    return sorted(found, key=lambda item: (-item["told_at"], item["request_id"], item["what"]))


def _alarm(membership: HubMembership, row: AlarmRow) -> dict[str, Any]:
    return {
        "what": row.code,
        "request_id": "",
        "agency": _name(membership, row.place),
        "told_at": row.first_seen,
        "seen": row.acknowledged,
    }


def _name(membership: HubMembership, party_id: str) -> str:
    member = membership.directory.member(party_id)
    return member.body.name if member else "an organisation that has left"


def _common(
    membership: HubMembership, item: RecallNotice | UnwitnessedCard, what: str
) -> dict[str, Any]:
    return {
        "what": what,
        "request_id": item.request_id,
        "we_asked": item.we_asked,
        "agency": _name(membership, item.other),
        "told_at": item.told_at,
        "seen": item.seen_at is not None,
    }


def _recall(membership: HubMembership, notice: RecallNotice) -> dict[str, Any]:
    return {
        **_common(membership, notice, "wrong_person"),
        "said_by_us": notice.said_by == membership.hub.party_id,
        "recalled_at": notice.recalled_at,
    }


def _card_out(membership: HubMembership, card: CardOut) -> dict[str, Any]:
    request = card.request
    return {
        "what": "card_after_withdrawal",
        "request_id": request.request_id,
        "we_asked": False,
        "agency": _name(membership, request.requester),
        "told_at": card.withdrawn_at,
        "seen": False,
    }


def _card(membership: HubMembership, card: UnwitnessedCard) -> dict[str, Any]:
    return {**_common(membership, card, "unwitnessed"), "practitioner": card.worker}
