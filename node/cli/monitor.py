"""patchwork-node monitor, alarms and retry: what was noticed of a hub, its log and this program.

specs/05-log.md §14.

Exit codes: 0 nothing is amiss, 1 proof that the log was changed (or the command failed: the
sentence says which), 3 something is missing or late, 4 a person should look, 2 wrong usage. The
worst alarm gives the code.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from node.actions.register import who_acts
from node.actions.session import open_service
from node.actions.upkeep import acknowledge_now, look_now, retry_now
from node.alarms import Severity
from node.cli import printing
from node.cli.options import Folder, HubName, JsonOutput, PersonName
from node.views.inbox import alarms_value
from node.views.upkeep import set_aside_value
from runtime.cli import report_errors

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)


@app.command()
def monitor(hub: HubName = "", as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Look at the log once, as the running node does all the time, and show what is amiss."""
    with report_errors():
        alarms = asyncio.run(_alarms(folder, hub, look=True))
        _show(alarms, as_json=as_json)
        if alarms:
            raise typer.Exit(min(Severity[item["severity"].upper()] for item in alarms))


@app.command()
def alarms(
    number: Annotated[
        int, typer.Option("--acknowledge", help="Put an alarm away: you have dealt with it.")
    ] = 0,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show what this node has noticed, and put away what a person has dealt with."""
    with report_errors():
        _show(asyncio.run(_alarms(folder, hub, number=number, name=practitioner)), as_json=as_json)


@app.command()
def retry(hub: HubName = "", as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Try again what a fault of this program kept from being done, and show what still fails."""
    with report_errors():

        async def work() -> list[dict[str, Any]]:
            async with open_service(folder, hub) as service:
                return set_aside_value(await retry_now(service))

        left = asyncio.run(work())
        if as_json:
            typer.echo(json.dumps(left))
        else:
            printing.print_set_aside(out, left)
        if left:
            raise typer.Exit(Severity.LOOK)


async def _alarms(
    folder: Path, hub: str, *, look: bool = False, number: int = 0, name: str = ""
) -> list[dict[str, Any]]:
    async with open_service(folder, hub) as service:
        if look:
            await look_now(service)
        if number:
            await acknowledge_now(service, number, await who_acts(service, name))
        return await service.oversee(alarms_value)


def _show(alarms: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(alarms))
        return
    printing.print_alarms(out, alarms)
    if not alarms:
        out.print("Nothing is amiss.")
