"""Raising attention for a client, seeing to what others raised, and asking for an organisation to
be invited.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from node.actions.attention import (
    Possible,
    Wish,
    classes,
    invite_agency,
    possible,
    raise_attention,
    see_attention,
)
from node.records.accounts import STAFF
from node.requests.attention import Alert
from node.service import NodeService
from node.store.records import Client
from node.store.tables import NodeTables
from node.views.attention import attention_value
from node.web.pages.desk import NodePage, NodeVisit
from node.web.pages.grounds import in_words
from protocol.contact import read_name, read_phone
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm, gathered
from web.site import Answer, Go, Shown


@dataclass(frozen=True)
class Raising:
    """Where and for whom attention is raised, and what can be said."""

    service: NodeService
    client: Client
    can: Possible

    @property
    def path(self) -> str:
        """The address of the client's page."""
        return f"/clients/{self.client.id}"


async def _raising(visit: NodeVisit) -> Raising:
    """Raises HTTPNotFound where the sharing agreement lets nobody raise any."""
    client = await visit.here.client(visit.number("client"))
    service = visit.here.at(visit.place["hub"])
    if service.membership.charter.attention is None:
        raise web.HTTPNotFound
    can = await possible(service, client.local_id, visit.here.person.id)
    return Raising(service, client, can)


async def show_attention(visit: NodeVisit) -> Answer:
    """Ask what for."""
    raising = await _raising(visit)
    roles = [(code, in_words(code)) for code in raising.can.roles]
    return Shown(
        "raising/attention.html",
        {
            "client": raising.client.record,
            "back_to": raising.path,
            "kinds": list(raising.can.kinds.items()),
            "roles": roles,
            "shown": raising.can.shown,
            "me": visit.here.title,
        },
    )


async def raise_it(visit: NodeVisit) -> Answer:
    """Tell whoever is in the team."""
    raising, form = await _raising(visit), visit.form
    can = raising.can
    kind = form.one_of("kind", can.kinds, "raising.wrong.kind")
    role = can.roles[0] if len(can.roles) == 1 else ""
    if not role:
        role = form.one_of("role", can.roles, "asking.wrong.role")
    anyway = form.raw("anyway") == "yes"
    if not can.shown and not anyway:
        raise InvalidForm({"anyway": "raising.wrong.nobody"})
    alert = Alert(raising.client.local_id, visit.here.person.id, role, kind)
    try:
        await raise_attention(raising.service, alert, though_nobody_shown=anyway)
    except LocalError as error:
        if error.code in {ErrorCode.NOT_READY, ErrorCode.NOT_FOUND}:
            raise InvalidForm({"": "raising.wrong.not_shared"}) from None
        raise
    return Go(f"{raising.path}/attention/{visit.place['hub']}/raised")


async def show_raised(visit: NodeVisit) -> Answer:
    """Say what became of what somebody raised last."""
    raising = await _raising(visit)
    hub_id, person = raising.service.membership.hub.hub_id, visit.here.person.id

    def look(tables: NodeTables) -> list[str]:
        return [
            one.state.value
            for _, one in tables.attention.all_raised(hub_id)
            if (one.client, one.practitioner) == (raising.client.id, person)
        ]

    states = await visit.here.read(look)
    if not states:
        return Go(raising.path)
    return Shown("raising/raised.html", {"state": states[-1], "back_to": raising.path})


async def show_seen(visit: NodeVisit) -> Answer:
    """Lead to the client, where it is seen to."""
    return Go(f"/clients/{visit.number('client')}")


async def see(visit: NodeVisit) -> Answer:
    """Say that somebody has seen to what another organisation raised."""
    client = await visit.here.client(visit.number("client"))
    service = visit.here.at(visit.place["hub"])
    waiting = await service.read(attention_value)
    theirs = {one["attention"] for one in waiting if one["client"] == client.local_id}
    for number in theirs & visit.form.numbers("attention"):
        await see_attention(service, number, visit.here.person.id)
    return Go(f"/clients/{client.id}")


async def show_invite(visit: NodeVisit) -> Answer:
    """Ask which organisation is missing."""
    service = _inviting(visit)
    values: dict[str, Any] = {"classes": list(classes(service).items()), "back_to": "/clients"}
    return Shown("raising/invite.html", values)


async def invite(visit: NodeVisit) -> Answer:
    """Ask the council to invite it."""
    service, form = _inviting(visit), visit.form
    wrong: list[InvalidForm] = []

    def read(answer: Callable[[], str]) -> str:
        try:
            return answer()
        except InvalidForm as error:
            wrong.append(error)
            return ""

    name = read(lambda: form.text("name", missing="raising.wrong.name"))
    phone = read(lambda: form.text("phone", missing="raising.wrong.phone"))
    kind = read(lambda: form.one_of("kind", classes(service), "raising.wrong.class"))
    number = read_phone(phone)
    if name and not read_name(name):
        wrong.append(InvalidForm({"name": "raising.wrong.name"}))
    if phone and (number is None or number.remark):
        wrong.append(InvalidForm({"phone": "raising.wrong.phone"}))
    gathered(*wrong)
    try:
        await invite_agency(service, Wish(name, phone, kind, visit.here.person.id))
    except LocalError as error:
        said = {
            ErrorCode.MALFORMED: "raising.wrong.like_client",
            ErrorCode.CONFLICT: "raising.wrong.member",
        }
        if error.code in said:
            raise InvalidForm({"name": said[error.code]}) from None
        raise
    return Go(f"/invite/{visit.place['hub']}/asked")


async def show_invited(visit: NodeVisit) -> Answer:
    """Say that the council was asked."""
    _inviting(visit)
    return Shown("raising/invited.html")


def _inviting(visit: NodeVisit) -> NodeService:
    """Raises HTTPNotFound where the sharing agreement lets nobody ask for others."""
    service = visit.here.at(visit.place["hub"])
    if service.membership.charter.quotas.invites_per_day is None:
        raise web.HTTPNotFound
    return service


PAGES = [
    NodePage("/clients/{client}/attention/{hub}", STAFF, show_attention, raise_it),
    NodePage("/clients/{client}/attention/{hub}/raised", STAFF, show_raised),
    NodePage("/clients/{client}/attention/{hub}/seen", STAFF, show_seen, see),
    NodePage("/invite/{hub}", STAFF, show_invite, invite),
    NodePage("/invite/{hub}/asked", STAFF, show_invited),
]
