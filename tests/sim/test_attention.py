"""Who floods an agency with junk records gets none of its people's attention; its lead is told."""

from dataclasses import replace

import pytest

from node.actions.people import mark_alerts_seen
from node.store.tables import NodeTables
from node.views.governance import governance_value
from protocol.matchkeys.records import ClientRecord
from tests.sim.crowd import crowd
from tests.sim.federation import DUTY, SimFederation, SimNode, row
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_daily_statements import alarms
from tests.sim.test_enumeration import at
from tests.sim.test_review import queue, say

Agencies = tuple[SimNode, SimNode]
BUDGET = 3
PEOPLE = [item.record for item in crowd(8)]


@pytest.fixture
async def town(federation: SimFederation) -> Agencies:
    """Health visiting knows eight people; social care knows nobody yet."""
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await amend(federation, {"quotas": {"identity_checks_per_day": BUDGET}})
    await follow(health, care)
    await publish(health, "h", PEOPLE, "health_visiting")
    await federation.round()
    return health, care


def junk(person: ClientRecord, postcode: str = "LX9 9ZZ") -> ClientRecord:
    """What anybody may know of somebody: perhaps the same person, perhaps not."""
    named = replace(person, nhs_number=None, middle=None, sex=None, address="1 Nowhere Way")
    return at(postcode, named)


async def publish(
    agency: SimNode, prefix: str, records: list[ClientRecord], work: str = "child_in_need"
) -> None:
    rows = [row(f"{prefix}{n}", record, work, DUTY) for n, record in enumerate(records)]
    await agency.take_in(*rows)
    await agency.publish()


async def rounds(federation: SimFederation) -> None:
    """What one round marks, the next looks at."""
    for _ in range(2):
        await federation.round()


async def alerts(agency: SimNode) -> list[tuple[str, str, bool]]:
    found = await agency.read(lambda tables: governance_value(tables, agency.membership))
    return [(item["what"], item["agency"], item["seen"]) for item in found]


async def test_a_flood_puts_no_question_and_the_lead_is_told_whose_it_is(
    federation: SimFederation, town: Agencies
) -> None:
    health, care = town
    await publish(care, "junk", [junk(person) for person in PEOPLE[:6]])
    await rounds(federation)
    assert await queue(health) == []
    assert len(await queue(care)) == 6, "its own people are asked about its own records"
    assert await alarms(health) == ["questions_held"]
    assert await alarms(care) == []
    assert await alerts(health) == [("questions_held", "Social care", False)]
    assert await mark_alerts_seen(health.service, 1) == 1
    assert await alerts(health) == [("questions_held", "Social care", True)]


async def test_within_its_budget_an_agency_asks_and_what_is_withdrawn_makes_room_again(
    federation: SimFederation, town: Agencies
) -> None:
    health, care = town
    await publish(care, "junk", [junk(person) for person in PEOPLE[:BUDGET]])
    await rounds(federation)
    assert len(await queue(health)) == BUDGET
    await publish(care, "more", [junk(PEOPLE[4])])
    await rounds(federation)
    assert await queue(health) == [], "those that were put are taken back"

    def withdraw_all(tables: NodeTables) -> None:
        tables.tx.run(
            "UPDATE involvement SET withdrawn_at = 1 WHERE client IN "
            "(SELECT id FROM client WHERE local_id LIKE 'more%')"
        )

    await care.write(withdraw_all)
    await care.publish()
    await rounds(federation)
    assert len(await queue(health)) == BUDGET
    assert await alerts(health) == []


async def test_what_was_denied_stays_spent(federation: SimFederation, town: Agencies) -> None:
    health, care = town
    await publish(care, "junk", [junk(person) for person in PEOPLE[:BUDGET]])
    await rounds(federation)
    for waiting in await queue(health):
        await say(health, "not_same", waiting.link_id)
    await publish(care, "more", [junk(PEOPLE[4])])
    await rounds(federation)
    assert await queue(health) == []
    assert await alarms(health) == ["questions_held"]


async def test_who_is_right_about_many_may_ask_about_as_many_more(
    federation: SimFederation, town: Agencies
) -> None:
    health, care = town
    await publish(care, "true", PEOPLE[:3])
    await publish(care, "maybe", [junk(person) for person in PEOPLE[3:8]])
    await rounds(federation)
    assert len(await queue(health)) == 5
    assert await alarms(health) == []


async def test_a_client_is_asked_about_once_at_a_time(
    federation: SimFederation, town: Agencies
) -> None:
    health, care = town
    await publish(care, "junk", [junk(PEOPLE[0]), junk(PEOPLE[0], "LX8 8YY")])
    await rounds(federation)
    (first,) = await queue(health)
    await say(health, "not_same", first.link_id)
    (second,) = await queue(health)
    assert (first.client, second.client) == ("h0", "h0")
    assert first.link_id != second.link_id
