"""patchwork-hub explain: why records are linked or wait for people (specs/04-matching.md §7.4)."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.folder import Folder, JsonOutput, opened_hub
from hub.matching.explain import explain_link, links_in_short
from runtime.cli import report_errors, tell
from runtime.environment import Environment

app = typer.Typer()


@app.command()
def explain(
    link: Annotated[str, typer.Argument(help="A link's or hint's id; without one, all.")] = "",
    folder: Folder = Path(),
    as_json: JsonOutput = False,
) -> None:
    """Say in words why two records are linked, or wait for people; of a hint, whom to call. No
    values: there are none.
    """
    now = Environment().clock()
    with report_errors():
        lines = asyncio.run(_lines(folder, link, now))
        tell(lines, "\n".join(lines or ["There are no links."]), as_json=as_json)


async def _lines(folder: Path, link: str, now: int) -> list[str]:
    async with opened_hub(folder) as engine:
        if not link:
            return await engine.read(links_in_short)
        return await engine.read(lambda tables: explain_link(tables, link, now))
