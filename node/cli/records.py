"""patchwork-node publish and withdraw: what others can find. Parse, call, print.

Exit codes: see node/cli/main.py.
"""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from node.actions import records
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli import printing
from node.cli.options import Client, Folder, HubName, JsonOutput, PersonName
from node.publishing.publisher import Published, Step
from protocol.counted import counted
from runtime.cli import report_errors

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)
err = Console(stderr=True)

STILL_FINDABLE = (
    "Still found by others, because the sharing agreement makes it so by law while the work goes "
    "on: {}. Only its end changes that, or, where the family is in danger, your manager and your "
    "lead for information governance together: patchwork-node withhold."
)


@app.command()
def publish(hub: HubName = "", as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Publish the clients that may be published; only what changed is sent."""
    published: list[dict[str, object]] = []
    with report_errors(), Progress(console=err if as_json else out, transient=True) as bar:
        task = bar.add_task("Publishing", total=None)

        def show(step: Step) -> None:
            bar.update(task, total=step.total, completed=step.done)

        async def work() -> None:
            async with open_service(folder, hub, own=not hub) as service:

                def done(name: str, report: Published) -> None:
                    published.append({"hub": name, **asdict(report)})
                    if as_json:
                        return
                    if service.others:
                        out.print(f"At {printing.plain(name)}:")
                    printing.print_published(out, report)

                await records.publish_now(service, show, done)

        asyncio.run(work())
    if as_json:
        typer.echo(json.dumps(published))


@app.command()
def withdraw(
    client: Client,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Withdraw permission for a client, here and at the hub, at once."""
    with report_errors():

        async def work() -> tuple[int, list[str]]:
            async with open_service(folder, hub, own=True) as service:
                person = await who_acts(service, practitioner)
                count = await records.withdraw_now(service, client, person)
                return count, await records.still_findable(service, client)

        count, findable = asyncio.run(work())
        if as_json:
            typer.echo(json.dumps({"withdrawn": count, "findable": findable}))
        else:
            print_withdrawn(count, findable)


def print_withdrawn(count: int, findable: list[str]) -> None:
    """To how much work a permission was withdrawn, and what stays findable by law all the same."""
    out.print(f"Permission withdrawn for {counted(count, 'involvement')}; the hub was told.")
    if findable:
        out.print(STILL_FINDABLE.format(printing.plain(", ".join(findable))))
