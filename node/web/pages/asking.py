"""Asking for contact details: one question a page, kept as a draft from the first answer on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from node.actions import asking as acts
from node.records.accounts import STAFF
from node.service import NodeService
from node.store.drafts import Draft
from node.store.records import Client
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, PatchworkError
from protocol.governance.charter import FactRule, LawfulBasis
from protocol.requests.sealing import FACT_LIMIT
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

PURPOSE, BASIS, ROLE, FACT, CHECK = "purpose", "basis", "role", "fact", "check"
NO_HURRY = "no_hurry"
DAYS = {
    "today": "asking.check.today",
    "tomorrow": "asking.check.tomorrow",
    "in a week": "asking.check.in_a_week",
}


@dataclass(frozen=True)
class Asking:
    """What somebody (a row's id) asks, as far as they have come."""

    service: NodeService
    person: int
    client: Client
    choices: acts.Choices

    @property
    def draft(self) -> Draft:
        """What is kept of it. Raises HTTPNotFound before the first answer."""
        if self.choices.draft is None:
            raise web.HTTPNotFound
        return self.choices.draft

    @property
    def bases(self) -> list[LawfulBasis]:
        """The lawful bases that go with the purpose."""
        return self.choices.offered.for_purpose(self.draft.purpose)

    @property
    def basis(self) -> LawfulBasis | None:
        """The lawful basis that was chosen, or that follows from the purpose."""
        return next((one for one in self.bases if one.code == self.draft.basis), None)

    @property
    def questions(self) -> list[FactRule]:
        """What somebody has to write down for the basis; what a record says nobody types."""
        return [rule for rule in self.basis.asked if not rule.record] if self.basis else []

    def next_step(self) -> str:
        """The first question without an answer, or the last page."""
        draft = self.draft
        if draft.purpose not in self.choices.offered.usable():
            return PURPOSE
        if self.basis is None:
            return BASIS
        if draft.role not in self.choices.roles:
            return ROLE
        for number, rule in enumerate(self.questions, 1):
            if not draft.facts.get(rule.field):
                return f"{FACT}-{number}"
        return CHECK

    def rule(self, step: str) -> FactRule:
        """The fact that a step asks for. Raises HTTPNotFound."""
        number = step.removeprefix(f"{FACT}-")
        if not number.isascii() or not number.isdigit() or len(number) > 2:
            raise web.HTTPNotFound
        place = int(number) - 1
        if not 0 <= place < len(self.questions):
            raise web.HTTPNotFound
        return self.questions[place]

    def as_kept(self, changed: Mapping[str, Any]) -> acts.Ask:
        """The request as it would be kept with these fields of its draft changed; what follows by
        itself is filled in, and what goes with another basis is left out.
        """
        choices, before = self.choices, self.choices.draft
        so_far = before or Draft("", 0, 0, "", "", "", "", "", "", {}, None, 0)
        draft = replace(so_far, **changed)
        fitting = [one.code for one in choices.offered.for_purpose(draft.purpose)]
        basis = draft.basis
        if basis not in fitting:
            basis = fitting[0] if len(fitting) == 1 else ""
        role = draft.role
        if role not in choices.roles:
            role = choices.roles[0] if len(choices.roles) == 1 else ""
        facts = draft.facts if basis == so_far.basis else {}
        return acts.Ask(
            client=choices.client,
            addressee=choices.addressee,
            person=self.person,
            role=role,
            grounds=acts.Grounds(draft.purpose, basis, facts),
            draft=draft.id,
        )


async def _begun(visit: NodeVisit) -> Asking:
    """A request that is begun, from its draft. Raises HTTPNotFound for another's."""
    here, number = visit.here, visit.number("draft")
    draft = await here.read(lambda tables: tables.drafts.get(number))
    if draft is None or draft.practitioner != here.person.id:
        raise web.HTTPNotFound
    service = here.at(draft.hub_id)
    client = await here.client(draft.client)
    choices = await acts.begin(service, here.person.id, client.local_id, "", number)
    return Asking(service, here.person.id, client, choices)


async def _new(visit: NodeVisit) -> Asking:
    here = visit.here
    client = await here.client(visit.number("client"))
    service = here.at(visit.place["hub"])
    reference = visit.place["reference"]
    choices = await acts.begin(service, here.person.id, client.local_id, reference)
    return Asking(service, here.person.id, client, choices)


async def show_new(visit: NodeVisit) -> Answer:
    """Show the first question: what for."""
    asking = await _new(visit)
    return _purpose(asking, back=f"/clients/{asking.client.id}")


async def begin(visit: NodeVisit) -> Answer:
    """Keep the first answer, and go on."""
    asking = await _new(visit)
    purpose = visit.form.one_of(PURPOSE, asking.choices.offered.usable(), "asking.wrong.purpose")
    draft = await acts.keep_draft(asking.service, asking.as_kept({"purpose": purpose}))
    return Go(f"/asking/{draft}")


async def go_on(visit: NodeVisit) -> Answer:
    """Lead to the first question that has no answer yet."""
    asking = await _begun(visit)
    return Go(f"/asking/{asking.draft.id}/{asking.next_step()}")


async def show_step(visit: NodeVisit) -> Answer:
    """Show one question, or what was answered."""
    asking, step = await _begun(visit), visit.place["step"]
    back = f"/clients/{asking.client.id}"
    if step == PURPOSE:
        return _purpose(asking, back)
    if step == CHECK:
        return _check(visit, asking, back)
    common = _common(asking, back)
    if step == BASIS:
        return Shown(
            "asking/basis.html", {**common, "bases": asking.bases, "value": asking.draft.basis}
        )
    if step == ROLE:
        roles = [(code, code.replace("_", " ").capitalize()) for code in asking.choices.roles]
        return Shown("asking/role.html", {**common, "roles": roles, "value": asking.draft.role})
    rule = asking.rule(step)
    value = asking.draft.facts.get(rule.field, "")
    return Shown("asking/fact.html", {**common, "rule": rule, "value": value})


async def answer_step(visit: NodeVisit) -> Answer:
    """Keep one answer, and go on to the next question; or send."""
    asking, step, form = await _begun(visit), visit.place["step"], visit.form
    if step == CHECK:
        return await _send(visit, asking)
    if step == PURPOSE:
        known = asking.choices.offered.usable()
        changed: dict[str, Any] = {PURPOSE: form.one_of(PURPOSE, known, "asking.wrong.purpose")}
    elif step == BASIS:
        fitting = [one.code for one in asking.bases]
        changed = {BASIS: form.one_of(BASIS, fitting, "asking.wrong.basis")}
    elif step == ROLE:
        changed = {ROLE: form.one_of(ROLE, asking.choices.roles, "asking.wrong.role")}
    else:
        rule = asking.rule(step)
        changed = {"facts": {**asking.draft.facts, rule.field: _fact(visit, rule)}}
    await acts.keep_draft(asking.service, asking.as_kept(changed))
    return Go(f"/asking/{asking.draft.id}")


async def show_drop(visit: NodeVisit) -> Answer:
    """Ask whether a draft is to be deleted."""
    asking = await _begun(visit)
    return Shown("asking/drop.html", _common(asking, "/requests"))


async def drop(visit: NodeVisit) -> Answer:
    """Delete a draft."""
    asking = await _begun(visit)
    await acts.drop_draft(asking.service, asking.draft.id)
    return Go("/requests")


def _fact(visit: NodeVisit, rule: FactRule) -> str:
    if rule.type == "enum":
        return visit.form.one_of(FACT, rule.choices, "asking.wrong.fact_choice")
    if rule.type == "date":
        day = visit.form.day(FACT, "asking.wrong.fact_day", "asking.wrong.fact_day")
        return day.isoformat() if day is not None else ""
    return visit.form.text(FACT, missing="asking.wrong.fact_text", most=FACT_LIMIT)


def _common(asking: Asking, back: str) -> dict[str, Any]:
    return {
        "to": asking.choices.addressee,
        "to_title": asking.choices.addressee.title,
        "draft": asking.choices.draft.id if asking.choices.draft else 0,
        "row": asking.client.id,
        "client": asking.client.record,
        "back_to": back,
    }


def _purpose(asking: Asking, back: str) -> Shown:
    before = asking.choices.draft
    values = {
        "purposes": asking.choices.offered.usable(),
        "value": before.purpose if before else "",
    }
    return Shown("asking/purpose.html", {**_common(asking, back), **values})


def _check(visit: NodeVisit, asking: Asking, back: str) -> Answer:
    """What was answered, or the first question that was not."""
    step = asking.next_step()
    if step != CHECK:
        return Go(f"/asking/{asking.draft.id}/{step}")
    draft, basis = asking.draft, asking.basis
    rules = basis.must_record if basis else []
    values = {
        "purpose": asking.choices.offered.purposes[draft.purpose],
        "basis": basis,
        "role": draft.role.replace("_", " ").capitalize(),
        "one_role": len(asking.choices.roles) == 1,
        "one_basis": len(asking.bases) == 1,
        "facts": [
            (number, rule.title, draft.facts[rule.field], rule.type)
            for number, rule in enumerate(asking.questions, 1)
        ],
        "recorded": [rule.title for rule in rules if rule.record],
        "theirs": [rule.title for rule in rules if rule.side == "holder"],
        "days": [(day.isoformat(), DAYS[said], day) for said, day in asking.choices.days],
        "me": visit.here.title,
    }
    return Shown("asking/check.html", {**_common(asking, back), **values})


async def _send(visit: NodeVisit, asking: Asking) -> Answer:
    """Send it; what is on its way by itself is as good as sent."""
    if asking.next_step() != CHECK:
        return Go(f"/asking/{asking.draft.id}")
    days = [day.isoformat() for _, day in asking.choices.days]
    day = visit.form.one_of("needed_by", [*days, NO_HURRY], "asking.wrong.needed_by")
    wanted = asking.as_kept({})
    service, number = asking.service, asking.draft.id
    try:
        request = await acts.send_kept(service, wanted, "" if day == NO_HURRY else day)
    except PatchworkError as error:
        if await acts.is_on_its_way(service, number):
            kept = await visit.here.read(lambda tables: tables.drafts.get(number))
            return Go(f"/requests/{kept.request_id if kept else ''}")
        raise _in_words(asking, error) from None
    return Go(f"/requests/{request}")


def _in_words(asking: Asking, error: PatchworkError) -> Exception:
    """What stopped it, for people: the record it rests on, or a team that has changed."""
    basis = asking.basis
    if error.code is ErrorCode.NOT_READY and basis is not None and basis.needs_record:
        return InvalidForm({"": "asking.wrong.no_consent"})
    if error.code in {ErrorCode.NOT_FOUND, ErrorCode.NOT_ALLOWED}:
        return InvalidForm({"": "asking.wrong.team_changed"})
    return error


PAGES = [
    NodePage("/clients/{client}/ask/{hub}/{reference}", STAFF, show_new, begin),
    NodePage("/asking/{draft}", STAFF, go_on),
    NodePage("/asking/{draft}/delete", STAFF, show_drop, drop),
    NodePage("/asking/{draft}/{step}", STAFF, show_step, answer_step),
]
