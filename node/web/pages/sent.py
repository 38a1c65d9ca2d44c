"""What somebody asked: who has it now and until when, the contact card, and "wrong person"."""

from functools import partial
from typing import Any

from aiohttp import web

from node.actions.people import recall_now
from node.membership.hub import HubMembership
from node.records.accounts import STAFF
from node.service import NodeService
from node.store.requests import SentRequest
from node.store.tables import NodeTables
from node.views.asked import asked_by, asked_values
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError, RemoteError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

CARD_IS_HERE = frozenset({"opened", "renewed"})
CAN_BE_WRONG = CARD_IS_HERE | {"expired", "recalled_by_them"}


async def show_all(visit: NodeVisit) -> Answer:
    """Show what somebody asked, and what they have begun to ask, at every hub."""
    here = visit.here
    requests: list[dict[str, Any]] = []
    begun: list[dict[str, Any]] = []
    for service in here.services:
        asked, drafts = await service.read(partial(asked_by, person=here.person.id))
        requests += asked
        begun += drafts
    requests.sort(key=lambda one: -one["asked_at"])
    return Shown("sent/all.html", {"requests": requests, "begun": begun})


async def show(visit: NodeVisit) -> Answer:
    """Show one request: where it is now, or its card."""
    _, value = await _asked(visit)
    return Shown("sent/one.html", {"one": value, "can_be_wrong": value["stands"] in CAN_BE_WRONG})


async def show_wrong(visit: NodeVisit) -> Answer:
    """Ask whether a card was about the wrong person, and say what follows."""
    _, value = await _asked(visit)
    if value["stands"] not in CAN_BE_WRONG:
        return Go(f"/requests/{value['request_id']}")
    return Shown("sent/wrong.html", {"one": value})


async def say_wrong(visit: NodeVisit) -> Answer:
    """Say that it was: the card goes at once, the link ends, and a lead is told."""
    service, value = await _asked(visit)
    try:
        await recall_now(service, value["request_id"], visit.here.person.id)
    except LocalError as error:
        if error.code not in {ErrorCode.NOT_FOUND, ErrorCode.CONFLICT}:
            raise
        raise InvalidForm({"": "sent.wrong.not_now"}) from None
    except RemoteError:
        _, value = await _asked(visit)
        if value["stands"] in CARD_IS_HERE:
            raise  # else it is done here, and the others are told as soon as the hub is there
    return Go(f"/requests/{value['request_id']}")


async def _asked(visit: NodeVisit) -> tuple[NodeService, dict[str, Any]]:
    """A request of ours by its id in the address, if whoever looks may see its client. Raises
    HTTPNotFound.
    """
    request_id = visit.place["request"]

    def look(tables: NodeTables, membership: HubMembership) -> SentRequest | None:
        return tables.sent_requests.get(membership.hub.hub_id, request_id)

    for service in visit.here.services:
        request = await service.read(look)
        if request is not None:
            client = await visit.here.client(request.client)
            known = {client.id: client}
            view = partial(asked_values, clients=known, requests=[request])
            (value,) = await service.read(view)
            return service, value
    raise web.HTTPNotFound


PAGES = [
    NodePage("/requests", STAFF, show_all, nav="sent.all.nav"),
    NodePage("/requests/{request}", STAFF, show),
    NodePage("/requests/{request}/wrong-person", STAFF, show_wrong, say_wrong),
]
