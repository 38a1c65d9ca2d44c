"""Which test runs which lines, from one run of the tests under coverage."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from coverage import CoverageData

from scripts.mutants.making import ROOT, Mutant

WORK = ROOT / ".mutants"
CODE = ("protocol", "keys", "runtime", "storage", "transport", "web", "node", "hub", "audit")
AT_ONCE = 8
TESTS = ("unit", "vectors", "contract", "sim", "property")


@dataclass(frozen=True)
class Test:
    """A test: how long it took, and the lines of the modules in question that it ran."""

    name: str
    seconds: float
    lines: Mapping[str, frozenset[int]]

    def runs(self, mutant: Mutant) -> bool:
        """Whether it can notice."""
        first, last = mutant.lines
        return any(first <= line <= last for line in self.lines.get(mutant.path, ()))


def the_map(modules: Sequence[str], only: Sequence[str], workers: int) -> list[Test]:
    """What every test runs, or those of some files `only`. Files that are new cost a run, and all
    of them if code is.
    """
    code = digest_of(path for folder in CODE for path in (ROOT / folder).rglob("*.py"))
    found: list[Test] = []
    for folder in TESTS:
        files = {
            path: WORK / "map" / f"{folder}.{path.stem}-{code}-{digest_of([path])}.json"
            for path in sorted((ROOT / "tests" / folder).glob("test_*.py"))
            if not only or any(part in str(path) for part in only)
        }
        stale = [path for path, kept in files.items() if not kept.exists()]
        for start in range(0, len(stale), AT_ONCE):
            _make_map({path: files[path] for path in stale[start : start + AT_ONCE]}, workers)
        found += [test for kept in files.values() for test in _kept_map(kept, modules)]
    return found


def _kept_map(kept: Path, modules: Sequence[str]) -> Iterator[Test]:
    for name, (seconds, lines) in json.loads(kept.read_text()).items():
        yield Test(name, seconds, {path: frozenset(lines.get(path, ())) for path in modules})


def _make_map(stale: Mapping[Path, Path], workers: int) -> None:
    """Run some test files under coverage, and keep what each test ran."""
    data, times = WORK / "coverage", WORK / "times.xml"
    print("Finding out what is run by", *(path.stem for path in stale), flush=True)
    for old in WORK.glob("coverage*"):
        old.unlink()
    command = [
        sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--dist", "loadfile",
        *(f"--cov={name}" for name in CODE), "--cov-context=test", "--cov-report=",
        f"--junitxml={times}", "-o", "junit_family=xunit1",
        *(str(path.relative_to(ROOT)) for path in stale),
    ]  # fmt: skip
    env = {**os.environ, "COVERAGE_FILE": str(data), "PYTEST_DEBUG_TEMPROOT": str(WORK)}
    if subprocess.run(command, cwd=ROOT, env=env, check=False).returncode:
        raise SystemExit("The tests must be green before anything is taken out.")
    found = _read_map(CoverageData(str(data)), times)
    (WORK / "map").mkdir(exist_ok=True)
    for path, kept in stale.items():
        for old in kept.parent.glob(f"{kept.name.split('-')[0]}-*.json"):
            old.unlink()
        kept.write_text(json.dumps(found.get(str(path.relative_to(ROOT)), {})))


def _read_map(
    data: CoverageData, times: Path
) -> dict[str, dict[str, tuple[float, dict[str, list[int]]]]]:
    """By test file, by test: seconds, and lines by module."""
    data.read()
    lines: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for measured in data.measured_files():
        path = Path(measured).relative_to(ROOT).as_posix()
        for line, contexts in data.contexts_by_lineno(measured).items():
            for context in filter(None, contexts):
                lines[context.rpartition("|")[0]][path].add(line)
    seconds: dict[str, float] = defaultdict(float)
    for case in ElementTree.parse(times).iter("testcase"):  # noqa: S314 - pytest wrote it just now
        seconds[f"{case.get('file')}::{case.get('name')}"] += float(case.get("time", 0))
    found: dict[str, dict[str, tuple[float, dict[str, list[int]]]]] = defaultdict(dict)
    for test, ran in lines.items():
        file, _, rest = test.partition("::")
        took = seconds.get(f"{file}::{rest.rpartition('::')[2]}", 1.0)
        found[file][test] = (took, {path: sorted(some) for path, some in ran.items()})
    return found


def digest_of(paths: Iterable[Path]) -> str:
    """What files say, in a few letters."""
    digest = sha256()
    for path in sorted(paths):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
