"""Kills a hub at every step of writing its log, and says how it stands when it is started again.

Run as a program of its own: `python -m tests.sim.crash_child FOLDER WORK`. Each hub is a child
process that ends, without a word to anybody, at its nth disk operation: before a sync, on either
side of a rename, on either side of a commit. Writes one JSON line a step to WORK/steps.jsonl.
"""

import asyncio
import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from hub.config import HubSettings
from hub.log.tile_store import TileStore
from hub.server.service import HubService
from protocol.errors import PatchworkError
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.merkle import Frontier, leaf_hash
from runtime.environment import Environment
from storage.sqlite import SqliteDatabase

KILLED = 9


def main() -> None:
    """Every step in turn, until a hub gets to the end unharmed."""
    base, work = Path(sys.argv[1]), Path(sys.argv[2])
    before = in_child(lambda: state_of(base))
    step, done = 0, False
    while not done:
        step += 1
        folder = work / str(step)
        shutil.copytree(base, folder)
        done = not was_killed(folder, step)
        crashed = in_child(lambda folder=folder: state_of(folder))
        restarted = in_child(lambda folder=folder: asyncio.run(one_batch(folder)))
        again = in_child(lambda folder=folder: state_of(folder))
        with (work / "steps.jsonl").open("a") as file:
            file.write(json.dumps([before, crashed, restarted, again, done]) + "\n")
        shutil.rmtree(folder)


def was_killed(folder: Path, step: int) -> bool:
    """Run a batch that dies at its nth disk operation."""
    child = os.fork()
    if child == 0:
        die_at(step)
        asyncio.run(one_batch(folder, entries=True))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, KILLED}, f"the hub ended by itself with {code}"
    return code == KILLED


def die_at(step: int) -> None:
    """Count disk operations from here on; the nth is the last."""
    left = [step]

    def tick() -> None:
        left[0] -= 1
        if left[0] == 0:
            os._exit(KILLED)

    fsync, replace, transact = os.fsync, Path.replace, SqliteDatabase._transact

    def dying_fsync(descriptor: int) -> None:
        tick()
        fsync(descriptor)

    def dying_replace(self: Path, target: Path) -> Path:
        tick()
        moved = replace(self, target)
        tick()
        return moved

    def dying_transact(self: SqliteDatabase[Any], begin: str, work: Any) -> Any:
        if begin == "BEGIN":
            return transact(self, begin, work)
        tick()
        result = transact(self, begin, work)
        tick()
        return result

    patched: Any = (os, Path, SqliteDatabase)
    patched[0].fsync, patched[1].replace, patched[2]._transact = (
        dying_fsync, dying_replace, dying_transact,
    )  # fmt: skip


async def one_batch(folder: Path, *, entries: bool = False) -> str:
    """Start a hub, perhaps log something, and publish. The code of the error if it refuses."""
    hub = HubService(folder, HubSettings(), Environment())
    services = await hub.start()
    if entries:
        await hub.jobs.round()
        await hub.jobs.round()
    await services.publisher.step(None)  # type: ignore[arg-type] # no witness is to be asked
    await hub.engine.close()
    return "ok"


def state_of(folder: Path) -> dict[str, Any]:
    """Sizes and roots as the folder has them, the tree computed from the entries alone."""
    return asyncio.run(_state(folder))


async def _state(folder: Path) -> dict[str, Any]:
    hub = HubService(folder, HubSettings(), Environment())
    leaves = await hub.engine.read(lambda tables: tables.log.leaves(0, 1_000_000))
    size, note = await hub.engine.read(lambda tables: tables.checkpoints.head())
    await hub.engine.close()
    published = TileStore(folder / "log").read_checkpoint()
    heads = [parse_checkpoint(item)[1] for item in (note, published) if item]
    roots = [Frontier().append(map(leaf_hash, leaves[: head.size])).root() for head in heads]
    return {
        "entries": len(leaves),
        "head": size,
        "published": heads[-1].size,
        "leaves": [leaf.hex() for leaf in leaves],
        "true": [head.root == root for head, root in zip(heads, roots, strict=True)],
    }


def in_child(work: Any) -> Any:
    """Run something in a process of its own, so that this one never has threads to fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(PatchworkError), os.fdopen(writing, "w") as pipe:
            answer = json.dumps(work())
            pipe.write(answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer or '"refused"')


if __name__ == "__main__":
    main()
