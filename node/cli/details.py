"""patchwork-node details: what everybody sees of this agency, and changing it (02-charter.md §9).

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.actions.membership import NewDetails, say_details
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.options import Folder, HubName, JsonOutput, PersonName
from node.views.details import details_value
from runtime.cli import report_errors

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)


@app.command()
def details(
    name: Annotated[str, typer.Option(help="Another name for your agency.")] = "",
    duty_line: Annotated[str, typer.Option(help="Another telephone of your duty desk.")] = "",
    duty_hours: Annotated[str, typer.Option(help="When it answers.")] = "",
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show what everybody sees of your agency; with an option, change it for everybody."""
    with report_errors():
        changed = NewDetails.of(name, duty_line, duty_hours)

        async def work() -> dict[str, str]:
            async with open_service(folder, hub) as service:
                if changed is not None:
                    await say_details(service, changed, await who_acts(service, practitioner))
                return await service.read(details_value)

        value = asyncio.run(work())
        if changed is not None:
            out.print("Signed. It is in the log; everybody sees it with their next look at it.")
        elif as_json:
            typer.echo(json.dumps(value))
        else:
            out.print(f"{value['name']}: {value['duty_line']}, {value['duty_hours']}")
