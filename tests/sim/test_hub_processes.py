"""Several processes of one hub over one database: the one that leads is killed, frozen, cut off.

There is one history, nothing that was acknowledged is lost, and another leads in time.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import psycopg
import pytest
import pytest_asyncio

from protocol.fields import to_base64
from protocol.governance.follow import log_key
from protocol.log.checkpoint import parse_checkpoint, verify_log_signature
from protocol.log.merkle import leaf_hash, root
from protocol.messages.members import DetailsBody
from protocol.wire import Message, encode_wire
from tests.cut_wire import Wire, wired
from tests.sim.federation import SimFederation, SimNode, simulated

PROGRAM = Path(sys.executable).with_name("patchwork-hub")
LEAD_SECONDS, LIMIT_SECONDS = 2, 60
IN_TIME = 15
SETTINGS = f'database = "{{}}"\nport = 0\nbatch_seconds = 0.2\nlead_seconds = {LEAD_SECONDS}\n'


class Process:
    """One process of the hub."""

    def __init__(self, folder: Path, name: str) -> None:
        self._said = folder / f"{name}.said"
        with self._said.open("wb") as file:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "--dir", folder],
                stdout=file, stderr=subprocess.STDOUT, env={"PYTHONUNBUFFERED": "1"},
            )  # fmt: skip

    def lines(self, word: str) -> list[str]:
        """What it has said so far with this word in it."""
        return [line for line in self._said.read_text("utf-8").splitlines() if word in line]

    @property
    def epoch(self) -> int:
        """Since when it has led last; 0 for never."""
        return max(
            (json.loads(line)["epoch"] for line in self.lines('"event": "leads"')), default=0
        )

    @property
    def port(self) -> int:
        """Where it listens; 0 before it does."""
        return next((int(line.rpartition(" ")[2]) for line in self.lines("listening on port")), 0)

    def end(self) -> None:
        """Kill it, if it lives."""
        self.process.kill()
        self.process.wait()


class Council:
    """A hub in processes, and two agencies that sign what it is to log."""

    def __init__(self, folder: Path, nodes: tuple[SimNode, SimNode], http: Any) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        self.acknowledged: dict[str, int] = {}
        self.nodes = nodes
        self._sequences = [0, 0]
        self._http = http

    async def started(self, folder: Path | None = None) -> Process:
        """One more process, that listens."""
        made = Process(folder or self.folder, f"process-{len(self.processes)}")
        self.processes.append(made)
        await until(lambda: made.port or made.process.poll() is not None)
        assert made.port, made.lines("")
        return made

    async def leader(self, *others: Process) -> Process:
        """Wait until a process leads that is none of these."""
        after = max([item.epoch for item in others], default=0)
        await until(lambda: any(item.epoch > after for item in self.processes))
        return max(self.processes, key=lambda item: item.epoch)

    async def log(self, at: Process, who: int, times: int = 1) -> None:
        """Have an agency's new details logged by a process, again and again."""
        membership = self.nodes[who].membership
        for _ in range(times):
            self._sequences[who] += 1
            number = self._sequences[who]
            body = DetailsBody(
                sequence=number, name=None, duty_line=f"01632 9601{number:02}", duty_hours=None
            )
            said = membership.sign(body, membership.hub.hub_id)
            envelope = to_base64(said.envelope.encode())
            message = encode_wire(Message(envelope=envelope, sealed=None, proof=None))
            url = f"http://127.0.0.1:{at.port}/v1/statements"
            async with self._http.post(url, data=message) as answer:
                assert answer.status == 200, await answer.text()
            self.acknowledged[said.id] = number

    async def covers_all(self, at: Process, entries: Callable[[], int]) -> None:
        """Wait until the checkpoint that a process serves covers every entry."""
        size = entries()
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                async with self._http.get(f"http://127.0.0.1:{at.port}/checkpoint") as answer:
                    data = await answer.read() if answer.status == 200 else None
                if data is not None and parse_checkpoint(data)[1].size >= size:
                    return
                await asyncio.sleep(0.1)


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not look():  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture
async def council(
    tmp_path: Path, two_linked: SimFederation, hub_database: str
) -> AsyncIterator[Council]:
    """A hub that was moved to PostgreSQL, stopped, and may be started in processes."""
    async with simulated(tmp_path, resume=two_linked, database=hub_database) as federation:
        await federation.hub_write(lambda tables: tables.leads.resign(1))
    federation.clock.now = int(time.time())
    health, care = federation.nodes.values()
    folder = tmp_path / "hub"
    (folder / "hub.toml").write_text(SETTINGS.format(hub_database), encoding="utf-8")
    async with aiohttp.ClientSession() as http:
        made = Council(folder, (health, care), http)
        try:
            yield made
        finally:
            for process in made.processes:
                process.end()


