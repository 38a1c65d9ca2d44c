"""patchwork-node backup, restore and resync: a folder that is lost, and what was missed since.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.actions.backup import make_backup, restore_backup
from node.actions.resync import resync_now
from node.actions.session import open_service
from node.cli.options import Folder, HubName, JsonOutput
from node.cli.printing import print_resync
from node.views.resync import resync_value
from runtime.cli import report_errors
from runtime.environment import Environment
from storage.factors import WHO_SIGNS_IN

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The backup to write.")],
    to: Annotated[list[str], typer.Option(help="An age recipient, age1... (repeat).")],
    folder: Folder = Path(),
) -> None:
    """Write an encrypted backup, also while the node runs. Recovery keys are not in it."""
    with report_errors():
        make_backup(folder, file, to, Environment())
        out.print(f"{file} is written. Only the keeper of the age key can open it.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    identity: Annotated[list[Path], typer.Option(help="A file of age identities (repeat).")],
    folder: Folder = Path(),
) -> None:
    """Make a node's folder from a backup. It first asks the hub what it missed."""
    with report_errors():
        restore_backup(folder, file, identity, Environment())
        out.print(
            "Restored. Nothing is published or shown before it has asked what it missed: run "
            "patchwork-node resync, or patchwork-node serve."
        )
        out.print(WHO_SIGNS_IN)


@app.command()
def resync(
    ask: Annotated[
        bool, typer.Option("--ask", help="A folder was copied back by hand: ask in any case.")
    ] = False,
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """After a backup was put back: ask the hub what was missed, and say what is lost."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                await resync_now(service, ask=ask)
                value = await service.oversee(resync_value)
            if as_json:
                typer.echo(json.dumps(value))
            else:
                print_resync(out, value)
            if value is not None and not value["done"]:
                raise typer.Exit(1)

        asyncio.run(work())
