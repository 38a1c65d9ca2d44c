"""The hand-written vectors of specs/04-matching.md hold for this implementation."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from protocol.matchkeys import normalise
from protocol.matchkeys.names import canonical_name, family_skeletons, given_skeleton
from protocol.matchkeys.recipes import RECIPES, match_keys
from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.settling import settled_name, slips
from protocol.matchkeys.shared_places import shared_places
from protocol.matchkeys.skeleton import close_skeleton, full_skeleton, skeleton
from protocol.matchkeys.tables import table_hashes

ROOT = Path(__file__).resolve().parents[2]
VECTORS: dict[str, Any] = json.loads((ROOT / "specs/vectors/matchkeys.json").read_text("utf-8"))


@pytest.mark.parametrize(("name", "expected"), VECTORS["skeleton"])
def test_skeleton(name: str, expected: str) -> None:
    assert skeleton(name) == expected


@pytest.mark.parametrize(("name", "expected"), VECTORS["close_skeleton"])
def test_close_skeleton(name: str, expected: str) -> None:
    assert close_skeleton(name) == expected


@pytest.mark.parametrize(("name", "expected"), VECTORS["full_skeleton"])
def test_full_skeleton(name: str, expected: str) -> None:
    assert full_skeleton(name) == expected


@pytest.mark.parametrize(("one", "other", "expected"), VECTORS["slips"])
def test_slips(one: str, other: str, expected: int) -> None:
    assert slips(one, other) == slips(other, one) == expected


@pytest.mark.parametrize(("name", "expected"), VECTORS["settled_name"])
def test_settled_name(name: str, expected: str) -> None:
    assert settled_name(name) == expected


@pytest.mark.parametrize(("name", "expected"), VECTORS["canonical_name"])
def test_canonical_name(name: str, expected: str) -> None:
    assert canonical_name(name) == expected


@pytest.mark.parametrize("case", VECTORS["given_names"], ids=lambda case: ascii(case["given"]))
def test_given_names(case: dict[str, str | None]) -> None:
    found = normalise.given_names(case["given"], case["middle"], case.get("family"))
    assert (found.given, next(iter(found.others), None)) == (case["first"], case["then"])


@pytest.mark.parametrize(("given", "expected"), VECTORS["given_skeleton"])
def test_given_skeleton(given: str | None, expected: str | None) -> None:
    assert given_skeleton(given) == expected


@pytest.mark.parametrize(("families", "expected"), VECTORS["family_skeletons"])
def test_family_skeletons(families: list[str], expected: list[str]) -> None:
    assert list(family_skeletons(tuple(families))) == expected


@pytest.mark.parametrize("case", VECTORS["person_names"], ids=lambda case: ascii(case["given"]))
def test_person_names(case: dict[str, Any]) -> None:
    given, middle, families = case["names"]
    found = normalise.person_names(case["given"], case["middle"], case["family"])
    assert (found.given, next(iter(found.others), None)) == (given, middle)
    assert found.families == tuple(families)


@pytest.mark.parametrize(("given", "middle", "expected"), VECTORS["telling_names"])
def test_telling_names(given: str | None, middle: str | None, expected: list[str]) -> None:
    assert list(normalise.telling_names(given, [middle] if middle else [])) == expected


@pytest.mark.parametrize(("address", "postcode", "expected"), VECTORS["place"])
def test_place(address: str | None, postcode: str | None, expected: list[str | None]) -> None:
    assert list(normalise.place(address, postcode)) == expected


@pytest.mark.parametrize(("listed", "address", "code", "shared"), VECTORS["shared_addresses"])
def test_shared_addresses(
    listed: str, address: str | None, code: str | None, shared: bool | None
) -> None:
    if shared is None:
        with pytest.raises(ValueError, match="house number with a street"):
            shared_places([], [listed])
    else:
        assert shared_places([], [listed]).has(address, code) is shared


@pytest.mark.parametrize(("family", "expected"), VECTORS["family_names"])
def test_family_names(family: str | None, expected: list[str]) -> None:
    assert list(normalise.family_names(family)) == expected


@pytest.mark.parametrize(
    "rule",
    ["birth_date", "postcode", "nhs_number", "sex", "is_unborn", "is_missing", "is_placeholder"],
)
def test_one_value_rules(rule: str) -> None:
    function = getattr(normalise, rule)
    found = [[text, function(text)] for text, _ in VECTORS[rule]]
    assert len(found) > 10
    assert found == VECTORS[rule]


@pytest.mark.parametrize(("born", "weak"), VECTORS["is_weak_birth_date"])
def test_weak_birth_date(born: str, weak: bool) -> None:
    assert normalise.is_weak_birth_date(born) is weak


@pytest.mark.parametrize(("address", "house", "street"), VECTORS["house_and_street"])
def test_house_and_street(address: str | None, house: str | None, street: str | None) -> None:
    assert normalise.house_and_street(address) == (house, street)


@pytest.mark.parametrize("case", VECTORS["records"], ids=lambda case: str(case["about"]))
def test_records(case: dict[str, Any]) -> None:
    made = match_keys(ClientRecord(**case["record"]), RECIPES.keys())
    assert {key_id: list(values) for key_id, values in made.items()} == case["keys"]


def test_every_recipe_has_a_vector() -> None:
    named = {key_id for case in VECTORS["records"] for key_id in case["keys"]}
    assert named == set(RECIPES)


def test_the_tables_written_out_are_those_that_a_charter_hashes() -> None:
    written = json.loads((ROOT / "specs/vectors/matchkeys-tables.json").read_text("utf-8"))
    del written["about"]
    plain = {
        name: json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        for name, table in written.items()
    }
    hashes = {name: sha256(text.encode()).hexdigest() for name, text in plain.items()}
    assert hashes == table_hashes()
