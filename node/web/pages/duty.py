"""Who is on duty and who is away: the rota as the register has it, and the days that count."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from node.membership.hub import HubMembership
from node.records import people
from node.records.accounts import STAFF, Role
from node.records.people import Away
from node.store.people import Act, Deed, Person
from node.store.tables import NodeTables
from node.store.team_roles import ALL_TEAMS, TeamRole
from node.views.people import people_value
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from protocol.governance.retention import DAY
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

KEEPERS = frozenset({Role.ADMINISTRATOR, Role.MANAGER})


async def show(visit: NodeVisit) -> Answer:
    """Show who answers for which team, who is away, and which days are no working days."""
    now = visit.here.now
    found = await visit.here.read(_people)
    return Shown(
        "people/duty.html",
        {
            "teams": _by_team(found),
            "away": [
                {**spell, "name": one["name"], "id": one["id"], "now": spell["from"] <= now}
                for one in found
                for spell in one["away"]
                if spell["until"] > now
            ],
            "names": [one["name"] for one in found],
            "calendars": [await service.oversee(_calendar) for service in visit.here.services],
        },
    )


async def say(visit: NodeVisit) -> Answer:
    """Take down that somebody is away, or here again."""
    back = visit.form.raw("back")
    name = back or visit.form.text("name", missing="duty.wrong.name")

    def named(tables: NodeTables) -> Person:
        try:
            return people.acting(tables, name)
        except LocalError:
            raise InvalidForm({"name": "duty.wrong.name"}) from None

    await (_back(visit, named) if back else _away(visit, named))
    return Go("/duty")


async def show_own(visit: NodeVisit) -> Answer:
    """Show when the reader is away, and ask from when to when they will be."""
    me, now = visit.here.person, visit.here.now
    here, spells = await visit.here.read(lambda t: (t.people.all(), t.absences.from_on(now)))
    title = {one.id: one.title for one in here}
    away = [
        {
            "from": one.starts_at,
            "until": one.ends_at,
            "now": one.starts_at <= now,
            "cover": title.get(one.cover) if one.cover is not None else None,
        }
        for one in spells
        if one.person == me.id
    ]
    names = [one.title for one in here if one.is_active and one.id != me.id]
    values = {"said": "said" in visit.request.query, "away": away, "names": names}
    return Shown("people/away.html", values)


async def say_own(visit: NodeVisit) -> Answer:
    """Take down that the reader will be away, or is here again."""
    me = visit.here.person
    await (_back if visit.form.raw("back") else _away)(visit, lambda _: me)
    return Go("/away?said")


async def _back(visit: NodeVisit, who: Callable[[NodeTables], Person]) -> None:
    begins = visit.form.raw("begins")
    which = int(begins) if begins.isascii() and begins.isdigit() and len(begins) < 12 else None

    def end(tables: NodeTables, person: Person, now: int) -> None:
        tables.absences.end(person.id, now, which)

    await _write(visit, who, Deed.SAID_BACK, end)


async def _away(visit: NodeVisit, who: Callable[[NodeTables], Person]) -> None:
    form, day = visit.form, "duty.wrong.day"
    cover, zone = form.text("cover"), visit.here.services[0].zone
    first, last = form.day("first", "", day), form.day("last", day, day)
    today = datetime.fromtimestamp(visit.here.now, zone).date()
    if last is None or last < max(first or today, today):
        raise InvalidForm({"last": "duty.wrong.last"})
    said = Away("", first, last, cover)

    def begin(tables: NodeTables, person: Person, now: int) -> None:
        try:
            if cover and people.acting(tables, cover).id == person.id:
                raise InvalidForm({"cover": "duty.wrong.cover"})
        except LocalError:
            raise InvalidForm({"cover": "duty.wrong.cover"}) from None
        people.absent(tables, person, said, zone, now)

    await _write(visit, who, Deed.SAID_AWAY, begin)


async def _write(
    visit: NodeVisit,
    who: Callable[[NodeTables], Person],
    deed: Deed,
    work: Callable[[NodeTables, Person, int], None],
) -> None:
    """Do it, and write down who said so. Raises InvalidForm."""
    me, now, roles = visit.here.person.id, visit.here.now, visit.here.roles

    def both(tables: NodeTables) -> None:
        person = who(tables)
        may = person.id == me or Role.ADMINISTRATOR in roles or _manages(tables, me, person)
        if not may:
            raise InvalidForm({"name": "duty.wrong.team"})
        work(tables, person, now)
        tables.people.acted(Act(me, deed, person.title, now))

    try:
        await visit.here.engine.write(both)
    except LocalError as error:
        late = error.code is ErrorCode.MALFORMED
        wrong = {"last": "duty.wrong.last"} if late else {"first": "duty.wrong.already"}
        raise InvalidForm(wrong) from None


def _manages(tables: NodeTables, manager: int, person: Person) -> bool:
    """Whether somebody is of a team of a manager's: whoever covers answers in their place."""
    teams = tables.team_roles.all().get(manager, {}).get(TeamRole.MANAGER, ())
    return ALL_TEAMS in teams or person.team in teams


def _people(tables: NodeTables) -> list[dict[str, Any]]:
    """Everybody who is here, with their team."""
    team = {one.id: one.team for one in tables.people.all()}
    found = people_value(tables)
    return [{**one, "team": team[one["id"]]} for one in found if one["closed_at"] is None]


def _by_team(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each team that somebody is in or answers for, and last who answers for all ("")."""
    names = {one["name"]: one for one in found}
    teams = {team for one in found for team in (*one["duty"], *one["manager"], one["team"])}
    return [
        {
            "team": team,
            "duty": [name for name, one in names.items() if team in one["duty"]],
            "manager": [name for name, one in names.items() if team in one["manager"]],
            "people": [name for name, one in names.items() if team and one["team"] == team],
        }
        for team in sorted(teams, key=lambda team: (not team, team))
    ]


def _calendar(_tables: NodeTables, membership: HubMembership) -> dict[str, Any]:
    """How long each has to answer, and the days of the year to come on which nobody has to."""
    times, now = membership.charter.answering, membership.env.clock()
    today, last = (
        datetime.fromtimestamp(at, UTC).date().isoformat() for at in (now, now + 366 * DAY)
    )
    holidays = times.holidays if times is not None else []
    return {
        "hub": membership.hub.name,
        "desk": membership.charter.duty_desk.model_dump(),
        "times": times.model_dump() if times is not None else None,
        "holidays": [day for day in holidays if today <= day <= last],
    }


PAGES = [
    NodePage("/duty", KEEPERS, show, say, nav="duty.list.nav"),
    NodePage("/away", STAFF, show_own, say_own),
]
