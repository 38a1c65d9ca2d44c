"""Scores of all candidate pairs as a hub would have them: weights, rivals, support."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from hub.policies.pairing import Candidates, Pair, Pattern
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import (
    Outcome,
    PairScore,
    Rivals,
    contest,
    fits,
    is_duplicate,
    rivals_of,
    score_pattern,
)
from protocol.matchkeys.support import supported


def scored(candidates: Candidates, policy: MatchPolicy) -> dict[Pair, PairScore]:
    """Each pair's score after its rivals."""
    raw = _alone(candidates.patterns, policy)
    return {
        pair: contest(policy, raw[pair], rivals)
        for pair, rivals in all_rivals(candidates, policy).items()
    }


def all_rivals(candidates: Candidates, policy: MatchPolicy) -> dict[Pair, Rivals]:
    """What stands against each pair."""
    scores = {pair: alone.hundredths for pair, alone in _alone(candidates.patterns, policy).items()}
    within = _alone(candidates.within, policy)
    copies = {pair for pair, alone in within.items() if is_duplicate(policy, alone)}
    agency, near = candidates.agency, defaultdict[int, list[tuple[str, int, int]]](list)
    for (a, b), score in scores.items():
        near[a].append((agency[b], score, b))
        near[b].append((agency[a], score, a))
    known = {stub: fits(stub, agency[stub], pairs) for stub, pairs in near.items()}

    def duplicates(one: int, other: int) -> bool:
        return (min(one, other), max(one, other)) in copies

    return {
        pair: rivals_of(policy, score, known[pair[0]], known[pair[1]], duplicates)
        for pair, score in scores.items()
    }


def _alone(patterns: Mapping[Pair, Pattern], policy: MatchPolicy) -> dict[Pair, PairScore]:
    made: dict[Pattern, PairScore] = {}
    for pattern in patterns.values():
        if pattern not in made:
            made[pattern] = score_pattern(policy, pattern.agree, pattern.disagree)
    return {pair: made[pattern] for pair, pattern in patterns.items()}


def with_support(
    scores: Mapping[Pair, PairScore], agency: Mapping[int, str]
) -> dict[Pair, PairScore]:
    """The same with each supported pair made a match (specs/04-matching.md §7.1)."""
    matched: dict[int, set[int]] = defaultdict(set)
    for (a, b), score in scores.items():
        if score.outcome is Outcome.MATCH:
            matched[a].add(b)
            matched[b].add(a)

    def is_supported(pair: Pair, score: PairScore) -> bool:
        ends = {agency[pair[0]], agency[pair[1]]}
        for third in matched[pair[0]] & matched[pair[1]]:
            near = matched[pair[0]] | matched[pair[1]] | matched[third]
            rival = any(agency[one] in ends for one in near - set(pair))
            if supported(score, Outcome.MATCH, Outcome.MATCH, contradicted=rival):
                return True
        return False

    return {
        pair: replace(score, outcome=Outcome.MATCH) if is_supported(pair, score) else score
        for pair, score in scores.items()
    }
