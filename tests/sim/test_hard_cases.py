"""People whom a linker gets wrong: through two real nodes and the hub, in memory.

Each scenario says what a practitioner on either side must and must not be told.
"""

from dataclasses import replace

import pytest

from protocol.matchkeys.records import ClientRecord
from tests.sim.federation import DUTY, SimFederation, SimNode, row

Agencies = tuple[SimNode, SimNode]
HOME = {"address": "14 Harbour Lane", "postcode": "LX3 7QD"}
ELSEWHERE = {"address": "3 Elm Way", "postcode": "LX9 9ZZ"}


def person(given: str | None, family: str | None, born: str | None, **more: str) -> ClientRecord:
    return ClientRecord(given=given, family=family, date_of_birth=born, **more)


@pytest.fixture
async def two(federation: SimFederation) -> Agencies:
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    return health, care


async def meet(
    federation: SimFederation,
    two: Agencies,
    ours: dict[str, ClientRecord],
    theirs: dict[str, ClientRecord],
) -> dict[str, tuple[int, int]]:
    """Of each of our clients: how many others are shown, how many possible matches wait."""
    health, care = two
    for local_id, record in ours.items():
        await health.take_in(row(local_id, record, "health_visiting", DUTY, "H. Visitor"))
    for local_id, record in theirs.items():
        await care.take_in(row(local_id, record, "child_in_need", DUTY, "S. Worker"))
    await health.publish()
    await care.publish()
    await federation.round()
    teams = {local_id: await health.team(local_id) for local_id in ours}
    return {local_id: (len(team.others), team.possible) for local_id, team in teams.items()}


@pytest.mark.parametrize(
    ("one", "other", "family", "sexes"),
    [
        ("Paul", "Paula", "Lowe", "MF"),
        ("Amira", "Samira", "Hassan", "FF"),
        ("Muhammad Faisal", "Muhammad Adnan", "Begum", "MM"),
        ("Li", "Lei", "Zhang", "FM"),
        ("Hassan", "Hussein", "Ali", "MM"),
        ("Amir", "Amira", "Hassan", "MF"),
    ],
)
async def test_twins_at_one_address_are_each_matched_to_themselves_alone(
    federation: SimFederation, two: Agencies, one: str, other: str, family: str, sexes: str
) -> None:
    born = "2022-03-14"
    first = person(one, family, born, sex=sexes[0], **HOME)
    second = person(other, family, born, sex=sexes[1], **HOME)
    told = await meet(
        federation, two, {"first": first, "second": second}, {"c1": first, "c2": second}
    )
    assert told["first"][0] == told["second"][0] == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "family"),
    [
        ("Paul", "Paula", "Lowe"),
        ("Li", "Lei", "Zhang"),
        ("Hassan", "Hussein", "Ali"),
        ("Amira", "Samira", "Hassan"),
    ],
)
async def test_a_twin_whose_own_record_is_not_there_is_not_matched_to_the_other(
    federation: SimFederation, two: Agencies, ours: str, theirs: str, family: str
) -> None:
    born = "2022-03-14"
    told = await meet(
        federation,
        two,
        {"one": person(ours, family, born, sex="F", **HOME)},
        {"other": person(theirs, family, born, sex="F", **HOME)},
    )
    assert told["one"][0] == 0, "no practitioner is told of a twin as of their own client"


async def test_father_and_son_of_one_name_at_one_address_are_not_matched(
    federation: SimFederation, two: Agencies
) -> None:
    father = person("Timothy", "Dawson-Jones", "1973-04-05", sex="M", **HOME)
    son = person("Timothy", "Dawson Jones", "2004-09-21", sex="M", **HOME)
    assert await meet(federation, two, {"father": father}, {"son": son}) == {"father": (0, 0)}


async def test_strangers_of_one_name_and_birth_date_wait_for_people(
    federation: SimFederation, two: Agencies
) -> None:
    here = person("Kiran", "Sharma", "1966-06-22", sex="M", **HOME)
    there = person("Kiran", "Sharma", "1966-06-22", sex="M", **ELSEWHERE)
    assert await meet(federation, two, {"here": here}, {"there": there}) == {"here": (0, 1)}


async def test_a_relatives_nhs_number_does_not_merge_two_people(
    federation: SimFederation, two: Agencies
) -> None:
    mother = person("Susan", "Ashton", "1990-11-14", sex="F", nhs_number="9993001015", **HOME)
    child = person("Shane", "Ashton", "2021-02-03", sex="M", nhs_number="9993001015", **HOME)
    told = await meet(federation, two, {"mother": mother}, {"child": child})
    assert told["mother"][0] == 0


async def test_an_adopted_child_with_a_new_family_name_and_home_waits_for_people_or_is_not_found(
    federation: SimFederation, two: Agencies
) -> None:
    """After adoption the old and the new record must never be joined without a person."""
    before = person("Maya", "Carter", "2019-05-02", sex="F", **HOME)
    after = person("Maya", "Lindqvist", "2019-05-02", sex="F", **ELSEWHERE)
    told = await meet(federation, two, {"before": before}, {"after": after})
    assert told["before"][0] == 0


async def test_a_married_name_at_one_address_with_the_nhs_number_is_found(
    federation: SimFederation, two: Agencies
) -> None:
    before = person("Ewa", "Mazur", "1987-01-21", sex="F", nhs_number="9993001015", **HOME)
    after = replace(before, family="Whitlock-Mazur")
    assert await meet(federation, two, {"before": before}, {"after": after}) == {"before": (1, 0)}


async def test_a_married_name_without_documents_waits_for_people(
    federation: SimFederation, two: Agencies
) -> None:
    before = person("Ewa", "Mazur", "1987-01-21", sex="F", **HOME)
    after = person("Ewa", "Whitlock", "1987-01-21", sex="F", **HOME)
    told = await meet(federation, two, {"before": before}, {"after": after})
    assert sum(told["before"]) == 1, "found, shown or waiting: never lost"


@pytest.mark.parametrize(
    "little",
    [
        person("Amira", "Hassan", None),
        person("Amira", None, "2022-03-14"),
        person(None, None, "2022-03-14", sex="F", **HOME),
        person("Baby", "Hassan", "2022-03-14", address="No fixed abode", postcode="ZZ99 3VZ"),
    ],
    ids=["two names only", "given name and birth date", "no name", "newborn without a home"],
)
async def test_who_has_too_little_to_be_found_is_never_matched_and_the_duty_lines_are_there(
    federation: SimFederation, two: Agencies, little: ClientRecord
) -> None:
    told = await meet(
        federation,
        two,
        {"little": little},
        {"full": person("Amira", "Hassan", "2022-03-14", sex="F", **HOME)},
    )
    assert told["little"][0] == 0
    team = await two[0].team("little")
    assert team.duty_desk.phone


async def test_people_without_documents_are_found_by_name_birth_date_and_home(
    federation: SimFederation, two: Agencies
) -> None:
    """No number, no middle name, names spelt by ear: still one person."""
    here = person("Cabdi", "Xasan", "1984-07-19", sex="M", **HOME)
    there = person("Abdi", "Hassan", "1984-07-19", sex="M", **HOME)
    assert await meet(federation, two, {"here": here}, {"there": there}) == {"here": (1, 0)}
