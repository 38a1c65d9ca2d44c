"""Contact details that are still out after a permission was withdrawn: the lead decides."""

from typing import Any

from aiohttp import web

from node.actions.cards import keep_now, take_back_now
from node.service import NodeService
from node.views.governance import governance_value
from node.web.pages.desk import NodePage, NodeVisit, told_later
from node.web.pages.governance import LEAD
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown


async def show(visit: NodeVisit) -> Answer:
    """Show what is out, and ask."""
    _, item = await _card(visit)
    return Shown("governance/card.html", {"item": item})


async def decide(visit: NodeVisit) -> Answer:
    """Have it deleted, or let it stay."""
    service, item = await _card(visit)
    what = visit.form.one_of("what", ("recall", "keep"), "governance.wrong.what")
    act = take_back_now if what == "recall" else keep_now
    try:
        await told_later(act(service, item["request_id"], visit.here.person.id))
    except LocalError as error:
        if error.code not in (ErrorCode.CONFLICT, ErrorCode.NOT_FOUND):
            raise
        raise InvalidForm({"what": "governance.wrong.gone"}) from None
    return Go("/governance")


async def _card(visit: NodeVisit) -> tuple[NodeService, dict[str, Any]]:
    """The card that an address names, if somebody has to decide about it. Raises HTTPNotFound."""
    for service in visit.here.services:
        for item in await service.oversee(governance_value):
            waits = item["what"] == "card_after_withdrawal"
            if waits and item["request_id"] == visit.place["request"]:
                return service, item
    raise web.HTTPNotFound


PAGES = [NodePage("/governance/cards/{request}", LEAD, show, decide)]
