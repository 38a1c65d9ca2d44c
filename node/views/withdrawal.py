"""What goes, and what stays, if a client takes back what lets others know of them.

Made before anything is done. Shows client data to the agency's own people on their own screen;
nothing here is logged.
"""

from collections.abc import Iterable

from node.membership.hub import HubMembership
from node.records import by_hand
from node.store.requests import ReceivedRequest, ReceivedState
from node.store.tables import NodeTables

WAITING = frozenset(
    {ReceivedState.ARRIVED, ReceivedState.ASKS_PERSON, ReceivedState.DECIDING,
     ReceivedState.ALLOWED}
)  # fmt: skip
Withdrawal = dict[str, list[str]]


def withdrawal_value(
    tables: NodeTables, membership: HubMembership, local_id: str, number: int | None
) -> Withdrawal:
    """Of all work, or of one piece by its number, at one hub. Titles of work: `goes`, what others
    learn no more; `stays`, other work with a permission of its own; `by_law`, what they can find
    whatever is withdrawn. Names of agencies: `waiting`, whose requests are refused; `cards`, whose
    cards are called back; `kept`, whose cards stay until a person decides. Raises LocalError.
    """
    at = membership.at()
    there = by_hand.works(tables, local_id, None)
    ids = {item.id for item in by_hand.works(tables, local_id, number)}
    findable, types = tables.findable.of(at.hub_id), membership.agreement.types
    in_force = tables.records.in_force(there[0].client, at) if there else []
    titles = {
        item.id: item.label or (types[item.type].title if item.type in types else item.type)
        for item in in_force
    }
    by_law = {item.id for item in in_force if item.type in findable}
    asked = [one for one in tables.received_requests.of_works(ids) if one.hub_id == at.hub_id]
    out = [one for one in asked if one.is_out and (one.keep_until or at.now + 1) > at.now]
    kept = [one for one in out if not _on_consent(membership, one)]
    return {
        "goes": [titles[one] for one in titles if one in ids - by_law],
        "stays": [titles[one] for one in titles if one not in ids | by_law],
        "by_law": [titles[one] for one in titles if one in by_law],
        "waiting": _agencies(membership, (one for one in asked if one.state in WAITING)),
        "cards": _agencies(membership, (one for one in out if one not in kept)),
        "kept": _agencies(membership, kept),
    }


def _on_consent(membership: HubMembership, request: ReceivedRequest) -> bool:
    """Whether its card goes by itself then: see `needs_a_person` of node/requests/keeping.py."""
    basis = membership.charter.lawful_basis(request.basis)
    return basis is None or basis.permission_class == "consent"


def _agencies(membership: HubMembership, asked: Iterable[ReceivedRequest]) -> list[str]:
    members = (membership.directory.member(one.requester) for one in asked)
    return sorted({member.body.name for member in members if member is not None})
