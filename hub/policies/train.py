"""Training a policy: weights, costs of rivals and the upper threshold, specs/04-matching.md §11."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from hub.policies.fit import Sample, fit
from hub.policies.pairing import Candidates, Pattern
from hub.policies.scoring import scored, stand
from hub.store.bulk import Standing
from protocol.matchkeys.policy import KeyWeights, MatchPolicy
from protocol.matchkeys.score import Outcome, score_pattern

ROUNDS = 3
MARGIN = 150
WRONG_SHARE = 8e-4  # of automatic matches at the open operating point, on the training data
LEAST_UPPER = 300
BIAS, CLOSE, WORSE, ELSEWHERE = "bias", "close", "worse", "elsewhere"


def train(folders: Sequence[Candidates], start: MatchPolicy) -> MatchPolicy:
    """The start policy's keys, guards and vetoes with weights, bias, costs and the open threshold
    of these folders together.
    """
    policy = start
    for turn in range(ROUNDS):
        policy = _weighted(policy, _fitted(folders, policy, rivals=turn > 0))
    if not policy.contested.worse:
        # No twins or namesakes in this data: that says nothing about other data.
        policy = replace(policy, contested=start.contested)
    guards = {
        **policy.guards,
        "open": replace(policy.guards["open"], upper=_upper(folders, policy)),
    }
    return replace(policy, guards=guards)


def _fitted(
    folders: Sequence[Candidates], policy: MatchPolicy, *, rivals: bool
) -> dict[str, float]:
    seen: Counter[tuple[str, ...]] = Counter()
    same: Counter[tuple[str, ...]] = Counter()
    for candidates in folders:
        for pairs in stand(candidates, policy):
            pattern = candidates.patterns[pairs.agree, pairs.differ].pattern
            features = (
                BIAS,
                *(f"+{key}" for key in pattern.agree),
                *(f"-{key}" for key in pattern.differ),
                *(_rival_features(policy, pattern, pairs) if rivals else ()),
            )
            seen[features] += pairs.seen
            same[features] += pairs.same
    signs = {BIAS: 0, CLOSE: -1, WORSE: -1, ELSEWHERE: -1}
    signs |= {f"+{key}": 1 for key in policy.keys} | {f"-{key}": -1 for key in policy.keys}
    return fit([Sample(name, seen[name], same[name]) for name in sorted(seen)], signs)


def _rival_features(policy: MatchPolicy, pattern: Pattern, pairs: Standing) -> Iterator[str]:
    if pairs.best is not None:
        ahead = score_pattern(policy, pattern.agree, pattern.differ).hundredths - pairs.best
        if ahead <= MARGIN:
            yield WORSE if ahead < 0 else CLOSE
    if pairs.elsewhere:
        yield ELSEWHERE


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
        contested=replace(
            policy.contested,
            margin=MARGIN,
            close=close,
            worse=min(close, _hundredths(weights[WORSE])),
            elsewhere=_hundredths(weights[ELSEWHERE]),
        ),
    )


def _hundredths(weight: float) -> int:
    return round(100 * weight)


def _upper(folders: Sequence[Candidates], policy: MatchPolicy) -> int:
    """The lowest threshold that keeps wrong automatic matches rare when open, in steps of ten."""
    loose = replace(policy.guards["open"], upper=policy.lower)
    opened = replace(policy, operating_point="open", guards={**policy.guards, "open": loose})
    right: dict[int, int] = defaultdict(int)
    wrong: dict[int, int] = defaultdict(int)
    for candidates in folders:
        for pairs, score in scored(candidates, opened, stand(candidates, opened)):
            if score.outcome is Outcome.MATCH:
                step = max(LEAST_UPPER, score.hundredths) // 10 * 10
                right[step] += pairs.same
                wrong[step] += pairs.seen - pairs.same
    upper, rights, wrongs = LEAST_UPPER, 0, 0
    for step in sorted(right.keys() | wrong.keys(), reverse=True):
        rights, wrongs = rights + right[step], wrongs + wrong[step]
        if wrongs > WRONG_SHARE * (rights + wrongs):
            upper = max(upper, step + 10)
    return upper
