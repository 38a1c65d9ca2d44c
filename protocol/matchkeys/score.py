"""Scoring a candidate pair from equal and unequal tokens, specs/04-matching.md §7.

The hub scores with this, the auditor scores again, a node may check. It sees tokens, not people:
an automatic match is a statement about equal tokens, which a wrong record can bring about.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from protocol.matchkeys.policy import MatchPolicy

Tokens = Mapping[str, Collection[bytes]]


class Outcome(StrEnum):
    """What a score means: linked without a person, waiting for comparison, or nothing."""

    MATCH = "match"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True)
class PairScore:
    """A score in hundredths, the key ids that agree and that disagree, and what follows."""

    hundredths: int
    agree: tuple[str, ...]
    disagree: tuple[str, ...]
    outcome: Outcome


def score_pair(policy: MatchPolicy, a: Tokens, b: Tokens) -> PairScore:
    """Score two stubs by their tokens per key type; types outside the policy are ignored.

    Stop tokens must be taken out by the caller. Symmetric in `a` and `b`.
    """
    both = [key_id for key_id in policy.keys if a.get(key_id) and b.get(key_id)]
    agree = tuple(key_id for key_id in both if not set(a[key_id]).isdisjoint(b[key_id]))
    disagree = tuple(key_id for key_id in both if key_id not in agree)
    hundredths = policy.bias
    hundredths += sum(policy.keys[key_id].agree for key_id in agree)
    hundredths += sum(policy.keys[key_id].disagree for key_id in disagree)
    outcome = _outcome(policy, hundredths, agree, disagree)
    return PairScore(hundredths, agree, disagree, outcome)


def passes_guard(policy: MatchPolicy, agree: Collection[str], disagree: Collection[str]) -> bool:
    """Whether an automatic match is allowed, whatever the score: all four conditions must hold."""
    strong_agrees = policy.strong_id in agree
    strong_conflicts = policy.strong_id in disagree
    has_given = not policy.guard_given.isdisjoint(agree)
    has_place = not policy.guard_place.isdisjoint(agree)
    without_place = any(not policy.keys[key_id].place for key_id in agree)
    return not strong_conflicts and has_given and (strong_agrees or has_place) and without_place


def evidence_order(policy: MatchPolicy, agree: Iterable[str]) -> tuple[str, ...]:
    """Agreeing key ids in the order in which to name one as link evidence.

    Types without place come first (a place can be guessed or shared), then the heavier weight.
    """

    def rank(key_id: str) -> tuple[bool, int, str]:
        key = policy.keys[key_id]
        return key.place, -key.agree, key_id

    return tuple(sorted(agree, key=rank))


def _outcome(
    policy: MatchPolicy, hundredths: int, agree: tuple[str, ...], disagree: tuple[str, ...]
) -> Outcome:
    if not agree or hundredths < policy.lower:
        return Outcome.NONE
    if hundredths >= policy.upper and passes_guard(policy, agree, disagree):
        return Outcome.MATCH
    return Outcome.POSSIBLE
