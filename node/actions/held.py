"""Clients held back at the import: who they are, and what a person says of them."""

from pathlib import Path

from node.actions.session import in_folder
from node.records import held, people
from node.store.held import HeldPair
from node.store.tables import NodeTables
from runtime.environment import Environment


async def held_clients(folder: Path) -> list[HeldPair]:
    """Everybody who is held, the oldest first. Raises LocalError."""
    return await in_folder(folder, lambda tables: tables.held.all())


async def answer_held(folder: Path, local_id: str, name: str, *, same: bool) -> None:
    """Say in a person's name whether a held client is the one known. Raises LocalError."""
    now = Environment().clock()

    def work(tables: NodeTables) -> None:
        act = (people.acting(tables, name).id, now)
        (held.say_same if same else held.say_another)(tables, local_id, act)

    await in_folder(folder, work)
