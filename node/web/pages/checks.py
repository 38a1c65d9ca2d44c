"""Identity checks that came to us: their details beside ours, and what a person finds.

Answering takes two pages: the check, and that it was answered. Whoever refuses says why in between.
"""

import re
from functools import partial
from typing import Any

from aiohttp import web

from node.actions.people import answer_now
from node.identity_checks.comparing import Comparison, Found
from node.membership.hub import HubMembership
from node.records.accounts import STAFF
from node.service import NodeService
from node.store.checks import ReceivedCheck
from node.store.records import Client
from node.store.tables import NodeTables
from node.views.answering import OFFERED
from node.views.comparing import received_check
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.requests.refusals import RefusalCode
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ID = re.compile(r"^[0-9a-f]{32}$")
FOUND: dict[str, Found] = {"same": "same", "not_same": "not_same", "cannot_say": "cannot_say"}
REFUSE = "refuse"
CODES = tuple(code for code in OFFERED if code is not RefusalCode.NOT_THE_SAME_PERSON)
"""That it is not the same person is an answer."""


async def show(visit: NodeVisit) -> Answer:
    """Show a check, and ask what whoever looks finds if it waits."""
    _, item = await _item(visit)
    return Shown("matches/received.html", {"item": item})


async def answer(visit: NodeVisit) -> Answer:
    """Take down what somebody found; or go where they say why they do not compare."""
    service, item = await _item(visit)
    said = visit.form.one_of("answer", [*FOUND, REFUSE], "matches.wrong.found")
    if said == REFUSE:
        return Go(f"/checks/{item['check_id']}/refuse")
    found = Comparison(item["check_id"], visit.here.person.id, FOUND[said])
    return await _say(visit, service, found)


async def show_refuse(visit: NodeVisit) -> Answer:
    """Ask why somebody does not compare."""
    _, item = await _item(visit)
    return Shown("matches/refuse.html", {"item": item, "codes": [code.value for code in CODES]})


async def refuse(visit: NodeVisit) -> Answer:
    """Do not compare, with a code."""
    service, item = await _item(visit)
    codes = [code.value for code in CODES]
    code = RefusalCode(visit.form.one_of("code", codes, "inbox.wrong.code"))
    found = Comparison(item["check_id"], visit.here.person.id, refusal=code)
    return await _say(visit, service, found)


async def _say(visit: NodeVisit, service: NodeService, found: Comparison) -> Answer:
    """Answer. What two people do at once, one of them hears."""
    try:
        await answer_now(service, found)
    except LocalError as error:
        keys = {
            ErrorCode.NOT_FOUND: "matches.wrong.answered",
            ErrorCode.TOO_LATE: "matches.wrong.too_late",
        }
        if error.code not in keys:
            raise
        raise InvalidForm({"": keys[error.code]}) from None
    except RemoteError:
        _, item = await _item(visit)
        if item["waits"]:
            raise  # else it is answered here, and goes out as soon as the hub is there
    return Go(f"/checks/{found.check_id}")


async def _item(visit: NodeVisit) -> tuple[NodeService, dict[str, Any]]:
    """The check of the address, to whoever may see its client. Raises HTTPNotFound."""
    check_id = visit.place["check"]
    if not ID.match(check_id):
        raise web.HTTPNotFound
    for service in visit.here.services:
        found = await service.read(partial(_found, check_id=check_id))
        if found is not None:
            check, about = found
            client = await visit.here.client(about.id)
            return service, await service.read(partial(received_check, check=check, client=client))
    raise web.HTTPNotFound


def _found(
    tables: NodeTables, membership: HubMembership, check_id: str
) -> tuple[ReceivedCheck, Client] | None:
    hub_id = membership.hub.hub_id
    check = tables.received_checks.get(hub_id, check_id)
    link = tables.links.get(hub_id, check.link_id) if check is not None else None
    client = tables.stubs.client_of(hub_id, link.stub_id) if link is not None else None
    return (check, client) if check is not None and client is not None else None


PAGES = [
    NodePage("/checks/{check}", STAFF, show, answer),
    NodePage("/checks/{check}/refuse", STAFF, show_refuse, refuse),
]
