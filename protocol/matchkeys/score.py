"""Scoring a candidate pair from equal and unequal tokens, specs/04-matching.md §7.

The hub scores with this, `policy evaluate` measures it, a node may check. It sees tokens, not
people: an automatic match is a statement about equal tokens, which a wrong record can bring about.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from protocol.matchkeys.policy import MatchPolicy

Tokens = Mapping[str, Collection[Hashable]]
Stub = TypeVar("Stub", bound=Hashable)


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

    Stop tokens must be taken out by the caller. Symmetric in `a` and `b`. Looks at this pair only:
    rivals come in by `contest`.
    """
    both = [key_id for key_id in policy.keys if a.get(key_id) and b.get(key_id)]
    agree = tuple(key_id for key_id in both if not set(a[key_id]).isdisjoint(b[key_id]))
    disagree = tuple(key_id for key_id in both if key_id not in agree)
    return score_pattern(policy, agree, disagree)


def score_pattern(
    policy: MatchPolicy, agree: tuple[str, ...], disagree: tuple[str, ...]
) -> PairScore:
    """Score by the key types that agree and that disagree."""
    hundredths = policy.bias
    hundredths += sum(policy.keys[key_id].agree for key_id in agree)
    hundredths += sum(policy.keys[key_id].disagree for key_id in disagree)
    outcome = _outcome(policy, hundredths, agree, disagree)
    return PairScore(hundredths, agree, disagree, outcome)


def contest(policy: MatchPolicy, score: PairScore, rival: int | None) -> PairScore:
    """The pair's score after its best rival's, in hundredths; None without a rival.

    A rival is another pair of one of the two stubs with a stub of the other's agency. It counts
    only if it would itself be possible; its own rivals are not looked at.
    """
    if rival is None or rival < policy.lower:
        return score
    ahead = score.hundredths - rival
    contested = policy.contested
    cost = contested.worse if ahead < 0 else contested.close if ahead <= contested.margin else 0
    if not cost:
        return score
    hundredths = score.hundredths + cost
    outcome = _outcome(policy, hundredths, score.agree, score.disagree)
    return replace(score, hundredths=hundredths, outcome=outcome)


def best_rivals(
    scores: Mapping[tuple[Stub, Stub], int], agency: Mapping[Stub, Hashable]
) -> dict[tuple[Stub, Stub], int]:
    """For each pair that has a rival among these pairs, the best rival's score."""
    best: dict[tuple[Stub, Hashable], list[tuple[int, tuple[Stub, Stub]]]] = {}
    for pair, score in scores.items():
        for stub, other in (pair, pair[::-1]):
            held = best.setdefault((stub, agency[other]), [])
            held.append((score, pair))
            held.sort(key=lambda entry: -entry[0])
            del held[2:]
    rivals: dict[tuple[Stub, Stub], int] = {}
    for pair in scores:
        for stub, other in (pair, pair[::-1]):
            for score, which in best[stub, agency[other]]:
                if which != pair:
                    rivals[pair] = max(score, rivals.get(pair, score))
    return rivals


def passes_guard(policy: MatchPolicy, agree: Collection[str], disagree: Collection[str]) -> bool:
    """Whether an automatic match is allowed, whatever the score.

    Always: the strong identifiers do not differ, and a type without place agrees. At the guarded
    operating point also: the strong identifiers agree or both a given-name type and a place do.
    """
    if policy.strong_id in disagree or all(policy.keys[key_id].place for key_id in agree):
        return False
    if policy.operating_point == "open":
        return True
    has_given = not policy.guard_given.isdisjoint(agree)
    has_place = any(policy.keys[key_id].place for key_id in agree)
    return policy.strong_id in agree or (has_given and has_place)


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
