"""A possible pair that two automatic links support need not be asked of a person."""

import pytest

from protocol.matchkeys.records import ClientRecord
from tests.sim.federation import DUTY, SimFederation, SimNode, row
from tests.sim.test_review import queue, say

# Health knows her number and her old address, the school her number and her new one, social care
# her new address only. Each of the first two is plainly the school's; between them it is not sure.
AT_HEALTH = ClientRecord("9990000026", "Amira", None, "Hassan", "2022-03-14", "F",
                         "12 Rowan Road", "LX3 4AB")  # fmt: skip
AT_SCHOOL = ClientRecord("9990000026", "Amira", None, "Hassan", "2022-03-14", "F",
                         "40 Oak Street", "LX1 1AA")  # fmt: skip
AT_CARE = ClientRecord(None, "Amira", None, "Hassan", "2022-03-14", "F",
                       "40 Oak Street", "LX1 1AA")  # fmt: skip

Three = tuple[SimNode, SimNode, SimNode]


async def origins(federation: SimFederation) -> list[tuple[str, str]]:
    rows = await federation.hub_read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    return sorted((item["state"], item["origin"]) for item in rows)


@pytest.fixture
async def three(federation: SimFederation) -> Three:
    """Health visiting and social care are not sure of each other; the school has not joined in."""
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    school = await federation.join("School", "school")
    await health.take_in(row("h1", AT_HEALTH, "health_visiting", DUTY, "H. Visitor"))
    await care.take_in(row("c1", AT_CARE, "child_in_need", DUTY, "S. Worker"))
    for node in (health, care):
        await node.publish()
    await federation.round()
    assert await origins(federation) == [("possible", "score")]
    return health, care, school


async def enrol(federation: SimFederation, school: SimNode) -> None:
    """The school publishes its pupil."""
    await school.take_in(row("s1", AT_SCHOOL, "youth_work", DUTY, "T. Eacher"))
    await school.publish()
    await federation.round()


async def test_two_automatic_links_take_the_pair_out_of_the_queue(
    federation: SimFederation, three: Three
) -> None:
    health, care, school = three
    assert len(await queue(health)) == 1
    await enrol(federation, school)
    assert await origins(federation) == [
        ("match", "score"), ("match", "score"), ("match", "supported"),
    ]  # fmt: skip
    assert await queue(health) == await queue(care) == []
    others = (await care.team("c1")).others
    assert {item.agency for item in others} == {"Health visiting", "School"}
    involvement = next(item for item in others if item.agency == "Health visiting").involvement_id
    request_id = await care.ask("c1", involvement)
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person", "the evidence holds"


async def test_the_pair_returns_to_the_queue_when_a_support_ends(
    federation: SimFederation, three: Three
) -> None:
    health, _, school = three
    await enrol(federation, school)
    await school.write(lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = 1"))
    await school.publish()
    await federation.round()
    assert ("possible", "score") in await origins(federation)
    assert len(await queue(health)) == 1
    assert (await health.team("h1")).others == ()


async def test_a_rival_in_the_same_agency_contradicts(
    federation: SimFederation, three: Three
) -> None:
    health, care, school = three
    await care.take_in(row("c2", AT_CARE, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await enrol(federation, school)
    assert "supported" not in {origin for _, origin in await origins(federation)}
    assert (await health.team("h1")).possible == 2
    assert len(await queue(health)) == 1, "of one client, one question at a time"


async def test_a_rival_that_comes_later_ends_the_support(
    federation: SimFederation, three: Three
) -> None:
    health, care, school = three
    await enrol(federation, school)
    await care.take_in(row("c2", AT_CARE, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await federation.round()
    assert "supported" not in {origin for _, origin in await origins(federation)}
    assert (await health.team("h1")).possible == 2
    assert len(await queue(health)) == 1, "of one client, one question at a time"


async def test_a_no_among_the_three_contradicts(federation: SimFederation, three: Three) -> None:
    health, care, school = three
    await say(health, "not_same")
    await federation.round()
    await enrol(federation, school)
    assert "supported" not in {origin for _, origin in await origins(federation)}
    assert len(await queue(care)) == 1


async def test_a_support_that_somebody_denies_supports_no_more(
    federation: SimFederation, three: Three
) -> None:
    health, care, school = three
    await enrol(federation, school)
    links = await school.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    towards_care = next(item for item in links if item["agency_id"] == care.party_id)
    await say(school, "not_same", towards_care["link_id"])
    await federation.round()
    assert ("match", "doubted") in await origins(federation)
    assert ("possible", "score") in await origins(federation)
    assert len(await queue(health)) == 1


async def test_a_supported_pair_supports_no_other(federation: SimFederation, three: Three) -> None:
    health, care, school = three
    await enrol(federation, school)
    # Housing is sure of health alone; towards social care it has only the supported pair to go by.
    housing = await federation.join("Housing", "housing")
    old_place = ClientRecord(None, "Amira", None, "Hassan", "2022-03-14", "F",
                             "12 Rowan Road", "LX3 4AB")  # fmt: skip
    await housing.take_in(row("x1", old_place, "housing_tenancy", DUTY, "H. Officer"))
    await housing.publish()
    await federation.round()
    sql = "SELECT state FROM link WHERE ? IN (agency_a, agency_b) AND ? IN (agency_a, agency_b)"
    ends = (housing.party_id, care.party_id)
    found = await federation.hub_read(lambda tables: tables.tx.one(sql, *ends))
    assert found is not None
    assert found["state"] == "possible"
    assert len(await queue(care)) == 1
    del health, school
