"""Raising attention over the local interface, seeing to it, and asking for an organisation.

specs/07-transport.md §1. No id or name is in an address.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field

from node.actions import attention as acts
from node.actions.register import who_acts
from node.requests.attention import Alert
from node.service import NodeService
from node.views.attention import STATES
from node.web.own_clients import LocalId, Text
from protocol.fields import Code, WireModel


class AboutIn(WireModel):
    """About which client attention is to be raised."""

    client: LocalId
    practitioner: Text


class AlertIn(WireModel):
    """Attention: about which client, why, in which role; whether also if nobody is shown."""

    client: LocalId
    kind: Code
    role: Code
    though_nobody_shown: bool
    practitioner: Text


class SeenIn(WireModel):
    """Attention that another agency raised, by its number in the inbox."""

    attention: Annotated[int, Field(ge=1, le=2**53)]
    practitioner: Text


class InviteIn(WireModel):
    """An organisation that the council is asked to invite."""

    name: Text
    duty_line: Text
    member_class: Code
    practitioner: Text


async def possible(service: NodeService, body: AboutIn) -> dict[str, object]:
    """What can be said, and who is shown in the team."""
    person = await who_acts(service, body.practitioner)
    can = await acts.possible(service, body.client, person)
    return {"kinds": dict(can.kinds), "roles": list(can.roles), "shown": list(can.shown)}


async def raised(service: NodeService, body: AlertIn) -> dict[str, object]:
    """Raise attention, and send it at once."""
    person = await who_acts(service, body.practitioner)
    alert = Alert(body.client, person, body.role, body.kind)
    state = await acts.raise_attention(service, alert, though_nobody_shown=body.though_nobody_shown)
    return {"state": state.value, "state_text": STATES[state]}


async def seen(service: NodeService, body: SeenIn) -> dict[str, object]:
    """Somebody here has seen to it."""
    person = await who_acts(service, body.practitioner)
    return {"client": await acts.see_attention(service, body.attention, person)}


async def invite(service: NodeService, body: InviteIn) -> dict[str, object]:
    """Ask the council to invite an organisation."""
    person = await who_acts(service, body.practitioner)
    wish = acts.Wish(body.name, body.duty_line, body.member_class, person)
    return {"state": (await acts.invite_agency(service, wish)).value}


CALLS: dict[str, tuple[type[WireModel], Callable[[NodeService, Any], Awaitable[Any]]]] = {
    "/v1/attention": (AboutIn, possible),
    "/v1/attention/raise": (AlertIn, raised),
    "/v1/attention/seen": (SeenIn, seen),
    "/v1/invites": (InviteIn, invite),
}
"""What may be posted where: the body, and what answers it."""
