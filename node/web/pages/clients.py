"""My clients: the list where a practitioner's work begins."""

from typing import Any

from node.records.accounts import STAFF
from node.store.tables import NodeTables
from node.views.clients import clients_value
from node.web.pages.desk import NodePage, NodeVisit
from web.site import Answer, Shown


async def show_mine(visit: NodeVisit) -> Answer:
    """Show the clients whom somebody works with."""
    person, now = visit.here.person.id, visit.here.now

    def view(tables: NodeTables) -> list[dict[str, Any]]:
        rows = tables.records.clients_by_row(tables.people.works_with(person, now))
        values = clients_value(tables, rows, now)
        return [{"row": row.id, **value} for row, value in zip(rows, values, strict=True)]

    return Shown("clients/mine.html", {"clients": await visit.here.read(view)})


PAGES = [NodePage("/clients", STAFF, show_mine, nav="clients.mine.nav")]
