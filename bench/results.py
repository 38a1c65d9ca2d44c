"""Figures as ratios, each of two measurements in one run: a table, and bench/results.json.

A ratio says how a measure of ours compares with a baseline that does the same work, so that it
means something on another machine and while others use this one. {name: {ratio, bound, sense,
ours, baseline, unit, command}}; sense "max": the ratio is to be at most the bound, "min": at least.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

FILE = Path(__file__).with_name("results.json")
RUNS = 3


@dataclass(frozen=True)
class Figure:
    """One figure: what was measured, beside what, and what it is to be."""

    name: str
    ours: float
    baseline: float
    unit: str
    bound: float
    sense: Literal["max", "min"]

    @property
    def ratio(self) -> float:
        """Ours over the baseline."""
        return self.ours / self.baseline

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its bound."""
        return self.ratio <= self.bound if self.sense == "max" else self.ratio >= self.bound


def record(*figures: Figure) -> None:
    """Print figures as a table, and keep them in bench/results.json with the command run."""
    command = " ".join(["python -m", _module(), *sys.argv[1:]])
    kept = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    for figure in figures:
        values = asdict(figure)
        name = values.pop("name")
        rounded = {key: _rounded(value) for key, value in values.items()}
        kept[name] = {"ratio": _rounded(figure.ratio), **rounded, "command": command}
    FILE.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", "utf-8")
    show({figure.name: kept[figure.name] for figure in figures})


def show(rows: dict[str, dict[str, object]] | None = None) -> None:
    """Print what is kept, or these rows of it."""
    rows = json.loads(FILE.read_text("utf-8")) if rows is None else rows
    print(f"{'figure':24s} {'ratio':>8s} {'bound':>9s} {'ours':>10s} {'baseline':>10s} unit")
    for name, row in rows.items():
        sign = "<=" if row["sense"] == "max" else ">="
        figure = Figure(name, *(row[key] for key in ("ours", "baseline", "unit", "bound", "sense")))  # type: ignore[arg-type]
        print(
            f"{name:24s} {row['ratio']:8} {sign} {row['bound']:6} {row['ours']:10} "
            f"{row['baseline']:10} {row['unit']}{'' if figure.holds else '   NOT REACHED'}",
            flush=True,
        )


def seconds(work: Callable[[], object]) -> float:
    """Seconds by the clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def processor(work: Callable[[], object], runs: int = RUNS) -> float:
    """Seconds of the processor of the best of some runs, in this process alone."""
    taken = []
    for _ in range(runs):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return min(taken)


def _module() -> str:
    spec = sys.modules["__main__"].__spec__
    return spec.name if spec else Path(sys.argv[0]).name


def _rounded(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    show()
