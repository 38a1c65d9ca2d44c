"""patchwork-node team, inbox, answer, pass and disclose: who else there is, how to reach them.

Parse, call, print. Exit codes: see node/cli/main.py.
"""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.actions import requests as acts
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli import printing
from node.cli.inbox import print_inbox
from node.cli.options import Client, Folder, HubName, JsonOutput, PersonName
from node.requests.answering import Answer
from node.views.inbox import inbox_value
from node.views.team import family_of, team_value
from protocol.errors import ErrorCode, LocalError
from protocol.requests.decide import Decision, Refuse
from protocol.requests.disclosure import Disclosure
from protocol.requests.refusals import RefusalCode
from protocol.wire import encode_wire
from runtime.cli import report_errors

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)


@app.command()
def team(
    client: Client,
    family: Annotated[
        bool, typer.Option("--family", help="With the teams of relatives who are your clients.")
    ] = False,
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show the team around a client, and somebody to call now."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub, own=not hub) as service:
                hubs = await service.read_each(partial(family_of, local_id=client))
            teams = [
                {"hub": name, "client": one, "relation": what, **team_value(of)}
                for name, found in hubs
                for one, what, of in found
            ]
            if as_json:
                several = family or len(hubs) > 1
                typer.echo(json.dumps(teams if several else team_value(hubs[0][1][0][2])))
                return
            for name, found in hubs:
                if len(hubs) > 1:
                    out.print(f"At {printing.plain(name)}:")
                printing.print_family(out, found if family else found[:1])

        asyncio.run(work())


@app.command()
def inbox(hub: HubName = "", as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Show requests to you, your own requests, and the cards that came back."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                value = await service.read(inbox_value)
            if as_json:
                typer.echo(json.dumps(value))
            else:
                print_inbox(out, value)

        asyncio.run(work())


@app.command()
def answer(
    request: Annotated[str, typer.Argument(help="The request's id, from the inbox.")],
    allow: Annotated[bool, typer.Option("--allow", help="Allow it.")] = False,
    refuse: Annotated[RefusalCode | None, typer.Option(help="Refuse it, with this code.")] = None,
    override: Annotated[
        str, typer.Option(help="The client objects: the reason for which you share all the same.")
    ] = "",
    role: Annotated[
        str, typer.Option(help="Your role, as the charter names it; with --override.")
    ] = "",
    reason: Annotated[
        str, typer.Option(help="Why you refuse, in writing: only they can read it.")
    ] = "",
    reason_file: Annotated[
        Path | None, typer.Option(help="The same from a text file, which stays as it is.")
    ] = None,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Answer a request that waits for a person."""
    with report_errors():
        if allow == (refuse is not None):
            raise LocalError(ErrorCode.NOT_READY, "say either --allow or --refuse CODE")
        in_spite = acts.read_override(override, role)
        why = _text_of(reason_file) if reason_file is not None else reason

        async def work() -> Decision:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                said = Answer(request, person, refuse, in_spite, why)
                return await acts.answer_now(service, said)

        decision = asyncio.run(work())
        if isinstance(decision, Refuse) and decision.code is not refuse:
            out.print(f"Nobody may allow this, whatever you say: {decision.code.value}.")
        out.print("Your answer is in the council's log.")


@app.command("pass")
def pass_on(
    request: Annotated[str, typer.Argument(help="The request's id, from the inbox.")],
    to: Annotated[str, typer.Option(help="Your colleague, by name.")],
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Pass a request that waits for you on to a colleague. Its clock runs on."""
    with report_errors():

        async def work() -> str:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                return await acts.pass_on_now(service, request, person, to)

        out.print(f"It is with {printing.plain(asyncio.run(work()))} now.")


@app.command()
def disclose(
    request: Annotated[str, typer.Argument(help="The id of a request that was answered.")],
    to: Annotated[Path, typer.Option(help="The file to write, for the auditor.")],
    with_reason: Annotated[
        bool, typer.Option("--with-reason", help="With the reason in writing, which may name them.")
    ] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Write what your agency went by when it answered a request, for an auditor who asks."""
    with report_errors():

        async def work() -> Disclosure:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                return await acts.disclose(service, request, person, with_reason=with_reason)

        opened = asyncio.run(work())
        with to.open("xb") as file:
            file.write(encode_wire(opened))
        said = (
            "It holds what was written, which may name your client."
            if opened.reason is not None
            else "It holds no name and no client."
        )
        out.print(f"Written: {to.name}. {said}")


def _text_of(file: Path) -> str:
    """What a text file says. Raises LocalError, OSError."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LocalError(ErrorCode.MALFORMED, f"{file.name} is not text in UTF-8") from None
