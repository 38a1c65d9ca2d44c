"""What proves a link to one side: a token that both hold, by its place in that side's list."""

from hub.matching.candidates import Tokens
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import PairScore, evidence_order


def evidence_for(
    policy: MatchPolicy, score: PairScore, own: Tokens, other: Tokens
) -> tuple[str, int] | None:
    """An agreeing key, without place where possible, and the token's place in this side's list."""
    for key in evidence_order(policy, score.agree):
        for ordinal, token in enumerate(own[key]):
            if token in other[key]:
                return key, ordinal
    return None
