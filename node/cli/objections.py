"""patchwork-node objection: what clients object to. Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from node.actions.objections import Said, end_objection, record_objection
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.options import Client, Folder, HubName, JsonOutput, PersonName
from node.cli.printing import plain
from node.store.objections import SaidBy
from node.views.objections import objections_value
from runtime.cli import make_cli, report_errors, tell

app = make_cli("objection", "What your clients object to being shared.")
out = Console(soft_wrap=True, markup=False, highlight=False)

SAID_BY = {
    "client": "the client",
    "parental_responsibility": "somebody with parental responsibility",
    "young_person": "the young person",
    "attorney": "their attorney",
}


@app.command()
def record(
    client: Client,
    said_by: Annotated[SaidBy, typer.Option(help="Who objects.")],
    member_class: Annotated[
        str | None,
        typer.Option("--class", help="Only to sharing with this class."),
    ] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day it was said; now if not.")
    ] = None,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Record that a client objects to sharing: nobody allows a request in spite of it from now on,
    unless the sharing agreement says who may and for what.
    """
    with report_errors():

        async def work() -> int:
            async with open_service(folder, hub, own=True) as service:
                person = await who_acts(service, practitioner)
                at = int(on.replace(tzinfo=UTC).timestamp()) if on is not None else None
                said = Said(client, said_by, member_class, at)
                return await record_objection(service, said, person)

        number = asyncio.run(work())
        said = (
            f"Objection {number} is recorded. Cards that have left already stay out: see "
            "patchwork-node inbox, and patchwork-node recall."
        )
        tell({"objection": number}, said, as_json=as_json)


@app.command("list")
def list_objections(
    everything: Annotated[bool, typer.Option("--all", help="Those taken back too.")] = False,
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show what clients object to."""
    with report_errors():

        async def work() -> list[dict[str, Any]]:
            async with open_service(folder, hub, own=True) as service:
                return await service.read(objections_value)

        shown = [item for item in asyncio.run(work()) if everything or item["ended_at"] is None]
        if as_json:
            typer.echo(json.dumps(shown))
            return
        if not shown:
            out.print("No objection stands.")
        for item in shown:
            whom = item["member_class"] or "anybody"
            ended = f", taken back {_day(item['ended_at'])}" if item["ended_at"] else ""
            out.print(
                f"{item['id']}  {plain(item['local_id'])}: to sharing with "
                f"{whom.replace('_', ' ')}, said by {SAID_BY[item['said_by']]} "
                f"{_day(item['said_at'])}{ended}"
            )


@app.command()
def end(
    number: Annotated[int, typer.Argument(help="Its number, from patchwork-node objection list.")],
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Record that an objection was taken back."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub, own=True) as service:
                person = await who_acts(service, practitioner)
                await end_objection(service, number, person)

        asyncio.run(work())
        out.print(f"Objection {number} stands no more.")


def _day(time: int) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%-d %B %Y}"
