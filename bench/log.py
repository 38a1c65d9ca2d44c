"""The log's durable append, against building the same tree in memory in the same run.

In memory means leaf hashes, every node and the root after each batch, without files. Durable means
that a batch is on the disk before the next begins: the log itself, which is tiles, signed head and
checkpoint; and as the hub does it, its own rows with their indexes first. The limits are what the
machine takes for as many synced files without any tree, and for the same rows by SQLite alone.
Each line is the best of some runs, taken in turns.
"""

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench.results import Figure, record
from hub.log.tile_store import TileStore
from hub.store.tables import SCHEMA, HubTables, open_engine
from protocol.dsse import Envelope
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.leaf import sealed_leaf
from protocol.log.merkle import Frontier, leaf_hash, root
from protocol.log.note import NoteSigner, SignatureType
from protocol.messages.bodies import RejectionBody
from protocol.messages.statement import Context, Preamble, Stamp, Statement, make_statement
from protocol.signing import SecretSeed

LEAVES = 20_000
BATCH = 1000
RUNS = 5
SEED = SecretSeed(b"\x01" * 32)
SIGNER = NoteSigner("hub.example/log", SignatureType.ED25519, SEED)
SALT = bytes(32)
FILES = 11
LEAF_BYTES = 34 + 2 + 32  # in a bundle and, hashed, in a tile
Statements = list[Statement[RejectionBody]]


def main() -> None:
    """Measure."""
    statements = [statement(number) for number in range(LEAVES)]
    leaves = [sealed_leaf(SALT, item.envelope.encode()) for item in statements]
    expected = root([leaf_hash(leaf) for leaf in leaves])

    def check(found: bytes) -> None:
        if found != expected:
            raise SystemExit("this is not the tree's root")

    rows = [(item.envelope, item.preamble) for item in statements]
    works: dict[str, Callable[[Path], object]] = {
        "tree in memory, by batches": lambda _: check(in_memory(leaves)),
        "limit: as many files, synced": files_alone,
        "limit: the same bytes, one file": bytes_alone,
        "the log, durable": lambda folder: check(log(folder, leaves)),
        "limit: the same rows, SQLite": lambda folder: rows_alone(folder, leaves, rows),
        "rows and log, durable": lambda folder: check(asyncio.run(hub(folder, statements, leaves))),
    }
    with tempfile.TemporaryDirectory() as folder:
        # Nothing is deleted in between: a disk that discards in the background is slow meanwhile.
        seconds = {
            name: [timed(work, Path(folder) / f"{name} {run}") for run in range(RUNS)]
            for name, work in works.items()
        }
    memory = min(seconds["tree in memory, by batches"])
    print(f"{LEAVES} leaves in batches of {BATCH}")
    for name, taken in seconds.items():
        print(f"{name:32s} {LEAVES / min(taken):10.0f} leaves/s {memory / min(taken):7.1%}")
    ours, bare = (
        LEAVES / min(seconds[name])
        for name in ("the log, durable", "limit: the same bytes, one file")
    )
    record(Figure("log_append", ours, bare, "leaves a second", 0.5, "min"))


def timed(work: Callable[[Path], object], folder: Path) -> float:
    """Seconds of one run, in a folder of its own."""
    folder.mkdir()
    began = time.perf_counter()
    work(folder)
    return time.perf_counter() - began


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


def log(folder: Path, leaves: list[bytes]) -> bytes:
    """Every batch's tiles, head and checkpoint synced, as the publisher writes them."""
    store = TileStore(folder)
    for start in range(0, LEAVES, BATCH):
        size = store.append(start, leaves[start : start + BATCH])
        head = Checkpoint(SIGNER.name, size, store.root(size))
        store.write_checkpoint(sign_checkpoint(head, SIGNER).encode())
    return store.root(LEAVES)


def bytes_alone(folder: Path) -> None:
    """As many bytes as a log in tiles leaves on the disk, appended to one file, synced a batch."""
    descriptor = os.open(folder / "bytes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(LEAVES // BATCH):
        os.write(descriptor, bytes(LEAF_BYTES * BATCH))
        os.fdatasync(descriptor)
    os.close(descriptor)


def files_alone(folder: Path) -> None:
    """What any log in tiles must leave on the disk: ten files a batch and a checkpoint."""
    data = bytes(LEAF_BYTES * BATCH // FILES)
    with ThreadPoolExecutor(FILES) as pool:
        for batch in range(LEAVES // BATCH):
            descriptors = []
            for number in range(FILES):
                path = folder / f"{batch}.{number}"
                descriptors.append(os.open(path, os.O_WRONLY | os.O_CREAT))
                os.write(descriptors[-1], data)
            list(pool.map(os.fsync, descriptors))
            for descriptor in descriptors:
                os.close(descriptor)


def rows_alone(folder: Path, leaves: list[bytes], rows: list[tuple[Envelope, Preamble]]) -> None:
    """The hub's two tables by bare SQLite, many rows a call."""
    database = sqlite3.connect(folder / "rows", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.executescript(SCHEMA.scripts[0])
    entries = [
        (index, leaf, envelope.statement_id, head.kind, head.sender, head.nonce, head.iat, head.iat)
        for index, (leaf, (envelope, head)) in enumerate(zip(leaves, rows, strict=True))
    ]
    payloads = [(index, SALT, envelope.encode()) for index, (envelope, _) in enumerate(rows)]
    for start in range(0, LEAVES, BATCH):
        database.execute("BEGIN IMMEDIATE")
        some = slice(start, start + BATCH)
        database.executemany("INSERT INTO entry VALUES (?,?,?,?,?,?,?,?)", entries[some])
        database.executemany("INSERT INTO payload VALUES (?,?,?)", payloads[some])
        database.execute("COMMIT")
    database.close()


async def hub(folder: Path, statements: Statements, leaves: list[bytes]) -> bytes:
    """Every batch as the hub writes it."""
    engine, store = open_engine(folder), TileStore(folder / "log")
    for start in range(0, LEAVES, BATCH):
        end = start + BATCH
        batch = list(zip(leaves[start:end], statements[start:end], strict=True))
        await engine.write(partial(write_rows, batch))
        store.append(start, leaves[start:end])
        head = sign_checkpoint(Checkpoint(SIGNER.name, end, store.root(end)), SIGNER).encode()
        await engine.write(partial(move_head, start, end, head))
        store.write_checkpoint(head)
    await engine.close()
    return store.root(LEAVES)


def move_head(start: int, end: int, note: bytes, tables: HubTables) -> None:
    """The new head."""
    tables.checkpoints.move_head(start, end, note)


def write_rows(batch: list[tuple[bytes, Statement[RejectionBody]]], tables: HubTables) -> None:
    """Entries and payloads of a batch."""
    for leaf, item in batch:
        tables.log.append(leaf, item.envelope, item.preamble, SALT, item.preamble.iat)


if __name__ == "__main__":
    main()
