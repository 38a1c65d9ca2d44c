"""The page of a client: who else works with them, and whom to call."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from node.membership.hub import HubMembership
from node.records.accounts import STAFF
from node.store.tables import NodeTables
from node.views.around import around_value, relatives_value
from node.views.clients import client_value
from node.web.pages.clients import is_mine, titles_of
from node.web.pages.desk import NodePage, NodeVisit
from node.web.pages.team_picture import Box, Kind, team_picture
from web.look import day_text
from web.pictures import Caption
from web.site import Answer, Shown


async def show(visit: NodeVisit) -> Answer:
    """Show the team around a client, at each hub; what is new is seen with that."""
    here = visit.here
    client = await here.client(visit.number("client"))

    def look(tables: NodeTables, membership: HubMembership) -> tuple[Any, Any, Any]:
        return (
            around_value(tables, membership, client, here.person.id),
            relatives_value(tables, membership, client),
            titles_of(membership),
        )

    found = [await service.read(look) for service in here.services]
    hubs, family, titles = ([one[part] for one in found] for part in range(3))
    value = await here.read(lambda tables: client_value(tables, client.local_id, here.now))
    own = _titled(value, titles)
    changes = [change for hub in hubs for change in hub["changes"]]
    if changes:
        await _mark_seen(visit, [change["number"] for change in changes])
    return Shown(
        "team/client.html",
        {
            "row": client.id,
            "client": own,
            "hubs": [_with_ring(hub) | {"picture": _picture(visit, own, hub)} for hub in hubs],
            "changes": changes,
            "mine": await here.read(lambda t: is_mine(t, client.id, here.person.id, here.now)),
            "family": _together(family),
        },
    )


def _with_ring(hub: dict[str, Any]) -> dict[str, Any]:
    """With how fresh its records are beside each agency's duty line."""
    freshness = {one["agency"]: one for one in hub["publishers"]}
    ring = [{**line, "fresh": freshness.get(line["agency"])} for line in hub["ring"]]
    return {**hub, "ring": ring}


def _picture(visit: NodeVisit, client: dict[str, Any], hub: dict[str, Any]) -> Markup:
    """The team as a picture, which says in words what it shows."""
    say = visit.site.say

    own = [
        Box(Kind.OWN, work["title"], _whose(visit, work))
        for work in client["work"]
        if work["state"] != "closed"
    ]
    others = [
        Box(Kind.PAST if one["is_past"] else Kind.OTHER, one["label"], _whose_else(visit, one))
        for one in hub["others"]
    ]
    others += [
        Box(Kind.UNNAMED, one["kind"], say("team.picture.unnamed"))
        for one in hub["services"]
        if one["state"] != "named"
    ]
    others += [Box(Kind.UNNAMED, say("team.picture.desk"), hub["duty_desk"]["name"])] * bool(
        hub["desk_hints"]
    )
    if hub["possible"]:
        number = visit.site.look.words.count("team.picture.possible", hub["possible"])
        others.append(Box(Kind.POSSIBLE, number, say("team.picture.compare")))
    if not others:
        looked = say("team.picture.nobody" if hub["compared"] else "team.picture.not_looked")
        others.append(Box(Kind.POSSIBLE, looked, say("team.picture.call")))
    shown = "; ".join(f"{box.what}, {box.whose}" for box in (*own, *others))
    caption = Caption(say("team.page.title"), say("team.picture.says", shown=shown))
    name = " ".join(part for part in (client["given"], client["family"]) if part)
    return team_picture(caption, name or client["client"], own, others)


def _whose(visit: NodeVisit, work: dict[str, Any]) -> str:
    """Who of ours does it, and since when."""
    workers = ", ".join(work["workers"]) or visit.site.say("team.picture.here")
    return _since(visit, workers, day_text(work["started_on"]))


def _whose_else(visit: NodeVisit, other: dict[str, Any]) -> str:
    """Which agency does it, and since when, where its card says so."""
    began = ((other["request"] or {}).get("card") or {}).get("since")
    return _since(visit, other["agency"], visit.site.look.day_of(began) if began else "")


def _since(visit: NodeVisit, whose: str, day: str) -> str:
    return visit.site.say("team.picture.since", whose=whose, day=day) if day else whose


def _together(families: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """A family with those who work with them at any hub. Each hub was read at its own moment: one
    may know of somebody whom another did not know yet.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in (one for family in families for one in family):
        key = (one["row"], one["relation"], one["of_them"])
        known = found.setdefault(key, {**one, "others": []})
        known["others"] = [*known["others"], *one["others"]]
    return list(found.values())


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
