"""From request to opened card, all automatic, fifty a second, in batch intervals of the log.

    python -m bench.requests [SECONDS [A_SECOND [PAIRS]]]      30 seconds, 50, five pairs

A hub, three witnesses, and as many answering agencies (`patchwork-node serve`) as asking ones
(bench.asker) are processes of their own, over HTTP, as they are set up (a checkpoint each second).
Each asking agency shares clients with one answering agency, which has let a card of theirs go
before and answers by its rule. A request counts from when it was due to when its card is open,
which a look into the databases every 20 milliseconds tells; and so where the time goes. It
takes a minute and a half.
"""

import asyncio
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from audit.witness.store import WitnessStore, make_witness
from bench.first_load import QUIET, busy_seconds, tree_seconds
from bench.overload import Now
from bench.results import Figure, record
from demo.processes import ProcessGroup
from hub.config import HubSettings
from protocol.governance.follow import log_key
from protocol.messages.statement import parse_statement
from tests.sim.crowd import crowd
from tests.sim.federation import DUTY, SimFederation, SimNode, row
from tests.sim.test_charter_change import amend

SECONDS, A_SECOND, PAIRS, CLIENTS = 30, 50, 5, 4
BOUND = 4
LASTING, STARTING = 180, 120  # seconds at most
LOOK = 0.02
BIN = Path(sys.executable).parent
STEPS = ("request", "decision", "release")
STAGES = (
    "until the request is in the log", "until witnesses have signed it",
    "until the answer is in the log", "until witnesses have signed it",
    "until the card is in the log", "until witnesses have signed it",
    "until the card is open",
)  # fmt: skip


async def main() -> None:
    """Measure, and keep the figure."""
    seconds, a_second, pairs = (
        int(sys.argv[n]) if len(sys.argv) > n else usual
        for n, usual in enumerate((SECONDS, A_SECOND, PAIRS), 1)
    )
    with tempfile.TemporaryDirectory() as name:
        council = Council(Path(name), pairs)
        await council.found(quota=2 * seconds * a_second)
        with council.served():
            seen, used, busy = council.ask(seconds, a_second)
        batch = HubSettings().batch_seconds
        waits = seen.waits()
        report(seen, waits, used)
    hundredths = statistics.quantiles([sum(each) for each in waits], n=100)
    print(f"{len(waits)} requests: p50 {hundredths[49]:.2f} s, p99 {hundredths[98]:.2f} s")
    others = 1 - sum(used.values()) / busy
    print(f"{busy / seen.lasted:.2f} processors were busy, {100 * others:.0f} % for others")
    usual = (seconds, a_second, pairs) == (SECONDS, A_SECOND, PAIRS)
    tried = "" if usual else f"_{seconds}s_{a_second}_{pairs}"
    if 1 - others >= QUIET:
        unit = "s, a batch interval"
        record(Figure(f"request_p99{tried}", hundredths[98], batch, unit, BOUND, "max"))
    else:
        print("others took too much of the processors: no figure is kept")


@dataclass
class Seen:
    """When what happened, in seconds of the monotonic clock."""

    began: float
    lasted: float = 0.0
    due: dict[str, float] = field(default_factory=dict)
    opened: dict[str, float] = field(default_factory=dict)
    logged: dict[int, float] = field(default_factory=dict)
    witnessed: list[tuple[int, float]] = field(default_factory=list)
    places: dict[tuple[str, str], int] = field(default_factory=dict)

    def waits(self) -> list[list[float]]:
        """Of each request what it waited for in turn: the stages, which come to the whole."""
        sizes = [size for size, _ in self.witnessed]
        found = []
        for request, due in self.due.items():
            times = [due]
            for step in STEPS:
                index = self.places[request, step]
                signed = self.witnessed[bisect_right(sizes, index)][1]
                times += [self.logged[index], max(signed, self.logged[index])]
            times.append(self.opened[request])
            found.append([after - before for before, after in pairwise(times)])
        return found


