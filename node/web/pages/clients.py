"""My clients: the list where a practitioner's work begins."""

from typing import Any

from node.records.accounts import STAFF
from node.store.tables import NodeTables
from node.views.clients import my_clients
from node.web.pages.desk import NodePage, NodeVisit
from web.site import Answer, Shown


async def show_mine(visit: NodeVisit) -> Answer:
    """Show the clients whom somebody works with."""
    person, now = visit.here.person.id, visit.here.now

    def view(tables: NodeTables) -> list[dict[str, Any]]:
        lines = my_clients(tables, person, 1, now).lines
        return [
            {"row": line.client.id, "client": line.client.local_id, **vars(line.client.record)}
            for line in lines
        ]

    return Shown("clients/mine.html", {"clients": await visit.here.read(view)})


PAGES = [NodePage("/clients", STAFF, show_mine, nav="clients.mine.nav")]
