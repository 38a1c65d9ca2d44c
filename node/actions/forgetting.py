"""Deleting what is over, or only saying what would go: what the command does."""

from pathlib import Path
from typing import Any

from node.config import load_settings
from node.records.upkeep import Forgetting
from node.store.tables import open_engine
from runtime.environment import Environment


async def forget_in(folder: Path, *, dry_run: bool) -> dict[str, Any]:
    """Delete what is over in a node's folder, or count it; the report as a value. Raises
    LocalError.
    """
    settings = load_settings(folder)
    engine = open_engine(folder)
    try:
        return await Forgetting(engine, settings, folder, Environment()).run(dry_run=dry_run)
    finally:
        await engine.close()
