"""patchwork-hub charter: show the charter in force, and change it (specs/02-charter.md §7)."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hub.config import load_settings
from hub.log.ledger import replay_directory
from hub.members.charter_changes import check_follows, proposed, put_forward, read_change, waiting
from hub.store.tables import HubTables, open_engine
from protocol.errors import ErrorCode, LocalError
from protocol.governance.changes import differences, unaccepted
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.matchkeys.tables import table_hashes
from runtime.cli import make_cli, report_errors

app = make_cli("charter", "Show the sharing agreement, and change it while the hub serves.")
out = Console(soft_wrap=True, markup=False, highlight=False)

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_HUB_DIR", help="The hub's folder.")
]


@dataclass(frozen=True)
class CharterStatus:
    """The charter in force, who is who under it, and a change that waits to be written."""

    directory: Directory
    change: Charter | None


@app.command()
def show(
    folder: Folder = Path(),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole document, to be edited.")
    ] = False,
) -> None:
    """Show the charter in force and who is bound by it."""
    with report_errors():
        standing = _standing(folder)
        charter = standing.directory.charter
        if as_json:
            document = charter.model_dump(mode="json")
            typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
            return
        out.print(f"Charter version {charter.version}, document {charter.document_hash}")
        for line in _bound(standing.directory):
            out.print(line)
        if charter.tables != table_hashes():
            out.print("This program's name tables are not the charter's. To adopt them:")
            out.print(f"  tables = {json.dumps(table_hashes()).replace(': ', ' = ')}")
        if standing.change is not None:
            out.print(f"Version {standing.change.version} waits: the running hub writes it.")


@app.command()
def change(
    file: Annotated[
        Path, typer.Argument(help="TOML or JSON: the parts that change, or a whole document.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    folder: Folder = Path(),
) -> None:
    """Change the charter. Agencies are bound at once by what tightens, else after they accept."""
    with report_errors():
        standing = _standing(folder)
        held = standing.directory.charter
        new = proposed(held, read_change(file))
        found = differences(held, new)
        out.print(f"Charter version {new.version} after version {held.version}.")
        _list("It loosens:", found.loosened)
        _list("It tightens:", found.tightened)
        _warn_of_witnesses(new, folder)
        if found.loosened:
            out.print("Each agency goes on as before until its own person accepts this version.")
        else:
            out.print("It loosens nothing: every agency that accepted is bound at once.")
        if not yes:
            typer.confirm("Put it in force?", abort=True)
        asyncio.run(_put_forward(folder, new))
        out.print("Done. The running hub writes it into the log; nothing needs a restart.")


async def _put_forward(folder: Path, new: Charter) -> None:
    def work(tables: HubTables) -> None:
        check_follows(replay_directory(tables).charter, new)
        put_forward(tables, new)

    engine = open_engine(folder)
    try:
        await engine.write(work)
    finally:
        await engine.close()


def _standing(folder: Path) -> CharterStatus:
    def work(tables: HubTables) -> CharterStatus:
        return CharterStatus(replay_directory(tables), waiting(tables))

    async def read() -> CharterStatus:
        engine = open_engine(folder)
        try:
            return await engine.read(work)
        finally:
            await engine.close()

    if not (folder / "plan.json").exists():
        raise LocalError(ErrorCode.NOT_READY, "this is no hub's folder; run patchwork-hub init")
    standing = asyncio.run(read())
    if not standing.directory.charters:
        raise LocalError(ErrorCode.NOT_READY, "there is no charter yet; run patchwork-hub found")
    return standing


def _bound(directory: Directory) -> list[str]:
    """Who has signed what, in words. Auditors sign no charter."""
    lines = []
    for party_id in directory.members:
        member = directory.active(party_id)
        if member is None or member.body.member_class == "auditor":
            continue
        missing = unaccepted(directory, party_id)
        signed = directory.accepted.get(party_id)
        state = (
            f"bound; signed version {signed}"
            if not missing
            else (f"not bound yet; signed version {signed}" if signed else "has signed no version")
        )
        lines.append(f"  {member.body.name}: {state}")
    return lines


def _warn_of_witnesses(new: Charter, folder: Path) -> None:
    known = load_settings(folder).witness_urls
    for witness in new.witnesses:
        if witness.name not in known:
            out.print(f"hub.toml has no address for the witness {witness.name}: add it first.")


def _list(title: str, sentences: tuple[str, ...]) -> None:
    if sentences:
        out.print(title)
    for sentence in sentences:
        out.print(f"  - {sentence}")
