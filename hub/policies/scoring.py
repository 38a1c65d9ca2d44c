"""Scores of all candidate pairs as a hub would have them: weights, rivals, support.

The database finds what stands against each pair; each way in which pairs stand is scored once, by
protocol/matchkeys as everywhere else.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hub.policies.pairing import Candidates
from hub.store.bulk import Alone, Judged, Standing
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import (
    Outcome,
    PairScore,
    Rivals,
    contest,
    is_duplicate,
    score_pattern,
)
from protocol.matchkeys.support import supported

_OUTCOMES = tuple(Outcome)
_MATCH = _OUTCOMES.index(Outcome.MATCH)


class Counted(NamedTuple):
    """How many pairs of one hard case ("" if of none or of two) have this outcome."""

    hard_case: str
    outcome: Outcome
    same: bool
    pairs: int


def stand(candidates: Candidates, policy: MatchPolicy) -> list[Standing]:
    """What stands against the pairs, those together that compare and stand the same."""
    alone = [
        Alone(*bits, score.hundredths, is_duplicate(policy, score))
        for bits, score in _alone(candidates, policy).items()
    ]
    return candidates.pairs.stand(alone, policy.lower, policy.contested.sure)


def scored(
    candidates: Candidates, policy: MatchPolicy, standings: Sequence[Standing]
) -> Iterator[tuple[Standing, PairScore]]:
    """Each with its score after its rivals. The policy may have another guard than the one that
    the standings were found with, not other weights.
    """
    alone = _alone(candidates, policy)
    for pairs in standings:
        rivals = Rivals(pairs.best, pairs.elsewhere)
        yield pairs, contest(policy, alone[pairs.agree, pairs.differ], rivals)


def outcomes(
    candidates: Candidates, policy: MatchPolicy, standings: Sequence[Standing]
) -> list[Counted]:
    """Outcomes of all pairs, each supported one a match (specs/04-matching.md §7.1). The standings
    are the newest that `stand` gave.
    """
    judged = [
        Judged(
            *pairs[:4],
            _OUTCOMES.index(score.outcome),
            supported(score, Outcome.MATCH, Outcome.MATCH, contradicted=False),
        )
        for pairs, score in scored(candidates, policy, standings)
    ]
    return [
        Counted(hard_case, _OUTCOMES[outcome], same, count)
        for hard_case, outcome, same, count in candidates.pairs.count(judged, _MATCH)
    ]


def _alone(candidates: Candidates, policy: MatchPolicy) -> dict[tuple[int, int], PairScore]:
    return {
        bits: score_pattern(policy, seen.pattern.agree, seen.pattern.differ)
        for bits, seen in candidates.patterns.items()
    }
