"""patchwork-hub invite and members: who may apply, who applied, who is a member."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from hub.cli.folder import Folder, JsonOutput, out
from hub.members.office import (
    Candidate,
    approve,
    candidates,
    make_invitation,
    order,
    rename,
    resize,
)
from hub.members.wishes import wishes
from hub.store.members import MemberStatus
from hub.store.tables import HubTables, opened
from protocol.fields import to_base64
from protocol.wire import encode_wire
from runtime.cli import report_errors
from runtime.environment import Environment

app = typer.Typer()

Result = TypeVar("Result")


@app.command()
def invite(folder: Folder = Path()) -> None:
    """Make a one-time invitation, to be handed to one new member; prints it."""
    with report_errors():
        invitation = asyncio.run(make_invitation(folder, Environment()))
        typer.echo(to_base64(encode_wire(invitation)))


@app.command()
def members(
    folder: Folder = Path(),
    approved: Annotated[
        str, typer.Option("--approve", help="Party id whose words you compared.")
    ] = "",
    words: Annotated[str, typer.Option(help="The words as the newcomer read them to you.")] = "",
    suspend: Annotated[str, typer.Option(help="Stop a member at once, by party id.")] = "",
    reinstate: Annotated[str, typer.Option(help="Let a suspended member go on.")] = "",
    revoke: Annotated[str, typer.Option(help="Stop a member for good.")] = "",
    renamed: Annotated[
        str, typer.Option("--rename", help="Call a member by another --name, by party id.")
    ] = "",
    name: Annotated[str, typer.Option(help="The new name; everybody is told.")] = "",
    resized: Annotated[
        str, typer.Option("--resize", help="A member has --clients now, by party id.")
    ] = "",
    clients: Annotated[int, typer.Option(min=0, help="How many clients it has, about.")] = 0,
    as_json: JsonOutput = False,
) -> None:
    """Show who applied and who is a member; approve, stop, reinstate, rename or resize one."""
    asked = {
        MemberStatus.SUSPENDED: suspend,
        MemberStatus.ACTIVE: reinstate,
        MemberStatus.REVOKED: revoke,
    }
    orders = {status: party_id for status, party_id in asked.items() if party_id}
    with report_errors():
        if orders:
            for status, party_id in orders.items():
                _write(folder, _ordering(party_id, status))
                out.print("Ordered. The running hub writes it into the log.")
        elif renamed:
            _write(folder, lambda tables: rename(tables, renamed, name))
            out.print("Ordered. The running hub writes the new name into the log.")
        elif resized:
            _write(folder, lambda tables: resize(tables, resized, clients))
            out.print("Ordered. The running hub writes the size into the log.")
        elif approved:
            _write(folder, lambda tables: approve(tables, approved, words))
            out.print("Approved. The running hub writes the membership into the log.")
        else:
            _show(_read(folder, candidates), as_json=as_json)
            missed = len(_read(folder, wishes))
            if missed and not as_json:
                out.print(f"Members ask you to invite {missed} more: patchwork-hub asked-for")


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


def _ordering(party_id: str, status: MemberStatus) -> Callable[[HubTables], None]:
    return lambda tables: order(tables, party_id, status)


def _write(folder: Path, body: Callable[[HubTables], Result]) -> Result:
    async def write() -> Result:
        async with opened(folder) as engine:
            return await engine.write(body)

    return asyncio.run(write())


def _read(folder: Path, body: Callable[[HubTables], Result]) -> Result:
    async def read() -> Result:
        async with opened(folder) as engine:
            return await engine.read(body)

    return asyncio.run(read())
