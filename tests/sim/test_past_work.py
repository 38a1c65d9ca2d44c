"""Work that is over is seen for the charter's months, and no longer; a person looks at a request
over it. specs/06-requests.md §3.
"""

import pytest

from node.actions.clients import close_work, reopen_work
from node.records.clients import withdraw
from protocol.messages.bodies import NoticeBody
from protocol.requests.decide import Allow
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import accept, amend
from tests.sim.test_ends import mail, polled, shown

MONTHS = 3 * 30 * 86_400


async def two(federation: SimFederation, months: int = 3) -> tuple[SimNode, SimNode]:
    """Social care and health visiting with one child, under a charter that shows past work."""
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    health = await federation.join("Lexbridge Health", "health_provider")
    if months:
        await amend(federation, {"past_months": months})
        await accept(federation, care, health)
    await care.take_in(row("c1", AMIRA, "child_in_need", DUTY, "S. Worker"))
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"))
    for node in (care, health):
        await node.publish()
    await federation.round()
    assert await shown(care, "c1") == ["Health visiting"]
    return care, health


async def closed(federation: SimFederation, months: int = 3) -> tuple[SimNode, SimNode]:
    """The same, after health visiting ended its work."""
    care, health = await two(federation, months)
    await close_work(health.service, "h1", None, 1)
    await polled(federation, care)
    await health.service.receive(wait=0)
    return care, health


async def test_past_work_is_seen_by_who_still_works_and_not_by_who_does_not(
    federation: SimFederation,
) -> None:
    care, health = await closed(federation)
    assert await shown(care, "c1") == ["Health visiting (past)"]
    assert await shown(health, "h1") == [], "their work is over: they see nobody"
    await federation.round()
    assert await shown(care, "c1") == ["Health visiting (past)"]
    assert await shown(health, "h1") == []
    await reopen_work(health.service, "h1", None, 1)
    await federation.round()
    assert await shown(care, "c1") == ["Health visiting"]
    assert await shown(health, "h1") == ["Child in need"]
    assert await audited(federation) == set()


async def test_only_past_work_is_told_as_past(federation: SimFederation) -> None:
    """A program of before is told nothing that it does not know."""
    care, _ = await closed(federation)
    bodies = [body.model_dump(mode="json") for body in await mail(federation, NoticeBody)]
    told = [item for body in bodies for link in body["links"] for item in link["involvements"]]
    assert {item.get("is_past") for item in told if item["type"] == "child_in_need"} <= {None}
    assert await shown(care, "c1") == ["Health visiting (past)"]


async def test_without_months_in_the_charter_it_is_gone(federation: SimFederation) -> None:
    care, _ = await closed(federation, 0)
    assert await shown(care, "c1") == []


async def test_after_the_months_it_is_gone_by_time_alone(federation: SimFederation) -> None:
    care, _ = await closed(federation)
    federation.clock.now += MONTHS - 86_400
    await federation.hub.jobs.expire()
    await polled(federation, care)
    assert await shown(care, "c1") == ["Health visiting (past)"]
    federation.clock.now += 86_400
    await federation.hub.jobs.expire()
    await polled(federation, care)
    assert await shown(care, "c1") == []


@pytest.mark.parametrize("cause", ["withdrawn", "sensitive"])
async def test_never_after_a_withdrawal_and_never_of_a_sensitive_service(
    federation: SimFederation, cause: str
) -> None:
    care, health = await two(federation)
    if cause == "sensitive":
        await health.take_in(row("h1", AMIRA, "drug_and_alcohol", DUTY, "D. Worker"))
        await health.publish()
        await federation.round()
    else:
        now = federation.clock()
        await health.write(lambda tables: withdraw(tables, "h1", now))
    await close_work(health.service, "h1", None, 1)
    await polled(federation, care)
    expected = [] if cause == "withdrawn" else ["Health visiting (past)"]
    assert await shown(care, "c1") == expected
    stubs = await federation.hub_read(lambda t: t.tx.rows("SELECT involvements FROM stub"))
    assert not any("drug_and_alcohol" in stub["involvements"] for stub in stubs)


@pytest.mark.parametrize("hub", ["refer", "allow"])
async def test_a_request_over_past_work_is_referred_whatever_the_rule_and_answered(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch, hub: str
) -> None:
    """The agency's own node puts it to a person, also where a lying hub lets a rule decide."""
    care, health = await two(federation)
    (entry,) = (await care.team("c1")).others
    first = await care.ask("c1", entry.involvement_id)
    await federation.settle()
    await health.answer(first)
    await federation.settle()
    await close_work(health.service, "h1", None, 1)
    await polled(federation, care)
    health.service.answering._settings.answer_rule = "allow"
    if hub == "allow":
        monkeypatch.setattr("hub.exchange.requests.decide_hub", lambda *_: Allow())
    request_id = await care.ask("c1", entry.involvement_id)
    await federation.settle()
    received = await health.received(request_id)
    assert (received["state"], received["hub_outcome"]) == ("asks_person", hub)
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    assert (await audited(federation) == set()) is (hub == "refer"), "the auditor sees the lie"
