"""The log's durable append, against building the same tree in memory in the same run.

In memory means leaf hashes, every node and the root after each batch, without files. Durable means
that a batch is on the disk before the next begins: its tiles alone, and as the hub does it, rows
with their indexes first, then tiles, then the signed head. Each line is the best of three runs.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from hub.log.tile_store import TileStore
from hub.store import SCHEMA, HubTables
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.leaf import sealed_leaf
from protocol.merkle import Frontier, leaf_hash, root
from protocol.messages import RejectionBody
from protocol.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed
from protocol.statement import Context, Stamp, Statement, make_statement
from storage.sqlite import Engine

LEAVES = 20_000
BATCH = 1000
RUNS = 3
SEED = SecretSeed(b"\x01" * 32)
SIGNER = NoteSigner("hub.example/log", SignatureType.ED25519, SEED)
SALT = bytes(32)
Statements = list[Statement[RejectionBody]]


def main() -> None:
    """Measure."""
    statements = [statement(number) for number in range(LEAVES)]
    leaves = [sealed_leaf(SALT, item.envelope.encode()) for item in statements]
    expected = root([leaf_hash(leaf) for leaf in leaves])

    def check(found: bytes) -> None:
        if found != expected:
            raise SystemExit("this is not the tree's root")

    print(f"{LEAVES} leaves in batches of {BATCH}")
    memory = best(lambda _: check(in_memory(leaves)))
    row("tree in memory, by batches", memory, memory)
    row("tree in memory, at once", best(lambda _: check(at_once(leaves))), memory)
    row("durable tiles", best(lambda folder: check(tiles(folder, leaves))), memory)
    whole = best(lambda folder: check(asyncio.run(hub(folder, statements, leaves))))
    row("durable rows, tiles and head", whole, memory)


def best(work: Callable[[Path], object]) -> float:
    """Seconds of the best run, each in a folder of its own."""
    seconds = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            work(Path(folder))
            seconds.append(time.perf_counter() - began)
    return min(seconds)


def row(name: str, seconds: float, memory: float) -> None:
    """One line of the table."""
    print(f"{name:30s} {LEAVES / seconds:10.0f} leaves/s {memory / seconds:7.1%}")


def statement(number: int) -> Statement[RejectionBody]:
    """A small statement by the hub."""
    context = Context("c0" * 16, 1, SIGNER.name, "c0" * 16)
    body = RejectionBody(statement="0" * 64, kind="request", code="conflict")
    return make_statement(context, Stamp("a0" * 16, f"{number:032x}", 1_790_000_000), body, SEED)


def in_memory(leaves: list[bytes]) -> bytes:
    """A root for each batch; the last."""
    frontier = Frontier()
    for start in range(0, LEAVES, BATCH):
        frontier = frontier.append(leaf_hash(leaf) for leaf in leaves[start : start + BATCH])
        frontier.root()
    return frontier.root()


def at_once(leaves: list[bytes]) -> bytes:
    """One root."""
    return root([leaf_hash(leaf) for leaf in leaves])


def tiles(folder: Path, leaves: list[bytes]) -> bytes:
    """Every batch's files synced."""
    store = TileStore(folder)
    for start in range(0, LEAVES, BATCH):
        store.append(start, leaves[start : start + BATCH])
    return store.root(LEAVES)


async def hub(folder: Path, statements: Statements, leaves: list[bytes]) -> bytes:
    """Every batch as the hub writes it."""
    engine, store = Engine(folder / "hub.sqlite", SCHEMA), TileStore(folder / "log")
    for start in range(0, LEAVES, BATCH):
        end = start + BATCH
        batch = list(zip(leaves[start:end], statements[start:end], strict=True))
        await engine.write(partial(write_rows, batch))
        store.append(start, leaves[start:end])
        head = sign_checkpoint(Checkpoint(SIGNER.name, end, store.root(end)), SIGNER).encode()
        await engine.write(partial(move_head, start, end, head))
    await engine.close()
    return store.root(LEAVES)


def move_head(start: int, end: int, note: bytes, database: Database) -> None:
    """The new head."""
    HubTables(database).move_head(start, end, note)


def write_rows(batch: list[tuple[bytes, Statement[RejectionBody]]], database: Database) -> None:
    """Entries and payloads of a batch."""
    tables = HubTables(database)
    for leaf, item in batch:
        tables.append(leaf, item.envelope, item.preamble, SALT, item.preamble.iat)


if __name__ == "__main__":
    main()
