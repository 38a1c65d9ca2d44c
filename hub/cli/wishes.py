"""patchwork-hub asked-for: whom members ask the council to invite (specs/06-requests.md §14)."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import typer

from hub.cli.folder import Folder, JsonOutput, opened_hub, out
from hub.members.wishes import Wish, wishes
from protocol.counted import counted
from runtime.cli import report_errors

app = typer.Typer()


@app.command("asked-for")
def asked_for(folder: Folder = Path(), as_json: JsonOutput = False) -> None:
    """Show which organisations members ask you to invite, and whom to call there."""
    with report_errors():
        found = asyncio.run(_wishes(folder))
        if as_json:
            typer.echo(json.dumps([asdict(one) for one in found]))
            return
        for one in found:
            day = datetime.fromtimestamp(one.since, UTC).date()
            by = f"asked to be invited by {counted(len(one.asked_by), 'member')}, since {day}"
            out.print(f"{one.name} ({one.member_class}), {', '.join(one.duty_lines)}: {by}")
            out.print(f"    {', '.join(one.asked_by)}")
        out.print(
            "Call them. To let one join: patchwork-hub invite" if found else "Nobody is asked for."
        )


async def _wishes(folder: Path) -> list[Wish]:
    async with opened_hub(folder) as engine:
        return await engine.read(wishes)
