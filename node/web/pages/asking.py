"""Asking for contact details: one question a page, kept as a draft from the first answer on."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from node.actions import asking as acts
from node.records.accounts import STAFF
from node.requests.grounds import NoConsentError
from node.service import NodeService
from node.store.drafts import Draft
from node.store.records import Client
from node.web.pages.desk import NodePage, NodeVisit
from node.web.pages.grounds import CHECK, PURPOSE, Questions
from protocol.errors import ErrorCode, PatchworkError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

NO_HURRY = "no_hurry"


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
    def questions(self) -> Questions:
        """The questions, with what was answered."""
        choices, kept = self.choices, self.choices.draft
        if kept is None:
            return Questions(choices.offered, choices.roles)
        said = (kept.purpose, kept.basis, kept.role, kept.facts)
        return Questions(choices.offered, choices.roles, *said).settled()

    def as_kept(self, questions: Questions) -> acts.Ask:
        """The request with these answers, as a draft is kept."""
        return acts.Ask(
            client=self.choices.client,
            addressee=self.choices.addressee,
            person=self.person,
            role=questions.role,
            grounds=questions.grounds,
            draft=self.choices.draft.id if self.choices.draft else 0,
        )

    def common(self, step: str) -> dict[str, Any]:
        """What every page of these shows."""
        to, kept = self.choices.addressee, self.choices.draft
        before = self.questions.before(step) if kept else ""
        return {
            "to": to,
            "to_title": to.title,
            "base": f"/asking/{kept.id}" if kept else "",
            "client": self.client.record,
            "back_to": f"/asking/{kept.id}/{before}"
            if kept and before
            else f"/clients/{self.client.id}",
            "hidden": {},
        }


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
    return asking.questions.page(PURPOSE, asking.common(PURPOSE))


async def begin(visit: NodeVisit) -> Answer:
    """Keep the first answer, and go on."""
    asking = await _new(visit)
    answered = asking.questions.answer(PURPOSE, visit.form)
    draft = await acts.keep_draft(asking.service, asking.as_kept(answered))
    return Go(f"/asking/{draft}/{answered.next_step()}")


async def go_on(visit: NodeVisit) -> Answer:
    """Lead to the first question that has no answer yet."""
    asking = await _begun(visit)
    return Go(f"/asking/{asking.draft.id}/{asking.questions.next_step()}")


async def show_step(visit: NodeVisit) -> Answer:
    """Show one question, or what was answered."""
    asking, step = await _begun(visit), visit.place["step"]
    questions = asking.questions
    if step != CHECK:
        return questions.page(step, asking.common(step))
    if questions.next_step() != CHECK:
        return Go(f"/asking/{asking.draft.id}/{questions.next_step()}")
    days = [(day.isoformat(), said.replace(" ", "_"), day) for said, day in asking.choices.days]
    values = {**questions.summary(), "days": days, "me": visit.here.title}
    return Shown("asking/check.html", {**asking.common(CHECK), **values})


async def answer_step(visit: NodeVisit) -> Answer:
    """Keep one answer, and go on to the next question; or send."""
    asking, step = await _begun(visit), visit.place["step"]
    if step == CHECK:
        return await _send(visit, asking)
    answered = asking.questions.answer(step, visit.form)
    await acts.keep_draft(asking.service, asking.as_kept(answered))
    return Go(f"/asking/{asking.draft.id}/{answered.next_step()}")


async def show_drop(visit: NodeVisit) -> Answer:
    """Ask whether a draft is to be deleted."""
    asking = await _begun(visit)
    return Shown("asking/drop.html", {**asking.common(""), "back_to": "/requests"})


async def drop(visit: NodeVisit) -> Answer:
    """Delete a draft."""
    asking = await _begun(visit)
    await acts.drop_draft(asking.service, asking.draft.id)
    return Go("/requests")


async def _send(visit: NodeVisit, asking: Asking) -> Answer:
    """Send it; what is on its way by itself is as good as sent."""
    questions = asking.questions
    if questions.next_step() != CHECK:
        return Go(f"/asking/{asking.draft.id}/{questions.next_step()}")
    days = [day.isoformat() for _, day in asking.choices.days]
    day = visit.form.one_of("needed_by", [*days, NO_HURRY], "asking.wrong.needed_by")
    service, number = asking.service, asking.draft.id
    try:
        wanted = asking.as_kept(questions)
        request = await acts.send_kept(service, wanted, "" if day == NO_HURRY else day)
    except PatchworkError as error:
        if await acts.is_on_its_way(service, number):
            kept = await visit.here.read(lambda tables: tables.drafts.get(number))
            return Go(f"/requests/{kept.request_id if kept else ''}")
        raise _in_words(error) from None
    return Go(f"/requests/{request}")


def _in_words(error: PatchworkError) -> Exception:
    """What stopped it, for people: the record it rests on, or a team that has changed."""
    if isinstance(error, NoConsentError):
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