@pytest.fixture
def entries(hub_database: str) -> Iterator[Callable[[], int]]:
    """How many entries the log has."""
    with psycopg.connect(hub_database, autocommit=True) as console:
        yield lambda: console.execute("SELECT COUNT(*) FROM entry").fetchone()[0]  # type: ignore[index]


def check_one_history(council: Council, database: str) -> None:
    """Every note that was ever published is over the beginning of the one log, and what was
    acknowledged is in it once.
    """
    with psycopg.connect(database) as console:
        rows = console.execute("SELECT idx, leaf, statement_id FROM entry ORDER BY idx").fetchall()
        notes = console.execute("SELECT note FROM note ORDER BY seq").fetchall()
        (head,) = console.execute("SELECT note FROM head").fetchall()
    hashes = [leaf_hash(leaf) for _, leaf, _ in rows]
    assert [index for index, _, _ in rows] == list(range(len(rows)))
    logged = [name for _, _, name in rows]
    assert all(logged.count(name) == 1 for name in council.acknowledged)
    key = log_key(council.nodes[0].membership.charter)
    sizes = []
    for (data,) in (*notes, head):
        note, checkpoint = parse_checkpoint(data)
        verify_log_signature(note, checkpoint, key)
        assert checkpoint.root == root(hashes[: checkpoint.size])
        sizes.append(checkpoint.size)
    assert sizes == sorted(sizes), "the log never goes back"
    assert sizes[-1] == len(rows)


@pytest.fixture
def wire(hub_database: str) -> Iterator[tuple[str, Wire]]:
    with TemporaryDirectory() as short, wired(hub_database, Path(short)) as made:
        yield made


async def test_the_process_that_leads_is_killed_frozen_and_cut_off_and_the_log_goes_on(
    council: Council, hub_database: str, entries: Callable[[], int], wire: tuple[str, Wire]
) -> None:
    first, second = [await council.started() for _ in range(2)]
    leader = await council.leader()
    (other,) = {first, second} - {leader}
    await asyncio.gather(council.log(leader, 0), council.log(other, 1))
    await council.covers_all(other, entries)

    began = time.monotonic()
    logging = asyncio.create_task(council.log(other, 1, 3))
    leader.process.send_signal(signal.SIGKILL)
    assert await council.leader(leader) is other
    assert time.monotonic() - began < IN_TIME
    await logging
    await council.covers_all(other, entries)

    far = council.folder.with_name("far")
    shutil.copytree(council.folder, far)
    (far / "hub.toml").write_text(SETTINGS.format(wire[0]), encoding="utf-8")
    third = await council.started(far)
    os.kill(other.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    await council.log(third, 0)
    assert await council.leader(other) is third
    assert time.monotonic() - began < IN_TIME
    os.kill(other.process.pid, signal.SIGCONT)
    await until(lambda: other.lines("leads_no_longer"))
    await asyncio.gather(council.log(other, 0), council.log(third, 1))
    for process in (other, third):
        await council.covers_all(process, entries)

    wire[1].cut_all()
    began = time.monotonic()
    await council.log(other, 1)
    assert await council.leader(third) is other
    assert time.monotonic() - began < IN_TIME
    wire[1].is_down = False
    await until(lambda: third.lines("leads_no_longer"))
    await asyncio.gather(council.log(third, 0), council.log(other, 1))
    for process in (other, third):
        await council.covers_all(process, entries)
    check_one_history(council, hub_database)
    assert len(council.acknowledged) == 2 + 3 + 1 + 2 + 1 + 2
