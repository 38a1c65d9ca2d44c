"""Try mutants: which tests could notice each, some processes that run them, and what is kept."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread

from scripts.mutants.making import ROOT, Mutant
from scripts.mutants.mapping import WORK, Test, digest_of
from scripts.mutants.worker import ANSWERS, HUNG, JOBS


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: killed, survived, unmet (no test gets there) or equivalent."""

    mutant: Mutant
    state: str
    tests: int = 0
    seconds: float = 0.0
    killer: str = ""


def able(mutant: Mutant, tests: Sequence[Test], seconds: int) -> list[Test]:
    """The tests that could notice, quick ones first, as many as the time allows."""
    chosen, left = list[Test](), float(seconds)
    for test in sorted((test for test in tests if test.runs(mutant)), key=lambda t: t.seconds):
        left -= test.seconds
        if left < 0 and chosen:
            break
        chosen.append(test)
    return chosen[:255]


def outcomes(
    due: Sequence[Mutant], tests: Sequence[Test], workers: int, seconds: int
) -> Iterator[Outcome]:
    """What becomes of each, as it comes; `seconds` of tests are run for one at most."""
    chosen = {mutant.name: able(mutant, tests, seconds) for mutant in due}
    met = [mutant for mutant in due if chosen[mutant.name]]
    yield from (Outcome(mutant, "unmet") for mutant in due if not chosen[mutant.name])
    answers: SimpleQueue[dict[str, object] | None] = SimpleQueue()
    threads = [
        Thread(target=_work, args=(met[number::workers], chosen, answers))
        for number in range(workers)
    ]
    for thread in threads:
        thread.start()
    by_name, running = {mutant.name: mutant for mutant in met}, len(threads)
    while running:
        answer = answers.get()
        if answer is None:
            running -= 1
            continue
        mutant, killer = by_name.pop(str(answer["name"])), answer["killer"]
        state = "survived" if killer is None else "killed"
        number = len(chosen[mutant.name])
        yield Outcome(mutant, state, number, float(str(answer["seconds"])), str(killer or ""))
    if by_name:
        raise SystemExit("pytest itself failed: run its command by hand.")


def _work(
    due: Sequence[Mutant],
    chosen: dict[str, list[Test]],
    answers: SimpleQueue[dict[str, object] | None],
) -> None:
    """Have one process try some mutants."""
    jobs = [
        {
            "name": mutant.name,
            "path": mutant.path,
            "where": mutant.where,
            "source": mutant.source.decode(),
            "tests": [test.name for test in chosen[mutant.name]],
            "seconds": 60 + 5 * sum(test.seconds for test in chosen[mutant.name]),
        }
        for mutant in due
    ]
    files = sorted({test.name.partition("::")[0] for some in chosen.values() for test in some})
    with TemporaryDirectory(dir=WORK) as place:
        (ROOT / place / "jobs.json").write_text(json.dumps(jobs))
        reading, writing = os.pipe()
        environment = {
            **os.environ, "PYTEST_DEBUG_TEMPROOT": place, JOBS: f"{place}/jobs.json",
            ANSWERS: str(writing),
        }  # fmt: skip
        command = [
            sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "scripts.mutants.worker",
            "-p", "no:cacheprovider", "-o", "tmp_path_retention_policy=none", *files,
        ]  # fmt: skip
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, pass_fds=[writing], stdout=subprocess.DEVNULL
        ):
            os.close(writing)
            with os.fdopen(reading) as lines:
                for line in lines:
                    answers.put(json.loads(line))
    answers.put(None)


class Kept:
    """What was killed, by name: of which source, and by which test file as it was then."""

    def __init__(self) -> None:
        self._path = WORK / "killed.json"
        text = self._path.read_text() if self._path.exists() else "{}"
        self._killed: dict[str, list[str]] = json.loads(text)

    def holds(self, mutant: Mutant) -> bool:
        """Whether it was killed, and neither its module nor the test has changed since."""
        kept = self._killed.get(mutant.name)
        return kept is not None and kept == self._mark(mutant, kept[1])

    def add(self, outcome: Outcome) -> None:
        """Remember a mutant that was killed."""
        killer = outcome.killer.partition("::")[0]
        self._killed[outcome.mutant.name] = self._mark(outcome.mutant, killer)
        self._path.write_text(json.dumps(self._killed, indent=0))

    def _mark(self, mutant: Mutant, killer: str) -> list[str]:
        test = ROOT / killer
        as_it_is = digest_of([test]) if killer != HUNG and test.is_file() else ""
        return [sha256(mutant.source).hexdigest()[:16], killer, as_it_is]
