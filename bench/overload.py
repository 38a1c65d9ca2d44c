"""A hub under load: a member at ten times its quota, ten at theirs, and two hundred that poll.

    python -m bench.overload [SECONDS [MEMBERS]]      a flood of 300 seconds among 200 members

A hub is a process of its own, with members whose keys we have. Ten of them ask one another once a
second and poll: first alone, then while another member sends ten times its quota of requests, then
while ten others use all of theirs. Ours is what they wait in the worst of a hundred times under
load, the baseline the same before, in quiet; of memory, the end of the flood beside its
first fifth. In the end every statement that the hub accepted must
be in its log. Then all members hold polls, and nothing happens: what the hub's processor does.
"""

import asyncio
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from bench.results import Figure, record
from protocol.errors import RemoteError
from protocol.fields import from_base64, to_base64
from protocol.messages.bodies import PollBody, RequestBody
from protocol.messages.statement import parse_statement
from protocol.wire import ANSWER_LIMIT, Mailbag, Message, encode_wire, parse_message, parse_wire
from tests.sim.federation import AMIRA, DUTY, Clock, SimFederation, SimNode, row
from tests.sim.test_charter_change import amend
from transport.client import HttpClient

SECONDS, IDLE_SECONDS = 300, 60
LINKED, ALL = 21, 200
TIMES_SLOWER, IDLE_CORES, TIMES_QUOTA = 3, 0.15, 10
POLL_SECONDS, A_POOL = 20, 50
TICKS = os.sysconf("SC_CLK_TCK")


class Now(Clock):
    """The clock of this machine."""

    @property
    def now(self) -> int:
        """Seconds."""
        return int(time.time())

    @now.setter
    def now(self, _: int) -> None:
        """Nobody sets it."""


