"""patchwork-hub figures: who takes part, how much and how fresh (specs/02-charter.md §10)."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from hub.cli.folder import Folder, JsonOutput, opened_hub
from hub.store.tables import HubTables
from protocol.counted import counted
from runtime.cli import report_errors

app = typer.Typer()


def figures_value(tables: HubTables) -> list[dict[str, Any]]:
    """Every active agency by name, with the figures that it gave last, if any."""
    directory = tables.directory.current()
    found = []
    for party_id in directory.members:
        member, said = directory.active(party_id), directory.figures.get(party_id)
        if member is not None and member.body.member_class != "auditor":
            found.append(
                {
                    "name": member.body.name,
                    "member_class": member.body.member_class,
                    "said_at": said.iat if said else None,
                    "figures": said.body.model_dump() if said else None,
                }
            )
    return sorted(found, key=lambda one: str(one["name"]))


@app.command()
def figures(folder: Folder = Path(), as_json: JsonOutput = False) -> None:
    """Show how much each agency publishes and how fresh it is, as it said last; in tens and tenths,
    so that no small number can be worked out.
    """
    with report_errors():
        found = asyncio.run(_figures(folder))
        if as_json:
            typer.echo(json.dumps(found))
            return
        for one in found:
            typer.echo(_line(one))


async def _figures(folder: Path) -> list[dict[str, Any]]:
    async with opened_hub(folder) as engine:
        return await engine.read(figures_value)


def _line(one: dict[str, Any]) -> str:
    said = one["figures"]
    if said is None:
        return f"{one['name']}: nothing said yet"
    age = (
        "kept by hand"
        if said["feed_age_days"] is None
        else counted(said["feed_age_days"], "day") + " old"
    )
    shares = said["shares"]
    parts = [
        counted(said["clients"], "client"),
        f"{said['practitioners'].replace('_', ' ')} practitioners",
        age,
        *(f"{name.replace('_', ' ')} {shares[name]} in 10" for name in shares or {}),
        f"said on {datetime.fromtimestamp(one['said_at']).astimezone():%-d %B %Y}",
    ]
    return f"{one['name']}: {', '.join(parts)}"
