"""What a policy does on records whose truth is known: specs/04-matching.md §11.

Pairwise, across agencies: recall counts every pair of one person in two agencies, also those that
no shared token brings together.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from hub.policies.pairing import Candidates
from hub.policies.scoring import Counted, outcomes, scored, stand
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import Outcome

POINTS: tuple[Literal["guarded"], Literal["open"]] = ("guarded", "open")


@dataclass(frozen=True)
class Automatic:
    """Pairs linked without a person."""

    pairs: int
    false: int
    precision: float
    recall: float


@dataclass(frozen=True)
class Review:
    """Pairs that wait for people."""

    pairs: int
    share_true: float
    share_of_true_pairs: float


@dataclass(frozen=True)
class HardCase:
    """Pairs of the same person of this case, and pairs of two different people of it."""

    true_pairs: int
    automatic: int
    review: int
    missed: int
    wrong_automatic: int
    wrong_review: int
    wrong_apart: int


@dataclass(frozen=True)
class Curve:
    """Each threshold in hundredths, with how many pairs at or above it are right and wrong."""

    steps: Sequence[tuple[int, int, int]]
    true_pairs: int

    def best_f1(self) -> float:
        """The best F1 of any one threshold."""
        return max(
            (2 * right / (right + wrong + self.true_pairs) for _, right, wrong in self.steps),
            default=0.0,
        )

    def recall_at(self, precision: float) -> float:
        """The best recall of a threshold at which precision is no less."""
        good = [right for _, right, wrong in self.steps if right >= precision * (right + wrong)]
        return _share(max(good, default=0), self.true_pairs)


@dataclass(frozen=True)
class Evaluation:
    """Everything measured at both operating points, and the curve behind it."""

    candidates: Candidates
    policy: MatchPolicy
    curve: Curve
    outcomes: Mapping[Literal["guarded", "open"], Sequence[Counted]]

    def to_json(self) -> dict[str, Any]:
        """For `policy evaluate --json`. Shares are 0 to 1."""
        found = self.candidates
        candidate_pairs = sum(seen.pairs for seen in found.patterns.values())
        recall = _share(sum(seen.same for seen in found.patterns.values()), found.true_pairs)
        points = {
            point: {
                "automatic": asdict(_automatic(found, outcomes)),
                "review": asdict(_review(found, outcomes)),
            }
            for point, outcomes in self.outcomes.items()
        }
        own = self.policy.operating_point
        cases = _hard_cases(found, self.outcomes[own])
        return {
            "policy": self.policy.name,
            "operating_point": own,
            "records": found.records,
            "people": found.people,
            "true_pairs": found.true_pairs,
            "candidate_pairs": candidate_pairs,
            "candidate_recall": recall,
            "f1_ceiling": 2 * recall / (1 + recall),
            "tokens_per_client": _share(found.tokens, found.records),
            "best_f1": self.curve.best_f1(),
            "recall_at_p999": self.curve.recall_at(0.999),
            **points[own],
            "hard_cases": {name: asdict(case) for name, case in cases.items()},
            "operating_points": points,
        }


def evaluate(candidates: Candidates, policy: MatchPolicy) -> Evaluation:
    """Score all candidate pairs."""
    standings = stand(candidates, policy)
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for pairs, score in scored(candidates, policy, standings):
        counts[score.hundredths][0] += pairs.same
        counts[score.hundredths][1] += pairs.seen - pairs.same
    found = {
        point: outcomes(candidates, replace(policy, operating_point=point), standings)
        for point in POINTS
    }
    return Evaluation(candidates, policy, _curve(counts, candidates.true_pairs), found)


def pooled(measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several folders' figures as `to_json` gives them, taken together: at each point how many
    pairs were linked without a person, how many of them wrongly, and what share is right.
    """
    points: dict[str, Any] = {}
    for point in POINTS:
        links = [value["operating_points"][point]["automatic"] for value in measured]
        pairs, false = (sum(link[name] for link in links) for name in ("pairs", "false"))
        right = _share(pairs - false, pairs) if pairs else 1.0
        points[point] = {"pairs": pairs, "false": false, "precision": right}
    return points


def tokens_against_f1(
    candidates: Candidates, policy: MatchPolicy
) -> list[tuple[str, float, float]]:
    """Key by key in the order of most gain: (key, tokens a client so far, best F1 so far).

    With the policy's weights as they are and without rivals, so a little below what is measured.
    """
    taken: list[str] = []
    steps: list[tuple[str, float, float]] = []
    while len(taken) < len(policy.keys):
        gains = []
        for key in policy.keys.keys() - taken:
            keys = {*taken, key}
            counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
            for seen in candidates.patterns.values():
                agree, differ = seen.pattern.agree, seen.pattern.differ
                if not keys.isdisjoint(agree):
                    score = sum(policy.keys[k].agree for k in agree if k in keys)
                    score += sum(policy.keys[k].disagree for k in differ if k in keys)
                    counts[score][0] += seen.same
                    counts[score][1] += seen.pairs - seen.same
            gains.append((_curve(counts, candidates.true_pairs).best_f1(), key))
        f1, key = max(gains)
        taken.append(key)
        steps.append((key, _tokens(candidates, taken), f1))
    return steps


def _tokens(candidates: Candidates, keys: Sequence[str]) -> float:
    return _share(sum(candidates.tokens_by_key.get(key, 0) for key in keys), candidates.records)


def _curve(counts: Mapping[int, Sequence[int]], true_pairs: int) -> Curve:
    steps, right, wrong = [], 0, 0
    for threshold in sorted(counts, reverse=True):
        right, wrong = right + counts[threshold][0], wrong + counts[threshold][1]
        steps.append((threshold, right, wrong))
    return Curve(steps, true_pairs)


def _pairs(outcomes: Sequence[Counted], outcome: Outcome) -> tuple[int, int]:
    """How many have the outcome, and how many of them are of one person."""
    found = [each for each in outcomes if each.outcome is outcome]
    return sum(each.pairs for each in found), sum(each.pairs for each in found if each.same)


def _automatic(candidates: Candidates, outcomes: Sequence[Counted]) -> Automatic:
    pairs, right = _pairs(outcomes, Outcome.MATCH)
    return Automatic(
        pairs,
        pairs - right,
        _share(right, pairs) if pairs else 1.0,
        _share(right, candidates.true_pairs),
    )


def _review(candidates: Candidates, outcomes: Sequence[Counted]) -> Review:
    pairs, right = _pairs(outcomes, Outcome.POSSIBLE)
    return Review(pairs, _share(right, pairs), _share(pairs, candidates.true_pairs))


def _hard_cases(candidates: Candidates, outcomes: Sequence[Counted]) -> dict[str, HardCase]:
    """By the name of the case that both records of a pair were made to be."""
    counts = {
        name: Counter(true_pairs=number) for name, number in candidates.pairs.true_by_case().items()
    }
    for case, outcome, same, pairs in outcomes:
        if case:
            which = ("" if same else "wrong_") + outcome.value
            counts.setdefault(case, Counter())[which] += pairs
    return {
        name: HardCase(
            true_pairs=count["true_pairs"],
            automatic=count["match"],
            review=count["possible"],
            missed=count["true_pairs"] - count["match"] - count["possible"],
            wrong_automatic=count["wrong_match"],
            wrong_review=count["wrong_possible"],
            wrong_apart=count["wrong_none"],
        )
        for name, count in sorted(counts.items())
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
