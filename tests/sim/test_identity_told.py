"""Identity checks are no oracle: who is named is told, and the answer says as little as it can."""

from dataclasses import replace

import pytest

import hub.exchange.intake
from audit.case.case import Case
from audit.report.figures import Checks, audit_case, identity_checks
from audit.report.report_page import to_html
from node.actions.people import mark_alerts_seen
from node.views.governance import governance_value
from protocol.messages.review import IdentityDecisionBody
from protocol.messages.statement import parse_statement
from tests.sim.federation import AMIRA, DUTY, NOON, NOT_SURE, SimFederation, row
from tests.sim.lying_hub import delivered
from tests.sim.test_audit_people import audited
from tests.sim.test_daily_statements import alarms
from tests.sim.test_identity_check import answer, check, screen, sent
from tests.sim.test_refusals_hub import last
from tests.sim.test_refusals_node import dropped
from tests.sim.test_review import Agencies


async def test_the_agency_that_is_named_knows_it_as_soon_as_the_asker(
    federation: SimFederation, unsure: Agencies
) -> None:
    """Before any details: who asks and never sends a name is known too."""
    health, care = unsure
    check_id = await check(care)
    await federation.checkpoint()
    await health.service.receive(wait=0)
    (asked,) = (await screen(health))["asked"]
    told = (asked["agency"], asked["client"], asked["role"], asked["over"])
    assert told == ("Social care", "h1", "social worker", False)
    assert (await sent(care, check_id))["state"] == "waiting", "the asker polls later"


async def test_who_is_refused_is_told_to_nobody(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    await check(care, facts={"informed": "informed"})
    await federation.settle()
    assert (await screen(health))["asked"] == []


async def test_who_asks_and_sends_nothing_is_an_alarm_at_the_other_side(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    await check(care)
    away = federation.nodes.pop("Social care")  # it has read enough
    await federation.settle()
    assert await alarms(health) == []
    federation.clock.now += 8 * 86_400
    await federation.settle()
    federation.nodes["Social care"] = away
    assert "identity_unsent" in await alarms(health)
    (asked,) = (await screen(health))["asked"]
    assert asked["over"]
    lead = await health.read(lambda tables: governance_value(tables, health.membership))
    assert [(item["what"], item["agency"], item["seen"]) for item in lead] == [
        ("identity_unsent", "Social care", False)
    ]
    assert await mark_alerts_seen(health.service, 1) == 1
    (item,) = await health.read(lambda tables: governance_value(tables, health.membership))
    assert item["seen"]


async def test_who_sent_a_name_that_nobody_compared_in_time_is_no_alarm(
    federation: SimFederation, unsure: Agencies
) -> None:
    """The fault is our people's; and where the hub never named us, nobody's."""
    health, care = unsure
    await check(care)
    await federation.settle()
    assert len((await screen(health))["to_compare"]) == 1
    await check(care)
    await dropped(federation, health)
    await delivered(federation, health, await last(federation, "identity_request"))
    federation.clock.now += 8 * 86_400
    await health.service.advance()
    states = await health.read(lambda tables: tables.tx.rows("SELECT state FROM received_check"))
    assert [item["state"] for item in states] == ["expired"] * 2
    assert "identity_unsent" not in await alarms(health)


async def named(federation: SimFederation) -> tuple[str | None, str | None, str | None]:
    """What the hub's last decision says: refusal, agency, type that agrees."""
    entry = (await federation.entries("identity_decision"))[-1]
    body = parse_statement(entry["envelope"]).expect(IdentityDecisionBody).body
    return body.code, body.holder, body.evidence.match_key_id if body.evidence else None


@pytest.mark.parametrize("middle", ["Noor", "Zed", None])
async def test_the_type_that_is_named_does_not_tell_what_else_agrees(
    federation: SimFederation, middle: str | None
) -> None:
    """Who guesses a middle name is named the same type whether it is right or not."""
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    await care.take_in(row("c1", replace(NOT_SURE, middle=middle), "child_in_need", DUTY))
    for node in (health, care):
        await node.publish()
    await federation.round()
    await check(care)
    assert await named(federation) == (None, health.party_id, "given_dob.3")


async def test_where_places_alone_agree_nobody_is_named(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    keys = (await federation.charter()).policy.keys
    key_ids = [key_id for key_id, key in keys.items() if not key.place]
    for key_id in key_ids:
        await federation.hub_write(
            lambda tables, key_id=key_id: tables.tx.run(  # type: ignore[misc]
                "DELETE FROM token WHERE match_key_id = ?", key_id
            )
        )
    await check(care)
    await federation.settle()
    assert await named(federation) == ("not_available", None, None)
    assert (await screen(health))["asked"] == []
    assert await audited(federation) == set(), "what the hub alone can know is no finding"


async def test_the_auditors_report_counts_them_by_who_asks_and_names_excess(
    federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = unsure
    first = await check(care)
    await federation.settle()
    await answer(health, first, "cannot_say")
    await check(care, facts={"informed": "informed"})
    away = federation.nodes.pop("Social care")
    await federation.settle()
    monkeypatch.setattr(hub.exchange.intake, "check_quota", lambda *_: None)
    for _ in range(care.membership.charter.quotas.identity_checks_per_day):
        await check(care)
    federation.nodes["Social care"] = away
    assert await audited(federation) == set()
    case = audit_case(Case(federation.folder / "case"), None, [])
    assert identity_checks(case) == {
        care.party_id: Checks(
            asked=22, named=19, nothing_sent=18, same=0, otherwise=1, most_a_day=22, days_over=1
        )
    }
    page = to_html(case, NOON)
    assert "over the quota on 1 day" in page
