"""Leakage rules: figures counted by hand, each rule broken by the key it is there for."""

from math import log2

import pytest

from protocol.matchkeys.leakage import (
    Leakage,
    breaks_rules,
    broken_by_design,
    broken_by_measure,
    measure,
    possible_values,
)
from protocol.matchkeys.recipes import RECIPES, Reads

GOOD = Leakage(
    people=20_000, values=20_000, most_holders=4, min_entropy=12.3, domain=30.0, shared=0.0
)


def reads(words: str) -> frozenset[Reads]:
    return frozenset(map(Reads, words.split()))


def test_people_are_counted_once_for_a_value_and_only_if_they_have_one() -> None:
    figures = measure({"ann": ["x", "x", "y"], "bob": ["x"], "cat": ["z"], "dan": []}, [])
    assert (figures.people, figures.values, figures.most_holders) == (3, 3, 2)
    assert figures.min_entropy == pytest.approx(log2(3 / 2))
    assert figures.shared == pytest.approx(2 / 3)


def test_nobody_with_a_value_is_no_figure_and_no_breach() -> None:
    figures = measure({"ann": []}, [[]])
    assert figures == Leakage(0, 0, 0, 0.0, 0.0, 0.0)
    assert broken_by_measure(figures) == {}


def test_possible_values_counts_the_unseen() -> None:
    # Three values seen once, one twice: 4 + 3 * 2 / (2 * 2).
    assert possible_values([["a"], ["b"], ["c"], ["d"], ["d"]]) == 5.5
    # All seen often: nothing is left to see.
    assert possible_values([["a"], ["a"], ["a"], ["b"], ["b"], ["b"]]) == 2


def test_the_domain_is_the_product_of_the_parts() -> None:
    eight = [[str(n)] for n in range(8)] * 3
    assert measure({"ann": ["x"]}, [eight, eight]).domain == pytest.approx(6)


@pytest.mark.parametrize(
    ("made_from", "rules"),
    [
        ("given", {"one_field", "no_anchor"}),
        ("born", {"one_field", "crowd"}),
        ("place", {"one_field", "household"}),
        ("given family", {"no_anchor"}),
        ("born sex", {"crowd"}),
        ("place family", {"household"}),
        ("place family sex", {"household"}),
        ("given born", set()),
        ("born place", set()),
        ("given place", set()),
        ("identifier", {"one_field"}),
    ],
)
def test_what_a_key_is_made_from(made_from: str, rules: set[str]) -> None:
    assert {str(rule) for rule in broken_by_design(reads(made_from))} == rules


@pytest.mark.parametrize(
    ("figures", "rules"),
    [
        (GOOD, set()),
        (Leakage(20_000, 9000, 5, 12.0, 30.0, 0.5), {"holders"}),
        # Twice as many people may have twice as many holders, but not three times.
        (Leakage(40_000, 9000, 8, 12.3, 30.0, 0.5), set()),
        (Leakage(40_000, 9000, 9, 12.3, 30.0, 0.5), {"holders"}),
        (Leakage(20_000, 9000, 4, 11.2, 30.0, 0.5), {"entropy"}),
        (Leakage(20_000, 9000, 4, 12.3, 25.4, 0.5), {"domain"}),
        (Leakage(20_000, 9000, 4, 12.3, 25.6, 0.5), set()),
    ],
)
def test_what_is_measured(figures: Leakage, rules: set[str]) -> None:
    assert {str(rule) for rule in broken_by_measure(figures)} == rules


def test_a_breach_names_the_key_and_says_why() -> None:
    small = Leakage(20_000, 9000, 9, 12.3, 23.0, 0.5)
    holders, domain = breaks_rules("dob_xyz.1", reads("born place"), small)
    assert holders == "dob_xyz.1: 9 of 20000 people have one value, 4 may"
    assert domain == "dob_xyz.1: about 2^23.0 values are possible, 2^26 needed"


def test_a_checked_number_is_excused_its_domain_and_no_other_rule() -> None:
    small = Leakage(20_000, 9000, 4, 12.3, 23.0, 0.0)
    overshared_tokens = Leakage(20_000, 9000, 5, 12.3, 23.0, 0.0)
    assert breaks_rules("nid_dob.1", reads("identifier born"), small) == ()
    assert len(breaks_rules("nid_dob.1", reads("identifier born"), overshared_tokens)) == 1


def test_a_number_alone_breaks_the_first_rule() -> None:
    (said,) = breaks_rules("nid.1", reads("identifier"))
    assert said == "nid.1: it is a number alone, which can be read in bulk"


@pytest.mark.parametrize("key_id", RECIPES)
def test_no_recipe_of_ours_is_a_forbidden_one(key_id: str) -> None:
    assert breaks_rules(key_id, RECIPES[key_id].reads) == ()
