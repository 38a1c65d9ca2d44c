"""Scoring pairs, the guard and rivals: specs/04-matching.md §7."""

from dataclasses import replace

import pytest

from hub.policies.packs import pack
from protocol.matchkeys.score import (
    Outcome,
    Rivals,
    contest,
    evidence_order,
    fits,
    is_duplicate,
    rivals_of,
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
            *("given_dob.3", "two_dob.1", "given_dob_mi.4", "family_dob_mi.2", "name_dob.1"),
            *("sex_family_dob.2", "alias_dob_pc.4", "dob_sex_pc.2", "dob_addr.1"),
            *("name_pc_dob.3", "name_addr_dob.3", "name_pc.2"),
        ),
        ("given_addr.2",),
    )
    assert (amira.hundredths, amira.outcome) == (1188, Outcome.MATCH)


def test_a_type_that_one_side_lacks_says_nothing() -> None:
    score = score_pair(ENGLAND, {"nid_dob.1": [ONE]}, {"name_dob.1": [ONE]})
    assert (score.agree, score.disagree, score.hundredths) == ((), (), 323)
    assert score.outcome is Outcome.NONE


def test_one_equal_token_of_several_agrees() -> None:
    score = score_pair(ENGLAND, {"name_pc.2": [ONE, TWO]}, {"name_pc.2": [TWO]})
    assert (score.agree, score.hundredths) == (("name_pc.2",), 323)


def test_unequal_tokens_disagree_and_weigh_against() -> None:
    here = {"name_dob.1": [ONE], "name_pc.2": [ONE]}
    score = score_pair(ENGLAND, here, {**here, "name_dob.1": [TWO]})
    assert (score.agree, score.disagree) == (("name_pc.2",), ("name_dob.1",))
    assert score.hundredths == 323 - 101


def test_little_that_agrees_is_not_even_possible() -> None:
    lower = score_pattern(ENGLAND, ("name_pc.2",), ()).hundredths
    for limit, outcome in ((lower + 1, Outcome.NONE), (lower, Outcome.POSSIBLE)):
        policy = replace(ENGLAND, lower=limit)
        assert score_pattern(policy, ("name_pc.2",), ()).outcome is outcome


def test_what_is_enough_to_see_is_not_yet_enough_to_link() -> None:
    upper = score_pattern(ENGLAND, OWN, ()).hundredths
    for limit, outcome in ((upper + 1, Outcome.POSSIBLE), (upper, Outcome.MATCH)):
        guard = replace(ENGLAND.guard, upper=limit)
        policy = replace(ENGLAND, guards={**ENGLAND.guards, "guarded": guard})
        assert score_pattern(policy, OWN, ()).outcome is outcome


def test_types_outside_the_policy_are_ignored() -> None:
    sides = {"name_dob.1": [ONE], "shoe_size.1": [ONE]}
    assert score_pair(ENGLAND, sides, sides).agree == ("name_dob.1",)


