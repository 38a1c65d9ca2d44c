"""Scores of all candidate pairs as a hub would have them: weights, rivals, support."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from hub.policies.pairing import Candidates, Pair
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import Outcome, PairScore, best_rivals, contest, score_pattern
from protocol.matchkeys.support import ids_conflict, supported


def scored(candidates: Candidates, policy: MatchPolicy) -> dict[Pair, PairScore]:
    """Each pair's score after its rivals."""
    raw = {
        pair: score_pattern(policy, pattern.agree, pattern.disagree)
        for pair, pattern in candidates.patterns.items()
    }
    rivals = best_rivals({pair: score.hundredths for pair, score in raw.items()}, candidates.agency)
    return {pair: contest(policy, score, rivals.get(pair)) for pair, score in raw.items()}


def with_support(
    scores: Mapping[Pair, PairScore], policy: MatchPolicy, agency: Mapping[int, str]
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
            against = rival or ids_conflict(policy, score)
            if supported(score.outcome, Outcome.MATCH, Outcome.MATCH, contradicted=against):
                return True
        return False

    return {
        pair: replace(score, outcome=Outcome.MATCH) if is_supported(pair, score) else score
        for pair, score in scores.items()
    }
