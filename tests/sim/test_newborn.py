"""A newborn, from a nameless record to a registered name; and people in a shared place."""

from dataclasses import replace
from pathlib import Path

import pytest

from node.config import load_settings
from node.membership.hub import NodeContext, load_membership
from node.publishing.publisher import Publisher
from node.records.clients import apply_import
from protocol.errors import LocalError
from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.shared_places import SharedPlaces
from tests.sim.federation import DUTY, SimFederation, SimNode, row

BABY = ClientRecord("9993004049", "Baby girl", None, "Hassan", "2026-10-19", "F",
                    "12 Rowan Road", "LX3 4AB")  # fmt: skip
ZAHRA = replace(BABY, given="Zahra", middle="Noor")
AT_SOCIAL_CARE = replace(ZAHRA, nhs_number=None)


async def _stubs(federation: SimFederation) -> list[tuple[str, int]]:
    sql = "SELECT stub_id, revision FROM stub ORDER BY stub_id"
    return [tuple(row.values()) for row in await federation.hub_read(lambda t: t.tx.rows(sql))]


async def _published(node: SimNode) -> dict[str, int]:
    """How many tokens of each match key the node's stubs have at the hub."""
    sql = "SELECT match_key_id AS key, COUNT(*) AS n FROM published_token GROUP BY match_key_id"
    return {item["key"]: item["n"] for item in await node.read(lambda t: t.tx.rows(sql))}


def _with_given(keys: dict[str, int]) -> set[str]:
    return {key for key in keys if key.startswith(("name", "given", "alias"))}


async def test_a_name_registered_weeks_later_is_a_revision_of_the_same_stub(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    await health.take_in(row("h9", BABY, "health_visiting", DUTY))
    assert (await health.publish()).changed == 1
    [(stub_id, revision)] = await _stubs(federation)
    assert revision == 1
    assert _with_given(await _published(health)) == set(), "nothing is said of a name"

    await health.take_in(row("h9", ZAHRA, "health_visiting", DUTY))
    report = await health.publish()
    assert (report.changed, report.retired) == (1, 0)
    assert await _stubs(federation) == [(stub_id, 2)]
    assert len(_with_given(await _published(health))) >= 4


async def test_the_registered_name_finds_the_child_elsewhere(federation: SimFederation) -> None:
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await health.take_in(row("h9", BABY, "health_visiting", DUTY))
    await care.take_in(row("c9", AT_SOCIAL_CARE, "child_in_need", DUTY))
    await health.publish()
    await care.publish()
    await federation.round()
    assert not (await care.team("c9")).others, "a nameless baby is nobody's automatic match"

    await health.take_in(row("h9", ZAHRA, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    assert len((await care.team("c9")).others) == 1


MOTHER = ClientRecord("9990000026", "Nadia", None, "Hassan", "1994-07-22", "F",
                      "12 Rowan Road", "LX3 4AB")  # fmt: skip
UNBORN = replace(BABY, nhs_number=None, given="Unborn", date_of_birth=None)


async def labels(node: SimNode, local_id: str) -> list[str]:
    return [member.label for member in (await node.team(local_id)).others]


async def test_work_with_an_unborn_child_is_the_mothers_until_the_birth(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await health.take_in(row("m1", MOTHER, "community_nursing", DUTY))
    expected = replace(row("b1", UNBORN, "health_visiting", DUTY), mother_local_id="m1")
    await health.take_in(expected)
    await care.take_in(row("c1", replace(MOTHER, nhs_number=None), "child_in_need", DUTY))
    await health.publish()
    await care.publish()
    await federation.round()
    assert await labels(care, "c1") == ["Community nursing", "Health visiting"]
    assert len(await _stubs(federation)) == 2, "the child has no stub of its own"

    await health.take_in(row("b1", ZAHRA, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    assert await labels(care, "c1") == ["Community nursing"]
    await care.take_in(row("c9", AT_SOCIAL_CARE, "child_in_need", DUTY))
    await care.publish()
    await federation.round()
    assert await labels(care, "c9") == ["Health visiting"]


async def test_an_unborn_child_whose_mother_is_not_here_is_told_so_and_nothing_is_kept(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    lost = replace(row("b1", UNBORN, "health_visiting", DUTY), mother_local_id="nobody")
    report = await health.write(lambda tables: apply_import(tables, [lost], 0))
    assert [(error.field, error.reason) for error in report.errors] == [
        ("mother_local_id", "no client here has the mother's id; import the mother first")
    ]
    assert await health.read(lambda tables: tables.tx.rows("SELECT 1 FROM involvement")) == []


async def test_a_shared_postcode_of_the_settings_leaves_no_place(
    federation: SimFederation,
) -> None:
    shared = {"shared_postcodes": ["lx3 4ab"]}
    node = await federation.join("Health visiting", "health_provider", **shared)
    await node.take_in(row("h1", ZAHRA, "health_visiting", DUTY))
    await node.publish()
    keys = set(await _published(node))
    assert keys, "she can still be found by name, birth date and number"
    assert _with_place(node, keys) == []


async def test_a_hostel_beside_families_is_shared_by_its_address_and_they_keep_their_place(
    federation: SimFederation,
) -> None:
    shared = {"shared_addresses": ["12 rowan rd, LX3 4AB"]}
    node = await federation.join("Health visiting", "health_provider", **shared)
    next_door = replace(ZAHRA, nhs_number=None, given="Ivo", address="14 Rowan Road")
    await node.take_in(row("h1", ZAHRA, "health_visiting", DUTY))
    await node.publish()
    assert _with_place(node, set(await _published(node))) == []
    await node.take_in(row("h2", next_door, "health_visiting", DUTY))
    await node.publish()
    assert len(_with_place(node, set(await _published(node)))) > 3


@pytest.mark.parametrize("shared", [SharedPlaces(), SharedPlaces(frozenset({"LX34AB"}))])
async def test_a_publisher_leaves_out_a_shared_place_though_no_service_was_ever_made(
    federation: SimFederation, shared: SharedPlaces
) -> None:
    node = await federation.join("Health visiting", "health_provider")
    joined = node.membership
    await node.take_in(row("h1", ZAHRA, "health_visiting", DUTY))
    context = NodeContext(joined.engine, joined.http, joined.env, shared)
    membership = await load_membership(node.folder, joined.hub, context)
    await membership.sync()
    await Publisher(membership).publish()
    keys = set(await _published(node))
    assert keys
    assert (_with_place(node, keys) == []) == bool(shared.postcodes)


def _with_place(node: SimNode, keys: set[str]) -> list[str]:
    policy = node.membership.charter.policy
    return [key for key in keys if policy.keys[key].place]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('shared_postcodes = ["LX3 4AB", "LX3 Q4A"]', "not a postcode"),
        ('shared_addresses = ["9 Mill Road, LX3 4AB", "Fairways"]', "nor the name of a house"),
        ('shared_addresses = "9 Mill Road, LX3 4AB"', "square brackets"),
    ],
)
def test_a_slip_in_a_shared_place_is_told_at_once_and_not_repeated(
    tmp_path: Path, setting: str, said: str
) -> None:
    (tmp_path / "node.toml").write_text(setting, "utf-8")
    with pytest.raises(LocalError, match=said) as caught:
        load_settings(tmp_path)
    assert "LX3" not in str(caught.value).replace("such as 12 Church Lane, LX3 4AB", "")
    assert "Fairways" not in str(caught.value)
    assert "Mill" not in str(caught.value)
