"""Asking to be introduced to a service that nobody is named of: the questions of any request.

There is no draft of it: each page carries what was answered before it.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from node.actions.introductions import Introduce, introduce_now, service_of
from node.links.team import Service
from node.records.accounts import STAFF
from node.requests.grounds import NoConsentError
from node.service import NodeService
from node.store.records import Client
from node.views.bases import offered
from node.views.people import roles_of
from node.web.pages.desk import NodePage, NodeVisit
from node.web.pages.grounds import CHECK, Questions, carried, kept_along
from web.forms import InvalidForm
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
        return {
            "to": None,
            "to_title": self.to.kind,
            "base": "",
            "client": self.client.record,
            "back_to": f"/clients/{self.client.id}",
            "hidden": kept_along(self.questions),
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
    return Introducing(service, client, to, carried(found, visit.form))


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
    except NoConsentError:
        raise InvalidForm({"": "asking.wrong.no_consent"}) from None
    return Go(f"/clients/{asked.client.id}")


PAGES = [NodePage("/clients/{client}/introduce/{hub}/{reference}", STAFF, show, go_on)]