class Onlooker:
    """Reads in the databases of hub and asking agencies, while they are written, what is there."""

    def __init__(self, folder: Path, askers: Sequence[str]) -> None:
        self._checkpoint = folder / "hub" / "log" / "checkpoint"
        self._log = _reading(folder / "hub" / "hub.sqlite")
        self._nodes = [_reading(folder / name / "node.sqlite") for name in askers]
        self._begins = self._end = self._entries()
        self._before = self._opened()

    def look(self, seen: Seen, now: float) -> None:
        """Take down what is new."""
        end = self._entries()
        seen.logged |= dict.fromkeys(range(self._end, end), now)
        self._end = end
        size = _witnessed(self._checkpoint)
        if not seen.witnessed or size > seen.witnessed[-1][0]:
            seen.witnessed.append((size, now))
        for request in self._opened() - self._before - seen.opened.keys():
            seen.opened[request] = now

    def say_what(self, seen: Seen) -> None:
        """Which entry was which step of which request."""
        sql = "SELECT idx, envelope FROM payload WHERE idx >= ?"
        for index, envelope in self._log.execute(sql, (self._begins,)):
            statement = parse_statement(envelope)
            request = getattr(statement.body, "request_id", None)
            if request is not None:
                seen.places[request, statement.preamble.kind] = index

    def close(self) -> None:
        """Read no more."""
        for database in (self._log, *self._nodes):
            database.close()

    def _entries(self) -> int:
        (end,) = self._log.execute("SELECT max(idx) + 1 FROM entry").fetchone()
        return int(end)

    def _opened(self) -> set[str]:
        sql = "SELECT request_id FROM sent_request WHERE state = 'opened'"
        return {request for node in self._nodes for (request,) in node.execute(sql)}


class Council:
    """A council in a folder, with so many pairs of agencies."""

    def __init__(self, folder: Path, pairs: int) -> None:
        self._folder, self._pairs = folder, pairs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._group: ProcessGroup

    async def found(self, quota: int) -> None:
        """Set it up in this process, and leave its folders behind."""
        SimFederation.rehearse = False
        federation = SimFederation(self._folder)
        federation.clock = Now()
        await federation.start()
        await amend(federation, {"quotas": {"requests_per_day": quota}})
        people = [each.record for each in crowd(self._pairs * CLIENTS)]
        pairs = []
        for number in range(self._pairs):
            health = await federation.join(f"health-{number}", "health_provider")
            care = await federation.join(f"care-{number}", "childrens_social_care")
            for n, person in enumerate(people[number * CLIENTS : (number + 1) * CLIENTS]):
                await health.take_in(row(f"h{n}", person, "health_visiting", DUTY))
                await care.take_in(row(f"c{n}", person, "child_in_need", DUTY))
            await health.publish()
            await care.publish()
            pairs.append((health, care))
        await federation.round()
        for health, care in pairs:
            await _first_card(federation, health, care)
        charter = await federation.charter()
        for witness in federation.network.witnesses.values():
            folder = self._folder / witness.signer.name
            make_witness(folder, witness.signer.name, witness.signer.seed)
            store = WitnessStore(folder)
            store.add_log(log_key(charter))
            store.close()
        self._witnesses = federation.witness_names
        await federation.close()

    @contextmanager
    def served(self) -> Iterator[None]:
        """Every program runs meanwhile."""
        self._group = ProcessGroup()
        try:
            urls = {}
            for name in self._witnesses:
                words = ["patchwork-audit", "witness", "run", str(self._folder / name)]
                found = self._start(name, [*words, "--port", "0"], r"listening on (\S+)")
                urls[name] = found[1]
            lines = ["port = 0", "allow_private_addresses = true", "[witness_urls]"]
            lines += [f'"{name}" = "{url}"' for name, url in urls.items()]
            (self._folder / "hub" / "hub.toml").write_text("\n".join(lines), "utf-8")
            hub = ["patchwork-hub", "serve", "--dir", str(self._folder / "hub")]
            port = self._start("hub", hub, r"listening on port (\d+)")[1]
            for number in range(self._pairs):
                for name in (f"health-{number}", f"care-{number}"):
                    self._prepare(name, f"http://127.0.0.1:{port}")
                health = str(self._folder / f"health-{number}")
                words = ["patchwork-node", "serve", "--dir", health]
                self._start(f"health-{number}", words, "node serving")
            yield
        finally:
            self._group.close()

    def ask(self, seconds: int, a_second: int) -> tuple[Seen, Mapping[str, float], float]:
        """Have everybody ask; what was seen, the processor time of each program meanwhile, and what
        all processors worked, for whomever.
        """
        askers = [f"care-{number}" for number in range(self._pairs)]
        for name in askers:
            each = [str(self._folder / name), str(a_second / self._pairs), str(seconds)]
            self._start(name, ["python", "-m", "bench.asker", *each], "ready", typed=True)
        before = {name: tree_seconds(each.pid) for name, each in self._processes.items()}
        busy, own = busy_seconds(), time.process_time()
        begins = time.monotonic() + 1
        for number, name in enumerate(askers):
            entrance = self._processes[name].stdin
            if entrance is not None:
                entrance.write(f"{begins + number / a_second}\n".encode())
                entrance.flush()
        seen = self._watch(askers, begins, seconds * a_second)
        used = {
            name: tree_seconds(each.pid) - before[name] for name, each in self._processes.items()
        }
        used["looking on"] = time.process_time() - own
        busy = busy_seconds() - busy
        for name in askers:
            for line in self._said(name).splitlines():
                if line.startswith("asked "):
                    _, request, due = line.split()
                    seen.due[request] = float(due)
        return seen, used, busy

    def _watch(self, askers: Sequence[str], begins: float, requests: int) -> Seen:
        """Look on until all cards are open."""
        seen, ends = Seen(begins), begins + LASTING
        with closing(Onlooker(self._folder, askers)) as onlooker:
            while len(seen.opened) < requests:
                now = time.monotonic()
                if now > ends:
                    raise SystemExit(f"{len(seen.opened)} of {requests} cards are open")
                self._check_alive()
                onlooker.look(seen, now)
                time.sleep(LOOK)
            seen.lasted = time.monotonic() - begins
            onlooker.say_what(seen)
        return seen

    def _prepare(self, name: str, url: str) -> None:
        """A node's settings, and where its hub is now."""
        folder = self._folder / name
        settings = ["allow_private_addresses = true", 'answer_rule = "allow"', f'name = "{name}"']
        (folder / "node.toml").write_text("\n".join(settings), "utf-8")
        with closing(sqlite3.connect(folder / "node.sqlite")) as database, database:
            database.execute("UPDATE hub SET url = ?", (url,))

    def _start(
        self, name: str, words: Sequence[str], until: str, *, typed: bool = False
    ) -> re.Match[str]:
        """Start a program and wait until it says something."""
        with (self._folder / f"{name}.said").open("wb") as out:
            command = [str(BIN / words[0]), *words[1:]]
            self._processes[name] = self._group.start(command, out, typed=typed)
        ends = time.monotonic() + STARTING
        while not (found := re.search(until, self._said(name))):
            self._check_alive()
            if time.monotonic() > ends:
                raise SystemExit(f"{name} does not start")
            time.sleep(0.05)
        return found

    def _said(self, name: str) -> str:
        return (self._folder / f"{name}.said").read_text("utf-8")

    def _check_alive(self) -> None:
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise SystemExit(f"{name} has ended:\n{self._said(name)[-3000:]}")


