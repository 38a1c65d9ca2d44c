"""Cuts the power of a council while an agency publishes for the first time, and goes on.

Run as a program of its own: `python -m tests.sim.first_load_child WORK`. Node, key holders and hub
are one child process that ends, without a word to anybody, before its nth commit, whoever's that
is; then each is started from its folder, and the agency publishes again. Some publications, each of
some batches of tokens. Prints one JSON line a kill, and one of the council that was not killed.
"""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from node.actions.records import publish_now
from node.publishing import publisher, tokens
from node.store.tables import open_engine
from tests.faults.council import Council
from tests.faults.story import HEALTH, Story
from tests.sim.crash_child import KILLED, in_child
from tests.sim.crowd import crowd
from tests.sim.slices_child import die_at

CLIENTS = 5
STEP = 12
"""Commits from one place at which it is killed to the next."""


def main() -> None:
    """One place after the other, until a council gets to the end unharmed."""
    publisher.AT_ONCE, tokens.BATCH = 2, 16
    work = Path(sys.argv[1])
    base, moment, done = work / "base", 1, False
    base.mkdir()
    asyncio.run(before(base))
    shutil.copytree(base, work / "warm")
    in_parent = asyncio.run(after(work / "warm"))  # what it loads is there in every child
    assert in_parent["kept"] == 0
    while not done:
        folder = work / str(moment)
        shutil.copytree(base, folder)
        done = not was_killed(folder, moment)
        said = in_child(lambda folder=folder: asyncio.run(after(folder)))
        sys.stdout.write(json.dumps(said) + "\n")
        shutil.rmtree(folder)
        moment += STEP


def was_killed(folder: Path, moment: int) -> bool:
    """Publish for the first time, and die at a moment."""
    child = os.fork()
    if child == 0:
        asyncio.run(published(folder, moment))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, KILLED}, f"the council ended by itself with {code}"
    return code == KILLED


async def before(folder: Path) -> None:
    """A council was founded, an agency has joined, and has its clients from a file."""
    council = Council(folder)
    await council.start()
    await council.invite_both()
    council.save()
    council.generation = 0
    await Story(council).join(HEALTH)
    await council.nodes[HEALTH].take_in(*crowd(CLIENTS))
    await council.stop()


async def published(folder: Path, moment: int = 0) -> tuple[Council, int]:
    """Start everybody, and publish; how many tokens were evaluated for that."""
    council = Council(folder)
    await council.start_again()
    if moment:
        die_at(moment)
    ((_, report),) = await publish_now(council.nodes[HEALTH].service, lambda _: None)
    return council, report.evaluated


async def after(folder: Path) -> dict[str, Any]:
    """How it stands when the agency has published once more."""
    engine = open_engine(folder / HEALTH)
    kept = await engine.read(lambda tables: tables.count("token_cache"))
    await engine.close()
    council, evaluated = await published(folder)
    node = council.nodes[HEALTH]
    stubs = await node.read(
        lambda t: t.tx.rows(
            "SELECT c.local_id, s.stub_id FROM client c LEFT JOIN stub s ON s.client = c.id"
        )
    )
    here = await council.hub_read(lambda t: t.tx.rows("SELECT stub_id FROM stub WHERE NOT retired"))
    held = await council.hub_read(lambda t: t.stubs.tokens_of([item["stub_id"] for item in stubs]))
    rows, waiting = await council.hub_read(
        lambda t: [
            len(t.tx.rows(f"SELECT 1 FROM {name}"))  # noqa: S608 - our names
            for name in ("token", "staged_stub")
        ]
    )
    await council.stop()
    return {
        "kept": kept,
        "evaluated": evaluated,
        "tokens": {
            item["local_id"]: sorted(
                token.hex() for found in held[item["stub_id"]].by_key.values() for token in found
            )
            for item in stubs
        },
        "same": {item["stub_id"] for item in stubs} == {item["stub_id"] for item in here},
        "rows": rows,
        "waiting": waiting,
    }


if __name__ == "__main__":
    main()
