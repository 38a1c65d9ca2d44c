"""What proves a link to one side: a token that both hold, by its place in that side's list."""

from hub.matching.candidates import Tokens
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import PairScore, evidence_order


def least_evidence(
    policy: MatchPolicy, score: PairScore, own: Tokens, other: Tokens
) -> tuple[str, int] | None:
    """The agreeing key without place that says least, and the token's place in this side's list.

    Naming the heaviest would tell of a number or a middle name that the asker had guessed.
    """
    named = [key for key in score.agree if not policy.keys[key].place]
    if not named:
        return None
    key = min(named, key=lambda key: (policy.keys[key].agree, key))
    return next((key, place) for place, token in enumerate(own[key]) if token in other[key])


def evidence_for(
    policy: MatchPolicy, score: PairScore, own: Tokens, other: Tokens
) -> tuple[str, int] | None:
    """An agreeing key, without place where possible, and the token's place in this side's list."""
    for key in evidence_order(policy, score.agree):
        for ordinal, token in enumerate(own[key]):
            if token in other[key]:
                return key, ordinal
    return None
