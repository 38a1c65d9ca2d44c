"""patchwork-hub charter: show the charter in force, and change it (specs/02-charter.md §7)."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.folder import Folder, JsonOutput, opened_hub, out
from hub.config import load_settings
from hub.members.charter_changes import (
    CharterStatus,
    Signatory,
    charter_status,
    propose,
    proposed,
    read_change,
    signatories,
)
from hub.members.holidays import holidays_warning, public_holidays, with_holidays, years_from
from protocol.governance.changes import Differences, differences
from protocol.governance.charter import Charter
from protocol.governance.charter_words import charter_in_words
from protocol.matchkeys.tables import table_hashes
from runtime.cli import make_cli, report_errors, tell
from runtime.environment import Environment

app = make_cli("charter", "Show the sharing agreement, and change it while the hub serves.")


@app.command()
def show(
    folder: Folder = Path(),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole document, to be edited.")
    ] = False,
) -> None:
    """Show what the charter in force says, and who is bound by it."""
    with report_errors():
        status = asyncio.run(_status(folder))
        charter = status.directory.charter
        if as_json:
            document = charter.to_value()
            typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
            return
        out.print(f"Charter version {charter.version}, document {charter.document_hash}")
        for section in charter_in_words(charter):
            out.print(section.title, style="bold")
            for line in section.lines:
                out.print(f"  {line}")
        out.print("Who is bound", style="bold")
        for signatory in signatories(status.directory):
            out.print(_line(signatory))
        warning = holidays_warning(charter.answering, Environment().clock())
        if warning is not None:
            out.print(warning)
        if charter.tables != table_hashes():
            out.print("This program's name tables are not the charter's. To adopt them:")
            out.print(f"  tables = {json.dumps(table_hashes()).replace(': ', ' = ')}")
        if status.change is not None:
            out.print(f"Version {status.change.version} waits: the running hub writes it.")


@app.command()
def holidays(
    places: Annotated[
        list[str] | None,
        typer.Argument(help="Such as england, wales or victoria. None: the charter's own."),
    ] = None,
    folder: Folder = Path(),
) -> None:
    """Print public holidays as a change of the charter: days on which nobody has to answer."""
    with report_errors():
        held = asyncio.run(_status(folder)).directory.charter
        years = years_from(Environment().clock())
        days = public_holidays(places or held.jurisdictions, years)
        where = ", ".join(places or held.jurisdictions)
        typer.echo(f"# Public holidays of {where}, {years[0]} to {years[-1]}. Check them, then put")
        typer.echo("# this into a file: patchwork-hub charter change FILE. More days loosen.")
        typer.echo(_in_toml(with_holidays(held, days, years[0])))


@app.command()
def change(
    file: Annotated[
        Path, typer.Argument(help="TOML or JSON: the parts that change, or a whole document.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Change the charter. Agencies are bound at once by what tightens, else after they accept."""
    with report_errors():
        held = asyncio.run(_status(folder)).directory.charter
        new = proposed(held, read_change(file))
        found = differences(held, new)
        if not as_json:
            _show_change(held, new, found)
        _warn_of_witnesses(held, new, folder)
        if not yes:
            typer.confirm("Put it in force?", abort=True, err=as_json)
        asyncio.run(_propose(folder, new))
        value = {"version": new.version, **asdict(found)}
        done = "Done. The running hub writes it into the log; nothing needs a restart."
        tell(value, done, as_json=as_json)


def _show_change(held: Charter, new: Charter, found: Differences) -> None:
    out.print(f"Charter version {new.version} after version {held.version}.")
    _list("It loosens:", found.loosened)
    _list("It tightens:", found.tightened)
    _list("It also changes:", found.neutral)
    if found.loosened:
        out.print(
            "An agency that is given more asks, publishes and answers by rule no more until "
            "its own person accepts this version; what it has published stays."
        )
    else:
        out.print("It loosens nothing: every agency that accepted is bound at once.")


def _in_toml(answering: Mapping[str, object]) -> str:
    """The part `answering` of a charter, as a change file has it."""
    lines = (f"{name} = {json.dumps(value)}" for name, value in answering.items())
    return "\n".join(("[answering]", *lines))


async def _status(folder: Path) -> CharterStatus:
    async with opened_hub(folder) as engine:
        return await engine.read(charter_status)


async def _propose(folder: Path, new: Charter) -> None:
    async with opened_hub(folder) as engine:
        await engine.write(lambda tables: propose(tables, new))


def _line(signatory: Signatory) -> str:
    if signatory.signed is None:
        state = "bound" if signatory.bound else "has signed no version"
    else:
        bound = "bound" if signatory.bound else "not bound yet"
        state = f"{bound}; signed version {signatory.signed}"
    return f"  {signatory.name}: {state}"


def _warn_of_witnesses(held: Charter, new: Charter, folder: Path) -> None:
    known = {*load_settings(folder).witness_urls, *(witness.name for witness in held.witnesses)}
    for witness in new.witnesses:
        if witness.name not in known:
            typer.echo(
                f"hub.toml has no address for the new witness {witness.name}: add it first, "
                "unless it pulls.",
                err=True,
            )


def _list(title: str, sentences: tuple[str, ...]) -> None:
    if sentences:
        out.print(title)
    for sentence in sentences:
        out.print(f"  - {sentence}")
