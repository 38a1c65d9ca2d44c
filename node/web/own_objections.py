"""What own clients object to, over the local interface, at whichever hub.

specs/07-transport.md §1.
"""

from typing import Annotated

from pydantic import Field

from node.actions import objections as acts
from node.actions.objections import Said
from node.actions.register import who_acts
from node.store.objections import SaidBy
from node.views.objections import objections_value
from node.web.calls import Act, Answer, Hubs, LocalId, NothingIn, Number, Person
from protocol.fields import Code, Count, WireModel


class ObjectionIn(WireModel):
    """What a client objects to; `member_class` null: to sharing with anybody."""

    client: LocalId
    said_by: Annotated[SaidBy, Field(strict=False)]
    member_class: Code | None
    practitioner: Person


class EndObjectionIn(WireModel):
    """An objection that was taken back, by its number."""

    objection: Number
    practitioner: Person


class ObjectionIdOut(Answer):
    """The objection's number."""

    objection: Count


class ObjectionOut(Answer):
    """An objection. `member_class` null: to sharing with anybody; `ended_at`: when it was taken
    back. Times are Unix seconds.
    """

    id: Count
    local_id: str
    member_class: str | None
    said_by: SaidBy
    said_at: Count
    ended_at: Count | None


class ObjectionsOut(Answer):
    """Every objection, those that were taken back too, the oldest first."""

    objections: list[ObjectionOut]


async def objections(hubs: Hubs, _body: NothingIn) -> ObjectionsOut:
    """Show what our clients object to."""
    return ObjectionsOut.of({"objections": await hubs.any().read(objections_value)})


async def record(hubs: Hubs, body: ObjectionIn) -> ObjectionIdOut:
    """Record that a client objects: nobody allows a request in spite of it from now on, unless the
    sharing agreement says who may and for what.
    """
    service = hubs.any()
    person = await who_acts(service, body.practitioner)
    said = Said(body.client, body.said_by, body.member_class)
    return ObjectionIdOut(objection=await acts.record_objection(service, said, person))


async def end(hubs: Hubs, body: EndObjectionIn) -> ObjectionIdOut:
    """Record that an objection was taken back."""
    service = hubs.any()
    person = await who_acts(service, body.practitioner)
    await acts.end_objection(service, body.objection, person)
    return ObjectionIdOut(objection=body.objection)


CALLS: dict[str, Act] = {
    "/v1/objections/list": objections,
    "/v1/objections/record": record,
    "/v1/objections/end": end,
}
"""What may be posted where."""
