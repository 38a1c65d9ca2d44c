"""Records where a council writes, syncs, renames and speaks, and has something go wrong at each.

`python -m tests.faults.run FOLDER ENGINE [SHARE [ACTS]]`, with LD_PRELOAD from `seams.preloaded`.
The story is told twice to learn every point; then again and again, with one fault in each act, each
another one, until every point has met every fault that can befall it. `SHARE`: from which of the
tellings on, and one in how many; `ACTS`: only the first of the story, listened to once. Writes
FOLDER/reports.jsonl, a line for each fault.
"""

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import structlog

from hub.config import write_database
from tests.faults.council import STATE
from tests.faults.seams import FAULTS, Point
from tests.faults.story import ACTS
from tests.faults.telling import Planned, Report, Telling, end_with_parent
from tests.postgres import Server, running_server

RECORDINGS = 2
TIMES = 3
"""How often a fault is tried whose point was not passed: alone, from the second time on."""

Plan = dict[str, Planned]


def planned(recorded: Sequence[dict[str, Counter[Point]]], engine: str) -> list[Plan]:
    """Tellings of the story in which every point that is passed each time meets every fault.

    With PostgreSQL behind the hub, what is on a disk of a node, a holder or a witness is left out:
    it is the same there.
    """
    where: dict[Point, set[str]] = {}
    for name in ACTS:
        for point in set.intersection(*(set(one[name]) for one in recorded)):
            if engine == "sqlite" or point.party == "hub":
                where.setdefault(point, set()).add(name)
    queues: dict[str, list[Planned]] = {name: [] for name in ACTS}
    for point in sorted(where, key=lambda point: (len(where[point]), point)):
        for fault in FAULTS[point.call]:
            shortest = min(sorted(where[point]), key=lambda name: len(queues[name]))
            queues[shortest].append((point, fault))
    longest = max(map(len, queues.values()))
    return [
        {name: queue[turn] for name, queue in queues.items() if turn < len(queue)}
        for turn in range(longest)
    ]


class Work:
    """Tells the story in copies of one folder, and of one database where there is a server."""

    def __init__(self, work: Path, server: Server | None) -> None:
        self._work = work
        self._server = server
        self._numbers = count()
        self.telling = Telling()

    def begin(self) -> None:
        """Found a council."""
        founded = self._work / "founded"
        if self._server is None:
            self.telling.found(founded, "")
        else:
            self._server.drop(self._database(lambda at: self.telling.found(founded, at)))

    def worker(self, number: int) -> None:
        """Go on as one of several processes, which name things each by themselves."""
        self._numbers = count(10_000 * (number + 1))
        if self._server is not None:
            mine = Server(self._server._address)
            mine._templates = {**self._server._templates}
            mine._numbers = count(10_000 * (number + 1))
            self._server = mine

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A council that was founded just now."""
        folder = self._work / f"copy-{next(self._numbers)}"
        shutil.copytree(self._work / "founded", folder)
        address = ""
        if self._server is not None:
            address = self._database(lambda _: None)
            state = json.loads((folder / STATE).read_text())
            state["hub"]["database"] = address
            (folder / STATE).write_text(json.dumps(state))
            write_database(folder / "hub", address)
        yield folder
        shutil.rmtree(folder)
        if self._server is not None:
            self._server.drop(address)

    def _database(self, make: Callable[[str], None]) -> str:
        assert self._server is not None
        return self._server.database("council", make)

    def record(self) -> dict[str, Counter[Point]]:
        """The points that each act passes."""
        with self.copy() as folder:
            return self.telling.record(folder)

    def tell(self, plans: Sequence[Plan]) -> Iterator[Report]:
        """What became of every fault. What was not met is tried again, alone."""
        for plan in plans:
            missed = dict(plan)
            with self.copy() as folder:
                for report in self.telling.tell(folder, plan):
                    if report.hit or report.wrong:
                        missed.pop(report.act, None)
                        yield report
            for act, what in missed.items():
                yield self._alone(act, what)

    def _alone(self, act: str, what: Planned) -> Report:
        report = Report(act, *what)
        for _ in range(TIMES - 1):
            with self.copy() as folder:
                *_, report = self.telling.tell(folder, {act: what})
            if report.hit:
                break
        return report


def main() -> None:
    """See the module."""
    os.environ.pop("LD_PRELOAD", None)  # the server's disk is not ours to break
    work, engine = Path(sys.argv[1]), sys.argv[2]
    first, share = (int(number) for number in (sys.argv[3:] or ["0/1"])[0].split("/"))
    for name in [*ACTS][int(sys.argv[4]) if len(sys.argv) > 4 else len(ACTS) :]:
        del ACTS[name]
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    if engine == "sqlite":
        run(Work(work, None), work, engine, slice(first, None, share))
        return
    with running_server() as server:
        run(Work(work, server), work, engine, slice(first, None, share))


def run(all_work: Work, work: Path, engine: str, part: slice) -> None:
    """Record, plan and tell, on every processor."""
    all_work.begin()
    times = RECORDINGS if len(sys.argv) <= 4 else 1
    recorded = [all_work.record() for _ in range(times)]
    plans = planned(recorded, engine)[part]
    workers = len(os.sched_getaffinity(0))
    children = []
    for number in range(workers):
        child = os.fork()
        if child == 0:
            end_with_parent()
            code = 1
            try:
                all_work.worker(number)
                write(all_work.tell(plans[number::workers]), work / f"part-{number}.jsonl", engine)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    with (work / "reports.jsonl").open("w") as out:
        for number in range(workers):
            out.write((work / f"part-{number}.jsonl").read_text())
    sys.exit(any(codes))


def write(reports: Iterator[Report], to: Path, engine: str) -> None:
    """A line for each fault, and for whatever is wrong."""
    with to.open("w") as out:
        for report in reports:
            point = vars(report.point) if report.point else None
            line = {**vars(report), "point": point, "engine": engine}
            out.write(json.dumps(line) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
