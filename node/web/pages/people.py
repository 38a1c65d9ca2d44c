"""The register of people: who they are here, for which teams they answer, and who has left."""

from typing import Any

from aiohttp import web

from node.records import people
from node.records.accounts import Role
from node.records.people import Appointment, Left
from node.store.people import Act, Deed, PersonKind
from node.store.tables import NodeTables
from node.store.team_roles import ALL_TEAMS, TeamRole
from node.views.people import people_value
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
KINDS = tuple(kind.value for kind in PersonKind)
HOME = "/administration/people"
EVERY = "*"
"""All teams, as a form says it: an empty value could be a box that nobody has ticked."""


async def show(visit: NodeVisit) -> Answer:
    """Show everybody, and ask for somebody new."""
    found = await visit.here.read(people_value)
    here = [one for one in found if one["closed_at"] is None]
    gone = [one for one in found if one["closed_at"] is not None]
    return Shown("people/list.html", {"here": here, "gone": gone, "kinds": KINDS})


async def add(visit: NodeVisit) -> Answer:
    """Let somebody act from now on."""
    name = visit.form.text("name", missing="people.wrong.name", most=80)
    team = visit.form.text("team", most=80)
    kind = visit.form.one_of("kind", KINDS, "people.wrong.kind")
    said = Appointment(name, team, PersonKind(kind), {})
    me, now = visit.here.person.id, visit.here.now

    def work(tables: NodeTables) -> int:
        known = [one for one in tables.people.called(name) if one.team == team]
        if known:
            raise LocalError(ErrorCode.CONFLICT, "somebody of this name and team is here")
        person = people.appoint(tables, said, now)
        tables.people.acted(Act(me, Deed.APPOINTED, person.title, now))
        return person.id

    try:
        person = await visit.here.engine.write(work)
    except LocalError as error:
        if error.code is ErrorCode.CONFLICT:
            raise InvalidForm({"name": "people.wrong.known"}) from None
        raise InvalidForm({"name": "people.wrong.unreadable"}) from None
    return Go(f"{HOME}/{person}")


async def show_person(visit: NodeVisit) -> Answer:
    """Show what somebody is here, to be changed."""
    person = await _person(visit)
    teams = await visit.here.read(_teams)
    choices = [(team, team) for team in teams]
    account = await visit.here.read(lambda tables: tables.accounts.of_person(person["id"]))
    return Shown(
        "people/person.html",
        {
            "person": person,
            "account": account.id if account is not None else None,
            "kinds": KINDS,
            "teams": [(EVERY, visit.site.say("people.person.all_teams")), *choices],
            "ticked": {role.value: _ticked(person[role.value]) for role in TeamRole},
        },
    )


async def change(visit: NodeVisit) -> Answer:
    """Say what somebody is here, and for which teams they answer; who had left is here again."""
    person = await _person(visit)
    kind = PersonKind(visit.form.one_of("kind", KINDS, "people.wrong.kind"))
    is_other = kind.value != person["kind"]
    said: dict[TeamRole, list[str]] = {}
    for role in TeamRole:
        ticked = visit.form.all(role.value)
        if EVERY in ticked and len(ticked) > 1:
            raise InvalidForm({role.value: "people.wrong.teams"})
        if sorted(ticked) != sorted(_ticked(person[role.value])):
            said[role] = [ALL_TEAMS if team == EVERY else team for team in ticked]
    if person["id"] == visit.here.person.id and (is_other or said):
        raise InvalidForm({"kind": "people.wrong.yourself"})
    appointment = Appointment(person["name"], None, kind if is_other else None, said)
    me, now = visit.here.person.id, visit.here.now

    def work(tables: NodeTables) -> None:
        found = people.appoint(tables, appointment, now)
        tables.people.acted(Act(me, Deed.APPOINTED, found.title, now))

    try:
        await visit.here.engine.write(work)
    except LocalError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        raise InvalidForm({"duty": "people.wrong.team"}) from None
    return Go(f"{HOME}?person_changed")


async def show_leave(visit: NodeVisit) -> Answer:
    """Ask who takes somebody's work over, and say what follows."""
    person = await _person(visit)
    found = await visit.here.read(lambda tables: tables.people.all())
    names = [one.title for one in found if one.is_active and one.id != person["id"]]
    return Shown("people/leave.html", {"person": person, "names": names})


async def leave(visit: NodeVisit) -> Answer:
    """Let somebody act no longer, and hand their work over."""
    person = await _person(visit)
    if person["id"] == visit.here.person.id:
        raise InvalidForm({"": "people.wrong.leave_yourself"})
    to = visit.form.text("to")
    me, now = visit.here.person.id, visit.here.now

    def work(tables: NodeTables) -> Left:
        left = people.close(tables, person["name"], to, now)
        tables.people.acted(Act(me, Deed.LET_GO, left.person.title, now))
        return left

    try:
        left = await visit.here.engine.write(work)
    except LocalError:
        raise InvalidForm({"to": "people.wrong.to"}) from None
    values = {"person": person, "left": left, "to": to}
    return Shown("people/left.html", values, done_at=HOME)


async def _person(visit: NodeVisit) -> dict[str, Any]:
    number = visit.number("person")
    for one in await visit.here.read(people_value):
        if one["id"] == number:
            return one
    raise web.HTTPNotFound


def _ticked(teams: list[str]) -> list[str]:
    return [team or EVERY for team in teams]


def _teams(tables: NodeTables) -> list[str]:
    """The teams that anybody is in."""
    return sorted({one.team for one in tables.people.all() if one.team})


PAGES = [
    NodePage(
        HOME,
        ADMINISTRATOR,
        show,
        add,
        nav="people.list.nav",
        room="/administration",
        again=True,
    ),
    NodePage(f"{HOME}/{{person}}", ADMINISTRATOR, show_person, change, again=True),
    NodePage(f"{HOME}/{{person}}/leave", ADMINISTRATOR, show_leave, leave, again=True),
]
