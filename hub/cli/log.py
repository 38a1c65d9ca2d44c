"""patchwork-hub erase: do now what the schedule would do, or show it (specs/05-log.md §7)."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.folder import Folder, JsonOutput, opened_hub
from hub.log.ledger import HubSigner
from hub.log.retention import due_now, erase_all
from protocol.governance.retention import RULES, Due
from protocol.signing import SecretSeed
from runtime.cli import report_errors
from runtime.environment import Environment
from runtime.secrets import read_secrets

app = typer.Typer()


@app.command()
def erase(
    folder: Folder = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it and erase nothing.")] = False,
    as_json: JsonOutput = False,
) -> None:
    """Erase what the charter's retention rules say is due; the running hub does so every hour."""
    with report_errors():
        due, done = asyncio.run(_erase(folder, dry_run=dry_run))
        if as_json:
            rows = [{"index": item.index, "stage": item.stage} for item in due]
            typer.echo(json.dumps({"due": rows, "erased": done}))
            return
        for item in due:
            typer.echo(f"{item.index:>9}  {_words(item)}, by {RULES[item.stage]} of the charter")
        typer.echo("Nothing is due." if not due else f"{len(due)} due, {done} erased.")


async def _erase(folder: Path, *, dry_run: bool) -> tuple[list[Due], int]:
    async with opened_hub(folder) as engine:
        keys = read_secrets(folder / "keys.json")
        signer = HubSigner(SecretSeed(keys["sign"]), Environment())
        due = await engine.read(lambda tables: due_now(tables, signer))
        return due, 0 if dry_run else await erase_all(engine, signer, "operator")


def _words(due: Due) -> str:
    return "envelope and salt" if due.stage == "payload" else "rows or items"
