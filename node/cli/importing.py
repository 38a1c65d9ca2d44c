"""patchwork-node import and held: take a file in, and say who is who. Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
import shlex
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from node.actions import importing
from node.actions.held import answer_held, held_clients
from node.actions.importing import DoubtfulFileError, Imported, ImportFile
from node.actions.mappings import keep_mapping
from node.cli.options import Folder, JsonOutput, PersonName
from node.records.importer.look import Doubt, FileWarning, lines_in_words
from node.records.importer.mapping import DraftError
from node.store.held import Agreeing, HeldPair
from node.views.held import held_value
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError
from runtime.cli import report_errors

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)

MOST_SAID = 20
DOUBTS = {
    Doubt.ONE_CLIENT_TWICE: "look like one client, under two ids",
    Doubt.NUMBER_OF_TWO: "have one NHS number, and differ in name or date of birth",
    Doubt.ID_OF_TWO: "have one local id, and differ in name or date of birth",
    Doubt.IDS_ALIKE: "have local ids that a spreadsheet can have made of one another",
    Doubt.ANOTHER_PERSON: (
        "has a local id that was somebody else's until now: was the file sorted by one column only?"
    ),
    Doubt.CLIENT_DIFFERS: "are of one client, and differ in it: the last one would count",
    Doubt.WORK_DIFFERS: (
        "are of the same work with one client, and contradict each other: those that contradict "
        "the first one would be left out"
    ),
    Doubt.MANY_MISSING: (
        "pieces of work are missing from a file that has everything, more than one in ten: they "
        "would be closed. Is it the whole file?"
    ),
    Doubt.FINDABLE_MISSING: (
        "pieces of work that must always be found are missing from the file: they would be closed"
    ),
    Doubt.UNREAD_MISSING: (
        "cannot be read, and may be of those who are missing from the file and would be closed"
    ),
    Doubt.DAMAGED: (
        "have text that was damaged before it came; those fields would be left empty. Export the "
        "file anew, or write repair_text = true in the mapping to take what it probably was"
    ),
    Doubt.UNUSABLE: "in more than half of the rows cannot be used: is it the right column?",
}
AGREEING = {
    Agreeing.LOCAL_ID: "a spreadsheet can have made the ids of one another",
    Agreeing.NHS_NUMBER: "the NHS number agrees",
    Agreeing.NAME_AND_BIRTH: "name and date of birth agree",
    Agreeing.FAMILY_AND_BIRTH: "family name and date of birth agree",
    Agreeing.PLACE_AND_BIRTH: "postcode and date of birth agree",
}


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file or workbook of your own system.")],
    mapping: Annotated[Path | None, typer.Option(help="A mapping file you have checked.")] = None,
    sheet: Annotated[
        str | None, typer.Option(help="Which sheet of a workbook; left out, the first.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Import although something speaks against the file.")
    ] = False,
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Take in clients from a CSV file or an .xlsx workbook, by a mapping that you confirm."""
    with report_errors(lambda error: 2 if isinstance(error, DraftError) else 1):
        allowed = {} if mapping else asyncio.run(importing.allowed_codes(folder))
        chosen = importing.mapping_for(file, mapping, allowed, sheet)
        if chosen.draft is not None:
            todo = "A draft mapping is in {}. Complete and check it, then run:"
            if chosen.completed:
                todo = "Your mapping is in {}. To import by it, run:"
            out.print(todo.format(chosen.draft))
            words = ["patchwork-node", "import", str(file), "--mapping", str(chosen.draft)]
            words += ["--sheet", sheet] if sheet is not None else []
            words += ["--dir", str(folder)] if folder != Path() else []
            out.print(f"  {shlex.join(words)}")
            raise typer.Exit(1)
        beside = file.parent if folder == Path() else folder
        wanted = ImportFile(file, chosen, beside, sheet, None if yes else ())
        try:
            done = _import(folder, wanted)
        except DoubtfulFileError as doubtful:
            print_doubts(doubtful.warnings)
            if not sys.stdin.isatty():
                raise
            typer.confirm("Import the file all the same?", abort=True)
            done = _import(folder, replace(wanted, agreed=doubtful.warnings))
        if chosen.mapping is not None:
            asyncio.run(keep_mapping(folder, chosen.mapping))
        if as_json:
            typer.echo(json.dumps(import_value(done)))
        else:
            print_import(done)


