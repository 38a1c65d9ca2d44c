"""patchwork-node accounts: who may sign in to the pages. Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from node.actions import accounts
from node.cli.options import Folder, JsonOutput
from node.cli.printing import plain
from node.records.accounts import NewAccount
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError
from runtime.cli import make_cli, report_errors

app = make_cli("accounts", "Who may sign in to the pages: invite, list, dates, close, sign out.")
DAY = "The last day on which it holds, as 2027-03-31; none: it is not there."
SignInName = Annotated[str, typer.Argument(help="What they type to sign in.")]
STATES = {
    "open": "may sign in",
    "invited": "has a link, and no password yet",
    "link_over": "has no password, and the link is over: invite again",
    "closed": "may not sign in",
}


@app.command()
def invite(
    name: Annotated[str, typer.Argument(help="Their name, as patchwork-node people list has it.")],
    sign_in: Annotated[str, typer.Option(help="What they type to sign in.")] = "",
    administrator: Annotated[bool, typer.Option(help="They administer this node too.")] = False,
    folder: Folder = Path(),
) -> None:
    """Print a one-time link by which somebody chooses a password, the first time or again."""
    with report_errors():
        said = NewAccount(name, sign_in, administrator)
        typed, link = asyncio.run(accounts.invite(folder, said))
    typer.echo(f"Give them this link yourself; it can be used once, for two days:\n{plain(link)}")
    typer.echo(f"They sign in as {plain(typed)}.")


@app.command("list")
def show(folder: Folder = Path(), as_json: JsonOutput = False) -> None:
    """Show who may sign in, and as what."""
    with report_errors():
        found = asyncio.run(accounts.listed(folder))
    if as_json:
        typer.echo(json.dumps({"accounts": found}))
        return
    for one in found:
        roles = ", ".join(str(role).replace("_", " ") for role in one["roles"])  # type: ignore[attr-defined]
        person = plain(str(one["person"] or "nobody who is here"))
        typer.echo(f"{plain(str(one['name']))}: {person}; {roles}; {STATES[str(one['state'])]}")


@app.command()
def dates(
    name: Annotated[str, typer.Argument(help="Their name, as patchwork-node people list has it.")],
    authorisation: Annotated[str, typer.Option(help=DAY)] = "",
    training: Annotated[str, typer.Option(help=DAY)] = "",
    vetting: Annotated[str, typer.Option(help=DAY)] = "",
    folder: Folder = Path(),
) -> None:
    """Say until when somebody may use the pages, where the agency requires that."""
    said = {"authorisation": authorisation, "training": training, "vetting": vetting}
    with report_errors():
        found = {kind: _day(text) for kind, text in said.items() if text}
        if not found:
            raise LocalError(ErrorCode.MALFORMED, "say a day: --training 2027-03-31, or none")
        asyncio.run(accounts.set_dates(folder, name, found))
    typer.echo("Kept.")


def _day(text: str) -> date | None:
    if text == "none":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise LocalError(ErrorCode.MALFORMED, "write a day as 2027-03-31, or none") from None


@app.command()
def close(name: SignInName, folder: Folder = Path()) -> None:
    """Let somebody sign in no longer, and sign them out everywhere."""
    with report_errors():
        asyncio.run(accounts.shut(folder, name))
    typer.echo("They are signed out everywhere, and cannot sign in.")


@app.command()
def sign_out(name: SignInName, folder: Folder = Path()) -> None:
    """Sign somebody out of every browser: a telephone was lost."""
    with report_errors():
        number = asyncio.run(accounts.sign_out(folder, name))
    typer.echo(f"Signed out of {counted(number, 'browser')}.")
