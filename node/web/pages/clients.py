"""My clients and my team's, finding one, and taking some on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from node.membership.hub import HubMembership
from node.records import caseload
from node.records.accounts import STAFF
from node.records.by_hand import By
from node.store.records import Client, Involvement
from node.store.tables import NodeTables
from node.views.clients import ClientList, Outline, Wanted, found_clients, outlines
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import LocalError
from protocol.messages.bodies import MemberBody
from web.forms import InvalidForm
from web.site import Answer, Elsewhere, Go, Shown

MOST_WORDS = 100


async def show_mine(visit: NodeVisit) -> Answer:
    """Show the clients whom somebody works with."""
    return await _list(visit, Wanted("", "mine", _page(visit)))


async def show_team(visit: NodeVisit) -> Answer:
    """Show the clients of somebody's teams."""
    return await _list(visit, Wanted("", "team", _page(visit)))


async def show_find(visit: NodeVisit) -> Answer:
    """Ask for words to find clients by."""
    return await _list(visit, None)


async def find(visit: NodeVisit) -> Answer:
    """Show the clients whom words may mean. They are in no address."""
    words = visit.form.text("words", missing="clients.wrong.words", most=MOST_WORDS)
    return await _list(visit, Wanted(words, "all"))


async def take_on(visit: NodeVisit) -> Answer:
    """Say of clients that were ticked that they are somebody's."""
    rows = visit.form.numbers("client")
    if not rows:
        raise InvalidForm({"": "clients.wrong.none_ticked"})
    person, now = visit.here.person, visit.here.now

    def work(tables: NodeTables) -> int:
        for row in rows:
            if not caseload.may_look(tables, person, row, now):
                raise Elsewhere(f"/clients/{row}/reason")
        return caseload.take_on(tables, rows, By(person.id, now))

    await visit.here.engine.write(work)
    return Go("/clients")


async def _list(visit: NodeVisit, wanted: Wanted | None) -> Answer:
    person, now = visit.here.person.id, visit.here.now
    found, shown = ClientList((), more=False), None
    if wanted is not None:

        def look(tables: NodeTables) -> tuple[ClientList, Mapping[int, Outline]]:
            listed = found_clients(tables, wanted, person, now)
            searched = [line.client for line in listed.lines if wanted.words]
            return listed, outlines(tables, visit.here.person, searched, now)

        try:
            found, shown = await visit.here.read(look)
        except LocalError:
            if wanted.page == 1:
                raise
            raise web.HTTPNotFound from None
    known = [titles_of(service.membership) for service in visit.here.services]
    types = {code: title for each in known for code, title in each.items()}
    values: dict[str, Any] = {
        "scope": "find" if wanted is None or wanted.words else wanted.scope,
        "lines": found.lines,
        "found": replace(found, lines=()),
        "searched": wanted is not None and bool(wanted.words),
        "outlines": shown or {},
        "own_line": own_line(visit),
        "page": wanted.page if wanted else 1,
        "types": types,
        "enquires": any(
            service.membership.charter.enquiry is not None for service in visit.here.services
        ),
        "mine": {line.client.id for line in found.lines if _is_mine(line.work, person)},
    }
    return Shown("clients/list.html", values)


async def outlined(visit: NodeVisit, clients: Sequence[Client]) -> dict[str, Any]:
    """What is shown of those of these clients who are not open to somebody, by row id; and the
    agency's own duty line, for who wants to ask instead.
    """
    here = visit.here
    found = await here.read(lambda t: outlines(t, here.person, clients, here.now))
    return {"outlines": found, "own_line": own_line(visit)}


def own_line(visit: NodeVisit) -> MemberBody | None:
    """What everybody sees of the agency itself, its duty line too."""
    membership = visit.here.services[0].membership
    member = membership.directory.member(membership.hub.party_id)
    return member.body if member is not None else None


def _is_mine(work: Sequence[Involvement], person: int) -> bool:
    return any(person in item.workers for item in work)


def titles_of(membership: HubMembership) -> dict[str, str]:
    """What each kind of work is called, by our own codes; for an enquiry there is none."""
    known = {kind.code: kind.title for kind in membership.charter.involvement_types}
    return known | {own: kind.title for own, kind in membership.agreement.types.items()}


def is_mine(tables: NodeTables, client: int, person: int, now: int) -> bool:
    """Whether somebody works with a client, or nobody can: all work with them is over."""
    going_on = [one for one in tables.records.involvements([client]) if not one.is_over(now)]
    return not going_on or _is_mine(going_on, person)


def _page(visit: NodeVisit) -> int:
    text = visit.request.query.get("page", "1")
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        raise web.HTTPNotFound
    return int(text)


PAGES = [
    NodePage("/clients", STAFF, show_mine, take_on, nav="clients.mine.nav"),
    NodePage("/clients/team", STAFF, show_team, take_on),
    NodePage("/clients/find", STAFF, show_find, find),
]
