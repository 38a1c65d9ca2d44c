"""Who fits better: a rival comes, a link goes; it goes, the link is back (04-matching §7.2)."""

import pytest

from hub.matching.explain import explain_link, links_in_short
from protocol.matchkeys.records import ClientRecord
from tests.sim.federation import DUTY, SimFederation, SimNode, row

Agencies = tuple[SimNode, SimNode]

OURS = ClientRecord(None, "Kiran", "Raj", "Sharma", "1966-06-22", "M", "67 Day Lane", "LX8 8XL")
NAMESAKE = ClientRecord(None, "Kiran", "Dev", "Sharma", "1966-06-22", None, "3 Elm Way", "LX9 9ZZ")


@pytest.fixture
async def two(federation: SimFederation) -> Agencies:
    """Social care knows a man; health visiting knows another of his name and birth date."""
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await care.take_in(row("c1", OURS, "child_in_need", DUTY))
    await care.publish()
    await health.take_in(row("namesake", NAMESAKE, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    return health, care


async def told(node: SimNode, local_id: str) -> tuple[int, int]:
    """How many others are shown, how many possible matches wait."""
    team = await node.team(local_id)
    return len(team.others), team.possible


async def test_a_namesake_steps_back_when_the_man_himself_is_published(
    federation: SimFederation, two: Agencies
) -> None:
    health, care = two
    assert await told(health, "namesake") == (0, 1)
    await health.take_in(row("himself", OURS, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    assert await told(health, "himself") == (1, 0)
    assert await told(health, "namesake") == (0, 0)
    assert await told(care, "c1") == (1, 0)


async def test_when_the_better_record_goes_the_other_waits_for_people_again(
    federation: SimFederation, two: Agencies
) -> None:
    health, care = two
    await health.take_in(row("himself", OURS, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    await health.write(
        lambda tables: tables.tx.run(
            "UPDATE involvement SET withdrawn_at = 1 WHERE client = "
            "(SELECT id FROM client WHERE local_id = 'himself')"
        )
    )
    await health.publish()
    await federation.round()
    assert await told(health, "namesake") == (0, 1), "nobody had to publish him anew"
    assert await told(care, "c1") == (0, 1)


async def test_a_record_that_changes_away_gives_its_place_back(
    federation: SimFederation, two: Agencies
) -> None:
    """A slip in the file: the better record was somebody else's all along."""
    health, _ = two
    await health.take_in(row("slip", OURS, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    assert await told(health, "namesake") == (0, 0)
    mended = ClientRecord(None, "Ruth", None, "Okafor", "1991-07-09", "F", "9 Oak St", "LX1 1AA")
    await health.take_in(row("slip", mended, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    assert await told(health, "slip") == (0, 0)
    assert await told(health, "namesake") == (0, 1)


async def test_an_agencys_second_copy_of_a_man_is_no_rival_of_the_first(
    federation: SimFederation, two: Agencies
) -> None:
    health, care = two
    sparse = ClientRecord(None, "Kiran", None, "Sharma", "1966-06-22", None, "67 Day Lane", None)
    await health.take_in(row("sparse", sparse, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    assert await told(health, "sparse") == (1, 0)
    await health.take_in(row("himself", OURS, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    assert await told(health, "himself") == (1, 0)
    assert await told(health, "sparse") == (1, 0), "one client twice: its own node tells of it"
    assert await told(care, "c1") == (2, 0)


async def test_a_rival_at_a_third_agency_is_none(federation: SimFederation, two: Agencies) -> None:
    health, _ = two
    housing = await federation.join("Housing", "housing")
    await housing.take_in(row("t1", OURS, "housing_tenancy", DUTY))
    await housing.publish()
    await federation.round()
    assert await told(housing, "t1") == (1, 1), "himself at social care; the namesake waits"
    assert await told(health, "namesake") == (0, 2), "each agency may know a namesake of its own"


async def test_a_token_that_too_many_hold_counts_for_nothing(
    federation: SimFederation, two: Agencies
) -> None:
    """A hostel's postcode, say. It neither brings a pair together nor adds to its score."""
    health, _ = two

    def crowd(tables: object) -> None:
        run = tables.tx.run  # type: ignore[attr-defined]
        (own,) = tables.tx.rows(  # type: ignore[attr-defined]
            "SELECT stub_id FROM stub WHERE agency = ?", health.party_id
        )
        for number in range(70):
            run(
                "INSERT INTO token SELECT token, ?, match_key_id, put_by, agency, 0, 0 FROM token "
                "WHERE match_key_id IN ('name_dob.1', 'given_dob.3', 'sex_family_dob.2') "
                "AND stub_id = ?",
                f"{number:032x}", own["stub_id"],
            )  # fmt: skip
            run(
                "INSERT INTO stub SELECT ?, agency, revision, retired, involvements, publication, "
                "next_expiry FROM stub WHERE stub_id = ?",
                f"{number:032x}", own["stub_id"],
            )  # fmt: skip

    await federation.hub_write(crowd)
    await health.take_in(row("namesake", NAMESAKE, "health_visiting", DUTY))
    await federation.hub_write(
        lambda tables: tables.tx.run("INSERT OR IGNORE INTO dirty_stub SELECT stub_id FROM stub")
    )
    await federation.round()
    assert await told(health, "namesake") == (0, 0)


async def explained(federation: SimFederation, line: str) -> list[str]:
    link_id, now = line.split()[0], federation.clock()
    return await federation.hub_read(lambda tables: explain_link(tables, link_id, now))


async def test_a_link_is_explained_in_words_and_without_a_value(
    federation: SimFederation, two: Agencies
) -> None:
    health, _ = two
    await health.take_in(row("himself", OURS, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    (line,) = await federation.hub_read(links_in_short)
    said = await explained(federation, line)
    text = "\n".join(said)
    assert said[0] == "Every pair begins at 3.23."
    assert "Given name and birth date together (given_dob.3) agree: +0.37." in said
    assert "Family name, birth date and sex together (sex_family_dob.2) agree: +0.33." in said
    # 3.23 + 0.37 + 0.62 + 1.18 + 0.74 + 0.58 + 0.33 + 1.16 + 0.62 + 0.19 + 1.23 + 1.63 + 0 + 0
    assert "Together 11.88: a match." in said
    assert said[-1] == "The last round left it match, by its score."
    for value in ("Kiran", "Sharma", "1966", "LX8", "Lane"):
        assert value.lower() not in text.lower()


async def test_what_a_rival_costs_is_said_too(federation: SimFederation, two: Agencies) -> None:
    health, _ = two
    sparse = ClientRecord(None, "Kiran", "Dev", "Sharma", "1966-06-22", "M", "67 Day Lane", None)
    await health.take_in(
        row("sparse", sparse, "health_visiting", DUTY),
        row("himself", OURS, "health_visiting", DUTY),
    )
    await health.publish()
    await federation.round()
    listed = await federation.hub_read(links_in_short)
    possible = [line for line in listed if "possible" in line]
    explanations = [await explained(federation, line) for line in possible]
    (said,) = [
        said for said in explanations if "Together 0.58: possible, being under 1.00." in said
    ]
    assert "Another record matches as well or better, there or elsewhere: -4.50." in said
    # 3.23 + 0.37 + 0.58 + 0.33 + 0.19 + 1.63 + 0 - 1.00 - 0.25 - 4.50
    assert "Together 0.58: possible, being under 1.00." in said
