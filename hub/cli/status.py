"""patchwork-hub status: what the status page says, from the hub's folder (specs/05-log.md §13)."""

import asyncio
import json
from pathlib import Path

import typer

from hub.cli.folder import Folder, JsonOutput
from hub.log.quorum_status import QuorumStatus, quorum_status
from hub.server.status_page import to_lines, to_value
from hub.store.tables import opened
from runtime.cli import report_errors
from runtime.environment import Environment

app = typer.Typer()


@app.command()
def status(folder: Folder = Path(), as_json: JsonOutput = False) -> None:
    """Say whether contact details can move, if not why and since when. Exit code 1: they cannot."""
    with report_errors():
        found = asyncio.run(_quorum_status(folder))
        if as_json:
            typer.echo(json.dumps(to_value(found)))
        else:
            typer.echo("\n".join(to_lines(found)))
        if found is None or found.since is not None:
            raise typer.Exit(1)


async def _quorum_status(folder: Path) -> QuorumStatus | None:
    now = Environment().clock()
    async with opened(folder) as engine:
        return await engine.read(lambda tables: quorum_status(tables, now))