@pytest.mark.parametrize(
    ("agree", "disagree", "guarded", "at_open"),
    [
        # Name, birth date and a place: everything a guard asks for.
        ("given_dob.3 name_dob.1 name_pc_dob.3", "", "match", "match"),
        # The checked identifier with the birth date stands for a place.
        ("nid_dob.1 given_dob.3 name_dob.1", "", "match", "match"),
        # No given name that tells twins apart: a person looks.
        ("sex_family_dob.2 family_dob_mi.2 dob_sex_pc.2", "", "possible", "possible"),
        # No place: strangers of one name and birth date.
        ("given_dob.3 name_dob.1 given_dob_mi.4 family_dob_mi.2", "", "possible", "match"),
        # Only types with a place agree: an address can be guessed.
        ("alias_dob_pc.4 name_pc_dob.3 name_addr_dob.3", "", "possible", "possible"),
        # Nothing but the number, and what only the number brings.
        ("nid_dob.1 nid_given.2 nid_family.1", "", "possible", "possible"),
        ("nid_family.1", "nid_dob.1", "possible", "possible"),
        # Two different NHS numbers.
        ("given_dob.3 name_dob.1 name_pc_dob.3 name_addr_dob.3", "nid_dob.1 nid_given.2",
         "possible", "possible"),
        # One number with a birth date that was mistyped: they do not conflict.
        ("nid_given.2 nid_family.1 name_dob.1 name_pc_dob.3", "nid_dob.1", "match", "match"),
        # Moved a few doors down the street: nobody else lives behind that door.
        ("given_dob.3 name_dob.1 alias_dob_pc.4 dob_sex_pc.2 name_pc_dob.3 name_pc.2",
         "dob_addr.1 name_addr_dob.3 given_addr.2", "match", "match"),
        # Layan Khaled and Layan Omar: the second name differs.
        ("given_dob.3 name_dob.1 name_pc_dob.3 sex_family_dob.2", "given_dob_mi.4 two_dob.1",
         "possible", "possible"),
        # One number and birth date, two given names: a mixed-up twin.
        ("nid_dob.1 nid_family.1 sex_family_dob.2 dob_addr.1", "nid_given.2 given_dob.3",
         "possible", "possible"),
        # Hassan and Hussein at one door, with one middle name: they only sound alike.
        ("two_dob.1 family_dob_mi.2 name_dob.1 sex_family_dob.2 dob_sex_pc.2 dob_addr.1 name_pc.2",
         "given_dob.3 given_dob_mi.4 name_pc_dob.3 name_addr_dob.3 given_addr.2",
         "possible", "possible"),
    ],
)  # fmt: skip
def test_the_guard_stops_what_the_score_alone_would_link(
    agree: str, disagree: str, guarded: str, at_open: str
) -> None:
    pattern = (tuple(agree.split()), tuple(disagree.split()))
    assert score_pattern(ENGLAND, *pattern).hundredths >= OPEN.upper
    assert score_pattern(ENGLAND, *pattern).outcome == guarded
    assert score_pattern(OPEN, *pattern).outcome == at_open


OWN = ("given_dob.3", "name_dob.1", "alias_dob_pc.4", "name_pc_dob.3")  # 655


def test_the_twin_who_fits_worse_is_not_linked() -> None:
    """Mark and Marc, whom a table takes for one name; each fits himself better."""
    own = score_pattern(OPEN, OWN, ())
    twin = score_pattern(OPEN, ("given_dob.3", "name_dob.1", "name_pc_dob.3"), ("alias_dob_pc.4",))
    assert twin.outcome is Outcome.MATCH
    mark = fits("mark", "health", [("housing", own.hundredths, "record")])
    marc = fits("marc", "health", [("housing", twin.hundredths, "record")])
    record = fits(
        "record",
        "housing",
        [("health", own.hundredths, "mark"), ("health", twin.hundredths, "marc")],
    )
    against_own = rivals_of(OPEN, own.hundredths, mark, record, nobody_twice)
    against_twin = rivals_of(OPEN, twin.hundredths, marc, record, nobody_twice)
    assert (against_own.best, against_twin.best) == (twin.hundredths, own.hundredths)
    contested = contest(OPEN, twin, against_twin)
    assert contested.hundredths == twin.hundredths - 450
    assert (contested.outcome, contested.barred) == (Outcome.POSSIBLE, True)


@pytest.mark.parametrize(
    ("rival", "cost"),
    [(None, 0), (-1, 0), (0, 0), (504, 0), (505, 174), (655, 174), (656, 450)],
)
def test_what_a_rival_costs_depends_on_how_close_it_comes(rival: int | None, cost: int) -> None:
    score = score_pattern(replace(ENGLAND, bias=321), OWN, ())
    assert score.hundredths == 655
    assert contest(ENGLAND, score, Rivals(rival)).hundredths == 655 - cost


def test_a_rival_at_the_bar_leaves_the_pair_to_people() -> None:
    score = score_pattern(ENGLAND, (*OWN, "name_addr_dob.3"), ())
    assert contest(ENGLAND, score, Rivals(399)).outcome is Outcome.MATCH
    barred = contest(ENGLAND, score, Rivals(400))
    assert (barred.hundredths, barred.outcome) == (score.hundredths, Outcome.POSSIBLE)
    assert barred.barred, "nor does anything support it"


def test_under_a_charter_without_a_bar_a_rival_only_costs() -> None:
    guard = replace(ENGLAND.guard, bar=None)
    policy = replace(ENGLAND, guards={**ENGLAND.guards, "guarded": guard})
    score = score_pattern(policy, (*OWN, "name_addr_dob.3"), ())
    close = contest(policy, score, Rivals(score.hundredths))
    assert (close.hundredths, close.outcome) == (score.hundredths - 174, Outcome.MATCH)


