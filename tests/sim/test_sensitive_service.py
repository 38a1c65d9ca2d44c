"""A sensitive service is seen by nobody and can reach out: it sees the other side, and its request
is answered. specs/06-requests.md §3.1.
"""

from dataclasses import replace

from protocol.requests.refusals import RefusalCode
from tests.sim.federation import AMIRA, DUTY, SAMIR, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited
from tests.sim.test_ends import shown


async def two(federation: SimFederation) -> tuple[SimNode, SimNode]:
    """A drug service and health visiting with one mother."""
    clinic = await federation.join("Lea Recovery", "health_provider")
    health = await federation.join("Lexbridge Health", "health_provider")
    await clinic.take_in(row("x1", AMIRA, "drug_and_alcohol", DUTY, "D. Worker"))
    await health.take_in(
        row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"),
        row("h2", SAMIR, "health_visiting", DUTY, "H. Visitor"),
    )
    for node in (clinic, health):
        await node.publish()
    await federation.round()
    return clinic, health


async def ask(clinic: SimNode) -> str:
    """The drug service asks for the health visitor."""
    (entry,) = (await clinic.team("x1")).others
    return await clinic.ask(
        "x1", entry.involvement_id, role="health_visitor", basis="UK-CA89-S17",
        purpose="early_help", facts={"views": "sought", "proportionality": "needed now"},
    )  # fmt: skip


async def test_it_sees_the_other_side_asks_and_is_answered_by_a_person(
    federation: SimFederation,
) -> None:
    clinic, health = await two(federation)
    assert await shown(clinic, "x1") == ["Health visiting"]
    assert await shown(health, "h1") == []
    health.service.answering._settings.answer_rule = "allow"
    for _ in range(2):
        request_id = await ask(clinic)
        await federation.settle()
        assert (await health.received(request_id))["state"] == "asks_person", "never by rule"
        await health.answer(request_id)
        await federation.settle()
        assert (await clinic.sent(request_id))["state"] == "opened"
    assert await shown(health, "h1") == [], "they know of that request, and see nobody"
    assert await audited(federation) == set()


async def test_over_a_link_that_nobody_told_of_only_the_client_whom_both_hold_is_answered_for(
    federation: SimFederation,
) -> None:
    clinic, health = await two(federation)
    request_id = await ask(clinic)
    await federation.settle()
    hub_id = health.membership.hub.hub_id
    kept = await health.read(lambda t: t.received_requests.get(hub_id, request_id))
    (samir,) = await health.read(lambda t: t.records.involvements([2]))
    assert kept is not None
    for asked, proven in ((kept, True), (replace(kept, involvement=samir.id), False)):
        facts = await health.read(lambda t, of=asked: health.service.answering.facts(t, of))  # type: ignore[misc]
        assert facts.link_proven is proven
    await health.answer(request_id, RefusalCode.NOT_PROPORTIONATE)
    await federation.settle()
    assert (await clinic.sent(request_id))["code"] == "not_proportionate"
