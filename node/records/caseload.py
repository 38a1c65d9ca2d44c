"""Whose clients are whose: taking them on, handing one over, and looking at somebody else's.

Who works with a client, or is in a team that does, opens their page; anybody else of ours says why
first. Either way it is written down.
"""

from collections.abc import Collection

from node.news.telling import tell_of_client
from node.records.accounts import OF_KIND, STAFF
from node.records.by_hand import By
from node.records.people import acting
from node.store.openings import Opening
from node.store.people import Act, Deed, Person
from node.store.search import Whose
from node.store.tables import NodeTables
from node.store.team_roles import ALL_TEAMS
from protocol.errors import ErrorCode, LocalError

SAME_LOOK_SECONDS = 600
"""So long a second look at the same client is the same opening."""
REASON_SECONDS = 12 * 3600
"""So long a reason holds: for a day at work."""
MOST_TAKEN = 500


def is_theirs(tables: NodeTables, person: Person, client: int, now: int) -> bool:
    """Whether a client (a row's id) is somebody's own, or a client of a team that they are of or
    answer for: by work that goes on, as in the lists.
    """
    return bool(theirs(tables, person, [client], now))


def theirs(tables: NodeTables, person: Person, clients: Collection[int], now: int) -> set[int]:
    """Those of these clients of whom that is so."""
    own = of_theirs(tables, person)
    if own.is_everybody:
        return set(clients)
    return tables.search.theirs(person.id, sorted(own.teams or ()), clients, now)


def of_theirs(tables: NodeTables, person: Person) -> Whose:
    """Whose clients are somebody's own, or of a team that they are of or answer for."""
    roles = tables.team_roles.all().get(person.id, {})
    named = {team for teams in roles.values() for team in teams}
    if ALL_TEAMS in named:
        return Whose()
    return Whose(person.id, frozenset({person.team, *named} - {""}) or None)


def may_look(tables: NodeTables, person: Person, client: int, now: int) -> bool:
    """Whether somebody looks at a client without saying why first."""
    return bool(open_to(tables, person, [client], now))


def open_to(tables: NodeTables, person: Person, clients: Collection[int], now: int) -> set[int]:
    """Those of these clients at whom somebody looks without saying why first."""
    said = tables.openings.said_why(person.id, clients, now - REASON_SECONDS)
    return said | theirs(tables, person, {*clients} - said, now)


def has_looked(tables: NodeTables, person: Person, client: int, now: int) -> bool:
    """Whether it stands already that somebody looks at a client: a moment ago is the same look."""
    return tables.openings.looked(person.id, client, now - SAME_LOOK_SECONDS)


def look(tables: NodeTables, person: Person, client: int, now: int, reason: str | None) -> None:
    """Write down that somebody looks at a client."""
    if reason is not None or not has_looked(tables, person, client, now):
        tables.openings.add(Opening(person.id, client, now, reason))


def take_on(tables: NodeTables, clients: Collection[int], by: By) -> int:
    """Let whoever does it work on all that goes on with these clients, beside those who do; with
    how many that is new. Raises LocalError for too many at once.
    """
    if len(clients) > MOST_TAKEN:
        raise LocalError(ErrorCode.TOO_LARGE, f"at most {MOST_TAKEN} clients at a time")
    works = [item for item in tables.records.involvements(clients) if not item.is_over(by.now)]
    new = [item for item in works if by.person not in item.workers]
    tables.people.put_on([item.id for item in new], by.person)
    changed = {item.client for item in new}
    for client in tables.records.clients_by_row(changed):
        tables.people.acted(Act(by.person, Deed.TOOK_ON, client.local_id, by.now))
    return len(changed)


def hand_over(tables: NodeTables, client: int, to: str, by: By) -> Person:
    """Let a colleague (by name), who is told, work on what whoever does it works on with a client,
    in their place. Raises LocalError: nobody of that name who works with clients, or nothing to
    hand over.
    """
    colleague = acting(tables, to)
    if colleague.id not in working_with_clients(tables):
        raise LocalError(ErrorCode.NOT_FOUND, "they do not work with clients")
    works = tables.records.involvements([client])
    mine = [item.id for item in works if not item.is_over(by.now) and by.person in item.workers]
    if not mine or colleague.id == by.person:
        raise LocalError(ErrorCode.CONFLICT, "there is nothing of yours to hand over to them")
    tables.people.put_in_place(mine, by.person, colleague.id)
    (found,) = tables.records.clients_by_row([client])
    tables.people.acted(Act(by.person, Deed.HANDED_OVER, found.local_id, by.now))
    tell_of_client(tables, client, colleague.id, by.now)
    return colleague


def colleagues(tables: NodeTables, person: int) -> list[tuple[str, bool]]:
    """Everybody else who works with clients and may act, by the name that they act by, and whether
    they can sign in: those first.
    """
    working = working_with_clients(tables) - {person}
    signing = {one.person for one in tables.accounts.all() if one.closed_at is None}
    found = [one for one in tables.people.all() if one.is_active and one.id in working]
    return sorted(((one.title, one.id in signing) for one in found), key=lambda one: not one[1])


def working_with_clients(tables: NodeTables) -> set[int]:
    """Whoever opens clients (row ids): by what they are, or by a team that they answer for."""
    kinds = {one.id for one in tables.people.all() if STAFF & OF_KIND[one.kind]}
    return kinds | set(tables.team_roles.all())
