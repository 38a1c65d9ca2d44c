"""While 200 connections of nobody do their worst, a member's request is answered and memory holds.

Real processes on two cores: the attackers are nice, the hub is not. Figures are printed (`-s`).
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.council import CHILD
from demo.stage import ROOT, Stage
from node.actions.session import open_service

HERE = Path(__file__)
TIMES = 60
MOST_SLOWER = 10
MOST_GROWTH = 64 * 1024 * 1024
KINDS = ("gzip", "deep", "unsigned", "proof", "header", "body", "silent")


def hub_port() -> int:
    text = (ROOT / "hub" / "hub.toml").read_text()
    return int(text.partition("port = ")[2].partition("\n")[0])


def memory(stage: Stage) -> int:
    """Bytes that the hub holds now."""
    status = Path(f"/proc/{stage.processes['hub'].pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


@contextmanager
def flooded(port: int, kinds: tuple[str, ...]) -> Iterator[None]:
    program = [sys.executable, str(HERE.with_name("flood.py")), str(port), "/v1/statements"]
    attackers = subprocess.Popen([*program, *kinds], stdout=subprocess.PIPE)
    try:
        assert attackers.stdout is not None
        assert attackers.stdout.readline() == b"flooding\n"
        yield
        assert attackers.poll() is None, "they went on to the end"
    finally:
        attackers.kill()
        attackers.communicate()


async def polls(times: int) -> list[float]:
    """Seconds of each of so many polls by the member, on one connection."""
    took = []
    async with open_service(CHILD.folder, "") as service:
        await service.receive(wait=0)
        for _ in range(times):
            began = time.perf_counter()
            await service.receive(wait=0)
            took.append(time.perf_counter() - began)
    return took


@pytest.mark.parametrize("kinds", [KINDS, *((kind,) for kind in KINDS)], ids=lambda k: "-".join(k))
def test_a_member_is_answered_while_nobody_does_its_worst(
    stage: Stage, kinds: tuple[str, ...]
) -> None:
    quiet = statistics.median(asyncio.run(polls(TIMES)))
    with flooded(hub_port(), kinds):
        asyncio.run(polls(TIMES))
        before = memory(stage)
        took = asyncio.run(polls(TIMES))
        grown = memory(stage) - before
    median, worst = statistics.median(took), sorted(took)[int(len(took) * 0.95)]
    sys.stdout.write(
        f"\n{'-'.join(kinds)}: quiet {quiet * 1000:.1f} ms, flooded {median * 1000:.1f} ms "
        f"({median / quiet:.1f}x), 95% {worst * 1000:.1f} ms, memory {grown / 2**20:+.1f} MiB\n"
    )
    assert median < MOST_SLOWER * quiet
    assert grown < MOST_GROWTH
    stage.check_alive()
