"""patchwork-hub status: what the status page says, from the hub's folder (specs/05-log.md §13)."""

import asyncio
import json
from pathlib import Path

import typer

from hub.cli.folder import Folder, JsonOutput, opened_hub
from hub.log.quorum_status import QuorumStatus, quorum_status
from hub.members.holidays import holidays_warning
from hub.server.status_page import to_lines, to_value
from hub.store.tables import HubTables
from runtime.cli import report_errors
from runtime.environment import Environment

app = typer.Typer()


@app.command()
def status(folder: Folder = Path(), as_json: JsonOutput = False) -> None:
    """Say whether contact details can move, if not why and since when. Exit code 1: they cannot."""
    with report_errors():
        found, warning = asyncio.run(_status(folder))
        if as_json:
            typer.echo(json.dumps(to_value(found)))
        else:
            typer.echo("\n".join([*to_lines(found), *([warning] if warning else [])]))
        if found is None or found.since is not None:
            raise typer.Exit(1)


async def _status(folder: Path) -> tuple[QuorumStatus | None, str | None]:
    """How the log stands, and what to tell of the charter's holidays."""
    now = Environment().clock()

    def read(tables: HubTables) -> tuple[QuorumStatus | None, str | None]:
        found = quorum_status(tables, now)
        charters = tables.directory.current().charters
        answering = charters[-1].charter.answering if charters else None
        return found, holidays_warning(answering, now)

    async with opened_hub(folder) as engine:
        return await engine.read(read)
