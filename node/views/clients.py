"""Own clients and the work with them, as values: for the screen, scripts and the browser."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from node.records import caseload
from node.records.search import search as search_records
from node.store.people import Person
from node.store.records import RECORD_FIELDS, Client, Involvement
from node.store.search import Whose
from node.store.tables import NodeTables
from node.store.team_roles import ALL_TEAMS
from node.store.terms import born_term
from protocol.errors import ErrorCode, LocalError

PAGE = 50
"""Clients on a page of a list."""
Scope = Literal["mine", "team", "all"]


@dataclass(frozen=True, repr=False)
class Wanted:
    """Whom somebody looks for: words, or none for a page of a list, and among whose clients."""

    words: str
    scope: Scope = "all"
    page: int = 1


@dataclass(frozen=True)
class ClientLine:
    """A client as lists show them: the work that goes on, and how many lines of news there are that
    the reader has not seen.
    """

    client: Client
    work: tuple[Involvement, ...]
    news: int


@dataclass(frozen=True)
class ClientList:
    """Some of somebody's clients. `count`: how many there are in all, on `pages` pages; of a search
    nobody counts. `more`: there are others after these.
    """

    lines: tuple[ClientLine, ...]
    more: bool
    count: int | None = None
    pages: int = 1


def my_clients(tables: NodeTables, practitioner: int, page: int, now: int) -> ClientList:
    """The clients on whose work, that goes on, a practitioner (a row id) is, by name. Pages count
    from 1; `now`: Unix seconds. Raises LocalError(NOT_FOUND) for a page that there is not.
    """
    return list_clients(tables, whose(tables, "mine", practitioner), page, now, practitioner)


def team_clients(tables: NodeTables, practitioner: int, page: int, now: int) -> ClientList:
    """As `my_clients`, of all teams of a practitioner: their own, and where they are on duty or
    manager. Who is in no team has their own clients.
    """
    return list_clients(tables, whose(tables, "team", practitioner), page, now, practitioner)


def list_clients(
    tables: NodeTables, own: Whose, page: int, now: int, practitioner: int | None = None
) -> ClientList:
    """A page of somebody's clients; `practitioner` reads it. Raises as `my_clients`."""
    count = tables.search.count(own, now)
    pages = max(1, -(-count // PAGE))
    if not 1 <= page <= pages:
        raise LocalError(ErrorCode.NOT_FOUND, f"there is no such page: the last is {pages}")
    found = tables.search.page(own, now, (page - 1) * PAGE, PAGE)
    return ClientList(_lines(tables, found, now, practitioner), page < pages, count, pages)


def search(
    tables: NodeTables, words: str, own: Whose, now: int, practitioner: int | None = None
) -> ClientList:
    """Somebody's clients whom words mean or nearly mean, the likeliest first; 20 at most."""
    found = search_records(tables, words, own, now)
    return ClientList(_lines(tables, found.clients, now, practitioner), found.more)


def whose(tables: NodeTables, scope: Scope, practitioner: int | None) -> Whose:
    """Whose clients a practitioner (a row id) wants to see. Raises LocalError."""
    if scope == "all":
        return Whose()
    person = tables.people.get(practitioner) if practitioner is not None else None
    if person is None:
        raise LocalError(ErrorCode.NOT_FOUND, "say who looks: nobody here has that name")
    roles = tables.team_roles.all().get(person.id, {})
    named = {team for teams in roles.values() for team in teams}
    if scope == "team" and ALL_TEAMS in named:
        return Whose()
    teams = frozenset(filter(None, {person.team, *named}))
    return Whose(teams=teams) if scope == "team" and teams else Whose(practitioner=person.id)


def found_clients(
    tables: NodeTables, wanted: Wanted, practitioner: int | None, now: int
) -> ClientList:
    """Whom somebody looks for, who need not be said for all clients. Raises LocalError."""
    own = whose(tables, wanted.scope, practitioner)
    if wanted.words.strip():
        return search(tables, wanted.words, own, now, practitioner)
    return list_clients(tables, own, wanted.page, now, practitioner)


@dataclass(frozen=True, repr=False)
class Outline:
    """What somebody sees of a client of others before they say why: the year of birth ("": none is
    known), and the teams that work with them.
    """

    year: str
    teams: tuple[str, ...]


def outlines(
    tables: NodeTables, person: Person, clients: Sequence[Client], now: int
) -> dict[int, Outline]:
    """Of those of these clients (by row id) who are not open to somebody."""
    seen = caseload.open_to(tables, person, [client.id for client in clients], now)
    others = [client for client in clients if client.id not in seen]
    teams = tables.search.teams_of([client.id for client in others], now)
    return {
        client.id: Outline(
            born_term(client.record.date_of_birth)[:4], tuple(teams.get(client.id, ()))
        )
        for client in others
    }


def list_value(found: ClientList) -> dict[str, object]:
    """A list as a value: for scripts and the local interface."""
    return {
        "clients": [
            {
                "client": line.client.local_id,
                **_record(line.client),
                "going_on": len(line.work),
                "work": [
                    {name: getattr(item, name) for name in ("type", "label", "team", "started_on")}
                    for item in line.work
                ],
                "news": line.news,
            }
            for line in found.lines
        ],
        "more": found.more,
        "count": found.count,
    }


def _lines(
    tables: NodeTables, found: Sequence[Client], now: int, practitioner: int | None
) -> tuple[ClientLine, ...]:
    ids = [client.id for client in found]
    works: dict[int, list[Involvement]] = {}
    for item in tables.records.involvements(ids):
        if not item.is_over(now):
            works.setdefault(item.client, []).append(item)
    news = tables.news.unseen_of(practitioner, ids) if practitioner is not None else {}
    return tuple(
        ClientLine(client, tuple(works.get(client.id, ())), news.get(client.id, 0))
        for client in found
    )


def client_value(tables: NodeTables, local_id: str, now: int) -> dict[str, object]:
    """A client with all work, numbered as `close` and `reopen` take it. Raises LocalError."""
    client = tables.records.client(local_id)
    if client is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    works = tables.records.involvements([client.id])
    held = tables.held.of(client.id) is not None
    findable = tables.findable.anywhere()
    return {
        "client": client.local_id,
        **_record(client),
        "held": held,
        "withheld": tables.withheld.is_withheld(client.id, now),
        "work": [
            {
                "number": number,
                **_work(tables, item, now),
                "permission": _permission(item, findable, now),
            }
            for number, item in enumerate(works, 1)
        ],
    }


def _record(client: Client) -> dict[str, Any]:
    return {name: getattr(client.record, name) for name in RECORD_FIELDS}


def _work(tables: NodeTables, item: Involvement, now: int) -> dict[str, object]:
    going_on = "waiting" if item.is_waiting else "open"
    return {
        "type": item.type,
        "label": item.label,
        "team": item.team,
        "state": "closed" if item.is_over(now) else going_on,
        "started_on": item.started_on,
        "ended_at": item.ended_at,
        "ended_by": item.ended_by,
        "last_contact": item.last_contact,
        "next_visit": item.next_visit,
        "permission_basis": item.permission_basis,
        "valid_until": item.valid_until,
        "workers": [person.title for person in tables.people.working_on(item.id)],
    }


def _permission(item: Involvement, findable: Collection[str], now: int) -> str:
    """What stands of the permission, in one word."""
    if item.type in findable and not item.is_over(now):
        return "by_law"
    if item.permission_basis is None:
        return "none"
    if item.withdrawn_at is not None:
        return "withdrawn"
    return "in_force" if item.is_permitted(now) else "expired"
