"""What all commands of patchwork-hub share: where the hub's folder is, and how they print."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hub.store.tables import HubEngine, opened
from runtime.folders import HUB, require

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_HUB_DIR", help="The hub's folder.")
]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

out = Console(soft_wrap=True, markup=False, highlight=False)


@asynccontextmanager
async def opened_hub(folder: Path) -> AsyncIterator[HubEngine]:
    """The database of a hub that is there, for one command. Raises LocalError for another folder:
    nothing is made in it.
    """
    require(folder, HUB)
    async with opened(folder) as engine:
        yield engine
