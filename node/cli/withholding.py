"""patchwork-node withhold: records that two people keep unpublished. Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from node.actions.register import who_acts
from node.actions.session import in_folder, open_service
from node.actions.withholding import agree_to_withholding, end_withholding, propose_withholding
from node.cli.options import Client, Folder, HubName, JsonOutput, PersonName
from node.cli.printing import plain
from node.records.withholding import Wish
from node.views.withheld import withheld_value
from runtime.cli import make_cli, report_errors, tell
from runtime.environment import Environment

app = make_cli("withhold", "Keep a client unpublished, in danger: a manager and the lead together.")
out = Console(soft_wrap=True, markup=False, highlight=False)

Number = Annotated[int, typer.Argument(help="Its number, from patchwork-node withhold list.")]
DAY = ["%Y-%m-%d"]


@app.command()
def propose(
    client: Client,
    reason: Annotated[str, typer.Option(help="Why; it stays here.")],
    until: Annotated[datetime, typer.Option(formats=DAY, help="The last day of it.")],
    review: Annotated[datetime, typer.Option(formats=DAY, help="When to look at it again.")],
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Say that a client is to be withheld. It does nothing before the other one of the two agrees:
    a manager, or your lead for information governance.
    """
    with report_errors():

        async def work() -> int:
            async with open_service(folder, hub, own=True) as service:
                person = await who_acts(service, practitioner)
                wish = Wish(client, reason, until.date(), review.date())
                return await propose_withholding(service, wish, person)

        number = asyncio.run(work())
        said = (
            f"Proposed as number {number}. The client is still found as before: now your manager "
            f"or governance lead runs patchwork-node withhold agree {number}."
        )
        tell({"withholding": number}, said, as_json=as_json)


@app.command()
def agree(
    number: Number, practitioner: PersonName = "", hub: HubName = "", folder: Folder = Path()
) -> None:
    """Agree: the client is found by nobody from now on, and cards that left are recalled."""
    with report_errors():

        async def work() -> str:
            async with open_service(folder, hub, own=True) as service:
                person = await who_acts(service, practitioner)
                return await agree_to_withholding(service, number, person)

        client = asyncio.run(work())
        out.print(
            f"{plain(client)} is withheld: to others it looks as if you had no such record. What "
            "they have read already they know. Withhold the family, too, one by one."
        )


@app.command()
def end(
    number: Number, practitioner: PersonName = "", hub: HubName = "", folder: Folder = Path()
) -> None:
    """Say that it is to end before its time. It ends when both of the two have said so."""
    with report_errors():

        async def work() -> bool:
            async with open_service(folder, hub, own=True) as service:
                person = await who_acts(service, practitioner)
                return await end_withholding(service, number, person)

        out.print(
            "It has ended: what has a permission is published again."
            if asyncio.run(work())
            else "Noted. The client stays withheld until the other one of the two says so, too."
        )


@app.command("list")
def list_withheld(as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Show who is withheld, until when, and what is to be looked at."""
    with report_errors():
        now = Environment().clock()
        shown = asyncio.run(in_folder(folder, lambda tables: withheld_value(tables, now)))
        if as_json:
            typer.echo(json.dumps(shown))
            return
        if not shown:
            out.print("Nobody is withheld.")
        for item in shown:
            out.print(_line(item))


def _line(item: dict[str, Any]) -> str:
    state = "withheld" if item["in_force"] else f"proposed by {item['proposed_by']}, not in force"
    until = ""
    if item["expires_at"]:
        until = f" until {datetime.fromtimestamp(item['expires_at'] - 1, UTC):%-d %B %Y}"
    due = "; LOOK AT IT NOW" if item["due"] and item["in_force"] else ""
    ending = f"; {item['ending_by']} says that it is to end" if item["ending_by"] else ""
    return f"{item['id']}  {plain(item['client'])}: {state}{until}. {item['reason']}{due}{ending}"
