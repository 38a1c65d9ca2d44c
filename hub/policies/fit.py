"""Logistic regression with constrained signs, over counts of equal patterns.

Agreement may only speak for a match and disagreement only against it, so that a policy can be
explained and a missing field never hurts. Fitting all weights together is what keeps correlated
keys from counting twice. Coordinate-wise Newton steps: few thousand patterns, few dozen weights.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SWEEPS = 400
SETTLED = 1e-4
RIDGE = 2.0
LARGEST_STEP = 2.0


@dataclass(frozen=True)
class Sample:
    """How often a set of features was seen, and how often with the same person."""

    features: tuple[str, ...]
    seen: int
    same: int


def fit(samples: Sequence[Sample], signs: Mapping[str, int]) -> dict[str, float]:
    """Weights by feature; a feature of sign 1 gets none below zero, of -1 none above, 0 any."""
    weights = dict.fromkeys(signs, 0.0)
    with_feature: dict[str, list[int]] = {feature: [] for feature in signs}
    for row, sample in enumerate(samples):
        for feature in sample.features:
            with_feature[feature].append(row)
    sums = [0.0] * len(samples)
    for _ in range(SWEEPS):
        moved = 0.0
        for feature, rows in with_feature.items():
            old = weights[feature]
            new = _bounded(old + _step(samples, sums, rows, old), signs[feature])
            if new != old:
                weights[feature] = new
                for row in rows:
                    sums[row] += new - old
                moved = max(moved, abs(new - old))
        if moved < SETTLED:
            break
    return weights


def _step(
    samples: Sequence[Sample], sums: Sequence[float], rows: Sequence[int], weight: float
) -> float:
    """A Newton step for one weight, the others held."""
    slope, curve = -RIDGE * weight, RIDGE
    for row in rows:
        sample = samples[row]
        likely = 1 / (1 + math.exp(-sums[row])) if sums[row] > -500 else 0.0
        slope += sample.same - sample.seen * likely
        curve += sample.seen * likely * (1 - likely)
    return max(-LARGEST_STEP, min(LARGEST_STEP, slope / curve))


def _bounded(weight: float, sign: int) -> float:
    if sign > 0:
        return max(0.0, weight)
    return min(0.0, weight) if sign < 0 else weight
