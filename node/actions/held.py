"""Clients held back at the import: who they are, and what a person says of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from node.config import load_settings
from node.records import held, people
from node.store.held import HeldPair
from node.store.tables import NodeTables, open_engine
from runtime.environment import Environment

Result = TypeVar("Result")


async def held_clients(folder: Path) -> list[HeldPair]:
    """Everybody who is held, the oldest first. Raises LocalError."""
    return await _in_folder(folder, lambda tables: tables.held.all())


async def answer_held(folder: Path, local_id: str, name: str, *, same: bool) -> None:
    """Say in a person's name whether a held client is the one known. Raises LocalError."""
    now = Environment().clock()

    def work(tables: NodeTables) -> None:
        act = (people.acting(tables, name).id, now)
        (held.say_same if same else held.say_another)(tables, local_id, act)

    await _in_folder(folder, work)


async def _in_folder(folder: Path, work: Callable[[NodeTables], Result]) -> Result:
    load_settings(folder)
    engine = open_engine(folder)
    try:
        return await engine.write(work)
    finally:
        await engine.close()
