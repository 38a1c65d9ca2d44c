"""Training a policy: weights, costs of rivals and the upper threshold, specs/04-matching.md §11."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from hub.policies.fit import Sample, fit
from hub.policies.pairing import Candidates, Pair
from hub.policies.scoring import scored
from protocol.matchkeys.policy import Contested, KeyWeights, MatchPolicy
from protocol.matchkeys.score import Outcome, best_rivals, score_pattern

ROUNDS = 3
MARGIN = 150
LOWER = 0
WRONG_SHARE = 6e-4  # of automatic matches at the open operating point, on the training data
LEAST_UPPER = 500
BIAS, CLOSE, WORSE = "bias", "close", "worse"


def train(candidates: Candidates, start: MatchPolicy) -> MatchPolicy:
    """The start policy's keys and guard with weights, bias, costs and thresholds of this data."""
    policy = replace(start, lower=LOWER, upper=LEAST_UPPER)
    for turn in range(ROUNDS):
        policy = _weighted(policy, _fitted(candidates, policy, rivals=turn > 0))
    if not policy.contested.worse:
        # No twins or namesakes in this data: that says nothing about other data.
        policy = replace(policy, contested=start.contested)
    return replace(policy, upper=_upper(candidates, policy))


def _fitted(candidates: Candidates, policy: MatchPolicy, *, rivals: bool) -> dict[str, float]:
    rival = _rival_features(candidates, policy) if rivals else {}
    seen: Counter[tuple[str, ...]] = Counter()
    same: Counter[tuple[str, ...]] = Counter()
    for pair, pattern in candidates.patterns.items():
        features = (
            BIAS,
            *(f"+{key}" for key in pattern.agree),
            *(f"-{key}" for key in pattern.disagree),
            *rival.get(pair, ()),
        )
        seen[features] += 1
        same[features] += candidates.same(pair)
    signs = {BIAS: 0, CLOSE: -1, WORSE: -1}
    signs |= {f"+{key}": 1 for key in policy.keys} | {f"-{key}": -1 for key in policy.keys}
    return fit([Sample(name, seen[name], same[name]) for name in sorted(seen)], signs)


def _rival_features(candidates: Candidates, policy: MatchPolicy) -> Mapping[Pair, tuple[str]]:
    scores = {
        pair: score_pattern(policy, pattern.agree, pattern.disagree).hundredths
        for pair, pattern in candidates.patterns.items()
    }
    features: dict[Pair, tuple[str]] = {}
    for pair, rival in best_rivals(scores, candidates.agency).items():
        ahead = scores[pair] - rival
        if rival >= policy.lower and ahead <= MARGIN:
            features[pair] = (WORSE,) if ahead < 0 else (CLOSE,)
    return features


def _weighted(policy: MatchPolicy, weights: Mapping[str, float]) -> MatchPolicy:
    keys = {
        key: KeyWeights(
            _hundredths(weights[f"+{key}"]), _hundredths(weights[f"-{key}"]), old.cap, old.place
        )
        for key, old in policy.keys.items()
    }
    close = _hundredths(weights[CLOSE])
    return replace(
        policy,
        keys=MappingProxyType(keys),
        bias=_hundredths(weights[BIAS]),
        contested=Contested(MARGIN, close, min(close, _hundredths(weights[WORSE]))),
    )


def _hundredths(weight: float) -> int:
    return round(100 * weight)


def _upper(candidates: Candidates, policy: MatchPolicy) -> int:
    """The lowest threshold that keeps wrong automatic matches rare, in steps of ten."""
    loose = replace(policy, operating_point="open", upper=policy.lower)
    right: dict[int, int] = defaultdict(int)
    wrong: dict[int, int] = defaultdict(int)
    for pair, score in scored(candidates, loose).items():
        if score.outcome is Outcome.MATCH:
            counts = right if candidates.same(pair) else wrong
            counts[max(LEAST_UPPER, score.hundredths) // 10 * 10] += 1
    upper, rights, wrongs = LEAST_UPPER, 0, 0
    for step in sorted(right.keys() | wrong.keys(), reverse=True):
        rights, wrongs = rights + right[step], wrongs + wrong[step]
        if wrongs > WRONG_SHARE * (rights + wrongs):
            upper = max(upper, step + 10)
    return upper
