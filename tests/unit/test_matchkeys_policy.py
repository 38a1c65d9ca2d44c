"""The match policy: reading it, refusing nonsense, and the figures of the pack england."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.policies.packs import check_policy, pack
from protocol import canonical
from protocol.canonical import JsonValue
from protocol.errors import LocalError, RemoteError
from protocol.matchkeys.policy import Contested, parse_policy
from protocol.matchkeys.recipes import RECIPES
from protocol.matchkeys.score import Outcome, score_pattern

ENGLAND = pack("england")

# The measured figures of specs/04-matching.md §6, in hundredths: agree, disagree, cap, has place.
FIGURES = {
    "nid_dob.1": (432, -148, 1, False),
    "nid_given.2": (279, -70, 1, False),
    "nid_family.1": (318, -152, 1, False),
    "given_dob.3": (37, -47, 2, False),
    "two_dob.1": (62, -100, 1, False),
    "given_dob_mi.4": (118, -25, 2, False),
    "family_dob_mi.2": (74, 0, 1, False),
    "name_dob.1": (58, -101, 1, False),
    "sex_family_dob.2": (33, -56, 1, False),
    "alias_dob_pc.4": (116, -37, 3, True),
    "dob_sex_pc.2": (62, -18, 1, True),
    "dob_addr.1": (19, -40, 1, True),
    "name_pc_dob.3": (123, -44, 2, True),
    "name_addr_dob.3": (163, -20, 2, True),
    "name_pc.2": (0, 0, 4, True),
    "given_addr.2": (0, 0, 1, True),
}


def test_the_pack_england_has_the_figures_of_the_specification() -> None:
    found = {
        key_id: (key.agree, key.disagree, key.cap, key.place)
        for key_id, key in ENGLAND.keys.items()
    }
    assert found == FIGURES
    uppers = [ENGLAND.guards[point].upper for point in ("guarded", "open")]
    assert (ENGLAND.bias, uppers, ENGLAND.lower) == (323, [100, 320], 30)
    costs = {"margin": 150, "close": -174, "worse": -450, "elsewhere": -482, "sure": 300}
    assert ENGLAND.contested == Contested(**costs)
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
    "id with line end": _set("keys/0/id", "nid_dob.1\n"),
    "doubled id": _set("keys/0/id", "name_pc.2"),
    "no keys": _set("keys", []),
    "keys not a list": _set("keys", {}),
    "key not an object": _set("keys", [1]),
    "guard names no key": _set("guards/open/each_of", [["nope.1"]]),
    "guard doubled": _set("guards/open/each_of", [["given_dob.3"] * 2]),
    "guard not a list": _set("guards/open/each_of", "given_dob.3"),
    "guard lacks a field": _set("guards/open", {"upper": 0, "each_of": [], "vetoes": []}),
    "a third operating point": _set("guards/wide", {}),
    "veto without a difference": _set("guards/open/vetoes/0/differ", []),
    "veto of no key": _set("guards/open/vetoes/0/unless", ["nope.1"]),
    "bar a text": _set("guards/open/bar", "400"),
    "another operating point": _set("operating_point", "wide-open"),
    "operating point a list": _set("operating_point", ["open"]),
    "a rival speaks for": _set("contested/close", 1),
    "a better rival costs less": _set("contested/worse", -1),
    "margin below zero": _set("contested/margin", -1),
    "contested lacks a field": _set("contested", {"margin": 150, "close": -1}),
    "elsewhere speaks for": _set("contested/elsewhere", 1),
    "identifier unknown": _set("identifier", ["nope.1"]),
    "identifier a text": _set("identifier", "nid_dob.1"),
    "old and new mixed": _set("strong_id", None),
    "thresholds crossed": _set("lower", 101),
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


def test_a_jurisdiction_without_shared_identifier_has_none() -> None:
    assert pack("victoria").identifier == frozenset()


OLD = json.loads((Path(__file__).parent / "policy_before_vetoes.json").read_text("utf-8"))


def test_a_charter_from_before_vetoes_means_what_it_meant() -> None:
    policy = parse_policy(OLD)
    strong = score_pattern(policy, ("given_dob.1", "alias_dob_pc.2", "name_dob.1"), ("nid.1",))
    assert strong.outcome is Outcome.POSSIBLE
    by_name = score_pattern(policy, ("given_dob.1", "name_dob.1", "name_pc_dob.1"), ())
    assert by_name.outcome is Outcome.MATCH
    no_place = score_pattern(policy, ("given_dob.1", "name_dob.1", "given_dob_mi.2"), ())
    assert no_place.outcome is Outcome.POSSIBLE
    by_number = score_pattern(policy, ("nid.1", "name_dob.1"), ())
    assert by_number.outcome is Outcome.MATCH
    opened = replace(policy, operating_point="open")
    assert score_pattern(opened, ("given_dob.1", "name_dob.1"), ()).outcome is Outcome.MATCH


def test_a_number_alone_is_no_match_under_an_old_charter_either() -> None:
    for point in ("guarded", "open"):
        policy = replace(parse_policy(OLD), operating_point=point)
        assert score_pattern(policy, ("nid.1",), ()).hundredths > policy.upper
        assert score_pattern(policy, ("nid.1",), ()).outcome is Outcome.POSSIBLE


@pytest.mark.parametrize("key_id", ["nid.1", "given_dob.1", "alias_dob_pc.2", "nid_given.1"])
def test_a_withdrawn_key_is_refused_in_a_new_charter_and_says_what_to_do(key_id: str) -> None:
    value = _fresh()
    value["keys"].append({"id": key_id, "agree": 0, "disagree": 0, "cap": 1, "place": False})
    with pytest.raises(LocalError, match=f"{key_id} is withdrawn: .* take the keys of a pack"):
        check_policy(parse_policy(value))


def test_an_old_policy_is_refused_in_a_new_charter() -> None:
    with pytest.raises(LocalError, match=r"nid\.1 is withdrawn"):
        check_policy(parse_policy(OLD))


def test_what_is_made_with_a_number_must_be_named_as_such() -> None:
    value = _fresh()
    value["identifier"] = ["nid_dob.1", "nid_family.1"]
    with pytest.raises(LocalError, match="identifier must name exactly"):
        check_policy(parse_policy(value))
