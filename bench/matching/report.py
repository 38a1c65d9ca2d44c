"""The comparison as Markdown. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEADER = (
    "| data | system | what it had to be shown | best F1 | candidate recall r, ceiling 2r/(1+r) "
    "| recall at precision .999 | twins merged there | tokens a client | seconds |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Sample:
    """A test folder, the folder that labels may be learnt from, and the policy of our own."""

    name: str
    test: Path
    train: Path
    policy: str


@dataclass(frozen=True)
class Result:
    """What one system reached on one sample; None where it has no such figure."""

    sample: str
    system: str
    shown: str
    seconds: float
    best_f1: float
    recall_at_p999: float
    candidate_recall: float | None
    tokens_per_client: float | None
    hard_cases: dict[str, int]


def table(results: Iterable[Result]) -> str:
    """All results, in the order given."""
    return "\n".join((HEADER, *(_row(result) for result in results)))


def line(result: Result) -> str:
    """One result while the others still run."""
    return (
        f"{result.sample:22s} {result.system:26s} F1 {decimals(result.best_f1)}  "
        f"R@P999 {decimals(result.recall_at_p999)}  {result.seconds:7.1f} s"
    )


def decimals(share: float) -> str:
    """A share with four decimals and no zero before the point; 1 is 1.0000."""
    return f"{share:.4f}".removeprefix("0")


def _row(result: Result) -> str:
    recall, tokens = result.candidate_recall, result.tokens_per_client
    cells = (
        result.sample,
        result.system,
        result.shown,
        decimals(result.best_f1),
        "" if recall is None else f"{decimals(recall)}, {decimals(2 * recall / (1 + recall))}",
        decimals(result.recall_at_p999),
        str(result.hard_cases.get("twin", 0)),
        "" if tokens is None else f"{tokens:.1f}",
        f"{result.seconds:.1f}",
    )
    return f"| {' | '.join(cells)} |"
