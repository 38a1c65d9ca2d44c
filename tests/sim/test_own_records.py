"""An agency's own records: people twice in them, and people with too little to be found."""

from node.links.team import Unpublished
from node.records.clients import withdraw
from node.records.duplicates import duplicates
from node.records.importer.rows import Permission
from protocol.matchkeys.records import ClientRecord
from tests.sim.federation import AMEERA, AMIRA, DUTY, SAMIR, SimFederation, row

LITTLE = ClientRecord(None, "Amira", None, None, None, "F", None, None)
NO_NAME = ClientRecord(None, None, None, None, "2022-03-14", "F", "12 Rowan Road", "LX3 4AB")


async def test_one_person_twice_is_told_to_the_agency_alone(federation: SimFederation) -> None:
    health = await federation.join("Health visiting", "health_provider")
    await health.take_in(
        row("h1", AMIRA, "health_visiting", DUTY),
        row("h2", SAMIR, "health_visiting", DUTY),
        row("h3", AMEERA, "health_visiting", None),
    )
    federation.network.captured.clear()
    found = await health.read(lambda tables: duplicates(tables, health.membership))
    assert [(item.first, item.second) for item in found] == [("h1", "h3")], "not the twin"
    assert federation.network.captured == []


async def test_two_people_with_different_numbers_are_no_duplicate(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    other = ClientRecord("9990000034", *list(vars(AMIRA).values())[1:])
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY),
                         row("h2", other, "health_visiting", DUTY))  # fmt: skip
    assert await health.read(lambda tables: duplicates(tables, health.membership)) == []


async def test_too_little_is_said_plainly_with_everybodys_duty_line(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    await federation.join("Social care", "childrens_social_care")
    await federation.join("Housing", "housing")
    await federation.join("Audit office", "auditor")  # whom nobody rings about a client
    await health.take_in(
        row("h1", LITTLE, "health_visiting", DUTY),
        row("h2", NO_NAME, "health_visiting", DUTY),
        row("h3", AMIRA, "health_visiting", None),
        row("h4", SAMIR, "health_visiting", DUTY),
    )
    assert (await health.team("h4")).unpublished is Unpublished.NOT_YET
    await health.publish()
    for client in ("h1", "h2"):
        team = await health.team(client)
        assert (team.published, team.unpublished) == (False, Unpublished.INSUFFICIENT_IDENTIFIERS)
        assert [line.agency for line in team.ring] == ["Housing", "Social care"]
        assert {line.phone for line in team.ring} == {"01632 960100"}
        assert team.duty_desk.phone
    assert (await health.team("h3")).unpublished is Unpublished.NO_PERMISSION
    assert (await health.team("h4")).unpublished is None


async def test_a_basis_that_the_charter_lacks_is_said_to_be_the_reason(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    await health.take_in(
        row("h1", AMIRA, "health_visiting", Permission("UK-NO-SUCH", DUTY.valid_until, None)),
        row("h2", SAMIR, "health_visiting", DUTY),
    )
    await health.publish()
    assert (await health.team("h1")).unpublished == "not_in_charter"
    assert (await health.team("h2")).unpublished is None


async def test_who_was_withdrawn_is_neither_published_nor_compared(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    team = await health.team("h1")
    assert (team.published, team.unpublished, team.compared) == (True, None, True)
    await health.write(lambda tables: withdraw(tables, "h1", federation.clock()))
    await health.publish()
    await federation.round()
    team = await health.team("h1")
    assert (team.published, team.compared) == (False, False)
    assert team.unpublished is Unpublished.NO_PERMISSION
