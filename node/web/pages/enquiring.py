"""Enquiring about somebody who is no client: who they are, why, and what came of it.

Who will see that it was asked is said before anything is typed. There is no draft of it: each page
carries what was answered before it, as when somebody asks to be introduced.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from node.actions.enquiries import NewEnquiry, close_enquiry, enquire
from node.membership.hub import HubMembership
from node.records import by_hand, caseload
from node.records.accounts import STAFF
from node.records.enquiries import alike
from node.service import NodeService
from node.store.people import Person
from node.store.tables import NodeTables
from node.views.enquiries import enquirable, enquiry_value, terms_value
from node.views.people import roles_of
from node.web.pages.clients import outlined
from node.web.pages.desk import NodePage, NodeVisit, told_later
from node.web.pages.grounds import CHECK, Questions, carried, kept_along
from protocol.errors import ErrorCode, LocalError, PatchworkError
from protocol.matchkeys.records import ClientRecord
from web.forms import Form, InvalidForm
from web.site import Answer, Go, Shown

NAME = 80
TYPED = ("given", "family", "born-day", "born-month", "born-year", "postcode", "nhs_number")


@dataclass(frozen=True)
class Enquiring:
    """At which hub somebody enquires, what the charter says of it, and what was answered so far:
    of whom, by field, and why.
    """

    service: NodeService
    terms: dict[str, Any]
    questions: Questions


async def show_all(visit: NodeVisit) -> Answer:
    """Show whom somebody enquires about, and what came of it."""
    person = visit.here.person
    found: list[dict[str, Any]] = []
    may: list[dict[str, str]] = []
    for service in visit.here.services:
        found += await service.read(partial(_theirs, person=person))
        terms = await service.read(partial(terms_value, practitioner=person.id))
        if terms is not None and terms["may_enquire"]:
            hub = service.membership.hub
            may.append({"hub_id": hub.hub_id, "hub": hub.name})
    return Shown("enquiring/all.html", {"enquiries": found, "may": may})


def _theirs(tables: NodeTables, membership: HubMembership, person: Person) -> list[dict[str, Any]]:
    """Those that they made, or that somebody of their teams goes on with."""
    about = tables.enquiries.about(membership.hub.hub_id)
    now = membership.env.clock()
    own = caseload.theirs(tables, person, {client.id for client in about}, now) if about else ()
    return [
        {**enquiry_value(tables, membership, client), "row": client.id}
        for client in about
        if client.id in own
        or any(one.practitioner == person.id for one in tables.enquiries.of_client(client.id))
    ]


async def close(visit: NodeVisit) -> Answer:
    """End one before its time."""
    numbers, person = visit.form.numbers("close"), visit.here.person
    for service in visit.here.services:
        for one in await service.read(partial(_theirs, person=person)):
            if one["row"] in numbers and one["goes_on"]:
                await told_later(close_enquiry(service, one["enquiry"], person.id))
    return Go("/enquiries")


async def _enquiring(visit: NodeVisit) -> Enquiring:
    """Raises HTTPNotFound where the sharing agreement lets nobody here enquire."""
    service, person = visit.here.at(visit.place["hub"]), visit.here.person.id
    terms = await service.read(partial(terms_value, practitioner=person))
    if terms is None or not terms["may_enquire"]:
        raise web.HTTPNotFound
    roles = await service.read(partial(roles_of, person=person))
    questions = carried(Questions(await service.read(enquirable), roles), visit.form)
    return Enquiring(service, terms, questions)


async def show(visit: NodeVisit) -> Answer:
    """Say who will see it, and ask who it is about; what was typed of them is in no address."""
    enquiring = await _enquiring(visit)
    return _shown(visit, enquiring, _record_known(visit.form))


async def go_on(visit: NodeVisit) -> Answer:
    """Take an answer and show the next question; or enquire."""
    enquiring, form = await _enquiring(visit), visit.form
    record = _read(visit)
    found = await enquiring.service.read(lambda t, _: alike(t, record, visit.here.now))
    if found.ours or (found.perhaps and form.raw("is_new") != "yes"):
        kept = [(name, form.raw(name)) for name in TYPED]
        values = {"ours": found.ours, "perhaps": found.perhaps, "kept": kept}
        values |= await outlined(visit, found.ours or found.perhaps)
        return Shown("enquiring/alike.html", values)
    if form.raw("who") != "known":
        return _shown(visit, enquiring, known=True)
    step = enquiring.questions.next_step()
    if step != CHECK:
        asked = enquiring.questions.answer(step, form)
        return _shown(visit, Enquiring(enquiring.service, enquiring.terms, asked), known=True)
    return await _ask(visit, enquiring)


def _shown(visit: NodeVisit, enquiring: Enquiring, known: bool) -> Shown:
    """The next page: who it is, why, or everything once more."""
    form, questions = visit.form, enquiring.questions
    hidden = {name: form.raw(name) for name in (*TYPED, "is_new")}
    common = {
        "to": None,
        "to_title": ", ".join(enquiring.terms["seen_by"]),
        "base": "",
        "client": {"given": form.raw("given"), "family": form.raw("family")},
        "back_to": "/enquiries",
        "hidden": {**hidden, **kept_along(questions), "who": "known"},
        "terms": enquiring.terms,
    }
    if not known:
        return Shown("enquiring/who.html", common)
    step = questions.next_step()
    if step != CHECK:
        return questions.page(step, common)
    values = {**questions.summary(), "me": visit.here.title}
    return Shown("enquiring/check.html", {**common, **values})


def _record_known(form: Form) -> bool:
    """Whether it was said already who it is: a page is shown again with what is wrong with it."""
    return form.raw("who") == "known"


def _typed(form: Form) -> Mapping[str, str]:
    born = form.day("born", "", "clients.wrong.no_day")
    return {
        "given": form.text("given", most=NAME),
        "family": form.text("family", most=NAME),
        "date_of_birth": born.isoformat() if born else "",
        "postcode": form.text("postcode"),
        "nhs_number": form.text("nhs_number"),
    }


def _read(visit: NodeVisit) -> ClientRecord:
    """Whom it is about. Raises InvalidForm."""
    typed = _typed(visit.form)
    named = typed["date_of_birth"] and (typed["given"] or typed["family"])
    if not (typed["nhs_number"] or named):
        raise InvalidForm({"given": "enquiring.wrong.who"})
    today = datetime.fromtimestamp(visit.here.now, UTC).date()
    wrong = {}
    for name, text in typed.items():
        try:
            by_hand.read_record({name: text} if text else {}, today)
        except LocalError:
            field = "born" if name == "date_of_birth" else name
            wrong[field] = f"clients.wrong.fields.{name}"
    if wrong:
        raise InvalidForm(wrong)
    return by_hand.read_record({name: text for name, text in typed.items() if text}, today)


async def _ask(visit: NodeVisit, enquiring: Enquiring) -> Answer:
    """Enquire. What came of it stands on the list, unless nothing was begun."""
    service, said, person = enquiring.service, enquiring.questions, visit.here.person.id
    hub_id = service.membership.hub.hub_id
    new = NewEnquiry(
        {name: text for name, text in _typed(visit.form).items() if text},
        said.role,
        said.grounds,
        is_new=visit.form.raw("is_new") == "yes",
    )

    def made(tables: NodeTables) -> tuple[int, int]:
        return tables.enquiries.made_since(hub_id, person, 0)

    before = await visit.here.read(made)
    try:
        value = await enquire(service, new, person)
    except PatchworkError as error:
        if await visit.here.read(made) != before:
            return Go("/enquiries")
        raise _in_words(error) from None
    found = await visit.here.read(lambda tables: tables.records.client(value["enquiry"]))
    return Go(f"/clients/{found.id}" if found is not None else "/enquiries")


def _in_words(error: PatchworkError) -> Exception:
    keys = {
        ErrorCode.OVER_QUOTA: "errors.over_quota",
        ErrorCode.MALFORMED: "enquiring.wrong.too_little",
        ErrorCode.CONFLICT: "enquiring.wrong.not_now",
    }
    return InvalidForm({"": keys[error.code]}) if error.code in keys else error


PAGES = [
    NodePage("/enquiries", STAFF, show_all, close),
    NodePage("/enquiries/{hub}/new", STAFF, show, go_on),
]
