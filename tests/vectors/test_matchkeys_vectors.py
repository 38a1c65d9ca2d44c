"""The hand-written vectors of specs/04-matching.md hold for this implementation."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.matchkeys import normalise
from protocol.matchkeys.names import canonical_name
from protocol.matchkeys.recipes import RECIPES, ClientRecord, match_keys
from protocol.matchkeys.skeleton import skeleton

ROOT = Path(__file__).resolve().parents[2]
VECTORS: dict[str, Any] = json.loads((ROOT / "specs/vectors/matchkeys.json").read_text("utf-8"))


@pytest.mark.parametrize(("name", "expected"), VECTORS["skeleton"])
def test_skeleton(name: str, expected: str) -> None:
    assert skeleton(name) == expected


@pytest.mark.parametrize(("name", "expected"), VECTORS["canonical_name"])
def test_canonical_name(name: str, expected: str) -> None:
    assert canonical_name(name) == expected


@pytest.mark.parametrize("case", VECTORS["given_names"], ids=lambda case: ascii(case["given"]))
def test_given_names(case: dict[str, str | None]) -> None:
    found = normalise.given_names(case["given"], case["middle"])
    assert found == (case["first"], case["then"])


@pytest.mark.parametrize(("family", "expected"), VECTORS["family_names"])
def test_family_names(family: str | None, expected: list[str]) -> None:
    assert list(normalise.family_names(family)) == expected


@pytest.mark.parametrize("rule", ["birth_date", "postcode", "nhs_number", "sex"])
def test_one_value_rules(rule: str) -> None:
    function = getattr(normalise, rule)
    found = [[text, function(text)] for text, _ in VECTORS[rule]]
    assert len(found) > 10
    assert found == VECTORS[rule]


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