@dataclass
class Member:
    """A member that sends what its node sent once, as often as it likes."""

    node: SimNode
    http: HttpClient
    url: str
    sample: Message | None = None
    polling: asyncio.Lock = field(default_factory=asyncio.Lock)
    took: list[float] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Go on where the node stands."""
        hub = self.node.membership.hub
        self.generation, self.cursor = hub.generation, hub.cursor

    async def ask(self) -> None:
        """One request more, timed; what became of it is kept."""
        sample = cast("Message", self.sample)
        held, env = self.node.membership, self.node.membership.env
        before = parse_statement(from_base64(sample.envelope)).expect(RequestBody)
        body = before.body.model_copy(update={"request_id": env.new_id()})
        statement = held.sign(body, before.preamble.aud)
        envelope = to_base64(statement.envelope.encode())
        message = sample.model_copy(update={"envelope": envelope})
        try:
            await self._timed("/v1/statements", message)
            self.accepted.append(statement.id)
        except RemoteError as error:
            self.refused[error.code] += 1

    async def poll(self, wait: int = 0) -> int:
        """One poll, timed; how much mail it brought."""
        async with self.polling:
            return await self._poll(wait)

    async def _poll(self, wait: int) -> int:
        hub = self.node.membership.hub
        body = PollBody(
            generation=self.generation, cursor=self.cursor, wait=wait, instance=hub.party_id
        )
        statement = self.node.membership.sign(body, hub.hub_id)
        message = Message(envelope=to_base64(statement.envelope.encode()), sealed=None, proof=None)
        bag = parse_wire(Mailbag, await self._timed("/v1/polls", message), limit=ANSWER_LIMIT)
        self.generation = bag.generation
        self.cursor = max((mail.seq for mail in bag.deliveries), default=self.cursor)
        return len(bag.deliveries)

    async def _timed(self, path: str, message: Message) -> bytes:
        began = time.perf_counter()
        try:
            return await self.http.post(f"{self.url}{path}", encode_wire(message))
        finally:
            self.took.append(time.perf_counter() - began)


async def main() -> None:
    """Measure, and keep the figures."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    size = int(sys.argv[2]) if len(sys.argv) > 2 else ALL
    quota = 3 * seconds
    with tempfile.TemporaryDirectory() as name:
        folder, samples = Path(name), dict[str, Message]()
        SimFederation.rehearse = False
        federation = SimFederation(folder)
        federation.clock = Now()
        await federation.start()
        nodes = await council(federation, (size, quota), samples)
        await federation.services.publisher.close()
        await federation.hub.engine.close()
        with serving(folder / "hub") as (url, hub):
            async with AsyncExitStack() as stack:
                # A pool has a hundred connections, and everybody holds one while they poll.
                pools = [
                    await stack.enter_async_context(HttpClient(allow_private=True))
                    for _ in range(-(-len(nodes) // A_POOL))
                ]
                members = [
                    Member(node, pools[n // A_POOL], url, samples.get(node.party_id))
                    for n, node in enumerate(nodes)
                ]
                await overload(members, hub, seconds, quota)
                cores = await idle(members, hub)
        lost = accepted_and_not_kept(folder / "hub", members)
        for node in nodes:
            await node.membership.engine.close()
    if lost:
        raise SystemExit(f"{len(lost)} accepted statements are not in the log")
    if len(nodes) == ALL:
        record(Figure("idle_council", cores, 1, "cores", IDLE_CORES, "max"))


async def council(
    federation: SimFederation, numbers: tuple[int, int], samples: dict[str, Message]
) -> list[SimNode]:
    """All members; the first of them share a client, and have asked the next one once."""
    size, quota = numbers
    await amend(federation, {"quotas": {"requests_per_day": quota}})
    nodes = [await federation.join(f"Agency {n}", "health_provider") for n in range(LINKED)]
    for number, node in enumerate(nodes):
        await node.take_in(row(f"c{number}", AMIRA, "health_visiting", DUTY))
        await node.publish()
    await federation.round()
    real = federation.network.post
    for number, node in enumerate(nodes):

        async def posted(
            url: str, body: bytes, headers: Mapping[str, str] | None = None, own: SimNode = node
        ) -> bytes:
            if url.endswith("/v1/statements"):
                message = parse_message(body)
                if parse_statement(from_base64(message.envelope)).preamble.kind == "request":
                    samples[own.party_id] = message
            return await real(url, body, headers)

        federation.network.post = posted  # type: ignore[method-assign]
        other = (await node.team(f"c{number}")).others[0]
        await node.ask(f"c{number}", other.involvement_id)
    federation.network.post = real  # type: ignore[method-assign]
    for number in range(LINKED, size):
        nodes.append(await federation.join(f"Agency {number}", "charity"))
    return nodes


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int]]:
    """The hub as a process of its own: its address and its process."""
    (folder / "hub.toml").write_text("port = 0\n", "utf-8")
    words = [str(Path(sys.executable).parent / "patchwork-hub"), "serve", "--dir", str(folder)]
    said = folder / "said"
    with said.open("wb") as out, subprocess.Popen(words, stdout=out, stderr=out) as hub:  # noqa: S603
        try:
            while not (found := re.search(r"listening on port (\d+)", said.read_text())):
                if hub.poll() is not None:
                    raise SystemExit(said.read_text())
                time.sleep(0.1)
            yield f"http://127.0.0.1:{found[1]}", hub.pid
        finally:
            hub.terminate()


async def overload(members: Sequence[Member], hub: int, seconds: int, quota: int) -> None:
    """The three phases, and the two figures."""
    others, flooder, full = members[:10], members[10], members[11:LINKED]
    quiet = await phase(others, max(10, seconds // 3))
    held: list[int] = []

    async def weighed() -> None:
        held.append(memory(hub))

    total = TIMES_QUOTA * quota
    used = processor(hub)
    load = [paced(flooder.ask, total, seconds), paced(weighed, 10, seconds)]
    flooded = await phase(others, seconds, *load)
    print(f"flood: {total} sent, {flooder.refused}, {len(flooder.accepted)} accepted")
    print(f"processor of the hub: {processor(hub) - used:.1f} s in {seconds} s")
    print(f"memory of the hub: {held} MB", flush=True)
    at_quota = [paced(member.ask, quota // 3, seconds // 3) for member in full]
    filled = await phase(others, seconds // 3, *at_quota)
    print(f"ten at their quota: {sum(len(one.accepted) for one in full)} accepted")
    for member in others:
        if member.refused:
            raise SystemExit(f"one of the others was refused: {member.refused}")
    tried = "" if seconds == SECONDS else f"_{seconds}s"
    ms = "ms a request, p99"
    record(Figure(f"overload_p99{tried}", flooded, quiet, ms, TIMES_SLOWER, "max"))
    record(Figure(f"ten_at_quota_p99{tried}", filled, quiet, ms, TIMES_SLOWER, "max"))
    record(Figure(f"overload_memory{tried}", held[-1], held[2], "MB", 1.1, "max"))


async def phase(others: Sequence[Member], seconds: int, *load: Coroutine[Any, Any, None]) -> float:
    """The 99th percentile of what the others wait, in milliseconds."""
    for member in others:
        member.took.clear()
    work = [paced(deed, seconds, seconds) for one in others for deed in (one.ask, one.poll)]
    await asyncio.gather(*work, *load)
    took = [1000 * each for member in others for each in member.took]
    hundredths = statistics.quantiles(took, n=100)
    print(
        f"{len(took)} times: p50 {hundredths[49]:.1f} ms, p99 {hundredths[98]:.1f} ms", flush=True
    )
    return hundredths[98]


async def paced(deed: Callable[[], Awaitable[object]], times: int, seconds: float) -> None:
    """Do it so many times in so many seconds, whether or not the one before is over."""
    loop, tasks = asyncio.get_running_loop(), set[asyncio.Future[object]]()
    began = loop.time()
    for number in range(times):
        await asyncio.sleep(max(0.0, began + number * seconds / times - loop.time()))
        task = asyncio.ensure_future(deed())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


async def idle(members: Sequence[Member], hub: int) -> float:
    """Cores that the hub takes while everybody polls and nothing happens."""

    async def polls(member: Member, number: int) -> None:
        await asyncio.sleep(POLL_SECONDS * number / len(members))
        while True:
            await member.poll(POLL_SECONDS)

    for member in members:
        while await member.poll():
            pass
    tasks = [asyncio.ensure_future(polls(one, n)) for n, one in enumerate(members)]
    await asyncio.sleep(POLL_SECONDS + 2)
    began, before = time.perf_counter(), processor(hub)
    await asyncio.sleep(IDLE_SECONDS)
    cores = (processor(hub) - before) / (time.perf_counter() - began)
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(f"{len(members)} members poll: {cores:.3f} cores", flush=True)
    return cores


def memory(pid: int) -> int:
    """Megabytes that a process holds."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]) // 1024


def processor(pid: int) -> float:
    """Seconds of the processor that a process has used."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / TICKS


def accepted_and_not_kept(folder: Path, members: Sequence[Member]) -> set[str]:
    """Statements that the hub said it had logged, and has not."""
    with sqlite3.connect(folder / "hub.sqlite") as database:
        held = {found for (found,) in database.execute("SELECT statement_id FROM entry")}
    return {statement for member in members for statement in member.accepted} - held


if __name__ == "__main__":
    asyncio.run(main())
