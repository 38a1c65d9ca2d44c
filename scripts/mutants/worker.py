"""A plugin of pytest that tries mutants in place of running the tests once.

Everything is imported and collected once. For each mutant the process forks; the child puts the
mutant's code into the function that has it, runs the tests that could notice, the first ones first,
and ends at the first that fails. No file is written.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

JOBS, ANSWERS = "MUTANTS_JOBS", "MUTANTS_ANSWERS"
HUNG = "-"
SHARED = "agencies"  # made from what tests/sim/conftest.py builds once


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Try every job, and answer each with a line: its name, and the test that failed or null."""
    jobs = json.loads(Path(os.environ[JOBS]).read_text())
    items = {item.nodeid: item for item in session.items}
    _warm(session.items)
    with os.fdopen(int(os.environ[ANSWERS]), "w") as answers:
        for job in jobs:
            began = time.monotonic()
            killer = _tried(job, [items[name] for name in job["tests"] if name in items])
            line = {"name": job["name"], "killer": killer, "seconds": time.monotonic() - began}
            answers.write(json.dumps(line) + "\n")
            answers.flush()
    return True


def _warm(items: list[pytest.Item]) -> None:
    """Build once the federation that most tests begin with: the children have it from us."""
    first = next((item for item in items if SHARED in getattr(item, "fixturenames", ())), None)
    if first is not None and len(items) > 1:
        other = items[0] if items[0] is not first else items[1]
        runtestprotocol(first, log=False, nextitem=other)


def _tried(job: Mapping[str, Any], items: list[pytest.Item]) -> str | None:
    """The first test that fails, None if none does; what hangs has noticed too."""
    child = os.fork()
    if not child:
        os.setsid()
        os._exit(_first_failure(job, items))
    until = time.monotonic() + job["seconds"]
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            number = os.waitstatus_to_exitcode(status)
            return None if number == 0 else items[number - 1].nodeid if number > 0 else HUNG
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return HUNG


def _first_failure(job: Mapping[str, Any], items: list[pytest.Item]) -> int:
    """The number of the first test that fails, from 1; 0 if none does."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    put_in(job["path"], job["where"], job["source"])
    items[0].session._setupstate.teardown_exact(items[0])  # noqa: SLF001 - but what all share
    for number, item in enumerate(items):
        following = items[number + 1] if number + 1 < len(items) else None
        reports = runtestprotocol(item, log=False, nextitem=following)
        if any(report.failed for report in reports):
            return min(number + 1, 255)
    return 0


def put_in(path: str, where: str, source: str) -> None:
    """Give the outermost function of a place the code that it has in another source."""
    module: Any = sys.modules[path.removesuffix(".py").replace("/", ".")]
    code = compile(source, module.__file__, "exec", dont_inherit=True)
    holder, names = module, where.split(".")
    for depth, name in enumerate(names, 1):
        holder = vars(holder)[name]
        function = _function(holder)
        if function is not None:
            qualified = ".".join(names[:depth])
            function.__code__ = next(c for c in _codes(code) if c.co_qualname == qualified)
            return
    raise LookupError(f"no function at {path} {where}")


def _function(held: object) -> FunctionType | None:
    """The function within what stands in a module or a class."""
    for wrapper in ("fget", "__func__", "__wrapped__"):
        held = getattr(held, wrapper, None) or held
    return held if isinstance(held, FunctionType) else None


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)
