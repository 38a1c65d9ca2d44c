"""patchwork-node raise-attention, seen-attention and invite-agency.

Parse, call, print. Exit codes: see node/cli/main.py.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.actions import attention as acts
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.options import Client, Folder, HubName, JsonOutput, PersonName
from node.cli.printing import plain
from node.cli.prompts import at_keyboard, chosen, confirm, role_among, typed
from node.requests.attention import Alert
from node.store.attention import RaisedState
from node.store.outbox import OutboxState
from protocol.contact import require_name, require_phone
from runtime.cli import report_errors, tell

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)
err = Console(soft_wrap=True, markup=False, highlight=False, stderr=True)
LATER = "The council's hub is away. It leaves by itself when the hub is there again."


@app.command("raise-attention")
def raise_attention(
    client: Client,
    kind: Annotated[
        str, typer.Argument(help="Why, as the charter names it; asked for if left out.")
    ] = "",
    role: Annotated[
        str, typer.Option(help="Your role, as the charter names it; left out: as your record says.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask again, also if nobody is shown in the team.")
    ] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Tell the team around a client, in one code of the charter's, that something happened."""
    talk = err if as_json else out
    with report_errors():

        async def begin() -> tuple[int, acts.Possible]:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                return person, await acts.possible(service, client, person)

        async def send(alert: Alert, *, though_nobody_shown: bool) -> RaisedState:
            async with open_service(folder, hub) as service:
                return await acts.raise_attention(
                    service, alert, though_nobody_shown=though_nobody_shown
                )

        person, can = asyncio.run(begin())
        why = kind or chosen("What has happened?", "KIND", can.kinds)
        alert = Alert(client, person, role or role_among(can.roles), why)
        shown = ", ".join(map(plain, can.shown)) or "nobody is shown in it now"
        talk.print(f"{plain(can.kinds.get(why, why))}: to the team around {client} ({shown}).")
        talk.print("Services that nobody is shown may be told too; you do not learn of them.")
        if not yes:
            confirm("Send it?")
        state = asyncio.run(send(alert, though_nobody_shown=yes or at_keyboard()))
        sent = "Sent to the team around the client."
        said = LATER if state is RaisedState.SENDING else sent
        tell({"kind": why, "state": state.value}, said, as_json=as_json)


@app.command("seen-attention")
def seen_attention(
    number: Annotated[int, typer.Argument(help="Its number, from the inbox.")],
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Say that you have seen to what another organisation raised; it is not told."""
    with report_errors():

        async def work() -> str:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                return await acts.see_attention(service, number, person)

        client = asyncio.run(work())
        out.print(f"Seen to, about {client}. The other organisation is told nothing of it.")


@app.command("invite-agency")
def invite_agency(
    name: Annotated[str, typer.Option(help="The organisation's name; names no client.")] = "",
    phone: Annotated[str, typer.Option(help="Its duty line, or its telephone number.")] = "",
    member_class: Annotated[
        str, typer.Option("--class", help="What kind of organisation, as the charter names it.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Ask the council to invite an organisation that you miss; it calls the duty line."""
    with report_errors():

        async def begin() -> tuple[int, dict[str, str]]:
            async with open_service(folder, hub) as service:
                return await who_acts(service, practitioner), acts.classes(service)

        async def send(wish: acts.Wish) -> OutboxState:
            async with open_service(folder, hub) as service:
                return await acts.invite_agency(service, wish)

        person, classes = asyncio.run(begin())
        wish = acts.Wish(
            name or typed("The organisation's name", "--name", require_name),
            phone or typed("Its duty line", "--phone", require_phone),
            member_class or chosen("What kind of organisation is it?", "--class", classes),
            person,
        )
        out.print(
            f"The council reads: {plain(wish.name)}, {plain(wish.duty_line)}. Name no client."
        )
        if not yes:
            confirm("Send it?")
        state = asyncio.run(send(wish))
        sent = "The council sees it now, and calls them if it wants them to join."
        out.print(LATER if state is OutboxState.PENDING else sent)
