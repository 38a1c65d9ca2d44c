"""patchwork-hub accounts: who may sign in to the operator's pages. Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from hub.cli.folder import Folder, JsonOutput, opened_hub, out
from hub.config import load_settings
from hub.members import accounts
from hub.members.accounts import AccountState
from hub.store.tables import HubTables
from protocol.counted import counted
from runtime.cli import make_cli, report_errors, tell
from runtime.environment import Environment

app = make_cli(
    "accounts", "Who may sign in to the operator's pages: invite, list, close, sign out."
)
Result = TypeVar("Result")
SignInName = Annotated[str, typer.Argument(help="What they type to sign in.")]
STATES = {
    AccountState.OPEN: "may sign in",
    AccountState.INVITED: "has a link, and no new password yet",
    AccountState.LINK_OVER: "has no password, and the link is over: invite again",
    AccountState.CLOSED: "may not sign in",
}


@app.command()
def invite(name: SignInName, folder: Folder = Path(), as_json: JsonOutput = False) -> None:
    """Print a one-time link by which somebody chooses a password, the first time or again."""
    with report_errors():
        settings, secret = load_settings(folder), secrets.token_urlsafe(24)
        now = Environment().clock()
        account = _write(folder, lambda tables: accounts.invite(tables, name, secret, now))
        port = settings.web_port or "PORT"
        address = settings.web_address or f"http://{settings.web_host}:{port}"
        link = f"{address}/welcome/{secret}"
        said = f"Give them this link yourself; it can be used once, for two days:\n{link}"
        value = {"name": account.name, "link": link}
        tell(value, f"{said}\nThey sign in as {account.name}.", as_json=as_json)
        if not settings.web_port and not as_json:
            out.print("The pages are off: set web_port in hub.toml, and start the hub again.")


@app.command("list")
def show(folder: Folder = Path(), as_json: JsonOutput = False) -> None:
    """Show who may sign in."""
    with report_errors():
        now = Environment().clock()
        found = _write(folder, lambda tables: accounts.listed(tables, now))
        if as_json:
            typer.echo(json.dumps([{"name": name, "state": state} for name, state in found]))
            return
        for name, state in found:
            out.print(f"{name}: {STATES[state]}")
        if not found:
            out.print("Nobody yet: patchwork-hub accounts invite NAME")


@app.command()
def close(name: SignInName, folder: Folder = Path()) -> None:
    """Let somebody sign in no longer, and sign them out everywhere."""
    with report_errors():
        now = Environment().clock()
        _write(folder, lambda tables: accounts.shut(tables, name, now))
        out.print("They are signed out everywhere, and cannot sign in.")


@app.command()
def sign_out(name: SignInName, folder: Folder = Path()) -> None:
    """Sign somebody out of every browser: a telephone was lost."""
    with report_errors():
        number = _write(folder, lambda tables: accounts.sign_out(tables, name))
        out.print(f"Signed out of {counted(number, 'browser')}.")


@app.command()
def take_second_factor(name: SignInName, folder: Folder = Path()) -> None:
    """Ask somebody for no second factor any more: they lost theirs, and their recovery codes."""
    with report_errors():
        _write(folder, lambda tables: accounts.take_factors(tables, name))
        out.print("Their password is enough now, and they are signed out everywhere.")


def _write(folder: Path, body: Callable[[HubTables], Result]) -> Result:
    async def write() -> Result:
        async with opened_hub(folder) as engine:
            return await engine.write(body)

    return asyncio.run(write())