def test_an_agencys_second_copy_of_a_client_is_no_rival() -> None:
    a = fits("a", "health", [("housing", 900, "b"), ("housing", 950, "copy")])
    b = fits("b", "housing", [("health", 900, "a")])
    assert rivals_of(ENGLAND, 900, a, b, nobody_twice).best == 950
    assert (
        rivals_of(ENGLAND, 900, a, b, lambda one, other: {one, other} == {"b", "copy"}).best is None
    )
    twice = score_pattern(ENGLAND, OWN, ())
    assert is_duplicate(ENGLAND, twice)
    assert not is_duplicate(ENGLAND, score_pattern(ENGLAND, OWN, ("two_dob.1",))), "twins are two"
    nothing = score_pair(ENGLAND, {"nid_dob.1": [ONE]}, {"name_dob.1": [ONE]})
    assert not is_duplicate(ENGLAND, nothing), "of which nothing can be compared"


def test_what_scores_too_little_is_not_one_client_twice() -> None:
    sure = score_pattern(ENGLAND, OWN, ()).hundredths
    for limit, twice in ((sure + 1, False), (sure, True)):
        policy = replace(ENGLAND, contested=replace(ENGLAND.contested, sure=limit))
        assert is_duplicate(policy, score_pattern(policy, OWN, ())) is twice


def test_what_an_open_charter_links_is_not_one_client_of_an_agency_twice_for_that() -> None:
    """To link two across agencies is one thing, to hide one of an agency's own another: what the
    guarded point bars are two, also where the charter's own point bars nothing.
    """
    unbarred = replace(OPEN.guards["open"], vetoes=())
    policy = replace(OPEN, guards={**OPEN.guards, "open": unbarred})
    alike = ("given_dob.3", "name_dob.1", "name_addr_dob.3", "dob_addr.1")
    twins = score_pattern(policy, alike, ("two_dob.1",))
    assert twins.outcome is Outcome.MATCH
    assert not is_duplicate(policy, twins)


def test_who_fits_two_people_at_a_third_agency_is_two_people() -> None:
    a = fits("a", "health", [("housing", 400, "b"), ("police", 900, "c1"), ("police", 300, "c2")])
    b = fits("b", "housing", [("health", 400, "a"), ("police", 800, "c2")])
    found = rivals_of(ENGLAND, 400, a, b, nobody_twice)
    assert found == Rivals(None, elsewhere=True)
    assert not rivals_of(ENGLAND, 900, a, b, nobody_twice).elsewhere, "this pair fits better"
    assert not rivals_of(ENGLAND, 400, a, b, lambda *_: True).elsewhere, "c1 and c2 are one"
    score = score_pattern(ENGLAND, OWN, ())
    assert contest(ENGLAND, score, found).hundredths == score.hundredths - 482


def test_who_fits_the_same_person_at_a_third_agency_is_one_person() -> None:
    a = fits("a", "health", [("housing", 400, "b"), ("police", 900, "c")])
    b = fits("b", "housing", [("health", 400, "a"), ("police", 800, "c")])
    assert rivals_of(ENGLAND, 400, a, b, nobody_twice) == Rivals(None, elsewhere=False)


def nobody_twice(_one: str, _other: str) -> bool:
    return False


def test_what_would_not_be_possible_is_no_rival() -> None:
    score = score_pattern(ENGLAND, OWN, ())
    lower = score.hundredths - 100
    policy = replace(ENGLAND, lower=lower)
    left = [contest(policy, score, Rivals(rival)).hundredths for rival in (lower - 1, lower)]
    assert left == [score.hundredths, score.hundredths - 174]


def test_only_a_stub_of_the_others_agency_is_a_rival() -> None:
    a = fits("a", "health", [("housing", 900, "b"), ("police", 1500, "c"), ("housing", 800, "b2")])
    b = fits("b", "housing", [("health", 900, "a"), ("police", 1500, "c")])
    assert rivals_of(ENGLAND, 900, a, b, nobody_twice).best == 800


def test_evidence_is_named_by_place_then_weight_then_name() -> None:
    agree = ("name_addr_dob.3", "name_dob.1", "given_dob.3", "nid_dob.1")
    assert evidence_order(ENGLAND, agree) == (
        "nid_dob.1", "name_dob.1", "given_dob.3", "name_addr_dob.3",
    )  # fmt: skip
