"""What a policy does on records whose truth is known: specs/04-matching.md §11.

Pairwise, across agencies: recall counts every pair of one person in two agencies, also those that
no shared token brings together.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from hub.policies.pairing import Candidates, Pair
from hub.policies.scoring import scored, with_support
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import Outcome, PairScore

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
    """Everything measured at the policy's own operating point, and the curve behind it."""

    candidates: Candidates
    policy: MatchPolicy
    scores: Mapping[Pair, PairScore]
    curve: Curve

    def to_json(self) -> dict[str, Any]:
        """For `policy evaluate --json`. Shares are 0 to 1."""
        found = self.candidates
        recall = _share(sum(map(found.same, found.patterns)), found.true_pairs)
        points = {point: _outcomes(found, self.policy, point) for point in POINTS}
        own = points[self.policy.operating_point]
        return {
            "policy": self.policy.name,
            "operating_point": self.policy.operating_point,
            "records": len(found.records),
            "people": len({known.person for known in found.records}),
            "true_pairs": found.true_pairs,
            "candidate_pairs": len(found.patterns),
            "candidate_recall": recall,
            "f1_ceiling": 2 * recall / (1 + recall),
            "tokens_per_client": _share(found.tokens, len(found.records)),
            "best_f1": self.curve.best_f1(),
            "recall_at_p999": self.curve.recall_at(0.999),
            "automatic": asdict(_automatic(found, own)),
            "review": asdict(_review(found, own)),
            "hard_cases": {name: asdict(case) for name, case in _hard_cases(found, own).items()},
            "operating_points": {
                point: {
                    "automatic": asdict(_automatic(found, outcomes)),
                    "review": asdict(_review(found, outcomes)),
                }
                for point, outcomes in points.items()
            },
        }


def evaluate(candidates: Candidates, policy: MatchPolicy) -> Evaluation:
    """Score all candidate pairs."""
    scores = scored(candidates, policy)
    return Evaluation(candidates, policy, scores, _curve(candidates, scores))


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
    seen: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    same: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    for pair, pattern in candidates.patterns.items():
        seen[pattern.agree, pattern.disagree] += 1
        same[pattern.agree, pattern.disagree] += candidates.same(pair)
    taken: list[str] = []
    steps: list[tuple[str, float, float]] = []
    while len(taken) < len(policy.keys):
        gains = []
        for key in policy.keys.keys() - taken:
            keys = {*taken, key}
            counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
            for (agree, disagree), number in seen.items():
                if not keys.isdisjoint(agree):
                    score = sum(policy.keys[k].agree for k in agree if k in keys)
                    score += sum(policy.keys[k].disagree for k in disagree if k in keys)
                    counts[score][0] += same[agree, disagree]
                    counts[score][1] += number - same[agree, disagree]
            gains.append((_steps(counts, candidates.true_pairs).best_f1(), key))
        f1, key = max(gains)
        taken.append(key)
        steps.append((key, _tokens(candidates, taken), f1))
    return steps


def _tokens(candidates: Candidates, keys: Sequence[str]) -> float:
    return _share(sum(candidates.tokens_by_key[key] for key in keys), len(candidates.records))


def _curve(candidates: Candidates, scores: Mapping[Pair, PairScore]) -> Curve:
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for pair, score in scores.items():
        counts[score.hundredths][not candidates.same(pair)] += 1
    return _steps(counts, candidates.true_pairs)


def _steps(counts: Mapping[int, Sequence[int]], true_pairs: int) -> Curve:
    steps, right, wrong = [], 0, 0
    for threshold in sorted(counts, reverse=True):
        right, wrong = right + counts[threshold][0], wrong + counts[threshold][1]
        steps.append((threshold, right, wrong))
    return Curve(steps, true_pairs)


def _outcomes(
    candidates: Candidates, policy: MatchPolicy, point: Literal["guarded", "open"]
) -> dict[Pair, Outcome]:
    policy = replace(policy, operating_point=point)
    scores = with_support(scored(candidates, policy), candidates.agency)
    return {pair: score.outcome for pair, score in scores.items()}


def _automatic(candidates: Candidates, outcomes: Mapping[Pair, Outcome]) -> Automatic:
    pairs = [pair for pair, outcome in outcomes.items() if outcome is Outcome.MATCH]
    right = sum(map(candidates.same, pairs))
    return Automatic(
        len(pairs),
        len(pairs) - right,
        _share(right, len(pairs)) if pairs else 1.0,
        _share(right, candidates.true_pairs),
    )


def _review(candidates: Candidates, outcomes: Mapping[Pair, Outcome]) -> Review:
    pairs = [pair for pair, outcome in outcomes.items() if outcome is Outcome.POSSIBLE]
    right = sum(map(candidates.same, pairs))
    return Review(len(pairs), _share(right, len(pairs)), _share(len(pairs), candidates.true_pairs))


def _hard_cases(candidates: Candidates, outcomes: Mapping[Pair, Outcome]) -> dict[str, HardCase]:
    """By the name of the case that both records of a pair were made to be."""
    known = candidates.records
    counts: dict[str, Counter[str]] = {}
    for name, number in _true_by_case(candidates).items():
        counts[name] = Counter(true_pairs=number)
    for (a, b), outcome in outcomes.items():
        case = known[a].hard_case
        if case and case == known[b].hard_case:
            which = ("" if candidates.same((a, b)) else "wrong_") + outcome.value
            counts.setdefault(case, Counter())[which] += 1
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


def _true_by_case(candidates: Candidates) -> Counter[str]:
    by_person: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for known in candidates.records:
        if known.hard_case:
            by_person[known.hard_case, known.person][known.agency] += 1
    totals: Counter[str] = Counter()
    for (case, _), agencies in by_person.items():
        records = sum(agencies.values())
        within = sum(count * count for count in agencies.values())
        totals[case] += (records * records - within) // 2
    return totals


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
