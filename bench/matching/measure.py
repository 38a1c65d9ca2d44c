"""How good a list of scored pairs is: pairwise across agencies, and every true pair counts.

Pure. `best_f1` is over all thresholds; R@P999 is the greatest recall at a threshold where precision
is at least 0.999. Pairs of equal score stand or fall together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

PRECISE = 0.999

Pair = tuple[str, str]


@dataclass(frozen=True)
class Truth:
    """Which record is which person; agency and hard case of each. Never an input to matching."""

    person: Mapping[str, str]
    agency: Mapping[str, str]
    hard_case: Mapping[str, str]

    def same(self, pair: Pair) -> bool:
        """Whether both records are one person's."""
        return self.person[pair[0]] == self.person[pair[1]]

    def pairs(self) -> int:
        """How many true pairs there are across agencies."""
        agencies: dict[str, Counter[str]] = {}
        for record, person in self.person.items():
            agencies.setdefault(person, Counter())[self.agency[record]] += 1
        return sum(
            (sum(held.values()) ** 2 - sum(n * n for n in held.values())) // 2
            for held in agencies.values()
        )


@dataclass(frozen=True)
class Quality:
    """What a system reached on one folder."""

    best_f1: float
    recall_at_p999: float
    candidate_recall: float
    false_at_p999: int
    hard_cases_at_p999: Mapping[str, int]

    @property
    def ceiling(self) -> float:
        """The F1 of a perfect score over the same candidates."""
        return 2 * self.candidate_recall / (1 + self.candidate_recall)


def quality(scored: Iterable[tuple[float, Pair]], truth: Truth) -> Quality:
    """Measure scored pairs of records of two agencies; each pair at most once."""
    ordered = sorted(scored, reverse=True)
    total = truth.pairs()
    best, recall, cut = 0.0, 0.0, 0
    right = seen = 0
    for _, group in groupby(ordered, key=lambda item: item[0]):
        verdicts = [truth.same(pair) for _, pair in group]
        right, seen = right + sum(verdicts), seen + len(verdicts)
        best = max(best, 2 * right / (seen + total))
        if right >= PRECISE * seen:
            recall, cut = right / total, seen
    wrong = [pair for _, pair in ordered[:cut] if not truth.same(pair)]
    return Quality(best, recall, right / total, len(wrong), hard_cases(wrong, truth))


def hard_cases(wrong: Sequence[Pair], truth: Truth) -> Mapping[str, int]:
    """How many wrong pairs there are of two records marked as the same hard case, by case."""
    kinds = ({truth.hard_case.get(pair[0], ""), truth.hard_case.get(pair[1], "")} for pair in wrong)
    return Counter(kind.pop() for kind in kinds if len(kind) == 1 and "" not in kind)
