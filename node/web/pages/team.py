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

UNPUBLISHED = {
    "no_permission": "team.unpublished.no_permission",
    "not_in_charter": "team.unpublished.not_in_charter",
    "held": "team.unpublished.held",
    "withheld": "team.unpublished.withheld",
    "too_little": "team.unpublished.too_little",
    "not_yet": "team.unpublished.not_yet",
}
CHANGES = {
    "found_by": "team.change.found_by",
    "joined": "team.change.joined",
    "left": "team.change.left",
    "attention": "team.change.attention",
    "recalled": "team.change.recalled",
}


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
            "hubs": [_with_words(hub) for hub in hubs],
            "changes": [{**one, "key": _change_key(one)} for one in changes],
        },
    )


def _with_words(hub: dict[str, Any]) -> dict[str, Any]:
    """With the key of why nobody finds the client, if so; and each agency once, to call."""
    freshness = {one["agency"]: one for one in hub["publishers"]}
    ring = [{**line, "fresh": freshness.get(line["agency"])} for line in hub["ring"]]
    why = hub["unpublished"]
    return {**hub, "why": UNPUBLISHED[why] if why else None, "ring": ring}


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


def _change_key(change: dict[str, Any]) -> str:
    nameless = change["kind"] == "left" and change["agency"] is None
    return "team.change.left_unnamed" if nameless else CHANGES[change["kind"]]


async def _mark_seen(visit: NodeVisit, numbers: list[int]) -> None:
    now = visit.here.now

    def work(tables: NodeTables) -> None:
        tables.news.mark_seen(numbers, now)

    await visit.here.engine.write(work)


PAGES = [NodePage("/clients/{client}", STAFF, show)]
