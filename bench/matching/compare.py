"""Match-keys beside Splink and CLK + anonlink: the same folders, the same fields, one run.

`make compare DATA=DIR` installs requirements-bench.lock into .venv-bench and runs this. DIR holds
council-train and council-validate, and the same of council-twins, where twins share names as real
ones do; without it only the public data sets are compared. The figures
go to .bench/matching.json, the table to the terminal.
"""

import argparse
import contextlib
import io
import json
import shlex
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.matching import clk_baseline, datasets, report, splink_baseline
from bench.matching.measure import Pair, quality
from bench.matching.people import Folder, read_folder
from bench.matching.report import Result, Sample

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".bench"
OURS = ".venv/bin/patchwork-hub policy evaluate {folder} --policy {policy} --json"
DEFAULT = "england"
COUNCILS = ("council", "council-twins")
CLEAR, SHARED_KEY, NOTHING = "every field in clear text", "filters under a shared key", "nothing"
# Test folder, training folder, both written by datasets.py; pack of ours.
PUBLIC = (
    ("febrl4-no-id", "febrl3-no-id", "victoria"),
    ("febrl4", "febrl3", "victoria-id"),
    ("pseudopeople-test", "pseudopeople-train", "no-postcode"),
    ("pseudopeople-later-test", "pseudopeople-later-train", "no-postcode"),
    ("pseudopeople-register-test", "pseudopeople-register-train", "no-postcode"),
)

Linker = Callable[[], Sequence[tuple[float, Pair]]]


def samples(arguments: argparse.Namespace) -> Iterator[Sample]:
    """The folders to compare on, public ones written first where they are missing."""
    if arguments.data:
        data = Path(arguments.data)
        for name in COUNCILS:
            yield Sample(name, data / f"{name}-validate", data / f"{name}-train", DEFAULT)
    for test, train in arguments.folder:
        yield Sample(Path(test).name, Path(test), Path(train), DEFAULT)
    if arguments.no_public:
        return
    people = WORK / "people"
    if not (people / PUBLIC[-1][1] / "truth.csv").exists():
        with contextlib.redirect_stderr(io.StringIO()):
            datasets.write_all(people)
    for test, train, policy in PUBLIC:
        yield Sample(test.removesuffix("-test"), people / test, people / train, policy)


def compare(sample: Sample, ours: str) -> Iterator[Result]:
    """Run every system on one sample."""
    folder, trained_on = read_folder(sample.test), read_folder(sample.train)
    runs: Iterable[tuple[str, str, Linker]] = (
        ("Splink, no labels", CLEAR, lambda: splink_baseline.link(folder)),
        ("Splink, m from labels", CLEAR, lambda: splink_baseline.link(folder, trained_on)),
        ("CLK + anonlink, 1:1", SHARED_KEY, lambda: clk_baseline.link(folder)),
    )
    for system, shown, run in runs:
        yield _measured(sample, system, shown, folder, run)
    yield from match_keys(sample, ours)


def match_keys(sample: Sample, command: str) -> Iterator[Result]:
    """What `policy evaluate` says of the folder; nothing where the command is not there yet."""
    words = shlex.split(command.format(folder=sample.test, policy=sample.policy))
    if not (ROOT / words[0]).exists():
        print(f"{words[0]} is missing: run `make test` once to make .venv")
        return
    began = time.perf_counter()
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    seconds = time.perf_counter() - began
    if answer.returncode:
        print(f"match-keys on {sample.name}: exit {answer.returncode}\n{answer.stderr[-500:]}")
        return
    yield result_of_json(sample.name, json.loads(answer.stdout), seconds)


def result_of_json(sample: str, told: dict[str, object], seconds: float) -> Result:
    """A line of the table from the JSON of `policy evaluate`; what it lacks stays empty."""

    def number(name: str) -> float | None:
        value = told.get(name)
        return float(value) if isinstance(value, int | float) else None

    return Result(
        sample=sample,
        system="match-keys (this project)",
        shown=NOTHING,
        seconds=seconds,
        best_f1=number("best_f1") or 0.0,
        recall_at_p999=number("recall_at_p999") or 0.0,
        candidate_recall=number("candidate_recall"),
        tokens_per_client=number("tokens_per_client"),
        hard_cases=_wrong_automatic(told.get("hard_cases")),
    )


def _wrong_automatic(told: object) -> dict[str, int]:
    """Pairs of two people linked without a person, by hard case."""
    cases = told if isinstance(told, dict) else {}
    return {str(name): case["wrong_automatic"] for name, case in cases.items()}


def _measured(sample: Sample, system: str, shown: str, folder: Folder, run: Linker) -> Result:
    began = time.perf_counter()
    scored = run()
    seconds = time.perf_counter() - began
    reached = quality(scored, folder.truth)
    return Result(
        sample=sample.name,
        system=system,
        shown=shown,
        seconds=seconds,
        best_f1=reached.best_f1,
        recall_at_p999=reached.recall_at_p999,
        candidate_recall=reached.candidate_recall,
        tokens_per_client=None,
        hard_cases=dict(reached.hard_cases_at_p999),
    )


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data",
        help="folder with council-train and -validate, council-twins-train and -validate",
    )
    parser.add_argument("--folder", nargs=2, action="append", default=[], metavar=("TEST", "TRAIN"))
    parser.add_argument("--no-public", action="store_true", help="leave FEBRL and pseudopeople out")
    parser.add_argument("--ours", default=OURS, help="command; {folder} and {policy} filled in")
    arguments = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    results: list[Result] = []
    for sample in samples(arguments):
        for result in compare(sample, arguments.ours):
            print(report.line(result), flush=True)
            results.append(result)
    out = WORK / "matching.json"
    out.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n", "utf-8")
    print(f"\n{report.table(results)}\nWritten to {out.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
