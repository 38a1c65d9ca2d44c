"""Who applied, or has new keys that wait: words are compared, then each is approved or refused."""

from aiohttp import web

from hub.members import office
from hub.members.accounts import OPERATOR
from hub.members.enrolment import enrolment_of
from hub.members.office import Candidate
from hub.store.members import ApplicantState
from hub.store.office import ActKind
from hub.store.tables import HubTables
from hub.web.pages.desk import HubPage, HubVisit
from protocol.errors import ErrorCode, LocalError
from protocol.governance.admission import Newcomer, needs_endorsement
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

NEW_KEYS = "new keys wait"
WAITING = (ApplicantState.WAITING, NEW_KEYS)
WORDS, REASON = 400, 500


async def show(visit: HubVisit) -> Answer:
    """Show who waits, and what became of the others."""
    found = await visit.here.read(office.candidates)
    waiting = [one for one in found if one.state in WAITING]
    others = [
        one for one in found if one.state in (ApplicantState.APPROVED, ApplicantState.REJECTED)
    ]
    return Shown("applicants/list.html", {"waiting": waiting, "others": others})


async def show_one(visit: HubVisit) -> Answer:
    """Show one who waits: whom to call, and the words that they are to read out."""
    party_id, now = visit.place["party"], visit.here.now

    def look(tables: HubTables) -> dict[str, object]:
        one = _waiting(tables, party_id)
        applicant, directory = tables.members.applicant(party_id), tables.directory.current()
        body = enrolment_of(applicant) if applicant is not None else None
        is_new = one.state != NEW_KEYS
        lacks = is_new and body and needs_endorsement(directory, Newcomer.of(body), now)
        titles = {item.code: item.title for item in directory.charter.classes}
        return {
            "one": one,
            "is_new": is_new,
            "kind": titles.get(one.member_class, one.member_class),
            "body": body,
            "applied_at": applicant.applied_at if applicant else None,
            "needs_endorsement": lacks,
        }

    return Shown("applicants/one.html", await visit.here.read(look))


async def show_approval(visit: HubVisit) -> Answer:
    """Ask for the words as they were heard."""
    return Shown("applicants/approve.html", {"one": await _one(visit)})


async def approve(visit: HubVisit) -> Answer:
    """Approve whoever read out the right words."""
    one = await _one(visit)
    words = visit.form.text("words", missing="applicants.wrong.words", most=WORDS)

    def work(tables: HubTables) -> None:
        office.approve(tables, one.party_id, words)

    try:
        await visit.here.act(work, ActKind.APPROVED, one.party_id)
    except LocalError as error:
        if error.code is ErrorCode.CONFIGURATION:
            raise InvalidForm({"words": "applicants.wrong.no_words"}) from None
        if error.code is ErrorCode.CONFLICT:
            raise InvalidForm({"words": "applicants.wrong.differ"}) from None
        raise
    return Go("/applicants")


async def show_refusal(visit: HubVisit) -> Answer:
    """Ask why."""
    return Shown("applicants/refuse.html", {"one": await _one(visit, new=True)})


async def refuse(visit: HubVisit) -> Answer:
    """Turn an application down."""
    one = await _one(visit, new=True)
    reason = visit.form.text("reason", missing="applicants.wrong.reason", most=REASON)
    await visit.here.act(
        lambda tables: office.refuse(tables, one.party_id), ActKind.REFUSED, one.party_id, reason
    )
    return Go("/applicants")


async def _one(visit: HubVisit, *, new: bool = False) -> Candidate:
    """Who waits by the id in the address; `new`: who is no member yet. Raises HTTPNotFound."""
    party_id = visit.place["party"]
    one = await visit.here.read(lambda tables: _waiting(tables, party_id))
    if new and one.state == NEW_KEYS:
        raise web.HTTPNotFound
    return one


def _waiting(tables: HubTables, party_id: str) -> Candidate:
    for one in office.candidates(tables):
        if one.party_id == party_id and one.state in WAITING:
            return one
    raise web.HTTPNotFound


PAGES = [
    HubPage("/applicants", OPERATOR, show, nav="applicants.list.nav"),
    HubPage("/applicants/{party}", OPERATOR, show_one),
    HubPage("/applicants/{party}/approve", OPERATOR, show_approval, approve, again=True),
    HubPage("/applicants/{party}/refuse", OPERATOR, show_refusal, refuse),
]
