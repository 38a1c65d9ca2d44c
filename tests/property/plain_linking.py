"""All pairs of a folder as specs/04-matching.md §7 and §11 read, one after the other: an oracle.

Slow and in memory. Only the scoring of one pair is the product's own.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from hub.policies.folder import KnownRecord
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import match_keys, names_somebody
from protocol.matchkeys.score import (
    Outcome,
    PairScore,
    Rivals,
    contest,
    fits,
    is_duplicate,
    rivals_of,
    score_pair,
)
from protocol.matchkeys.support import supported

Pair = tuple[int, int]
Keys = dict[str, set[str]]


@dataclass
class Found:
    """What all pairs of two agencies come to; what happened on the way is counted for the test."""

    scores: Counter[tuple[int, bool]] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str, Outcome, bool]] = field(default_factory=Counter)
    true_pairs: int = 0
    true_by_case: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)


def link(records: Sequence[KnownRecord], policy: MatchPolicy) -> Found:
    """Compare every two records."""
    found, held = Found(), [_keys(known, policy) for known in records]
    holders = Counter((key, value) for keys in held for key in keys for value in keys[key])
    for keys in held:
        for key in keys:
            few = {v for v in keys[key] if holders[key, v] <= policy.stop_token_records}
            found.happened["crowd"] += keys[key] != few
            keys[key] = few
    _count_truth(records, found)
    for point in ("guarded", "open"):
        at = replace(policy, operating_point=point)
        between, within = _compared(records, held, at)
        scores = _contested(records, at, between, within, found)
        if point == policy.operating_point:
            for (a, b), score in scores.items():
                found.scores[score.hundredths, records[a].person == records[b].person] += 1
        for (a, b), outcome in _supported(records, scores, found).items():
            one, other = records[a], records[b]
            case = one.hard_case if one.hard_case == other.hard_case else ""
            found.outcomes[point, case, outcome, one.person == other.person] += 1
    return found


def _count_truth(records: Sequence[KnownRecord], found: Found) -> None:
    for one, other in combinations(records, 2):
        if one.person == other.person and one.agency != other.agency:
            found.true_pairs += 1
            if one.hard_case and one.hard_case == other.hard_case:
                found.true_by_case[one.hard_case] += 1


def _keys(known: KnownRecord, policy: MatchPolicy) -> Keys:
    made = match_keys(known.record, policy.keys)
    if not names_somebody(made):
        return {}
    return {key: set(values[: policy.keys[key].cap]) for key, values in made.items()}


Scores = dict[Pair, PairScore]


def _compared(
    records: Sequence[KnownRecord], held: Sequence[Keys], policy: MatchPolicy
) -> tuple[Scores, Scores]:
    between: Scores = {}
    within: Scores = {}
    for a, b in combinations(range(len(records)), 2):
        if any(held[a][key] & held[b].get(key, set()) for key in held[a]):
            one_agency = records[a].agency == records[b].agency
            (within if one_agency else between)[a, b] = score_pair(policy, held[a], held[b])
    return between, within


def _contested(
    records: Sequence[KnownRecord],
    policy: MatchPolicy,
    between: Scores,
    within: Scores,
    found: Found,
) -> Scores:
    copies = {pair for pair, score in within.items() if is_duplicate(policy, score)}
    near = defaultdict[int, list[tuple[str, int, int]]](list)
    for (a, b), score in between.items():
        near[a].append((records[b].agency, score.hundredths, b))
        near[b].append((records[a].agency, score.hundredths, a))
    known = {stub: fits(stub, records[stub].agency, pairs) for stub, pairs in near.items()}

    def duplicates(one: int, other: int) -> bool:
        found.happened["copy"] += (is_copy := (min(one, other), max(one, other)) in copies)
        return is_copy

    after: Scores = {}
    for (a, b), score in between.items():
        rivals: Rivals = rivals_of(policy, score.hundredths, known[a], known[b], duplicates)
        found.happened["rival"] += rivals.best is not None and rivals.best >= policy.lower
        found.happened["elsewhere"] += rivals.elsewhere
        after[a, b] = contest(policy, score, rivals)
    return after


def _supported(records: Sequence[KnownRecord], scores: Scores, found: Found) -> dict[Pair, Outcome]:
    matched = defaultdict[int, set[int]](set)
    for (a, b), score in scores.items():
        if score.outcome is Outcome.MATCH:
            matched[a].add(b)
            matched[b].add(a)
    after = {pair: score.outcome for pair, score in scores.items()}
    for (a, b), score in scores.items():
        ends = {records[a].agency, records[b].agency}
        for third in matched[a] & matched[b]:
            near = (matched[a] | matched[b] | matched[third]) - {a, b}
            rival = any(records[one].agency in ends for one in near)
            if supported(score, Outcome.MATCH, Outcome.MATCH, contradicted=rival):
                found.happened["support"] += 1
                after[a, b] = Outcome.MATCH
            elif supported(score, Outcome.MATCH, Outcome.MATCH, contradicted=False):
                found.happened["contradicted"] += 1
    return after