async def _first_card(federation: SimFederation, health: SimNode, care: SimNode) -> None:
    """A person lets the first card of an agency go."""
    other = (await care.team("c0")).others[0]
    request = await care.ask("c0", other.involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    if (await care.sent(request))["card"] is None:
        raise SystemExit("the first card did not come")


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _witnessed(checkpoint: Path) -> int:
    """How many entries the published checkpoint covers, or none without two witnesses."""
    text = checkpoint.read_text("utf-8")
    lines = sum(line.startswith("— ") for line in text.splitlines())
    return int(text.splitlines()[1]) if lines > 2 else 0


def report(seen: Seen, waits: Sequence[Sequence[float]], used: Mapping[str, float]) -> None:
    """Where the time goes, and the processor."""
    for stage, times in zip(STAGES, zip(*waits, strict=True), strict=True):
        p99 = statistics.quantiles(times, n=100)[98]
        print(f"{stage:34s} {statistics.mean(times):6.2f} s on average, p99 {p99:6.2f} s")
    at = [when for _, when in seen.witnessed]
    apart = [after - before for before, after in pairwise(at)]
    print(f"checkpoints came {statistics.mean(apart):.2f} s apart, {max(apart):.2f} at most")
    for kind in ("care", "health", "hub", "w", "looking"):
        total = sum(seconds for name, seconds in used.items() if name.startswith(kind))
        print(
            f"{kind:8s} {total:6.1f} s of processor, {1000 * total / len(waits):5.1f} ms a request"
        )


if __name__ == "__main__":
    asyncio.run(main())
