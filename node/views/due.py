"""Consents that somebody has to look at: that end soon, or ended while the work goes on.

Shows client data to the agency's own people on their own screen; nothing here is logged.
"""

from typing import Any

from node.membership.hub import HubMembership
from node.records import caseload
from node.store.people import Person
from node.store.records import Client, Involvement
from node.store.tables import NodeTables
from node.views.consents import day_before
from protocol.governance.retention import DAY

LATE_DAYS = 90
"""So long a consent that ended is shown, while the work goes on and nobody has said anything."""


def due_consents(
    tables: NodeTables, membership: HubMembership, person: Person, days: int
) -> list[dict[str, Any]]:
    """Consents to work of somebody's and their teams' clients that end within so many days, or
    ended lately; what ends first is first.
    """
    now = membership.env.clock()
    own = caseload.of_theirs(tables, person)
    ends = tables.search.ending(own, now - LATE_DAYS * DAY, now + days * DAY, now)
    works = [
        item
        for item in tables.records.by_row(ends).values()
        if ends[item.id][1] or _is_consent(membership, item)
    ]
    clients = tables.records.clients_by_row({item.client for item in works})
    known = {client.id: client for client in clients}
    found = [_line(membership, item, known[item.client], ends[item.id][0], now) for item in works]
    return sorted(found, key=lambda line: (line["until"], line["row"], line["title"]))


def _is_consent(membership: HubMembership, item: Involvement) -> bool:
    basis = membership.agreement.basis(item.permission_basis)
    return basis is not None and basis.permission_class == "consent"


def _line(
    membership: HubMembership, item: Involvement, client: Client, ends: int, now: int
) -> dict[str, Any]:
    kind = membership.agreement.types.get(item.type)
    return {
        "row": client.id,
        "given": client.record.given,
        "family": client.record.family,
        "work": item.id,
        "title": item.label or (kind.title if kind else item.type),
        "until": day_before(ends),
        "is_over": ends <= now,
    }
