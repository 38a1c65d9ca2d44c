"""patchwork-node introduce: reach a service that nobody sees until you ask.

Parse, call, print. Exit codes: see node/cli/main.py.
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.actions.introductions import Introduce, introduce_now, service_of
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli import printing
from node.cli.options import Client, Folder, HubName, PersonName
from node.cli.prompts import choose, role_among, said
from node.views.bases import offered
from node.views.people import roles_of
from runtime.cli import report_errors

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)

TELLS_THEM = (
    "The service is told at once that your organisation asks, about which of its clients, in",
    "which role and why; a person there decides whether you are given its contact details. You",
    "are told which organisation it is. Your organisation has {} of these a day; each is in the",
    "council's log and in the auditor's figures.",
)


@app.command()
def introduce(
    client: Client,
    reference: Annotated[str, typer.Argument(help="The service's reference in the client's team.")],
    role: Annotated[
        str, typer.Option(help="Your role, as the charter names it; left out: as your record says.")
    ] = "",
    purpose: Annotated[str, typer.Option(help="Purpose code; asked for if left out.")] = "",
    basis: Annotated[str, typer.Option(help="Lawful basis code; asked for if left out.")] = "",
    fact: Annotated[list[str] | None, typer.Option(help="field=value (repeat).")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask again: the service is told who asks.")
    ] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Ask who a sensitive service is that can be reached: it is told at once who asks and why."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                to = await service_of(service, client, reference)
                out.print(f"This goes to a service of this kind: {printing.plain(to.kind)}.")
                most = service.membership.charter.quotas.identity_checks_per_day
                for line in TELLS_THEM:
                    out.print(line.format(most))
                chosen = choose(await service.read(offered), said(purpose, basis, fact))
                as_what = role or role_among(await service.read(partial(roles_of, person=person)))
                if not yes:
                    typer.confirm("Ask now?", abort=True)
                await introduce_now(service, Introduce(to, person, as_what, chosen))

        asyncio.run(work())
        out.print("The hub is deciding. See patchwork-node team: who is named there can be asked.")
