"""The page of a client: who else works with them, and whom to call."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from node.membership.hub import HubMembership
from node.records.accounts import STAFF
from node.store.tables import NodeTables
from node.views.around import around_value
from node.views.clients import client_value
from node.web.pages.desk import NodePage, NodeVisit
from web.site import Answer, Shown


async def show(visit: NodeVisit) -> Answer:
    """Show the team around a client, at each hub; what is new is seen with that."""
    here = visit.here
    client = await here.client(visit.number("client"))
    view = partial(around_value, client=client, person=here.person.id)
    hubs = [await service.read(view) for service in here.services]
    own = await here.read(lambda tables: client_value(tables, client.local_id, here.now))
    titles = [await service.read(_titles) for service in here.services]
    changes = [change for hub in hubs for change in hub["changes"]]
    if changes:
        await _mark_seen(visit, [change["number"] for change in changes])
    return Shown(
        "team/client.html",
        {
            "row": client.id,
            "client": _titled(own, titles),
            "hubs": [_with_ring(hub) for hub in hubs],
            "changes": changes,
        },
    )


def _with_ring(hub: dict[str, Any]) -> dict[str, Any]:
    """With how fresh its records are beside each agency's duty line."""
    freshness = {one["agency"]: one for one in hub["publishers"]}
    ring = [{**line, "fresh": freshness.get(line["agency"])} for line in hub["ring"]]
    return {**hub, "ring": ring}


def _titles(_tables: NodeTables, membership: HubMembership) -> dict[str, str]:
    return {own: kind.title for own, kind in membership.agreement.types.items()}


def _titled(client: dict[str, Any], titles: Sequence[dict[str, str]]) -> dict[str, Any]:
    """With each piece of work under its title."""
    known = {code: title for each in reversed(titles) for code, title in each.items()}
    works = [
        {**work, "title": work["label"] or known.get(work["type"], work["type"])}
        for work in client["work"]
    ]
    return {**client, "work": works}


async def _mark_seen(visit: NodeVisit, numbers: list[int]) -> None:
    now = visit.here.now

    def work(tables: NodeTables) -> None:
        tables.news.mark_seen(numbers, now)

    await visit.here.engine.write(work)


PAGES = [NodePage("/clients/{client}", STAFF, show)]
