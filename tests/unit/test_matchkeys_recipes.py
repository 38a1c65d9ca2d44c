"""Recipes: what they refuse, what they hide, how many values they make."""

from dataclasses import replace

import pytest

from hub.policies.packs import pack
from protocol.errors import ErrorCode, RemoteError
from protocol.matchkeys.leakage import breaks_rules
from protocol.matchkeys.normalise import fold
from protocol.matchkeys.recipes import RECIPES, Reads, match_keys
from protocol.matchkeys.records import ClientRecord, normalise_record

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
    assert set(match_keys(MARKED, ["nid_dob.1", "dob_street.2"])) == {"nid_dob.1", "dob_street.2"}
    assert match_keys(MARKED, []) == {}


@pytest.mark.parametrize("key_id", ["nid", "nid.1", "nid.2", "household.1", "gsuf_sur_dob.1", ""])
def test_an_unknown_recipe_is_refused(key_id: str) -> None:
    with pytest.raises(RemoteError) as caught:
        match_keys(MARKED, ["nid_dob.1", key_id])
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
    record = ClientRecord(
        "9993001015", "Ana Rita", "Lua", family, "1990-01-02", "F", "1 Ash Road", "LX37QD",
        locality="Lexby", other_id="ab123456",
    )  # fmt: skip
    made = match_keys(record, RECIPES)
    counts = {key_id: len(values) for key_id, values in made.items()}
    assert counts == {key_id: recipe.cap for key_id, recipe in RECIPES.items()}


def test_the_subset_under_a_cap_is_the_first_in_order_and_stable() -> None:
    record = ClientRecord(given="Ana", family="Lima Costa Rocha Fialho", date_of_birth="1990-01-02")
    first = match_keys(record, ["family_dob.1"])
    assert first == match_keys(record, ["family_dob.1"])
    assert first["family_dob.1"] == (
        "lmkstrkfl|19900102",
        "lm|19900102",
        "kst|19900102",
        "rk|19900102",
    )


@pytest.mark.parametrize("name", ["england", "victoria", "victoria-id", "no-postcode"])
def test_a_shipped_policy_names_recipes_that_exist_with_their_caps_and_places(name: str) -> None:
    for key_id, key in pack(name).keys.items():
        assert key.cap == RECIPES[key_id].cap
        assert key.place == (Reads.PLACE in RECIPES[key_id].reads)


@pytest.mark.parametrize("name", ["victoria", "no-postcode"])
def test_where_the_law_restricts_shared_identifiers_no_key_reads_one(name: str) -> None:
    policy = pack(name)
    assert not policy.identifier
    assert not any(Reads.IDENTIFIER in RECIPES[key_id].reads for key_id in policy.keys)


@pytest.mark.parametrize("key_id", RECIPES)
def test_no_recipe_breaks_the_leakage_rules_by_what_it_is_made_from(key_id: str) -> None:
    assert breaks_rules(key_id, RECIPES[key_id].reads) == ()


def test_what_a_recipe_says_it_reads_is_what_changes_its_values() -> None:
    """The leakage rules rest on `reads`: a part that read more in secret would slip through."""
    whole = ClientRecord(
        "9993001015", "Amira", "Noor", "Hassan", "2022-03-14", "F", "14 Harbour Lane", "LX37QD",
        locality="Lexby", other_id="ab123456",
    )  # fmt: skip
    others = {
        Reads.IDENTIFIER: {"nhs_number": "9993004049", "other_id": "zz999888"},
        Reads.GIVEN: {"given": "Ruth"},
        Reads.MIDDLE: {"middle": "Grace"},
        Reads.FAMILY: {"family": "Okafor"},
        Reads.BORN: {"date_of_birth": "1951-07-09"},
        Reads.SEX: {"sex": "M"},
        Reads.PLACE: {"address": "3 Elm Way", "postcode": "WQ11AA", "locality": "Quayford"},
    }
    made = match_keys(whole, RECIPES)
    for reads, fields in others.items():
        changed = match_keys(replace(whole, **fields), RECIPES)
        for key_id, recipe in RECIPES.items():
            assert (changed[key_id] != made[key_id]) == (reads in recipe.reads), (key_id, reads)


NUMBERED = {key_id for key_id in RECIPES if Reads.IDENTIFIER in RECIPES[key_id].reads}


@pytest.mark.parametrize("key_id", sorted(set(RECIPES) - NUMBERED))
def test_no_key_is_made_from_one_field(key_id: str) -> None:
    whole = {
        "given": "Amira",
        "middle": "Noor",
        "family": "Hassan",
        "date_of_birth": "2022-03-14",
        "sex": "F",
        "address": "14 Harbour Lane",
        "postcode": "LX3 7QD",
        "locality": "Lexby",
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
        ClientRecord(None, huge, huge, huge, "1990-01-02", "F", huge, "LX37QD", huge, huge), RECIPES
    )
    longest = max(len(value) for values in made.values() for value in values)
    # Two names of at most 1,000 letters each, a year and a postcode; the prefix allows 65,535.
    assert 1_000 < longest < 2_100


def test_folded_text_is_cut_and_has_no_space_at_the_cut() -> None:
    assert fold("a" * 999 + " b") == "a" * 999
    assert fold("b" * 1_001) == "b" * 1_000
    assert fold(" " * 10_000 + "b") == ""
