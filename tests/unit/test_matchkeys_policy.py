"""The match policy: reading it, refusing nonsense, and the figures of the pack england."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.policies.packs import pack
from protocol import canonical
from protocol.canonical import JsonValue
from protocol.errors import RemoteError
from protocol.matchkeys.policy import Contested, parse_policy
from protocol.matchkeys.recipes import RECIPES

ENGLAND = pack("england")

# The measured figures of specs/04-matching.md §6, in hundredths: agree, disagree, cap, has place.
FIGURES = {
    "nid.1": (317, -370, 1, False),
    "given_dob.1": (120, -48, 1, False),
    "name_dob.1": (117, -106, 1, False),
    "given_dob_mi.2": (132, -12, 1, False),
    "family_dob_mi.1": (137, -4, 1, False),
    "sex_family_dob.1": (29, -106, 1, False),
    "alias_dob_pc.2": (235, -63, 2, True),
    "dob_sex_pc.2": (96, 0, 1, True),
    "dob_addr.1": (64, -48, 1, True),
    "name_pc_dob.1": (221, -49, 2, True),
    "name_addr_dob.1": (249, -41, 2, True),
    "name_pc.2": (0, 0, 4, True),
    "given_addr.1": (0, 0, 1, True),
}


def test_the_pack_england_has_the_figures_of_the_specification() -> None:
    found = {
        key_id: (key.agree, key.disagree, key.cap, key.place)
        for key_id, key in ENGLAND.keys.items()
    }
    assert found == FIGURES
    assert (ENGLAND.bias, ENGLAND.upper, ENGLAND.lower) == (312, 510, 0)
    assert ENGLAND.contested == Contested(margin=150, close=-127, worse=-360)
    assert ENGLAND.operating_point == "guarded"
    assert ENGLAND.stop_token_records == 60


def test_the_specification_states_the_same_figures() -> None:
    text = (Path(__file__).resolve().parents[2] / "specs/04-matching.md").read_text("utf-8")
    for key_id, (agree, disagree, cap, place) in FIGURES.items():
        row = f"| {key_id} | {agree} | {disagree} | {cap} | {'yes' if place else 'no'} |"
        assert row in text
    for key_id, recipe in RECIPES.items():
        assert re.search(rf"^\| {re.escape(key_id)} \| .+ \| {recipe.cap} \|$", text, re.MULTILINE)


def test_round_trip_through_canonical_json() -> None:
    encoded = canonical.encode(ENGLAND.to_json())
    assert parse_policy(canonical.parse(encoded, limit=65_536)) == ENGLAND


def _fresh() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(json.dumps(ENGLAND.to_json()))
    return value


def _set(path: str, new: object) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        target: Any = value
        for parent in parents:
            target = target[int(parent)] if isinstance(target, list) else target[parent]
        target[last] = new

    return change


BAD_CHANGES = {
    "extra field": _set("colour", 1),
    "float": _set("bias", 2.54),
    "boolean as integer": _set("upper", True),
    "text as integer": _set("lower", "-100"),
    "huge weight": _set("keys/0/agree", 10_001),
    "agree speaks against": _set("keys/0/agree", -1),
    "disagree speaks for": _set("keys/0/disagree", 1),
    "cap zero": _set("keys/0/cap", 0),
    "cap huge": _set("keys/0/cap", 17),
    "place not boolean": _set("keys/0/place", 1),
    "id without version": _set("keys/0/id", "nid"),
    "id with line end": _set("keys/0/id", "nid.1\n"),
    "doubled id": _set("keys/0/id", "name_pc.2"),
    "no keys": _set("keys", []),
    "keys not a list": _set("keys", {}),
    "key not an object": _set("keys", [1]),
    "guard names no key": _set("guard_given", ["nope.1"]),
    "guard doubled": _set("guard_given", ["given_dob.1", "given_dob.1"]),
    "guard not a list": _set("guard_given", "given_dob.1"),
    "another operating point": _set("operating_point", "wide-open"),
    "operating point a list": _set("operating_point", ["open"]),
    "a rival speaks for": _set("contested/close", 1),
    "a better rival costs less": _set("contested/worse", -1),
    "margin below zero": _set("contested/margin", -1),
    "contested lacks a field": _set("contested", {"margin": 150, "close": -1}),
    "strong id unknown": _set("strong_id", "nope.1"),
    "strong id a list": _set("strong_id", ["nid.1"]),
    "thresholds crossed": _set("lower", 511),
    "stop tokens too few": _set("stop_token_records", 1),
    "bad name": _set("name", "Default 12"),
    "version zero": _set("version", 0),
}


@pytest.mark.parametrize("change", BAD_CHANGES.values(), ids=BAD_CHANGES.keys())
def test_a_policy_outside_the_form_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    value = _fresh()
    assert parse_policy(value) == ENGLAND
    change(value)
    with pytest.raises(RemoteError):
        parse_policy(value)


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"name": "x"}])
def test_not_a_policy_at_all(value: JsonValue) -> None:
    with pytest.raises(RemoteError):
        parse_policy(value)


def test_a_jurisdiction_without_shared_identifier_has_no_strong_id() -> None:
    value = _fresh()
    value["strong_id"] = None
    value["keys"] = value["keys"][1:]
    assert parse_policy(value).strong_id is None
