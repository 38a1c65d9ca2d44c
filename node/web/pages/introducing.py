"""Asking to be introduced to a service that nobody is named of: the questions of any request.

There is no draft of it: each page carries what was answered before it.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from node.actions.introductions import Introduce, introduce_now, service_of
from node.links.team import Service
from node.records.accounts import STAFF
from node.service import NodeService
from node.store.records import Client
from node.views.bases import offered
from node.views.people import roles_of
from node.web.pages.desk import NodePage, NodeVisit
from node.web.pages.grounds import BASIS, CHECK, PURPOSE, ROLE, Questions, kept_fact
from protocol.errors import ErrorCode, LocalError
from web.forms import Form, InvalidForm
from web.site import Answer, Go, Shown


@dataclass(frozen=True)
class Introducing:
    """To which service behind which client, and what was answered so far."""

    service: NodeService
    client: Client
    to: Service
    questions: Questions

    def common(self) -> dict[str, Any]:
        """What every page of these shows; the answers go along unseen."""
        said = self.questions
        kept = {
            f"kept-{PURPOSE}": said.purpose,
            f"kept-{BASIS}": said.chosen_basis,
            f"kept-{ROLE}": said.role,
        }
        kept |= {f"kept-{field}": value for field, value in said.answered.items()}
        return {
            "to": None,
            "to_title": self.to.kind,
            "base": "",
            "client": self.client.record,
            "back_to": f"/clients/{self.client.id}",
            "hidden": kept,
        }

    def page(self, visit: NodeVisit) -> Shown:
        """The next question, or everything once more before it is sent."""
        step = self.questions.next_step()
        if step != CHECK:
            return self.questions.page(step, self.common())
        most = self.service.membership.charter.quotas.identity_checks_per_day
        values = {**self.questions.summary(), "me": visit.here.title, "most": most}
        return Shown("asking/introduce.html", {**self.common(), **values})


async def _here(visit: NodeVisit) -> Introducing:
    here = visit.here
    client = await here.client(visit.number("client"))
    service = here.at(visit.place["hub"])
    to = await service_of(service, client.local_id, visit.place["reference"])
    roles = await service.read(partial(roles_of, person=here.person.id))
    found = Questions(await service.read(offered), roles)
    return Introducing(service, client, to, _answered(found, visit.form))


def _answered(empty: Questions, form: Form) -> Questions:
    """With what pages before have carried along, as far as it is an answer."""
    found = replace(
        empty,
        purpose=form.raw(f"kept-{PURPOSE}"),
        chosen_basis=form.raw(f"kept-{BASIS}"),
        role=form.raw(f"kept-{ROLE}"),
    )
    facts = {rule.field: kept_fact(form, f"kept-{rule.field}", rule) for rule in found.typed}
    return replace(found, facts=facts).settled()


async def show(visit: NodeVisit) -> Answer:
    """Show the next question."""
    return (await _here(visit)).page(visit)


async def go_on(visit: NodeVisit) -> Answer:
    """Take an answer and show the next question; or ask."""
    asked = await _here(visit)
    step = asked.questions.next_step()
    if step != CHECK:
        return replace(asked, questions=asked.questions.answer(step, visit.form)).page(visit)
    person, said = visit.here.person.id, asked.questions
    try:
        await introduce_now(asked.service, Introduce(asked.to, person, said.role, said.grounds))
    except LocalError as error:
        if error.code is ErrorCode.NOT_READY and said.basis and said.basis.needs_record:
            raise InvalidForm({"": "asking.wrong.no_consent"}) from None
        raise
    return Go(f"/clients/{asked.client.id}")


PAGES = [NodePage("/clients/{client}/introduce/{hub}/{reference}", STAFF, show, go_on)]
