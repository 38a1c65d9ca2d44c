"""While 200 connections of nobody do their worst, a member's request is answered and memory holds.

Real processes on two cores: the attackers are nice, the hub is not. Figures are printed (`-s`).
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.council import CHILD
from demo.stage import ROOT, Stage
from node.actions.session import open_service
from node.publishing.tokens import TokenClient
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.witness import encode_add_checkpoint
from transport.client import HttpClient

HERE = Path(__file__)
TIMES = 60
MOST_SLOWER = 10
MOST_GROWTH = 64 * 1024 * 1024
KINDS = ("gzip", "deep", "unsigned", "proof", "header", "body", "silent")


HOLDER, WITNESS = "holder-1", "w1.example"


def port_in(settings: Path) -> int:
    """The port that a settings file names."""
    return int(settings.read_text().partition("port = ")[2].partition("\n")[0])


def port_of(stage: Stage, name: str) -> int:
    """The port that a service listens on."""
    if name == "hub":
        return port_in(ROOT / "hub" / "hub.toml")
    if name == HOLDER:
        return port_in(ROOT / HOLDER / "holder.toml")
    words = stage._started[name]
    return int(words[words.index("--port") + 1])


def memory(stage: Stage, name: str) -> int:
    """Bytes that a service holds now."""
    status = Path(f"/proc/{stage.processes[name].pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


@contextmanager
def flooded(port: int, path: str, kinds: tuple[str, ...]) -> Iterator[None]:
    program = [sys.executable, str(HERE.with_name("flood.py")), str(port), path]
    attackers = subprocess.Popen([*program, *kinds], stdout=subprocess.PIPE)
    try:
        assert attackers.stdout is not None
        assert attackers.stdout.readline() == b"flooding\n"
        yield
        assert attackers.poll() is None, "they went on to the end"
    finally:
        attackers.kill()
        attackers.communicate()


async def timed(times: int, work: Callable[[], Awaitable[object]]) -> list[float]:
    """Seconds of each of so many times, one after the other."""
    await work()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        took.append(time.perf_counter() - began)
    return took


async def polls(_port: int) -> list[float]:
    """The member's polls at the hub, on one connection."""
    async with open_service(CHILD.folder, "") as service:
        return await timed(TIMES, lambda: service.receive(wait=0))


async def evaluations(_port: int) -> list[float]:
    """The member has one value evaluated by two key holders, of which one is flooded."""
    async with open_service(CHILD.folder, "") as service:
        client = TokenClient(service.membership)
        return await timed(TIMES, lambda: client.evaluate([b"a value"]))


async def cosignatures(port: int) -> list[float]:
    """The log's newest checkpoint is shown to a witness again, as the hub does."""
    url = f"http://127.0.0.1:{port}"
    async with HttpClient(allow_private=True) as http:
        hub = f"http://127.0.0.1:{port_in(ROOT / 'hub' / 'hub.toml')}"
        note = await http.get(f"{hub}/checkpoint")
        request = encode_add_checkpoint(parse_checkpoint(note)[1].size, (), note)

        async def ask() -> None:
            status, _ = await http.exchange(f"{url}/add-checkpoint", request)
            assert status in {200, 409}, "409: the log has grown since"

        return await timed(TIMES, ask)


SERVICES = {
    "hub": ("/v1/statements", polls),
    HOLDER: ("/v1/evaluations", evaluations),
    WITNESS: ("/add-checkpoint", cosignatures),
}
CASES = [
    *((name, KINDS) for name in SERVICES),
    *(("hub", (kind,)) for kind in KINDS),
]


@pytest.mark.parametrize(("name", "kinds"), CASES, ids=lambda value: "-".join(value))
def test_a_member_is_answered_while_nobody_does_its_worst(
    stage: Stage, name: str, kinds: tuple[str, ...]
) -> None:
    port, (path, ask) = port_of(stage, name), SERVICES[name]
    quiet = statistics.median(asyncio.run(ask(port)))
    with flooded(port, path, kinds):
        asyncio.run(ask(port))
        before = memory(stage, name)
        took = asyncio.run(ask(port))
        grown = memory(stage, name) - before
    median, worst = statistics.median(took), sorted(took)[int(len(took) * 0.95)]
    sys.stdout.write(
        f"\n{name}, {'-'.join(kinds)}: quiet {quiet * 1000:.1f} ms, flooded {median * 1000:.1f} ms "
        f"({median / quiet:.1f}x), 95% {worst * 1000:.1f} ms, memory {grown / 2**20:+.1f} MiB\n"
    )
    assert median < MOST_SLOWER * quiet
    assert grown < MOST_GROWTH
    stage.check_alive()
