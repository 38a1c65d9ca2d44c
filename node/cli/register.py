"""patchwork-node people: who may act for this agency (`--as`). Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.actions.register import add_person, choose_mail, close_person, in_register
from node.cli import printing
from node.cli.options import Folder, JsonOutput
from node.config import MailWish
from node.store.people import PersonKind
from node.views.people import KINDS, people_value
from runtime.cli import make_cli, report_errors

app = make_cli("people", "Who may act for your organisation: workers as imported, and others.")
out = Console(soft_wrap=True, markup=False, highlight=False)

Named = Annotated[str, typer.Argument(help="Their name.")]


@app.command()
def add(
    name: Named,
    kind: Annotated[PersonKind, typer.Option(help="What they are to you.")],
    team: Annotated[
        str | None, typer.Option(help="Their team, if somebody else has the same name.")
    ] = None,
    folder: Folder = Path(),
) -> None:
    """Let somebody act from now on; or say anew what somebody is, and open what was closed."""
    with report_errors():
        person = asyncio.run(add_person(folder, name, team, kind))
        out.print(f"{person.title} may act here as {KINDS[person.kind]}: --as '{person.title}'.")


@app.command("list")
def list_people(
    everybody: Annotated[bool, typer.Option("--all", help="Those who were closed too.")] = False,
    acts: Annotated[bool, typer.Option("--acts", help="What was done in their names too.")] = False,
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show who may act, since when, and what was done in their names that no statement says."""
    with report_errors():
        people = asyncio.run(in_register(folder, people_value))
        shown = [item for item in people if everybody or item["closed_at"] is None]
        if as_json:
            typer.echo(json.dumps(shown))
        else:
            printing.print_people(out, shown, acts=acts)


@app.command()
def mail(
    name: Named,
    wish: Annotated[MailWish, typer.Argument(help="When: at-once, daily or never.")],
    to: Annotated[
        str | None,
        typer.Option(help="Where, if not at the address on their card; '' to go back to that."),
    ] = None,
    folder: Folder = Path(),
) -> None:
    """Say how somebody hears by e-mail that there is news: a mail never says what."""
    with report_errors():
        person = asyncio.run(choose_mail(folder, name, wish, to))
        out.print(f"{person.title} gets mail: {wish.value}.")


@app.command()
def close(
    name: Named,
    hand_to: Annotated[str, typer.Option(help="Who takes their work over, by name.")] = "",
    folder: Folder = Path(),
) -> None:
    """Let somebody act no longer. What they did stays; an import does not bring them back. Cards
    with their details are recalled, and what they asked for and was not answered is stopped.
    """
    with report_errors():
        left = asyncio.run(close_person(folder, name, hand_to))
        out.print(f"{left.person.title} acts here no longer.")
        if left.handed_over:
            out.print(f"{left.handed_over} pieces of work were handed over to {hand_to}.")
        if left.stopped:
            out.print(f"{left.stopped} unanswered requests of theirs were stopped.")
        if left.alone:
            out.print(
                f"{left.alone} pieces of work have nobody to call now: run this again with "
                "--hand-to NAME."
            )