@app.command()
def held(
    client: Annotated[str, typer.Argument(help="A held client's id in your own system.")] = "",
    same: Annotated[
        bool, typer.Option("--same", help="It is the client named beside it: one person.")
    ] = False,
    not_same: Annotated[bool, typer.Option("--not-same", help="It is somebody else.")] = False,
    practitioner: PersonName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show new clients held back because they may be somebody known, and say who they are."""
    with report_errors():
        if client:
            if same == not_same:
                raise LocalError(ErrorCode.NOT_READY, "say either --same or --not-same")
            asyncio.run(answer_held(folder, client, practitioner, same=same))
            if same:
                out.print("One client from now on; what was withdrawn stays so. Import again.")
            else:
                out.print("A client of their own, published with the next patchwork-node publish.")
            return
        waiting = asyncio.run(held_clients(folder))
        if as_json:
            typer.echo(json.dumps([held_value(item) for item in waiting]))
        else:
            print_held(waiting)


def print_held(waiting: list[HeldPair]) -> None:
    """Who is held, and beside whom."""
    out.print("Held back until you say who it is:" if waiting else "Nobody is held back.")
    for item in waiting:
        state = "withdrawn" if item.withdrawn else "not withdrawn"
        out.print(
            f"{item.local_id}: perhaps {item.other_id} (permission {state}); {AGREEING[item.why]}"
            if item.other_id is not None
            else f"{item.local_id}: perhaps somebody who withdrew and whose record is deleted; "
            f"{AGREEING[item.why]}"
        )
    if waiting:
        out.print("Answer with patchwork-node held CLIENT --same (or --not-same) --as NAME.")


def print_doubts(warnings: Collection[FileWarning]) -> None:
    """What a person must look at, by line."""
    out.print("Look at these before anything is stored:", style="bold")
    for item in list(warnings)[:MOST_SAID]:
        out.print(f"  {_of_what(item)}: {DOUBTS[item.doubt]}")
    if len(warnings) > MOST_SAID:
        out.print(f"  and {len(warnings) - MOST_SAID} more of this kind.")


def _of_what(item: FileWarning) -> str:
    """The lines that a doubt is about, the field, or how many."""
    if not item.lines:
        return item.field or str(item.count)
    lines = lines_in_words(item.lines, len(item.lines))
    return f"{lines} ({item.field})" if item.field else lines


def import_value(done: Imported) -> dict[str, object]:
    """What an import read and did, in numbers and files, for scripts."""
    report, reading = done.report, done.reading
    lists = {"left_out": done.rejects, "notes": done.notes, "missing": done.missing}
    return {
        "lines": reading.lines,
        "rows": reading.rows,
        "stored": report.stored,
        "left_out": report.rejected,
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "without_permission": report.without_permission,
        "findable": report.findable,
        "held": report.held,
        "still_ended": report.still_ended,
        "missing": len(report.missing),
        "files": {name: str(path) for name, path in lists.items() if path is not None},
    }


def print_import(done: Imported) -> None:
    """What an import read and did."""
    report, reading = done.report, done.reading
    above = reading.titles + reading.header
    inside = f", {reading.continued} inside rows" if reading.continued else ""
    out.print(
        f"{counted(reading.lines, 'line')} read{f' of sheet {done.sheet}' if done.sheet else ''}: "
        f"{above} of the header, {reading.blank} blank{inside}, {counted(reading.rows, 'row')}. "
        f"Of the rows {counted(report.stored, 'was', 'were')} kept and {report.rejected} left out."
    )
    out.print(
        f"{counted(report.stored, 'row')} stored ({report.new} new, {report.changed} changed, "
        f"{report.unchanged} unchanged)."
    )
    out.print(
        f"{counted(report.without_permission, 'of them has', 'of them have')} no permission in "
        "force: stored, not published."
    )
    for kind, count in sorted(report.findable.items()):
        rows = counted(count, "row is", "rows are")
        out.print(f"{rows} findable by law whatever the file says of permission: {kind}.")
    if done.missing:
        out.print(
            "In the file no longer, and closed: "
            f"{counted(len(report.missing), 'piece')} of work, by {done.missing}."
        )
    if report.still_ended:
        out.print(
            f"Going on in the file, and ended by a person here: "
            f"{counted(report.still_ended, 'piece')} of work. That stays ended."
        )
    if report.held:
        out.print(
            f"{counted(report.held, 'new client')} may be somebody whom you know already: held "
            "back, see patchwork-node held."
        )
    if done.rejects:
        rows = counted(report.rejected, "row was", "rows were")
        out.print(f"{rows} left out; {done.rejects} says why, line by line.")
    if done.notes:
        lines = len({note.line for note in report.notes})
        rows = counted(lines, "row was", "rows were")
        out.print(f"{rows} stored with something left empty or changed, which")
        out.print(f"  {done.notes} lists, line by line.")


def _import(folder: Path, file: ImportFile) -> Imported:
    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("Importing", total=file.path.stat().st_size)
        return asyncio.run(
            importing.run_import(folder, file, lambda read: bar.update(task, completed=read))
        )
