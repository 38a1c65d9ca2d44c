"""Scoring pairs, the guard and rivals: specs/04-matching.md §7."""

from dataclasses import replace

import pytest

from hub.policies.packs import pack
from protocol.matchkeys.score import (
    Outcome,
    best_rivals,
    contest,
    evidence_order,
    score_pair,
    score_pattern,
)

ENGLAND = pack("england")
OPEN = replace(ENGLAND, operating_point="open")
ONE, TWO = b"1" * 16, b"2" * 16


def test_the_example_of_the_specification_adds_up() -> None:
    amira = score_pattern(
        ENGLAND,
        (
            *("name_dob.1", "given_dob_mi.2", "family_dob_mi.1", "sex_family_dob.1"),
            *("alias_dob_pc.2", "dob_sex_pc.2", "dob_addr.1", "name_pc_dob.1"),
            *("name_addr_dob.1", "name_pc.2"),
        ),
        ("given_dob.1", "given_addr.1"),
    )
    assert (amira.hundredths, amira.outcome) == (1544, Outcome.MATCH)


def test_a_type_that_one_side_lacks_says_nothing() -> None:
    score = score_pair(ENGLAND, {"nid.1": [ONE]}, {"name_dob.1": [ONE]})
    assert (score.agree, score.disagree, score.hundredths) == ((), (), 312)
    assert score.outcome is Outcome.NONE


def test_one_equal_token_of_several_agrees() -> None:
    score = score_pair(ENGLAND, {"name_pc.2": [ONE, TWO]}, {"name_pc.2": [TWO]})
    assert (score.agree, score.hundredths) == (("name_pc.2",), 312)


def test_unequal_tokens_disagree_and_weigh_against() -> None:
    here, there = {"nid.1": [ONE], "name_pc.2": [ONE]}, {"nid.1": [TWO], "name_pc.2": [ONE]}
    score = score_pair(ENGLAND, here, there)
    assert (score.agree, score.disagree) == (("name_pc.2",), ("nid.1",))
    assert score.hundredths == 312 + ENGLAND.keys["nid.1"].disagree


def test_little_that_agrees_is_not_even_possible() -> None:
    lower = score_pattern(ENGLAND, ("name_pc.2",), ()).hundredths
    for limit, outcome in ((lower + 1, Outcome.NONE), (lower, Outcome.POSSIBLE)):
        policy = replace(ENGLAND, lower=limit)
        assert score_pattern(policy, ("name_pc.2",), ()).outcome is outcome


def test_types_outside_the_policy_are_ignored() -> None:
    sides = {"name_dob.1": [ONE], "shoe_size.1": [ONE]}
    assert score_pair(ENGLAND, sides, sides).agree == ("name_dob.1",)


@pytest.mark.parametrize(
    ("agree", "disagree", "guarded", "at_open"),
    [
        # Name, birth date and a place: everything a guard asks for.
        ("given_dob.1 name_dob.1 name_pc_dob.1", "", "match", "match"),
        # The checked identifier stands for name and place.
        ("nid.1 name_dob.1", "", "match", "match"),
        # No given name that tells twins apart: a person looks, unless the charter is open.
        ("name_dob.1 sex_family_dob.1 name_pc_dob.1", "", "possible", "match"),
        # No place: strangers of one name and birth date.
        ("given_dob.1 name_dob.1 given_dob_mi.2 family_dob_mi.1", "", "possible", "match"),
        # Only types with a place agree: an address can be guessed.
        ("alias_dob_pc.2 name_pc_dob.1 name_addr_dob.1", "", "possible", "possible"),
        # Two different NHS numbers.
        (
            "given_dob.1 name_dob.1 alias_dob_pc.2 name_pc_dob.1 name_addr_dob.1",
            "nid.1", "possible", "possible",
        ),
    ],
)  # fmt: skip
def test_the_guard_stops_what_the_score_alone_would_link(
    agree: str, disagree: str, guarded: str, at_open: str
) -> None:
    pattern = (tuple(agree.split()), tuple(disagree.split()))
    assert score_pattern(ENGLAND, *pattern).hundredths >= ENGLAND.upper
    assert score_pattern(ENGLAND, *pattern).outcome == guarded
    assert score_pattern(OPEN, *pattern).outcome == at_open


def test_the_twin_who_fits_worse_is_not_linked() -> None:
    """Susan and Suzanne share everything a skeleton sees; each fits herself better."""
    agency = {"susan": "health", "suzanne": "health", "record": "housing"}
    own = score_pattern(
        ENGLAND, ("given_dob.1", "name_dob.1", "alias_dob_pc.2", "name_pc_dob.1"), ()
    )
    twin = score_pattern(
        OPEN, ("name_dob.1", "sex_family_dob.1", "name_pc_dob.1"), ("alias_dob_pc.2",)
    )
    assert twin.outcome is Outcome.MATCH
    scores = {("susan", "record"): own.hundredths, ("suzanne", "record"): twin.hundredths}
    rivals = best_rivals(scores, agency)
    assert contest(ENGLAND, own, rivals["susan", "record"]).outcome is Outcome.MATCH
    contested = contest(OPEN, twin, rivals["suzanne", "record"])
    assert contested.hundredths == twin.hundredths - 360
    assert contested.outcome is Outcome.POSSIBLE


@pytest.mark.parametrize(
    ("rival", "cost"),
    [(None, 0), (-1, 0), (0, 0), (849, 0), (850, 127), (1000, 127), (1001, 360)],
)
def test_what_a_rival_costs_depends_on_how_close_it_comes(rival: int | None, cost: int) -> None:
    pattern = ("given_dob.1", "name_dob.1", "alias_dob_pc.2", "name_pc_dob.1")
    score = score_pattern(replace(ENGLAND, bias=307), pattern, ())
    assert score.hundredths == 1000
    assert contest(ENGLAND, score, rival).hundredths == 1000 - cost


def test_what_would_not_be_possible_is_no_rival() -> None:
    pattern = ("given_dob.1", "name_dob.1", "alias_dob_pc.2", "name_pc_dob.1")
    policy = replace(ENGLAND, bias=307, lower=950)
    score = score_pattern(policy, pattern, ())
    costs = [1000 - contest(policy, score, rival).hundredths for rival in (949, 950)]
    assert costs == [0, 127]


def test_only_a_stub_of_the_others_agency_is_a_rival() -> None:
    agency = {"a": "health", "b": "housing", "c": "police", "b2": "housing"}
    scores = {("a", "b"): 900, ("a", "c"): 1500, ("a", "b2"): 800, ("b", "c"): 1500}
    assert best_rivals(scores, agency) == {("a", "b"): 800, ("a", "b2"): 900}


def test_evidence_is_named_by_place_then_weight_then_name() -> None:
    agree = ("name_addr_dob.1", "name_dob.1", "given_dob.1", "nid.1")
    assert evidence_order(ENGLAND, agree) == (
        "nid.1", "given_dob.1", "name_dob.1", "name_addr_dob.1",
    )  # fmt: skip
