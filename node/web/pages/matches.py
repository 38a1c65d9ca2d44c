"""Possible matches: our own record beside what may be shown of the other, and what a person says.

Whoever cannot tell calls, or has the other organisation compare: the questions of any request, each
page carrying what was answered before it. What a check came to is shown where the match is.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from node.actions.people import check_now, say_now
from node.identity_checks.initiating import IdentityCheckRequest
from node.links.review import Opinion, RestsOn, Said
from node.records.accounts import STAFF
from node.requests.grounds import NoConsentError
from node.service import NodeService
from node.store.records import Client
from node.views.bases import offered
from node.views.comparing import checks_of, match_value, matches_of
from node.views.people import roles_of
from node.web.pages.desk import NodePage, NodeVisit
from node.web.pages.grounds import CHECK, Questions, carried, kept_along
from protocol.errors import ErrorCode, PatchworkError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

CANNOT_TELL = "cannot_tell"
ANSWERS = ("same", "not_same", CANNOT_TELL)


@dataclass(frozen=True)
class Comparing:
    """A link of a client at a hub, to be compared."""

    service: NodeService
    client: Client
    match: dict[str, Any]

    @property
    def path(self) -> str:
        """The address of its page."""
        return f"/clients/{self.client.id}/matches/{self.match['hub_id']}/{self.match['link_id']}"


async def show_all(visit: NodeVisit) -> Answer:
    """Show what waits of a client, and who asked whether they are known here."""
    client = await visit.here.client(visit.number("client"))
    matches: list[dict[str, Any]] = []
    checks: list[dict[str, Any]] = []
    for service in visit.here.services:
        matches += await service.read(partial(matches_of, client=client))
        checks += await service.read(partial(checks_of, client=client))
    return Shown("matches/client.html", {"client": client, "matches": matches, "checks": checks})


async def _comparing(visit: NodeVisit) -> Comparing:
    """Raises HTTPNotFound for no link of this client, or one that is over."""
    client = await visit.here.client(visit.number("client"))
    service = visit.here.at(visit.place["hub"])
    view = partial(match_value, client=client, link_id=visit.place["link"])
    match = await service.read(view)
    if match is None:
        raise web.HTTPNotFound
    return Comparing(service, client, match)


async def show(visit: NodeVisit) -> Answer:
    """Show both sides, as far as they may be shown, and ask whether they are one."""
    comparing = await _comparing(visit)
    return Shown("matches/compare.html", {"match": comparing.match, "path": comparing.path})


async def say(visit: NodeVisit) -> Answer:
    """Take an answer down and send it; who cannot tell is told what else there is."""
    comparing = await _comparing(visit)
    said = visit.form.one_of("answer", ANSWERS, "matches.wrong.answer")
    if said == CANNOT_TELL:
        return Go(f"{comparing.path}/unsure")
    check = comparing.match["check"]
    looked = check is not None and check["answer"] in {"same", "not_same"}
    rests_on: RestsOn = "identity_check" if looked else "records"
    meant: Said = "same" if said == "same" else "not_same"
    link_id, person = comparing.match["link_id"], visit.here.person.id
    try:
        await say_now(comparing.service, Opinion(link_id, meant, person, rests_on))
    except PatchworkError as error:
        if not await _is_on_its_way(comparing):
            raise _in_words(error) from None
    return Go("/inbox?said")


async def _is_on_its_way(comparing: Comparing) -> bool:
    """Whether an answer goes out by itself, as soon as the hub is there."""
    view = partial(match_value, client=comparing.client, link_id=comparing.match["link_id"])
    match = await comparing.service.read(view)
    return match is not None and bool(match["on_its_way"])


def _in_words(error: PatchworkError) -> Exception:
    if error.code in {ErrorCode.CONFLICT, ErrorCode.NOT_FOUND}:
        return InvalidForm({"": "matches.wrong.changed"})
    return error


async def show_unsure(visit: NodeVisit) -> Answer:
    """Say what somebody can do who cannot tell; nothing was sent."""
    comparing = await _comparing(visit)
    return Shown("matches/unsure.html", {"match": comparing.match, "path": comparing.path})


async def _questions(visit: NodeVisit, comparing: Comparing) -> Questions:
    """The questions of a check, with what pages before have carried along."""
    roles = await comparing.service.read(partial(roles_of, person=visit.here.person.id))
    return carried(Questions(await comparing.service.read(offered), roles), visit.form)


def _page(visit: NodeVisit, comparing: Comparing, questions: Questions) -> Shown:
    """The next question, or everything once more before it is sent."""
    to = comparing.match["agency"] or visit.site.say("matches.check.to")
    common = {
        "to": None,
        "to_title": to,
        "base": "",
        "client": comparing.client.record,
        "back_to": comparing.path,
        "hidden": kept_along(questions),
    }
    step = questions.next_step()
    if step != CHECK:
        return questions.page(step, common)
    most = comparing.service.membership.charter.quotas.identity_checks_per_day
    values = {**questions.summary(), "me": visit.here.title, "most": most}
    return Shown("matches/check.html", {**common, **values})


async def show_check(visit: NodeVisit) -> Answer:
    """Show the next question."""
    comparing = await _comparing(visit)
    if not comparing.match["may_check"]:
        return Go(comparing.path)
    return _page(visit, comparing, await _questions(visit, comparing))


async def go_on(visit: NodeVisit) -> Answer:
    """Take an answer and show the next question; or have them compare."""
    comparing = await _comparing(visit)
    if not comparing.match["may_check"]:
        return Go(comparing.path)
    asked = await _questions(visit, comparing)
    step = asked.next_step()
    if step != CHECK:
        return _page(visit, comparing, asked.answer(step, visit.form))
    why = (asked.purpose, asked.grounds.basis, asked.answered)
    link_id, person = comparing.match["link_id"], visit.here.person.id
    wanted = IdentityCheckRequest(link_id, person, asked.role, *why)
    before = comparing.match["check"]
    try:
        await check_now(comparing.service, wanted)
    except NoConsentError:
        raise InvalidForm({"": "matches.wrong.no_consent"}) from None
    except PatchworkError as error:
        now = (await _comparing(visit)).match["check"]
        if now is None or (before is not None and now["check_id"] == before["check_id"]):
            raise _in_words(error) from None  # else it is on its way by itself
    return Go(comparing.path)


PAGES = [
    NodePage("/clients/{client}/matches", STAFF, show_all),
    NodePage("/clients/{client}/matches/{hub}/{link}", STAFF, show, say),
    NodePage("/clients/{client}/matches/{hub}/{link}/unsure", STAFF, show_unsure),
    NodePage("/clients/{client}/matches/{hub}/{link}/check", STAFF, show_check, go_on),
]
