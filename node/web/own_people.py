"""The register of the agency's own people over the local interface. specs/07-transport.md §1."""

from typing import Annotated

from pydantic import Field

from node.records import people
from node.service import NodeService
from node.store.people import Deed, PersonKind
from node.views.people import people_value
from node.web.calls import Act, Answer, NothingIn, Said, Text, read_now
from protocol.fields import Count, WireModel


class PersonIn(WireModel):
    """Somebody who may act from now on; `team` null: the one person of this name, if there is
    one.
    """

    name: Said
    kind: Annotated[PersonKind, Field(strict=False)]
    team: Said | None = None


class LeaverIn(WireModel):
    """One of our own people who leaves, and who takes their work over; empty: nobody."""

    name: Said
    hand_to: Text = ""


class PersonIdOut(Answer):
    """By which name they act here from now on."""

    name: str


class DeedOut(Answer):
    """What was done in somebody's name that no statement names them for, of what, and when."""

    what: Deed
    subject: str
    at: Count


class PersonOut(Answer):
    """One of our own people, by the name that they act by. `closed_at`: since when they may not."""

    id: Count
    name: str
    kind: PersonKind
    role: str | None
    since: Count | None
    closed_at: Count | None
    acts: list[DeedOut]


class PeopleOut(Answer):
    """Everybody in the register, by name."""

    people: list[PersonOut]


class LeftOut(Answer):
    """How much work was handed over, how many requests were stopped, and how much work has nobody
    to call now.
    """

    handed_over: Count
    stopped: Count
    alone: Count


async def everybody(service: NodeService, _body: NothingIn) -> PeopleOut:
    """Show who may act, who may no longer, and what was done in their names."""
    return PeopleOut.of({"people": await read_now(service, lambda tables, _: people_value(tables))})


async def add(service: NodeService, body: PersonIn) -> PersonIdOut:
    """Let somebody act from now on; or say anew what somebody is, and open what was closed."""
    now = service.membership.env.clock()
    person = await service.membership.engine.write(
        lambda tables: people.register(tables, body.name, body.team, body.kind, now)
    )
    return PersonIdOut(name=person.title)


async def close(service: NodeService, body: LeaverIn) -> LeftOut:
    """Let somebody act no longer, and hand their work over."""
    now = service.membership.env.clock()
    left = await service.membership.engine.write(
        lambda tables: people.close(tables, body.name, body.hand_to, now)
    )
    return LeftOut(handed_over=left.handed_over, stopped=left.stopped, alone=left.alone)


CALLS: dict[str, Act] = {
    "/v1/people": everybody,
    "/v1/people/add": add,
    "/v1/people/close": close,
}
"""What may be posted where."""
