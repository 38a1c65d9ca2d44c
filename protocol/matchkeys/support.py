"""A possible pair that two automatic links support: specs/04-matching.md §7.1.

Pure, for the hub and for `policy evaluate`. Not trusted with finding the third record or what
contradicts: the caller looks that up.
"""

from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import Outcome, PairScore


def supported(pair: Outcome, first: Outcome, second: Outcome, *, contradicted: bool) -> bool:
    """Whether a pair a-b need not be asked of a person, by its links a-c and c-b.

    Two of the three outcomes are automatic, the third possible; a supported pair supports none.
    """
    automatic = first is Outcome.MATCH and second is Outcome.MATCH
    return pair is Outcome.POSSIBLE and automatic and not contradicted


def ids_conflict(policy: MatchPolicy, score: PairScore) -> bool:
    """Whether the pair's own checked identifiers differ: that alone contradicts."""
    return policy.strong_id in score.disagree
