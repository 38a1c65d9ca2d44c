"""patchwork-node init, join, endorse and rotate-keys: belong to a council. Parse, call, print.

Exit codes: see node/cli/main.py.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.actions import membership
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.charter import SIGN, as_text, print_sections
from node.cli.options import Folder, HubName, PersonName
from node.cli.prompts import at_keyboard
from node.store.hubs import HubRow
from protocol.errors import ErrorCode, LocalError
from protocol.governance.charter_words import charter_in_words
from protocol.wire import read_invitation
from runtime.cli import handed_over, report_errors
from runtime.files import put_file
from runtime.interview.answers import shown

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)
ENDORSED = (
    "Besides, another organisation of the council has to answer for yours, which comes late or is "
    "large. Read it the words too; it runs: patchwork-node endorse WORDS --name NAME --clients N"
)


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
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Apply to a hub, wait for approval, and accept its charter. Run again, it goes on."""
    with report_errors():
        begun = [one for one in asyncio.run(membership.begun(folder)) if hub in ("", one.name)]
        text = ""
        if invitation or not begun or not at_keyboard():
            text = handed_over(invitation, "invitation", read_invitation)

        def signs() -> bool:
            if not accept_charter:
                typer.confirm(SIGN, abort=True)
            return True

        if begun and not text.strip():
            out.print(f"Going on at {begun[0].name}. For another council: patchwork-node join -")
            asyncio.run(lead_in(folder, begun[0], signs))
        else:
            asyncio.run(lead_in(folder, text, signs))
        into = "" if folder == Path() else f" --dir {folder}"
        out.print(f"Next: patchwork-node import FILE{into}, then patchwork-node publish{into}.")


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
    recovery: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="The recovery file, from the safe."),
    ],
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


async def lead_in(folder: Path, to: str | HubRow, signs: Callable[[], bool]) -> None:
    """Apply to the hub of an invitation, or go on at one that was applied to; wait until its
    operator has compared the words, show its agreement, sign it if `signs` says so, and wait until
    the log has the signature: nothing is published before. Raises LocalError, RemoteError.
    """
    async with membership.joined(folder, to) as joiner:
        typer.echo(f"party: {joiner.applied.party_id}")
        typer.echo(f"words: {joiner.applied.words}")
        if not joiner.is_member:
            out.print("Read these words to the council's operator, who approves if they match.")
            if joiner.needs_endorsement:
                out.print(ENDORSED)
            out.print("Waiting. It may take days: stop with Ctrl-C, and run this again to go on.")
        charter = await joiner.approved()
        out.print(f"Approved. This is version {charter.version} of {charter.hub.name}'s agreement:")
        sections = charter_in_words(charter, joiner.clients)
        print_sections(sections)
        path = folder / f"agreement-{joiner.hub_id}.txt"
        put_file(path, as_text(sections).encode())
        out.print(f"All of it is in {shown(path)} too, to be read in peace.")
        if not signs():
            raise LocalError(ErrorCode.NOT_READY, "the agreement is not signed: run this again")
        await joiner.sign()
        await joiner.in_log()
        out.print("Signed, and the log has it.")
        recovery = shown(folder / f"recovery-{joiner.hub_id}.json")
        out.print(
            f"Move {recovery} into a safe: with it alone your agency gets new keys if these are "
            "lost or stolen."
        )
