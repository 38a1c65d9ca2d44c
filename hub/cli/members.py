"""patchwork-hub invite and members: who may apply, who applied, who is a member."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from getpass import getuser
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from hub.cli.folder import Folder, JsonOutput, opened_hub, out
from hub.members.enrolment import INVITATION_SECONDS
from hub.members.invitations import Invited, cancel_invitation, invited, reference_of
from hub.members.office import (
    Candidate,
    approve,
    candidates,
    make_invitation,
    order,
    party_of,
    refuse,
    rename,
    resize,
)
from hub.members.wishes import wishes
from hub.store import office
from hub.store.members import MemberStatus
from hub.store.office import ActKind
from hub.store.tables import HubTables
from protocol.fields import to_base64
from protocol.wire import encode_wire
from runtime.cli import report_errors, tell
from runtime.environment import Environment

app = typer.Typer()

Result = TypeVar("Result")
Act = Callable[[HubTables, str], None]
ACTS = {
    "suspended": ActKind.SUSPENDED, "active": ActKind.RESUMED, "approved": ActKind.APPROVED,
    "turned down": ActKind.REFUSED,
}  # fmt: skip


@app.command()
def invite(
    folder: Folder = Path(),
    listed: Annotated[
        bool, typer.Option("--list", help="Show what was made and what became of it.")
    ] = False,
    cancelled: Annotated[
        str, typer.Option("--cancel", help="Take one back that nobody has used, by its reference.")
    ] = "",
    as_json: JsonOutput = False,
) -> None:
    """Make a one-time invitation, to be handed to one new member; prints it. Or list them."""
    with report_errors():
        env = Environment()
        if cancelled:
            _write(folder, lambda tables: cancel_invitation(tables, cancelled))
            said = f"Invitation {cancelled} is taken back."
            tell({"cancelled": cancelled}, said, as_json=as_json)
        elif listed:
            _show_invited(_read(folder, lambda tables: invited(tables, env.clock())), as_json)
        else:
            expires = env.clock() + INVITATION_SECONDS
            made = asyncio.run(make_invitation(folder, env))
            text, reference = to_base64(encode_wire(made)), reference_of(made)
            value = {"invitation": text, "reference": reference, "expires": expires}
            tell(value, text, as_json=as_json)
            until = f"Invitation {reference}, for one newcomer until {_day(expires)}."
            typer.echo(until, err=True)


@app.command()
def members(
    folder: Folder = Path(),
    approved: Annotated[
        str, typer.Option("--approve", help="Whose --words you compared, by name or party id.")
    ] = "",
    words: Annotated[str, typer.Option(help="The words as the newcomer read them to you.")] = "",
    refused: Annotated[str, typer.Option("--refuse", help="Turn an application down.")] = "",
    suspend: Annotated[str, typer.Option(help="Stop a member at once, by name or id.")] = "",
    reinstate: Annotated[str, typer.Option(help="Let a suspended member go on.")] = "",
    revoke: Annotated[str, typer.Option(help="Stop a member for good.")] = "",
    renamed: Annotated[str, typer.Option("--rename", help="Call a member by another --name.")] = "",
    name: Annotated[str, typer.Option(help="The new name; everybody is told.")] = "",
    resized: Annotated[str, typer.Option("--resize", help="A member has --clients now.")] = "",
    clients: Annotated[
        int | None, typer.Option(min=0, help="How many clients it has, about.")
    ] = None,
    as_json: JsonOutput = False,
) -> None:
    """Show who applied and who is a member; approve, refuse, stop, reinstate, rename or resize one,
    each by its name or its party id.
    """
    _check_pairs(
        ("--approve", approved, "--words", words),
        ("--rename", renamed, "--name", name),
        ("--resize", resized, "--clients", "" if clients is None else str(clients)),
    )
    orders: list[tuple[str, str, Act]] = [
        (suspend, "suspended", lambda t, who: order(t, who, MemberStatus.SUSPENDED)),
        (reinstate, "active", lambda t, who: order(t, who, MemberStatus.ACTIVE)),
        (revoke, "revoked", lambda t, who: order(t, who, MemberStatus.REVOKED)),
        (renamed, "renamed", lambda t, who: rename(t, who, name)),
        (resized, "resized", lambda t, who: resize(t, who, clients or 0)),
        (approved, "approved", lambda t, who: approve(t, who, words)),
        (refused, "turned down", refuse),
    ]
    with report_errors():
        asked = [(who, what, act) for who, what, act in orders if who]
        for who, what, act in asked:
            party_id = _write(folder, partial(_carried_out, who=who, what=what, act=act))
            said = f"{who} is to be {what}: the running hub writes it into the log."
            if act is refuse:
                said = f"{who} is turned down."
            tell({"party_id": party_id, "ordered": what}, said, as_json=as_json)
        if not asked:
            _show(_read(folder, candidates), as_json=as_json)
            missed = len(_read(folder, wishes))
            if missed and not as_json:
                out.print(f"Members ask you to invite {missed} more: patchwork-hub asked-for")


def _check_pairs(*pairs: tuple[str, str, str, str]) -> None:
    """Refuse half of what goes together: nothing is guessed for the other half."""
    for option, value, other, with_it in pairs:
        if bool(value) != bool(with_it):
            given, lacks = (option, other) if value else (other, option)
            raise typer.BadParameter(f"{given} goes with {lacks}: give both")


def _carried_out(tables: HubTables, who: str, what: str, act: Act) -> str:
    """Do it, and write down who did, for the page of that member."""
    party_id = party_of(tables, who)
    act(tables, party_id)
    if (kind := ACTS.get(what)) is not None:
        by = f"{_user()} (command)"
        tables.office.note(office.Act(Environment().clock(), by, kind, party_id))
    return party_id


def _user() -> str:
    """Who runs this command, as the operating system calls them; a number where it has no name."""
    try:
        return getuser()
    except (KeyError, ImportError, OSError):
        return str(os.getuid())


def _day(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%-d %B %Y}"


def _show_invited(found: list[Invited], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in found]))
        return
    for item in found:
        by = f" by {item.used_by}" if item.used_by else f", until {_day(item.expires)}"
        out.print(f"{item.reference}  {item.state}{by}")
    if not found:
        out.print("No invitations stand.")


def _show(found: list[Candidate], *, as_json: bool) -> None:
    rows = [
        {
            "party_id": item.party_id,
            "name": item.name,
            "class": item.member_class,
            "clients": item.clients,
            "state": item.state,
            "words": item.words,
        }
        for item in found
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        who = f"{row['name']} ({row['class']}, {row['clients']} clients)"
        out.print(f"{row['party_id']}  {who}: {row['state']}")
        out.print(f"    {row['words']}")
    if not rows:
        out.print("Nobody has applied yet.")


def _write(folder: Path, body: Callable[[HubTables], Result]) -> Result:
    async def write() -> Result:
        async with opened_hub(folder) as engine:
            return await engine.write(body)

    return asyncio.run(write())


def _read(folder: Path, body: Callable[[HubTables], Result]) -> Result:
    async def read() -> Result:
        async with opened_hub(folder) as engine:
            return await engine.read(body)

    return asyncio.run(read())
