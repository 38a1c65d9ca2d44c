"""Raising attention over the local interface, seeing to it, and asking for an organisation.

specs/07-transport.md §1. No id or name is in an address.
"""

from node.actions import attention as acts
from node.actions.register import who_acts
from node.requests.attention import Alert
from node.service import NodeService
from node.store.attention import RaisedState
from node.store.outbox import OutboxState
from node.views.attention import STATES
from node.web.calls import Act, Answer, LocalId, Number, Person, Text
from node.web.own_clients import ClientIdOut
from protocol.fields import Code, WireModel


class AboutIn(WireModel):
    """About which client attention is to be raised."""

    client: LocalId
    practitioner: Person


class RaiseIn(WireModel):
    """Attention: about which client, why, in which role; whether also if nobody is shown."""

    client: LocalId
    kind: Code
    role: Code
    though_nobody_shown: bool
    practitioner: Person


class SeenAttentionIn(WireModel):
    """Attention that another agency raised, by its number in the inbox."""

    attention: Number
    practitioner: Person


class InviteIn(WireModel):
    """An organisation that the council is asked to invite."""

    name: Text
    duty_line: Text
    member_class: Code
    practitioner: Person


class PossibleOut(Answer):
    """What can be said (titles by code), in which roles, and who is shown in the team: not
    everybody who is told.
    """

    kinds: dict[str, str]
    roles: list[str]
    shown: list[str]


class RaisedOut(Answer):
    """How far it has come. To whom it goes is told to nobody."""

    state: RaisedState
    state_text: str


class InvitedOut(Answer):
    """How far it has come."""

    state: OutboxState


async def possible(service: NodeService, body: AboutIn) -> PossibleOut:
    """Show what can be said, and who is shown in the team."""
    person = await who_acts(service, body.practitioner)
    can = await acts.possible(service, body.client, person)
    return PossibleOut(kinds=dict(can.kinds), roles=list(can.roles), shown=list(can.shown))


async def raised(service: NodeService, body: RaiseIn) -> RaisedOut:
    """Raise attention, and send it at once."""
    person = await who_acts(service, body.practitioner)
    alert = Alert(body.client, person, body.role, body.kind)
    state = await acts.raise_attention(service, alert, though_nobody_shown=body.though_nobody_shown)
    return RaisedOut(state=state, state_text=STATES[state])


async def seen(service: NodeService, body: SeenAttentionIn) -> ClientIdOut:
    """Say that somebody here has seen to it."""
    person = await who_acts(service, body.practitioner)
    return ClientIdOut(client=await acts.see_attention(service, body.attention, person))


async def invite(service: NodeService, body: InviteIn) -> InvitedOut:
    """Ask the council to invite an organisation."""
    person = await who_acts(service, body.practitioner)
    wish = acts.Wish(body.name, body.duty_line, body.member_class, person)
    return InvitedOut(state=await acts.invite_agency(service, wish))


CALLS: dict[str, Act] = {
    "/v1/attention": possible,
    "/v1/attention/raise": raised,
    "/v1/attention/seen": seen,
    "/v1/invites": invite,
}
"""What may be posted where."""
