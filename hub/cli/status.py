"""patchwork-hub status: what the status page says, from the hub's folder (specs/05-log.md §13)."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from hub.log.ledger import replay_directory
from hub.log.quorum_status import QuorumStatus, quorum_status
from hub.server.status_page import to_lines, to_value
from hub.store.tables import HubTables, open_engine
from runtime.cli import report_errors
from runtime.environment import Environment

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_HUB_DIR", help="The hub's folder.")
]


def status(
    folder: Folder = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
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
    def work(tables: HubTables) -> QuorumStatus | None:
        return quorum_status(tables, replay_directory(tables).charter, Environment().clock())

    engine = open_engine(folder)
    try:
        return await engine.read(work)
    finally:
        await engine.close()
