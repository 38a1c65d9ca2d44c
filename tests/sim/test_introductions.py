"""Services that nobody sees meet where both clients' consents and the charter say so; anybody else
is told at most that the duty desk can help. specs/06-requests.md §9.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from hub.matching.explain import explain_link
from node.actions.introductions import Introduce, introduce_now, service_of
from node.actions.requests import Grounds
from node.publishing.publisher import Publisher
from node.records.importer.rows import Permission
from node.store.records import InvolvementRow
from node.views.inbox import inbox_value
from protocol.messages.introductions import HintsBody, IntroductionDecisionBody
from protocol.messages.statement import parse_statement
from protocol.requests.refusals import RefusalCode
from tests.sim.federation import AMEERA, AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import accept, amend
from tests.sim.test_ends import mail, polled, shown
from tests.sim.test_stolen_node import ordered

TRUST, CHARITY = "Lea Mental Health", "Lea Recovery"
CONSENT: dict[str, Any] = {"basis": "UK-CONSENT", "purpose": "direct_care"}
Both = tuple[SimNode, SimNode]


async def meet(federation: SimFederation, *consents: str) -> tuple[SimNode, SimNode, SimNode]:
    """A statutory adult mental health service and a charity's drug service with one woman, and her
    child's social worker; she has agreed at those named.
    """
    trust = await federation.join(TRUST, "health_provider")
    charity = await federation.join(CHARITY, "charity")
    care = await federation.join("Social care", "childrens_social_care")
    await trust.take_in(row("m1", AMIRA, "adult_mental_health", None, "M. Nurse"))
    await charity.take_in(row("d1", AMIRA, "drug_and_alcohol", None, "D. Worker"))
    await care.take_in(row("c1", AMEERA, "child_in_need", DUTY, "S. Worker"))
    for node in (trust, charity, care):
        await node.publish()
    await federation.round()
    if TRUST in consents:
        await trust.agree("m1", classes=["charity"])
    if CHARITY in consents:
        await charity.agree("d1", classes=["health_provider"])
    await federation.round()
    return trust, charity, care


async def told(node: SimNode, local_id: str) -> list[tuple[str, str]]:
    """The kinds of services that can be reached, and how far we are."""
    return [(item.kind, item.state) for item in (await node.team(local_id)).services]


async def introduce(node: SimNode, local_id: str, **change: Any) -> None:
    """Ask who is behind the only hint of a client."""
    (hint,) = (await node.team(local_id)).services
    found = await service_of(node.service, local_id, hint.reference)
    said = {"purpose": "direct_care", "basis": "UK-CONSENT", "facts": {}, **change}
    await introduce_now(node.service, Introduce(found, 1, "social_worker", Grounds(**said)))


async def test_two_sensitive_services_meet_unnamed_until_one_asks_and_a_person_answers(
    federation: SimFederation,
) -> None:
    trust, charity, care = await meet(federation, TRUST, CHARITY)
    assert await told(trust, "m1") == [("Contracted charity", "open")]
    assert await told(charity, "d1") == [("Health provider", "open")]
    assert CHARITY not in str((await trust.team("m1")).services), "nobody is named"
    assert await shown(trust, "m1") == await shown(charity, "d1") == ["Child in need"]
    assert await told(care, "c1") == []

    charity.service.answering._settings.answer_rule = "allow"
    await introduce(trust, "m1")
    await federation.settle()
    assert await told(trust, "m1") == [("Contracted charity", "named")]
    (asked,) = (await charity.read(lambda t: inbox_value(t, charity.membership)))["introduced"]
    assert (asked["client"], asked["agency"], asked["role"]) == ("d1", TRUST, "social worker")
    assert (asked["purpose"], asked["basis"].split(" (")[1]) == (
        "Give direct care", "UK-CONSENT)",
    )  # fmt: skip

    (entry,) = [item for item in (await trust.team("m1")).others if item.agency == CHARITY]
    assert entry.label == "Drug and alcohol service"
    links = await trust.read(
        lambda t: t.hints.links_of(trust.membership.hub.hub_id, links_stub(t, trust))
    )
    for _ in range(2):
        request_id = await trust.ask(
            "m1", entry.involvement_id, link_id=links[0].link_id, holder=charity.party_id,
            role="social_worker", facts={}, **CONSENT,
        )  # fmt: skip
        await federation.settle()
        assert (await charity.received(request_id))["state"] == "asks_person", "never by rule"
        await charity.answer(request_id)
        await federation.settle()
        sent = await trust.sent(request_id)
        assert sent["state"] == "opened"
        assert "D. Worker" in sent["card"]
    assert await told(charity, "d1") == [("Health provider", "open")], "who asks has named itself"
    assert await shown(care, "c1") == []
    assert await audited(federation) == set()


def links_stub(tables: Any, node: SimNode) -> str:
    stub = tables.stubs.of_client(node.membership.hub.hub_id, 1)
    assert stub is not None
    return str(stub.stub_id)
