"""While 200 connections of nobody do their worst, a member's request is answered and memory holds.

Real processes on two cores: the attackers are nice, the hub is not. Figures are printed (`-s`).
"""

import asyncio
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from demo.council import CHILD
from demo.stage import ROOT, Stage
from node.actions.session import open_service
from node.publishing.tokens import TokenClient
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import consistency_proof, leaf_hash, root
from protocol.log.note import NoteSigner, SignatureType
from protocol.log.witness import encode_add_checkpoint
from protocol.signing import SecretSeed
from transport.client import HttpClient

HERE = Path(__file__)
TIMES = 60
WARM = 5  # rounds before memory counts: threads and pools are made once
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


async def polls(_stage: Stage) -> list[float]:
    """The member's polls at the hub, on one connection."""
    async with open_service(CHILD.folder, "") as service:
        return await timed(TIMES, lambda: service.receive(wait=0))


async def evaluations(_stage: Stage) -> list[float]:
    """The member has one value evaluated by two key holders, of which one is flooded."""
    async with open_service(CHILD.folder, "") as service:
        client = TokenClient(service.membership)
        return await timed(TIMES, lambda: client.evaluate([b"a value"]))


class OwnLog:
    """A log that the flooded witness knows, so that each request shows it something new."""

    def __init__(self, stage: Stage) -> None:
        name = f"own-{secrets.token_hex(4)}.example"
        self._signer = NoteSigner(name, SignatureType.ED25519, SecretSeed(b"\5" * 32))
        self._leaves: list[bytes] = []
        stage.run(
            "patchwork-audit", "witness", "add-log", str(ROOT / WITNESS), self._signer.key.text
        )

    def grown(self) -> bytes:
        """The request that shows a checkpoint of one leaf more."""
        old = len(self._leaves)
        self._leaves.append(leaf_hash(old.to_bytes(4)))
        reader = partial(subtree, self._leaves)
        proof = consistency_proof(old, old + 1, reader) if old else ()
        checkpoint = Checkpoint(self._signer.key.name, old + 1, root(self._leaves))
        return encode_add_checkpoint(old, proof, sign_checkpoint(checkpoint, self._signer).encode())


def subtree(leaves: list[bytes], level: int, index: int) -> bytes:
    """The hash of a complete subtree."""
    return root(leaves[index << level : (index + 1) << level])


async def cosignatures(stage: Stage) -> list[float]:
    """A log shows a witness one checkpoint after the other, as the hub does: each is new."""
    own, url = OwnLog(stage), f"http://127.0.0.1:{port_of(stage, WITNESS)}/add-checkpoint"
    async with HttpClient(allow_private=True) as http:

        async def ask() -> None:
            status, _ = await http.exchange(url, own.grown())
            assert status == 200

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


@pytest.mark.parametrize(
    ("name", "kinds"), CASES, ids=[f"{name}-{'-'.join(kinds)}" for name, kinds in CASES]
)
def test_a_member_is_answered_while_nobody_does_its_worst(
    stage: Stage, name: str, kinds: tuple[str, ...]
) -> None:
    port, (path, ask) = port_of(stage, name), SERVICES[name]
    quiet = statistics.median(asyncio.run(ask(stage)))
    with flooded(port, path, kinds):
        for _ in range(WARM):
            asyncio.run(ask(stage))
        before = memory(stage, name)
        took = asyncio.run(ask(stage))
        grown = memory(stage, name) - before
    median, worst = statistics.median(took), sorted(took)[int(len(took) * 0.95)]
    sys.stdout.write(
        f"\n{name}, {'-'.join(kinds)}: quiet {quiet * 1000:.1f} ms, flooded {median * 1000:.1f} ms "
        f"({median / quiet:.1f}x), 95% {worst * 1000:.1f} ms, memory {grown / 2**20:+.1f} MiB\n"
    )
    assert median < MOST_SLOWER * quiet
    assert grown < MOST_GROWTH
    stage.check_alive()
