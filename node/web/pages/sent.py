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
from node.views.asked import asked_by, asked_value
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError, RemoteError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

TITLES = {
    "sending": "sent.title.sending",
    "waiting": "sent.title.waiting",
    "allowed": "sent.title.allowed",
    "refused": "sent.title.refused",
    "failed": "sent.title.failed",
    "opened": "sent.title.opened",
    "renewed": "sent.title.renewed",
    "closed": "sent.title.closed",
    "stopped": "sent.title.stopped",
    "recalled": "sent.title.recalled",
    "recalled_by_them": "sent.title.recalled_by_them",
    "wrong_person": "sent.title.wrong_person",
    "expired": "sent.title.expired",
    "late": "sent.title.late",
    "log_lost": "sent.title.log_lost",
}
SAYS = {
    "sending": "sent.says.sending",
    "waiting": "sent.says.waiting",
    "allowed": "sent.says.allowed",
    "refused": "sent.says.refused",
    "failed": "sent.says.failed",
    "opened": "sent.says.opened",
    "renewed": "sent.says.renewed",
    "closed": "sent.says.closed",
    "stopped": "sent.says.stopped",
    "recalled": "sent.says.recalled",
    "recalled_by_them": "sent.says.recalled_by_them",
    "wrong_person": "sent.says.wrong_person",
    "expired": "sent.says.expired",
    "late": "sent.says.late",
    "log_lost": "sent.says.log_lost",
}
CARD_IS_HERE = frozenset({"opened", "renewed"})
CAN_BE_WRONG = CARD_IS_HERE | {"expired", "recalled_by_them"}


async def show_all(visit: NodeVisit) -> Answer:
    """Show what somebody asked, and what they have begun to ask, at every hub."""
    here = visit.here
    requests: list[dict[str, Any]] = []
    begun: list[dict[str, Any]] = []
    for service in here.services:
        asked, drafts = await service.read(partial(asked_by, person=here.person.id))
        requests += [_with_words(one) for one in asked]
        begun += drafts
    requests.sort(key=lambda one: -one["asked_at"])
    return Shown("sent/all.html", {"requests": requests, "begun": begun})


async def show(visit: NodeVisit) -> Answer:
    """Show one request: where it is now, or its card."""
    _, value = await _asked(visit)
    return Shown("sent/one.html", {"one": _with_words(value)})


async def show_wrong(visit: NodeVisit) -> Answer:
    """Ask whether a card was about the wrong person, and say what follows."""
    _, value = await _asked(visit)
    if value["stands"] not in CAN_BE_WRONG:
        return Go(f"/requests/{value['request_id']}")
    return Shown("sent/wrong.html", {"one": _with_words(value)})


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
            view = partial(asked_value, client=client, request=request)
            return service, await service.read(view)
    raise web.HTTPNotFound


def _with_words(value: dict[str, Any]) -> dict[str, Any]:
    """With the keys of what its state is called, and of what that means."""
    stands = value["stands"]
    can = stands in CAN_BE_WRONG
    return {**value, "title": TITLES[stands], "says": SAYS[stands], "can_be_wrong": can}


PAGES = [
    NodePage("/requests", STAFF, show_all, nav="sent.all.nav"),
    NodePage("/requests/{request}", STAFF, show),
    NodePage("/requests/{request}/wrong-person", STAFF, show_wrong, say_wrong),
]
