"""The agency's own people over the local interface: who may act and answer, and who is away.

specs/07-transport.md §1. No name is in an address.
"""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from node.records import people
from node.records.people import Appointment, Away
from node.service import NodeService
from node.store.people import PersonKind
from node.store.team_roles import TeamRole
from node.views.people import people_value
from node.web.own_clients import Day
from protocol.fields import WireModel

Name = Annotated[str, Field(min_length=1, max_length=200)]
Teams = Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=50)]


class NothingIn(WireModel):
    """Nothing is asked."""


class AddIn(WireModel):
    """Who may act; of teams that they have duty for or manage "" means all, null: as it is."""

    name: Name
    kind: Annotated[PersonKind, Field(strict=False)] | None = None
    team: Annotated[str, Field(max_length=80)] | None = None
    duty: Teams | None = None
    manager: Teams | None = None


class AwayIn(WireModel):
    """Who is away from which day (null: today) to which, and who covers (empty: nobody)."""

    name: Name
    first: Day | None = None
    last: Day
    cover: Annotated[str, Field(max_length=200)] = ""


class BackIn(WireModel):
    """Who is here again."""

    name: Name


class LeaverIn(WireModel):
    """Who leaves, and who takes their work over (empty: nobody), by name."""

    name: Name
    hand_to: Annotated[str, Field(max_length=200)] = ""


async def show(service: NodeService, _body: NothingIn) -> dict[str, Any]:
    """Everybody in the register."""
    return {"people": await service.read(lambda tables, _membership: people_value(tables))}


async def add(service: NodeService, body: AddIn) -> dict[str, Any]:
    """Let somebody act, and say for which teams they answer."""
    now = service.membership.env.clock()
    said = {TeamRole.DUTY: body.duty, TeamRole.MANAGER: body.manager}
    roles = {role: teams for role, teams in said.items() if teams is not None}
    appointment = Appointment(body.name, body.team, body.kind, roles)
    person = await service.membership.engine.write(
        lambda tables: people.appoint(tables, appointment, now)
    )
    return {"name": person.title}


async def away(service: NodeService, body: AwayIn) -> dict[str, Any]:
    """Take down that somebody is away."""
    now = service.membership.env.clock()
    first = date.fromisoformat(body.first) if body.first is not None else None
    said = Away(body.name, first, date.fromisoformat(body.last), body.cover)
    kept = await service.membership.engine.write(
        lambda tables: people.away(tables, said, service.zone, now)
    )
    return {"from": kept.starts_at, "until": kept.ends_at}


async def back(service: NodeService, body: BackIn) -> dict[str, Any]:
    """Somebody is here again; how many absences that ends."""
    now = service.membership.env.clock()
    ended = await service.membership.engine.write(lambda t: people.back(t, body.name, now))
    return {"ended": ended}


async def leave(service: NodeService, body: LeaverIn) -> dict[str, Any]:
    """Let somebody act no longer, and hand their work over."""
    now = service.membership.env.clock()
    left = await service.membership.engine.write(
        lambda tables: people.close(tables, body.name, body.hand_to, now)
    )
    return {"handed_over": left.handed_over, "stopped": left.stopped, "alone": left.alone}


CALLS: dict[str, tuple[type[WireModel], Callable[[NodeService, Any], Awaitable[Any]]]] = {
    "/v1/people/list": (NothingIn, show),
    "/v1/people/add": (AddIn, add),
    "/v1/people/away": (AwayIn, away),
    "/v1/people/back": (BackIn, back),
    "/v1/people/close": (LeaverIn, leave),
}
"""What may be posted where: the body, and what answers it."""
