"""Scoring: sums worked out by hand, each condition of the guard, and the order of evidence."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from protocol.matchkeys.policy import DEFAULT_12
from protocol.matchkeys.score import Outcome, evidence_order, score_pair

ONE, TWO, THREE = b"1" * 16, b"2" * 16, b"3" * 16
Side = Mapping[str, list[bytes]]


def sides(agree: str, disagree: str = "", missing: str = "") -> tuple[Side, Side]:
    """Two token sets from short key names; a missing key is on one side only."""
    a = {f"{key}.1": [ONE] for key in f"{agree} {disagree} {missing}".split()}
    b = {f"{key}.1": [ONE] for key in agree.split()}
    b |= {f"{key}.1": [TWO] for key in disagree.split()}
    return a, b


def test_sum_of_agreeing_differing_and_missing_keys() -> None:
    a, b = sides("init_sur_dob gsuf_sur_dob dob_hno", "dob_street dob_sex_pc", "nid name_pc")
    score = score_pair(DEFAULT_12, a, b)
    # 254 + 100 + 210 + 23 - 21 - 64
    assert score.hundredths == 502
    assert score.agree == ("init_sur_dob.1", "gsuf_sur_dob.1", "dob_hno.1")
    assert score.disagree == ("dob_street.1", "dob_sex_pc.1")
    assert score.outcome is Outcome.POSSIBLE


def test_a_key_agrees_when_any_of_its_tokens_is_equal() -> None:
    a = {"name_pc.1": [ONE, TWO], "init_sur_dob.1": [ONE, TWO]}
    b = {"name_pc.1": [THREE, TWO], "init_sur_dob.1": [THREE]}
    score = score_pair(DEFAULT_12, a, b)
    assert (score.agree, score.disagree) == (("name_pc.1",), ("init_sur_dob.1",))
    assert score.hundredths == 254 - 141


def test_equal_tokens_under_different_types_are_not_agreement() -> None:
    score = score_pair(DEFAULT_12, {"nid.1": [ONE]}, {"name_pc.1": [ONE]})
    assert (score.agree, score.disagree, score.outcome) == ((), (), Outcome.NONE)


def test_types_outside_the_policy_and_empty_types_are_ignored() -> None:
    a = {"nid.2": [ONE], "nid.1": [ONE], "dob_hno.1": []}
    score = score_pair(DEFAULT_12, a, {**a, "dob_hno.1": [ONE]})
    assert (score.agree, score.disagree, score.hundredths) == (("nid.1",), (), 254 + 392)


def test_nothing_in_common_is_nothing_whatever_the_bias() -> None:
    score = score_pair(DEFAULT_12, {}, {})
    assert (score.hundredths, score.outcome) == (254, Outcome.NONE)
    a, b = sides("", "dob_hno")
    assert score_pair(DEFAULT_12, a, b).outcome is Outcome.NONE


@pytest.mark.parametrize(
    ("agree", "disagree", "hundredths", "outcome"),
    [
        # Given-name and place evidence and a type without place.
        ("gsuf_sur_dob alias_dob_pc", "", 773, "match"),
        # Strong id and given-name evidence, no place.
        ("nid gsuf_sur_dob", "", 856, "match"),
        # The guard is content, the score is not high enough.
        ("gsuf_sur_dob init_sur_dob name_addr", "dob_street dob_sex_pc dob_hno", 505, "possible"),
        # A conflicting strong id, whatever else.
        (
            "gsuf_sur_dob alias_dob_pc name_yob_pc given_2of3_pc init_sur_dob",
            "nid",
            254 + 210 + 309 + 350 + 290 + 100 - 498,
            "possible",
        ),
        # No exact-ish given name.
        ("name_yob_pc given_2of3_pc init_sur_dob", "", 254 + 350 + 290 + 100, "possible"),
        ("nid name_yob_pc init_sur_dob", "", 254 + 392 + 350 + 100, "possible"),
        # No place and no strong id.
        ("gsuf_sur_dob init_sur_dob given_dob_mi", "", 254 + 210 + 100 + 288, "possible"),
        # dob_sex_pc is not in the place set of the guard.
        ("gsuf_sur_dob given_dob_mi dob_sex_pc", "", 254 + 210 + 288 + 106, "possible"),
        # Every agreeing type has place: an address search looks like this.
        ("alias_dob_pc name_yob_pc given_2of3_pc", "", 254 + 309 + 350 + 290, "possible"),
        ("alias_dob_pc name_yob_pc given_2of3_pc given_dob_mi", "", 1491, "match"),
        # A twin: only place and birth date agree.
        (
            "dob_hno dob_street",
            "init_sur_dob gsuf_sur_dob alias_dob_pc name_yob_pc given_2of3_pc dob_sex_pc",
            -137,
            "none",
        ),
    ],
)
def test_guard_and_thresholds(agree: str, disagree: str, hundredths: int, outcome: str) -> None:
    score = score_pair(DEFAULT_12, *sides(agree, disagree))
    assert (score.hundredths, score.outcome) == (hundredths, outcome)


def test_thresholds_are_inclusive() -> None:
    # 254 + 210 + 0
    a, b = sides("gsuf_sur_dob name_pc")
    assert score_pair(replace(DEFAULT_12, upper=464), a, b).outcome is Outcome.MATCH
    assert score_pair(replace(DEFAULT_12, upper=465), a, b).outcome is Outcome.POSSIBLE
    assert score_pair(replace(DEFAULT_12, upper=500, lower=464), a, b).outcome is Outcome.POSSIBLE
    assert score_pair(replace(DEFAULT_12, upper=500, lower=465), a, b).outcome is Outcome.NONE


def test_symmetric() -> None:
    a, b = sides("gsuf_sur_dob name_pc", "nid dob_hno", "dob_street")
    assert score_pair(DEFAULT_12, a, b) == score_pair(DEFAULT_12, b, a)


def test_evidence_has_types_without_place_first_then_the_heavier() -> None:
    agree = ("name_pc.1", "alias_dob_pc.1", "name_yob_pc.1", "init_sur_dob.1", "gsuf_sur_dob.1")
    assert evidence_order(DEFAULT_12, agree) == (
        "gsuf_sur_dob.1",
        "init_sur_dob.1",
        "name_yob_pc.1",
        "alias_dob_pc.1",
        "name_pc.1",
    )
