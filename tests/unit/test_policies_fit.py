"""Fitting weights: what the numbers must come to when the answer is known beforehand."""

from math import log

import pytest

from hub.policies.fit import Sample, fit


def test_a_bias_alone_comes_to_the_log_odds() -> None:
    weights = fit([Sample(("bias",), 40_000, 30_000)], {"bias": 0})
    assert weights["bias"] == pytest.approx(log(3), abs=0.01)


def test_independent_evidence_comes_to_its_likelihood_ratios() -> None:
    # Same person: agrees in 9 of 10; different people: in 1 of 10; as many of each.
    samples = [
        Sample(("bias", "+key"), 100_000, 90_000),
        Sample(("bias", "-key"), 100_000, 10_000),
    ]
    weights = fit(samples, {"bias": 0, "+key": 1, "-key": -1})
    assert weights["bias"] + weights["+key"] == pytest.approx(log(9), abs=0.01)
    assert weights["bias"] + weights["-key"] == pytest.approx(-log(9), abs=0.01)


def test_two_keys_that_always_agree_together_count_once() -> None:
    samples = [
        Sample(("bias", "+one", "+two"), 100_000, 90_000),
        Sample(("bias", "-one", "-two"), 100_000, 10_000),
    ]
    signs = {"bias": 0, "+one": 1, "+two": 1, "-one": -1, "-two": -1}
    weights = fit(samples, signs)
    together = weights["bias"] + weights["+one"] + weights["+two"]
    assert together == pytest.approx(log(9), abs=0.01)


def test_agreement_never_speaks_against_and_disagreement_never_for() -> None:
    # A perverse key: it agrees for different people.
    samples = [
        Sample(("bias", "+key"), 100_000, 10_000),
        Sample(("bias", "-key"), 100_000, 90_000),
    ]
    weights = fit(samples, {"bias": 0, "+key": 1, "-key": -1})
    assert (weights["+key"], weights["-key"]) == (0, 0)
    assert weights["bias"] == pytest.approx(0, abs=0.01)
