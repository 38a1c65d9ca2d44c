"""Pictures of an evaluation: precision and recall, scores, tokens against F1."""

from collections import defaultdict

from hub.policies.evaluate import Evaluation, tokens_against_f1
from web.pictures import Axis, Bars, Caption, Series, bar_picture, count_axis, line_picture

BAR = 100  # hundredths of log-odds


def pictures(evaluation: Evaluation) -> dict[str, str]:
    """File name -> SVG text."""
    return {
        "precision-recall.svg": _precision_recall(evaluation),
        "scores.svg": _scores(evaluation),
        "tokens-f1.svg": _tokens(evaluation),
    }


def _precision_recall(evaluation: Evaluation) -> str:
    curve = evaluation.curve
    points = [
        (right / curve.true_pairs, right / (right + wrong))
        for _, right, wrong in curve.steps
        if right + wrong
    ]
    best, at = curve.best_f1(), curve.recall_at(0.999)
    says = f"Best F1 {best:.4f}. Recall where 999 of 1,000 are right: {at:.3f}."
    return line_picture(
        Caption("Precision and recall", says),
        Axis("recall: share of true pairs found", 0, 1),
        Axis("precision", 0.9, 1),
        [Series("pairs", points)],
    )


def _scores(evaluation: Evaluation) -> str:
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    before = (0, 0)
    for threshold, right, wrong in evaluation.curve.steps:
        counts[threshold // BAR][0] += right - before[0]
        counts[threshold // BAR][1] += wrong - before[1]
        before = (right, wrong)
    low, high = min(counts, default=0), max(counts, default=0) + 1
    places = range(low, high)
    most = max((sum(count) for count in counts.values()), default=1)
    policy = evaluation.policy
    says = (
        f"Automatic from {policy.upper / 100:g} with the guard, possible from "
        f"{policy.lower / 100:g}. Pairs of different people stand above those of the same."
    )
    return bar_picture(
        Caption("Scores of candidate pairs", says),
        Bars("score (natural log-odds), from", [str(place) for place in places]),
        count_axis("pairs", most),
        {
            "same person": [counts[place][0] for place in places],
            "different people": [counts[place][1] for place in places],
        },
    )


def _tokens(evaluation: Evaluation) -> str:
    steps = tokens_against_f1(evaluation.candidates, evaluation.policy)
    says = "Keys in the order of most gain: " + ", ".join(key for key, _, _ in steps) + "."
    most = max((tokens for _, tokens, _ in steps), default=1.0)
    least = min((f1 for _, _, f1 in steps), default=0.0)
    return line_picture(
        Caption("Tokens a client against F1", says),
        Axis("tokens a client", 0, most),
        Axis("best F1", int(least * 20) / 20, 1),
        [Series("keys", [(tokens, f1) for _, tokens, f1 in steps])],
    )
