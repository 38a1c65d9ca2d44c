"""Scoring a candidate pair from equal and unequal tokens, specs/04-matching.md §7.

The hub scores with this, `policy evaluate` measures it, a node may check. It sees tokens, not
people: an automatic match is a statement about equal tokens, which a wrong record can bring about.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from protocol.matchkeys.policy import Guard, MatchPolicy

Tokens = Mapping[str, Collection[Hashable]]
Stub = TypeVar("Stub", int, str)


class Outcome(StrEnum):
    """What a score means: linked without a person, waiting for comparison, or nothing."""

    MATCH = "match"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True)
class PairScore:
    """A score in hundredths, the key ids that agree and that disagree, and what follows.

    A `barred` pair is not automatic, whatever its score and whatever supports it.
    """

    hundredths: int
    agree: tuple[str, ...]
    disagree: tuple[str, ...]
    outcome: Outcome
    barred: bool = False


@dataclass(frozen=True)
class Rivals:
    """What stands against a pair (specs/04-matching.md §7.2): the score of the best rival that
    would itself be possible, None without one, and whether the two fit different records elsewhere.
    """

    best: int | None = None
    elsewhere: bool = False


NO_RIVALS = Rivals()


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
    barred = is_vetoed(policy, agree, disagree)
    return _judged(policy, PairScore(hundredths, agree, disagree, Outcome.NONE, barred))


def contest(policy: MatchPolicy, score: PairScore, rivals: Rivals) -> PairScore:
    """The pair's score after its rivals: what they cost, and whether they bar it."""
    contested, rival = policy.contested, rivals.best
    cost = contested.elsewhere if rivals.elsewhere else 0
    barred = score.barred
    if rival is not None and rival >= policy.lower:
        ahead = score.hundredths - rival
        cost += (
            contested.worse if ahead < 0 else contested.close if ahead <= contested.margin else 0
        )
        barred |= policy.guard.bar is not None and rival >= policy.guard.bar
    return _judged(policy, replace(score, hundredths=score.hundredths + cost, barred=barred))


@dataclass(frozen=True)
class Fits(Generic[Stub]):
    """A stub, its agency and, by agency, the stubs that it shares a token with and how each pair
    scores alone, the best first.
    """

    stub: Stub
    agency: Hashable
    best: Mapping[Hashable, Sequence[tuple[int, Stub]]]


def fits(stub: Stub, agency: Hashable, scores: Iterable[tuple[Hashable, int, Stub]]) -> Fits[Stub]:
    """From the agency, score and stub of each pair of the one."""
    best: dict[Hashable, list[tuple[int, Stub]]] = {}
    for where, score, other in sorted(scores, key=lambda pair: (-pair[1], pair[2])):
        best.setdefault(where, []).append((score, other))
    return Fits(stub, agency, best)


def rivals_of(
    policy: MatchPolicy,
    score: int,
    a: Fits[Stub],
    b: Fits[Stub],
    duplicates: Callable[[Stub, Stub], bool],
) -> Rivals:
    """What stands against a pair that scores so much alone. `duplicates` says of two stubs of one
    agency whether they are one client twice: its own second copy is no rival.
    """
    rivals = (
        fit
        for near, far in ((a, b), (b, a))
        for fit, stub in near.best.get(far.agency, ())
        if stub != far.stub and not duplicates(stub, far.stub)
    )
    return Rivals(max(rivals, default=None), _fit_others_elsewhere(policy, score, a, b, duplicates))


def is_duplicate(policy: MatchPolicy, score: PairScore) -> bool:
    """Whether two stubs of one agency that compare so are taken for one client twice."""
    two = is_vetoed(policy, score.agree, score.disagree, policy.guards["guarded"])
    return bool(score.agree) and score.hundredths >= policy.contested.sure and not two


def _fit_others_elsewhere(
    policy: MatchPolicy,
    score: int,
    a: Fits[Stub],
    b: Fits[Stub],
    duplicates: Callable[[Stub, Stub], bool],
) -> bool:
    """Whether at a third agency the two fit two different records, each better than each other."""
    for agency in (a.best.keys() & b.best.keys()) - {a.agency, b.agency}:
        (one, first), (other, second) = a.best[agency][0], b.best[agency][0]
        surely = min(one, other) >= max(score, policy.contested.sure)
        if surely and first != second and not duplicates(first, second):
            return True
    return False


def is_vetoed(
    policy: MatchPolicy,
    agree: Collection[str],
    disagree: Collection[str],
    guard: Guard | None = None,
) -> bool:
    """Whether what differs forbids an automatic match: the identifiers, or what a veto of the guard
    (the operating point's unless another is named) says.
    """
    if policy.identifier.isdisjoint(agree) and not policy.identifier.isdisjoint(disagree):
        return True
    return any(
        veto.agree.issubset(agree)
        and veto.differ.issubset(disagree)
        and veto.unless.isdisjoint(agree)
        for veto in (guard or policy.guard).vetoes
    )


def passes_guard(policy: MatchPolicy, agree: Collection[str]) -> bool:
    """Whether what agrees is enough for an automatic match, whatever the score: a type that reads
    neither place nor identifier, and a type of each set of the guard.
    """
    alone = policy.identifier | {key_id for key_id, key in policy.keys.items() if key.place}
    if alone.issuperset(agree):
        return False
    return not any(types.isdisjoint(agree) for types in policy.guard.each_of)


def evidence_order(policy: MatchPolicy, agree: Iterable[str]) -> tuple[str, ...]:
    """Agreeing key ids in the order in which to name one as link evidence.

    Types without place come first (a place can be guessed or shared), then the heavier weight.
    """

    def rank(key_id: str) -> tuple[bool, int, str]:
        key = policy.keys[key_id]
        return key.place, -key.agree, key_id

    return tuple(sorted(agree, key=rank))


def _judged(policy: MatchPolicy, score: PairScore) -> PairScore:
    """The score with the outcome that follows from it."""
    outcome = Outcome.POSSIBLE
    if not score.agree or score.hundredths < policy.lower:
        outcome = Outcome.NONE
    elif score.hundredths >= policy.upper and not score.barred:
        outcome = Outcome.MATCH if passes_guard(policy, score.agree) else Outcome.POSSIBLE
    return replace(score, outcome=outcome)
