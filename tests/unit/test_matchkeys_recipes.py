"""Recipes: what they refuse, what they hide, how many values they make."""

import pytest

from protocol.errors import ErrorCode, RemoteError
from protocol.matchkeys.normalise import fold
from protocol.matchkeys.policy import DEFAULT_12
from protocol.matchkeys.recipes import RECIPES, ClientRecord, match_keys, normalise_record

MARKED = ClientRecord(
    nhs_number="999 300 1015",
    given="Zyxwgiven",
    middle="Zyxwmiddle",
    family="Zyxwfamily",
    date_of_birth="2022-03-14",
    sex="F",
    address="14 Zyxwstreet",
    postcode="LX3 7QD",
)


def test_only_named_keys_are_made() -> None:
    assert set(match_keys(MARKED, ["nid.1", "dob_hno.1"])) == {"nid.1", "dob_hno.1"}
    assert match_keys(MARKED, []) == {}


@pytest.mark.parametrize("key_id", ["nid", "nid.2", "household.1", ""])
def test_an_unknown_recipe_is_refused(key_id: str) -> None:
    with pytest.raises(RemoteError) as caught:
        match_keys(MARKED, ["nid.1", key_id])
    assert caught.value.code is ErrorCode.UNKNOWN_KIND


def test_neither_record_shows_its_values() -> None:
    shown = f"{MARKED} {MARKED!r} {normalise_record(MARKED)} {normalise_record(MARKED)!r}".lower()
    for secret in ("zyxw", "9993001015", "999 300", "2022", "lx3"):
        assert secret not in shown


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        MARKED.given = "x"  # type: ignore[misc]


def test_caps_hold_for_a_record_with_many_names() -> None:
    letters = "bdfglmnrst"
    family = " ".join(f"{one}a{two}a" for one in letters for two in letters)
    record = ClientRecord("9993001015", "Ana", "Lua", family, "1990-01-02", "F", "1 A", "LX37QD")
    made = match_keys(record, DEFAULT_12.keys)
    counts = {key_id: len(values) for key_id, values in made.items()}
    assert counts == {key_id: key.cap for key_id, key in DEFAULT_12.keys.items()}


def test_the_subset_under_a_cap_is_the_first_in_order_and_stable() -> None:
    record = ClientRecord(given="Ana", family="Lima Costa Rocha Fialho", date_of_birth="1990-01-02")
    first = match_keys(record, ["init_sur_dob.1"])
    assert first == match_keys(record, ["init_sur_dob.1"])
    assert first["init_sur_dob.1"] == (
        "a|lmkstrkfl|19900102",
        "a|lm|19900102",
        "a|kst|19900102",
        "a|rk|19900102",
    )


def test_recipes_and_default_policy_name_the_same_keys_and_caps() -> None:
    assert {key_id: most for key_id, (_, most) in RECIPES.items()} == {
        key_id: key.cap for key_id, key in DEFAULT_12.keys.items()
    }


@pytest.mark.parametrize("key_id", sorted(set(RECIPES) - {"nid.1"}))
def test_no_key_is_made_from_one_field(key_id: str) -> None:
    whole = {
        "given": "Amira",
        "middle": "Noor",
        "family": "Hassan",
        "date_of_birth": "2022-03-14",
        "sex": "F",
        "address": "14 Harbour Lane",
        "postcode": "LX3 7QD",
    }
    assert match_keys(ClientRecord(**whole), [key_id])
    for field, value in whole.items():
        if field != "given":
            assert match_keys(ClientRecord(**{field: value}), [key_id]) == {}
    name_only = ClientRecord(given="Amira", middle="Noor", family="Hassan", sex="F")
    assert match_keys(name_only, [key_id]) == {}


def test_huge_names_stay_far_below_the_length_prefix() -> None:
    huge = "王" * 10_000
    made = match_keys(
        ClientRecord(None, huge, huge, huge, "1990-01-02", "F", huge, "LX37QD"), RECIPES
    )
    longest = max(len(value) for values in made.values() for value in values)
    # Two names of at most 1,000 letters each, a year and a postcode; the prefix allows 65,535.
    assert 1_000 < longest < 2_100


def test_folded_text_is_cut_and_has_no_space_at_the_cut() -> None:
    assert fold("a" * 999 + " b") == "a" * 999
    assert fold("b" * 1_001) == "b" * 1_000
    assert fold(" " * 10_000 + "b") == ""
