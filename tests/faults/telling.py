"""Tells the story with a fault in each act: every act is a process of its own, so that kill -9 is
one. After a fault the act is tried again as people do, every program is started anew from what is
on disk, and tests/faults/checks.py looks.
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from protocol.errors import PatchworkError
from tests.faults.checks import audit, check
from tests.faults.council import Council
from tests.faults.seams import Fault, Point, Seams
from tests.faults.story import ACTS, LATER, NotYetError, Story

TRIES = 6
LONGEST = 120
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG

Planned = tuple[Point, Fault]


@dataclass
class Report:
    """What became of one act: what was hit, what is wrong with it, and how often it was tried."""

    act: str
    point: Point | None
    fault: Fault | None
    hit: bool = False
    killed: bool = False
    wrong: str = ""
    tries: int = 0
    unforeseen: list[str] = field(default_factory=list)

    def take(self, said: list[Any], code: int) -> int:
        """Take what a process said, and how it ended, which is answered."""
        for item in said:
            self.hit |= item.get("hit", False)
            self.wrong = self.wrong or item.get("wrong", "")
            self.tries = max(self.tries, item.get("tries", 0))
            self.unforeseen += item.get("unforeseen", [])
        if code not in {0, -signal.SIGKILL} and not self.wrong:
            self.wrong = f"a process ended with {code}"
        return code


def end_with_parent() -> None:
    """Have this process end with the one that began it, however that ends."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def in_child(work: Callable[[Callable[[object], None]], None]) -> tuple[list[Any], int]:
    """Run something in a process of its own: what it said, line by line, and how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        end_with_parent()
        os.close(reading)
        code = 1
        try:
            signal.alarm(LONGEST)
            work(lambda value: os.write(writing, json.dumps(value).encode() + b"\n"))  # type: ignore[arg-type]
            code = 0
        except BaseException:  # noqa: BLE001 - told to whoever waits
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = [json.loads(line) for line in pipe]
    _, status = os.waitpid(child, 0)
    return said, os.waitstatus_to_exitcode(status)


class Telling:
    """Tells the story in folders that are copies of one in which a council was founded."""

    def __init__(self) -> None:
        self._seams = Seams()

    def found(self, folder: Path, database: str) -> None:
        """Found a council, its hub in a database of PostgreSQL if there is an address."""
        folder.mkdir(parents=True)

        async def found() -> None:
            council = Council(folder)
            await council.start()
            await council.invite_both()
            council.save()
            await council.close_all()
            if database:
                await council._move_hub(database)

        (used,), code = in_child(lambda say: say(asyncio.run(found()) or sorted(sys.modules)))
        assert code == 0, "no council could be founded"
        for name in used:  # once here, not in each child
            if name != "__main__":
                import_module(name)
        gc.collect()
        gc.freeze()

    def record(self, folder: Path) -> dict[str, Counter[Point]]:
        """The points that each act passes."""
        found = {}
        for name in ACTS:

            def work(say: Callable[[object], None], name: str = name) -> None:
                self._seams.seen = Counter()
                asyncio.run(perform(folder, name, self._seams))
                seen = self._seams.seen
                say([[point.party, point.place, point.call, n] for point, n in seen.items()])

            (points,), code = in_child(work)
            assert code == 0, f"without a fault: {name}"
            found[name] = Counter({Point(*item[:3]): item[3] for item in points})
        return found

    def tell(self, folder: Path, plan: dict[str, Planned]) -> Iterator[Report]:
        """Tell the story with a fault in each act that has one planned."""
        names = [*ACTS]
        last = max(names.index(name) for name in plan)
        for number, name in enumerate(names[: last + 1]):
            report = self._act(folder, name, plan.get(name), last=number == last)
            yield report
            if report.wrong:
                return

    def _act(self, folder: Path, name: str, planned: Planned | None, *, last: bool) -> Report:
        report = Report(name, *(planned or (None, None)))
        for again in range(3):

            def work(say: Callable[[object], None], again: int = again) -> None:
                if planned is not None and not again:
                    self._seams.on_hit = lambda: say({"hit": True})
                    self._seams.arm(*planned)
                asyncio.run(perform(folder, name, self._seams, say))

            code = report.take(*in_child(work))
            if code != -signal.SIGKILL:
                break
            report.killed = True
        if not report.wrong and (report.hit or last):
            report.take(*in_child(lambda say: asyncio.run(looked_at(folder, say, whole=last))))
        return report


async def perform(
    folder: Path, name: str, seams: Seams, say: Callable[[object], None] = lambda _: None
) -> None:
    """Start everybody, and try an act until it is done; every second failure all start anew."""
    council: Council | None = None
    failed: BaseException | None = None
    later = LATER.get(name, 0)
    for number in range(TRIES):
        if council is not None and number % 2 == 0:
            await closed(council)
            council = None
        try:
            if council is None:
                council = await started(folder, seams)
                council.clock.now += later
                later = 0
            await once(council, name)
        except (PatchworkError, OSError, NotYetError) as error:
            failed = error
        except Exception as error:  # noqa: BLE001 - told
            failed = error
            say({"unforeseen": [f"{type(error).__name__}: {traceback.format_exc()[-900:]}"]})
        else:
            say({"tries": number + 1})
            return
        if council is not None:
            council.clock.now += 5
            await council.go_on()
    say({"wrong": f"not done after {TRIES} tries: {failed!r}"})


async def once(council: Council, name: str) -> None:
    """An act, with what was under way before it and during it; then everybody stops."""
    await council.deliver_late()
    await ACTS[name](Story(council))
    await council.deliver_late()
    await council.stop()


async def started(folder: Path, seams: Seams) -> Council:
    """A council whose programs have all started; else none goes on."""
    council = Council(folder, seams)
    try:
        await council.start_again()
        for node in council.nodes.values():
            await node.service.retry()  # as at each start
    except BaseException:
        with suppress(Exception):
            await council.close_all()
        raise
    return council


async def closed(council: Council) -> None:
    """Have a council stop, whatever it meets."""
    try:
        await council.stop()
    except Exception:  # noqa: BLE001 - its programs end with it
        council.save()


async def looked_at(folder: Path, say: Callable[[object], None], *, whole: bool) -> None:
    """Start everybody, and check; `whole`: as an auditor, too."""
    council = Council(folder)
    await council.start_again()
    try:
        for node in council.nodes.values():
            await node.service.retry()
        await council.settle()
        await check(council)
        if whole:
            await audit(council)
    except Exception as error:  # noqa: BLE001 - told
        say({"wrong": f"{type(error).__name__}: {error}"})
        traceback.print_exc()
    await council.stop()
