"""What is new of somebody's clients and requests, since they looked last."""

from typing import Any

from node.actions.news import mark_news_seen, read_news
from node.records.accounts import STAFF
from node.store.tables import NodeTables
from node.web.pages.desk import NodePage, NodeVisit
from web.site import Answer, Go, Shown

NAMED = 5
"""So many clients of one line are named with a link; the others are in the list of clients."""


async def show(visit: NodeVisit) -> Answer:
    """Show what somebody has not seen."""
    return await _page(visit, everything=False)


async def show_all(visit: NodeVisit) -> Answer:
    """Show what they have seen, too."""
    return await _page(visit, everything=True)


async def seen(visit: NodeVisit) -> Answer:
    """All of it was seen: not what came while somebody read."""
    numbers = visit.form.numbers("line")
    service, person = visit.here.hubs.any(), visit.here.person.id
    lines = await read_news(service, person)
    await mark_news_seen(service, [one for one in lines if numbers & set(one["numbers"])])
    return Go("/news")


async def _page(visit: NodeVisit, *, everything: bool) -> Answer:
    service = visit.here.hubs.any()
    lines = await read_news(service, visit.here.person.id, everything=everything)
    named = {one for line in lines for one in line["clients"][:NAMED]}

    def look(tables: NodeTables) -> dict[str, Any]:
        return {one: client for one in named if (client := tables.records.client(one))}

    values = {
        "lines": lines,
        "clients": await visit.here.read(look),
        "everything": everything,
        "several": len(visit.here.services) > 1,
        "named": NAMED,
    }
    return Shown("news/list.html", values)


PAGES = [
    NodePage("/news", STAFF, show, seen, nav="news.list.nav"),
    NodePage("/news/all", STAFF, show_all),
]
