"""patchwork-hub status: what the status page says, from the hub's folder (specs/05-log.md §13)."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from hub.log.ledger import replay_directory
from hub.log.quorum_status import Standing, standing
from hub.server.service import open_engine, surroundings
from hub.server.status_page import to_lines, to_value
from hub.store.tables import HubTables
from runtime.cli import report_errors

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_HUB_DIR", help="The hub's folder.")
]


def status(
    folder: Folder = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Say whether contact details can move, if not why and since when. Exit code 1: they cannot."""
    with report_errors():
        found = asyncio.run(_standing(folder))
        if as_json:
            typer.echo(json.dumps(to_value(found)))
        else:
            typer.echo("\n".join(to_lines(found)))
        if found is None or found.since is not None:
            raise typer.Exit(1)


async def _standing(folder: Path) -> Standing | None:
    def work(tables: HubTables) -> Standing | None:
        return standing(tables, replay_directory(tables).charter, surroundings().clock())

    engine = open_engine(folder)
    try:
        return await engine.read(lambda db: work(HubTables(db)))
    finally:
        await engine.close()
