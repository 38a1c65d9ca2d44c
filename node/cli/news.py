"""patchwork-node news: what is new for somebody. Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from node.actions.news import mark_news_seen, read_news
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.options import Folder, JsonOutput, PersonName
from node.cli.printing import plain
from runtime.cli import report_errors

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)


@app.command()
def news(
    everything: Annotated[bool, typer.Option("--all", help="What you have seen, too.")] = False,
    practitioner: PersonName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show what is new of your clients, and your requests, since you looked last."""
    with report_errors():

        async def work() -> list[dict[str, Any]]:
            async with open_service(folder, "", own=True) as service:
                person = await who_acts(service, practitioner)
                lines = await read_news(service, person, everything=everything)
                _show(lines, as_json=as_json)
                await mark_news_seen(service, lines)
                return lines

        asyncio.run(work())


def _show(lines: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(lines))
        return
    if not lines:
        out.print("Nothing is new.")
    for line in lines:
        day = datetime.fromtimestamp(line["at"]).astimezone()
        out.print(f"{day:%d %b %H:%M}  {plain(line['says'])}")
