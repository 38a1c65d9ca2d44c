"""What waits for somebody: requests, one with all that an answer needs, and the answer; possible
matches, identity checks and consents, each with the way to its own page.

Answering takes two pages: the request, and that it was answered. Whoever refuses, passes on or
allows in spite of an objection says more in between.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from node.actions.requests import answer_now, pass_on_now
from node.membership.hub import HubMembership
from node.records.accounts import STAFF
from node.requests.answering import Answer
from node.service import NodeService
from node.store.requests import ReceivedRequest
from node.store.tables import NodeTables
from node.views.answering import OFFERED, is_of_team, request_value, waiting_value
from node.views.comparing import checks_for, matches_for
from node.views.due import due_consents
from node.web.pages.changing import colleagues
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from protocol.requests.decide import Refuse
from protocol.requests.disclosure import Override
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import FACT_LIMIT
from web.forms import InvalidForm
from web.site import Answer as Shown_
from web.site import Data, Go, Shown

ID = re.compile(r"^[0-9a-f]{32}$")
ANSWERS = ("allow", "refuse", "pass")
TO_DO = ("mine", "matches", "checks", "consents")
"""What waits for whoever looks; requests that wait for colleagues do not."""


async def show_inbox(visit: NodeVisit) -> Shown_:
    """Show what waits for somebody, and what they answered."""
    lists = await _lists(visit)
    waiting = sum(len(lists[name]) for name in TO_DO)
    said = "said" in visit.request.query
    values = {"lists": lists, "mark": _mark(lists), "waiting": waiting, "said": said}
    return Shown("inbox/list.html", values)


async def latest(visit: NodeVisit) -> Shown_:
    """What the open page asks for again and again: whether there is anything new."""
    return Data({"mark": _mark(await _lists(visit))})


async def show_request(visit: NodeVisit) -> Shown_:
    """Show one request, and ask what to do if it waits for whoever looks."""
    by_rules = "rules" in visit.request.query
    return Shown("inbox/request.html", {"item": await _item(visit), "rules": by_rules})


async def answer(visit: NodeVisit) -> Shown_:
    """Allow, or go where more is to be said."""
    said = visit.form.one_of("answer", ANSWERS, "inbox.wrong.answer")
    request_id = _id(visit)
    item = await _item(visit)
    if said == "allow" and item["override"]:
        return Go(f"/inbox/{request_id}/override")
    if said != "allow":
        return Go(f"/inbox/{request_id}/{said}")
    return await _say(visit, Answer(request_id, visit.here.person.id))


async def show_refuse(visit: NodeVisit) -> Shown_:
    """Ask why somebody refuses."""
    values = {"item": await _item(visit), "codes": [code.value for code in OFFERED]}
    return Shown("inbox/refuse.html", values)


async def refuse(visit: NodeVisit) -> Shown_:
    """Refuse, with a code and what somebody wrote."""
    codes = [code.value for code in OFFERED]
    code = RefusalCode(visit.form.one_of("code", codes, "inbox.wrong.code"))
    reason = visit.form.text("reason", most=FACT_LIMIT)
    if not reason and (await _item(visit))["reason_in_writing"]:
        raise InvalidForm({"reason": "inbox.wrong.reason"})
    return await _say(visit, Answer(_id(visit), visit.here.person.id, code, None, reason))


async def show_override(visit: NodeVisit) -> Shown_:
    """Ask why somebody shares though the client objects."""
    item = await _item(visit)
    offered = item["override"] or {"reasons": {}, "roles": []}
    roles = [(role, role.replace("_", " ").capitalize()) for role in offered["roles"]]
    values = {"item": item, "reasons": list(offered["reasons"].items()), "roles": roles}
    return Shown("inbox/override.html", values)


async def override(visit: NodeVisit) -> Shown_:
    """Allow in spite of an objection."""
    allowed = (await _item(visit))["override"] or {"reasons": {}, "roles": []}
    reason = visit.form.one_of("reason", allowed["reasons"], "inbox.wrong.override")
    role = visit.form.one_of("role", allowed["roles"], "inbox.wrong.role")
    in_spite = Override(reason=reason, role=role)
    return await _say(visit, Answer(_id(visit), visit.here.person.id, None, in_spite))


async def show_pass(visit: NodeVisit) -> Shown_:
    """Ask to which colleague a request goes."""
    names = await colleagues(visit)
    return Shown("inbox/pass.html", {"item": await _item(visit), "names": names})


async def pass_on(visit: NodeVisit) -> Shown_:
    """Pass a request on."""
    to = visit.form.text("to", missing="inbox.wrong.to")
    service, _ = await _found(visit)
    try:
        await pass_on_now(service, _id(visit), visit.here.person.id, to)
    except LocalError as error:
        keys = {
            ErrorCode.CONFLICT: "inbox.wrong.cannot_pass",
            ErrorCode.NOT_FOUND: "inbox.wrong.gone",
        }
        raise InvalidForm({"to": keys.get(error.code, "inbox.wrong.not_yours")}) from None
    return Go(f"/inbox/{_id(visit)}")


async def _say(visit: NodeVisit, said: Answer) -> Shown_:
    """Answer. What two people do at once, one of them hears."""
    service, _ = await _found(visit)
    try:
        decision = await answer_now(service, said)
    except LocalError as error:
        keys = {
            ErrorCode.NOT_FOUND: "inbox.wrong.gone",
            ErrorCode.TOO_LATE: "inbox.wrong.too_late",
            ErrorCode.NOT_ALLOWED: "inbox.wrong.not_yours",
        }
        if error.code not in keys:
            raise
        raise InvalidForm({"": keys[error.code]}) from None
    by_rules = isinstance(decision, Refuse) and decision.code is not said.refusal
    return Go(f"/inbox/{said.request_id}{'?rules' if by_rules else ''}")


async def _lists(visit: NodeVisit) -> dict[str, list[dict[str, Any]]]:
    person, days = visit.here.person, visit.here.settings.remind_days
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*TO_DO, "others", "answered")}

    def look(tables: NodeTables, membership: HubMembership) -> dict[str, list[dict[str, Any]]]:
        return {
            **waiting_value(tables, membership, person.id),
            "matches": matches_for(tables, membership, person),
            "checks": checks_for(tables, membership, person),
        }

    for service in visit.here.services:
        for name, items in (await service.read(look)).items():
            found[name] += items
    consents = partial(due_consents, person=person, days=days)
    found["consents"] = await visit.here.hubs.any().read(consents)  # the same at every hub
    return found


def _mark(lists: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Changes when anything waits that did not, or the other way."""
    marks = [item["request_id"][:8] for item in lists["mine"]]
    marks += [
        f"{item['link_id'][:8]}{(item['check'] or {}).get('answer')}" for item in lists["matches"]
    ]
    marks += [f"{item['check_id'][:8]}{item['waits']}" for item in lists["checks"]]
    marks += [f"{item['work']}{item['until']}{item['is_over']}" for item in lists["consents"]]
    return ".".join(marks)


