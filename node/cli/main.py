"""patchwork-node: parse, call, print. One agency's commands.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from node.actions import membership, records
from node.actions import requests as acts
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli import printing
from node.cli.backup import app as backup_commands
from node.cli.charter import app as charter_commands
from node.cli.clients import app as clients_commands
from node.cli.details import app as details_command
from node.cli.importing import app as import_commands
from node.cli.inbox import print_inbox
from node.cli.monitor import app as monitor_commands
from node.cli.objections import app as objection_commands
from node.cli.options import Client, Folder, HubName, JsonOutput, PersonName
from node.cli.people import app as people_app
from node.cli.prompts import choose, confirm
from node.cli.register import app as register_commands
from node.publishing.publisher import Step
from node.requests.answering import Answer
from node.views.bases import offered
from node.views.inbox import inbox_value
from node.views.team import family_of, team_value
from node.web.serving import serve as serve_folder
from protocol.errors import ErrorCode, LocalError
from protocol.requests.refusals import RefusalCode
from protocol.wire import encode_wire
from runtime.cli import handed_over, make_cli, report_errors

app = make_cli("patchwork-node", "One agency's node: import, publish, see the team, ask, answer.")
app.add_typer(import_commands)
app.add_typer(people_app)
app.add_typer(monitor_commands)
app.add_typer(details_command)
app.add_typer(backup_commands)
app.add_typer(charter_commands, name="charter")
app.add_typer(register_commands, name="people")
app.add_typer(clients_commands, name="clients")
app.add_typer(objection_commands, name="objection")
out = Console(soft_wrap=True, markup=False, highlight=False)


@app.command()
def init(
    name: Annotated[str, typer.Option(help="The agency's name, as others will see it.")],
    member_class: Annotated[str, typer.Option("--class", help="The charter's class for it.")],
    duty_line: Annotated[str, typer.Option(help="Telephone of your duty desk.")],
    duty_hours: Annotated[str, typer.Option(help="When it answers.")],
    clients: Annotated[int, typer.Option(min=1, help="How many clients you have, about.")],
    folder: Folder = Path(),
) -> None:
    """Make a node's folder and settings file (node.toml, yours to edit)."""
    with report_errors():
        agency = membership.Agency(name, member_class, duty_line, duty_hours, clients)
        membership.set_up(folder, agency)
        out.print(f"Ready: look at {folder / 'node.toml'}, then join with an invitation.")


@app.command()
def join(
    invitation: Annotated[
        str, typer.Argument(help="Leave it out to be asked for it; - reads it from input.")
    ] = "",
    accept_charter: Annotated[
        bool, typer.Option(help="Sign the sharing agreement without asking again.")
    ] = False,
    folder: Folder = Path(),
) -> None:
    """Apply to a hub, wait for approval, and accept its charter."""
    with report_errors():
        text = handed_over(invitation, "invitation")
        asyncio.run(_join(folder, text, accept=accept_charter))


