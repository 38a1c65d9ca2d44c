"""Records that two people together keep unpublished: a manager and the lead. What one of them says
waits for the other one.
"""

from datetime import UTC, date, datetime
from typing import Any

from aiohttp import web

from node.actions.withholding import (
    agree_to_withholding,
    end_withholding,
    propose_withholding,
)
from node.records import caseload, withholding
from node.records.accounts import Role
from node.records.withholding import BOTH, MOST_WORDS, Wish
from node.store.tables import NodeTables
from node.views.withheld import withheld_value
from node.web.pages.desk import NodePage, NodeVisit, told_later
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

TWO = frozenset({Role.GOVERNANCE_LEAD, Role.MANAGER})
HOME = "/withheld"


async def show(visit: NodeVisit) -> Answer:
    """Show who is withheld, and what waits for the other one of the two."""
    return Shown("withheld/list.html", {"items": await _all(visit), "may": _may(visit)})


async def show_propose(visit: NodeVisit) -> Answer:
    """Ask who is to be withheld, why and until when."""
    return Shown("withheld/propose.html", {"may": _may(visit)})


async def propose(visit: NodeVisit) -> Answer:
    """Take down that somebody is to be withheld."""
    form = visit.form
    client = form.text("client", missing="withheld.wrong.client", most=80)
    reason = form.text("reason", missing="withheld.wrong.reason", most=MOST_WORDS)
    until = form.day("until", "withheld.wrong.until", "withheld.wrong.until")
    review = form.day("review", "withheld.wrong.review", "withheld.wrong.review")
    if until is None or review is None:
        raise InvalidForm({"until": "withheld.wrong.until"})
    wish = Wish(client, reason, until, review)
    try:
        await propose_withholding(visit.here.hubs.any(), wish, visit.here.person.id)
    except LocalError as error:
        field = error.detail.partition(":")[0]
        if error.code is ErrorCode.MALFORMED and field in ("until", "review", "reason"):
            raise InvalidForm({field: f"withheld.wrong.{field}"}) from None
        raise _in_words(error, "client") from None
    return Go(HOME)


async def show_one(visit: NodeVisit) -> Answer:
    """Show one, and what somebody can say of it."""
    return Shown("withheld/one.html", {"item": await _one(visit), "may": _may(visit)})


async def decide(visit: NodeVisit) -> Answer:
    """Agree, or say that it is to end."""
    item, me = await _one(visit), visit.here.person.id
    what = visit.form.one_of("what", ("agree", "end"), "withheld.wrong.what")
    act = agree_to_withholding if what == "agree" else end_withholding
    try:
        await told_later(act(visit.here.hubs.any(), item["id"], me))
    except LocalError as error:
        raise _in_words(error, "what") from None
    return Go(HOME)


def _in_words(error: LocalError, field: str) -> Exception:
    """What is wrong, on the page; what is nobody's mistake as it is."""
    keys = {
        ErrorCode.NOT_FOUND: "withheld.wrong.unknown"
        if field == "client"
        else "withheld.wrong.gone",
        ErrorCode.CONFLICT: "withheld.wrong.already",
        ErrorCode.NOT_ALLOWED: "withheld.wrong.two",
    }
    return InvalidForm({field: keys[error.code]}) if error.code in keys else error


def _may(visit: NodeVisit) -> bool:
    """Whether they are one of the two: who manages a team beside other work is not."""
    return visit.here.person.kind in BOTH


async def _all(visit: NodeVisit) -> list[dict[str, Any]]:
    """All, each with its last day: it ends with that day's last second in UTC. Who manages a team
    beside other work sees those of their own teams.
    """
    person, now, decides = visit.here.person, visit.here.now, _may(visit)

    def look(tables: NodeTables) -> list[dict[str, Any]]:
        found = withheld_value(tables, now)
        if decides:
            return found
        clients = {one.id: one.client for one in withholding.standing(tables, now)}
        own = caseload.theirs(tables, person, set(clients.values()), now)
        return [one for one in found if clients[one["id"]] in own]

    found = await visit.here.read(look)
    return [{**one, "last": _last_day(one["expires_at"])} for one in found]


def _last_day(expires_at: int | None) -> date | None:
    return datetime.fromtimestamp(expires_at - 1, UTC).date() if expires_at is not None else None


async def _one(visit: NodeVisit) -> dict[str, Any]:
    number = visit.number("number")
    for one in await _all(visit):
        if one["id"] == number:
            return one
    raise web.HTTPNotFound


PAGES = [
    NodePage(HOME, TWO, show, nav="withheld.list.nav"),
    NodePage(f"{HOME}/propose", TWO, show_propose, propose),
    NodePage(f"{HOME}/{{number}}", TWO, show_one, decide),
]