async def _item(visit: NodeVisit) -> dict[str, Any]:
    """The request of the address. Raises HTTPNotFound."""
    service, request = await _found(visit)
    person = visit.here.person.id

    def look(tables: NodeTables, membership: HubMembership) -> dict[str, Any]:
        value = request_value(tables, service.releasing, membership, request)
        may, theirs = person in value["may_answer"], request.answered_by == person
        if not (may or theirs or is_of_team(tables, request, person)):
            raise web.HTTPNotFound
        return {**value, "mine": value["waits"] and may}

    item = await service.read(look)
    if item["row"] is not None:
        await visit.here.looked(item["row"])  # also of a client of others, of whom it was passed on
    return item


async def _found(visit: NodeVisit) -> tuple[NodeService, ReceivedRequest]:
    request_id = _id(visit)
    for service in visit.here.services:

        def look(
            tables: NodeTables, hub_id: str = service.membership.hub.hub_id
        ) -> ReceivedRequest | None:
            return tables.received_requests.get(hub_id, request_id)

        if (request := await visit.here.read(look)) is not None:
            return service, request
    raise web.HTTPNotFound


def _id(visit: NodeVisit) -> str:
    if not ID.match(visit.place["request"]):
        raise web.HTTPNotFound
    return visit.place["request"]


PAGES = [
    NodePage("/inbox", STAFF, show_inbox, nav="inbox.list.nav"),
    NodePage("/inbox/latest", STAFF, latest, polled=True),
    NodePage("/inbox/{request}", STAFF, show_request, answer),
    NodePage("/inbox/{request}/refuse", STAFF, show_refuse, refuse),
    NodePage("/inbox/{request}/override", STAFF, show_override, override),
    NodePage("/inbox/{request}/pass", STAFF, show_pass, pass_on),
]
