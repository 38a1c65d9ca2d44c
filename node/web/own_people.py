"""The agency's own people over the local interface: who may act and answer, and who is away.

specs/07-transport.md §1. No name is in an address.
"""

from datetime import date
from typing import Annotated

from pydantic import Field

from node.records import people
from node.records.people import Appointment, Away
from node.service import NodeService
from node.store.people import Deed, PersonKind
from node.store.team_roles import TeamRole
from node.views.people import people_value
from node.web.calls import Act, Answer, Day, NothingIn, Said, Text, read_now
from protocol.fields import Count, WireModel

Teams = Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=50)]


class AppointIn(WireModel):
    """Who may act; of teams that they have duty for or manage "" means all, null: as it is."""

    name: Said
    kind: Annotated[PersonKind, Field(strict=False)] | None = None
    team: Annotated[str, Field(max_length=80)] | None = None
    duty: Teams | None = None
    manager: Teams | None = None


class AwayIn(WireModel):
    """Who is away from which day (null: today) to which, and who covers (empty: nobody)."""

    name: Said
    first: Day | None = None
    last: Day
    cover: Text = ""


class BackIn(WireModel):
    """Who is here again."""

    name: Said


class LeaverIn(WireModel):
    """One of our own people who leaves, and who takes their work over; empty: nobody."""

    name: Said
    hand_to: Text = ""


class AppointedOut(Answer):
    """By which name they act here from now on."""

    name: str


class DeedOut(Answer):
    """What was done in somebody's name that no statement names them for, of what, and when."""

    what: Deed
    subject: str
    at: Count


class AbsenceOut(Answer):
    """From when until when somebody is away (Unix seconds)."""

    from_: Annotated[Count, Field(alias="from")]
    until: Count


class CoveredOut(AbsenceOut):
    """The same, and who covers."""

    cover: str | None


class PersonOut(Answer):
    """One of our own people, by the name that they act by; which teams they have duty for and
    manage ("" is all), when they are away, and how they hear by mail. `closed_at`: since when they
    may not act; `mail_refused`: their mail comes back.
    """

    id: Count
    name: str
    kind: PersonKind
    role: str | None
    since: Count | None
    closed_at: Count | None
    duty: list[str]
    manager: list[str]
    away: list[CoveredOut]
    mail: str | None
    mail_refused: bool
    acts: list[DeedOut]


class PeopleOut(Answer):
    """Everybody in the register, by name."""

    people: list[PersonOut]


class BackOut(Answer):
    """How many absences that ends."""

    ended: Count


class LeftOut(Answer):
    """How much work was handed over, how many requests were stopped, and how much work has nobody
    to call now.
    """

    handed_over: Count
    stopped: Count
    alone: Count


async def show(service: NodeService, _body: NothingIn) -> PeopleOut:
    """Show who may act, who may no longer, and what was done in their names."""
    return PeopleOut.of({"people": await read_now(service, lambda tables, _: people_value(tables))})


async def add(service: NodeService, body: AppointIn) -> AppointedOut:
    """Let somebody act, and say for which teams they answer."""
    now = service.membership.env.clock()
    said = {TeamRole.DUTY: body.duty, TeamRole.MANAGER: body.manager}
    roles = {role: teams for role, teams in said.items() if teams is not None}
    appointment = Appointment(body.name, body.team, body.kind, roles)
    person = await service.membership.engine.write(
        lambda tables: people.appoint(tables, appointment, now)
    )
    return AppointedOut(name=person.title)


async def away(service: NodeService, body: AwayIn) -> AbsenceOut:
    """Take down that somebody is away."""
    now = service.membership.env.clock()
    first = date.fromisoformat(body.first) if body.first is not None else None
    said = Away(body.name, first, date.fromisoformat(body.last), body.cover)
    kept = await service.membership.engine.write(
        lambda tables: people.away(tables, said, service.zone, now)
    )
    return AbsenceOut.of({"from": kept.starts_at, "until": kept.ends_at})


async def back(service: NodeService, body: BackIn) -> BackOut:
    """Take down that somebody is here again."""
    now = service.membership.env.clock()
    ended = await service.membership.engine.write(lambda t: people.back(t, body.name, now))
    return BackOut(ended=ended)


async def leave(service: NodeService, body: LeaverIn) -> LeftOut:
    """Let somebody act no longer, and hand their work over."""
    now = service.membership.env.clock()
    left = await service.membership.engine.write(
        lambda tables: people.close(tables, body.name, body.hand_to, now)
    )
    return LeftOut(handed_over=left.handed_over, stopped=left.stopped, alone=left.alone)


CALLS: dict[str, Act] = {
    "/v1/people/list": show,
    "/v1/people/add": add,
    "/v1/people/away": away,
    "/v1/people/back": back,
    "/v1/people/close": leave,
}
"""What may be posted where."""