@app.command()
def endorse(
    words: Annotated[str, typer.Argument(help="The eight words, as they read them to you.")],
    name: Annotated[str, typer.Option(help="The organisation's name, as it applied.")],
    clients: Annotated[int, typer.Option(min=0, help="How many clients it may have by this.")],
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Answer for an organisation that joins late or is large: call it and compare the words."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                newcomer = membership.Answering(words, name, clients)
                await membership.endorse(service, newcomer, person)

        asyncio.run(work())
        out.print(
            f"Your organisation answers for {name}. It is in the council's log for all to see."
        )


@app.command()
def rotate_keys(
    recovery: Annotated[Path, typer.Option(help="The recovery file, from the safe.")],
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Put new keys in the place of lost or stolen ones; prints words to read to the operator."""
    with report_errors():

        async def work() -> None:
            async with membership.rotated(folder, hub, recovery) as rotator:
                typer.echo(f"party: {rotator.applied.party_id}")
                typer.echo(f"words: {rotator.applied.words}")
                out.print("Call the council and read the words. Waiting for its approval ...")
                await rotator.approved()
            out.print("The log names the new keys. Put the new recovery file into the safe.")
            out.print("Start patchwork-node serve again.")

        asyncio.run(work())


@app.command()
def publish(hub: HubName = "", folder: Folder = Path()) -> None:
    """Publish the clients that may be published; only what changed is sent."""
    with report_errors(), Progress(console=out, transient=True) as bar:
        task = bar.add_task("Publishing", total=None)

        def show(step: Step) -> None:
            bar.update(task, total=step.total, completed=step.done)

        async def work() -> None:
            async with open_service(folder, hub) as service:
                report = await records.publish_now(service, show)
            bar.stop()
            printing.print_published(out, report)

        asyncio.run(work())


@app.command()
def withdraw(
    client: Client, practitioner: PersonName = "", hub: HubName = "", folder: Folder = Path()
) -> None:
    """Withdraw permission for a client, here and at the hub, at once."""
    with report_errors():

        async def work() -> int:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                return await records.withdraw_now(service, client, person)

        count = asyncio.run(work())
        out.print(f"Permission withdrawn for {count} involvement(s); the hub was told.")


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
            async with open_service(folder, hub) as service:
                found = await service.read(partial(family_of, local_id=client))
            if not as_json:
                printing.print_family(out, found if family else found[:1])
            elif family:
                values = [
                    {"client": one, "relation": what, **team_value(of)} for one, what, of in found
                ]
                typer.echo(json.dumps(values))
            else:
                typer.echo(json.dumps(team_value(found[0][2])))

        asyncio.run(work())


@app.command()
def ask(
    client: Client,
    reference: Annotated[str, typer.Argument(help="The reference in the client's team.")],
    role: Annotated[str, typer.Option(help="Your role, as the charter names it.")],
    purpose: Annotated[str, typer.Option(help="Purpose code; asked for if left out.")] = "",
    basis: Annotated[str, typer.Option(help="Lawful basis code; asked for if left out.")] = "",
    fact: Annotated[list[str] | None, typer.Option(help="field=value (repeat).")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Ask for the contact details of somebody in a client's team; it says to whom it goes."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                to = await acts.addressee_of(service, client, reference)
                out.print(f"This goes to {printing.plain(to.title)}.")
                chosen = choose(await service.read(offered), purpose, basis, fact or [])
                if not yes:
                    confirm("Send it?")
                asked = acts.Ask(client, to, person, role, chosen)
                request_id = await acts.ask_now(service, asked)
                value = await service.read(inbox_value)
            item = next(item for item in value["sent"] if item["request_id"] == request_id)
            out.print(f"Request {request_id} to {printing.plain(to.title)}: {item['state_text']}.")
            if item["sentence"]:
                out.print(item["sentence"])
                raise typer.Exit(1)

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
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Answer a request that waits for a person."""
    with report_errors():
        if allow == (refuse is not None):
            raise LocalError(ErrorCode.NOT_READY, "say either --allow or --refuse CODE")
        in_spite = acts.read_override(override, role)

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                await acts.answer_now(service, Answer(request, person, refuse, in_spite))

        asyncio.run(work())
        out.print("Your answer is in the council's log.")


@app.command()
def disclose(
    request: Annotated[str, typer.Argument(help="The id of a request that was answered.")],
    to: Annotated[Path, typer.Option(help="The file to write, for the auditor.")],
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Write what your agency went by when it answered a request, for an auditor who asks."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                opened = await acts.disclose(service, request, person)
            with to.open("xb") as file:
                file.write(encode_wire(opened))

        asyncio.run(work())
        out.print(f"Written: {to.name}. It holds no name and no client.")


@app.command()
def serve(folder: Folder = Path()) -> None:
    """Fetch mail, send what waits and release what is allowed, until stopped."""
    with report_errors():
        asyncio.run(serve_folder(folder, lambda hubs: typer.echo(f"node serving {hubs} hub(s)")))


async def _join(folder: Path, text: str, *, accept: bool) -> None:
    async with membership.joined(folder, text) as joiner:
        typer.echo(f"party: {joiner.applied.party_id}")
        typer.echo(f"words: {joiner.applied.words}")
        out.print("Read these words to the council's operator, who approves if they are the same.")
        charter = await joiner.approved()
        out.print(
            f"Approved. Charter version {charter.version} of {charter.hub.name}: "
            f"{len(charter.lawful_bases)} lawful bases, {len(charter.witnesses)} witnesses."
        )
        if not accept:
            typer.confirm("Sign this sharing agreement for your agency?", abort=True)
        await joiner.sign()
        out.print("Signed. You can publish now.")


def main() -> None:
    """The console script."""
    app()
