"""Importing a file of an agency's own system: its mapping, one transaction, the rejects beside it.

What the command does and what a browser will do; nothing here prints or asks.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from node.membership.hub import followed_charters
from node.records.clients import ImportReport, apply_import, write_faults
from node.records.importer.mapping import (
    ColumnMapping,
    Field,
    check_types,
    dump_mapping,
    guess_mapping,
    load_mapping,
)
from node.records.importer.reader import Line, Table, read_table
from node.records.importer.rows import parse_rows
from node.store.tables import NodeTables, open_engine
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import Charter

MAPPING_LIMIT = 200_000
LINES_A_STEP = 500


@dataclass(frozen=True)
class ChosenMapping:
    """A mapping to import by, or the path of a draft that a person must complete first."""

    mapping: ColumnMapping | None = None
    draft: Path | None = None


@dataclass(frozen=True)
class Imported:
    """What an import did, and the files that list its faults, where there are any: the rows that
    were left out, and what rows that were taken lost.
    """

    report: ImportReport
    rejects: Path | None
    notes: Path | None


def mapping_for(file: Path, mapping: Path | None) -> ChosenMapping:
    """The confirmed mapping, or a draft written beside the file for a person to complete."""
    _require_file(file)
    if mapping is not None:
        _require_file(mapping)
        if mapping.stat().st_size > MAPPING_LIMIT:
            raise RemoteError(ErrorCode.BAD_FILE, "the mapping file is too large")
        try:
            text = mapping.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise RemoteError(ErrorCode.BAD_FILE, "the mapping file is not UTF-8") from error
        return ChosenMapping(load_mapping(text))
    draft = file.with_suffix(".mapping.toml")
    if draft.exists():
        raise LocalError(ErrorCode.NOT_READY, f"check {draft.name}, then pass it with --mapping")
    with file.open("rb") as stream:
        header = read_table(stream).header
    guess = guess_mapping(header)
    draft.write_text(dump_mapping(guess) + _left_to_do(header, guess), encoding="utf-8")
    return ChosenMapping(draft=draft)


def _left_to_do(header: Iterable[str], guess: ColumnMapping) -> str:
    """Comments for the end of a draft: fields without a source, and columns that none reads."""
    read = {source.column for source in guess.sources.values()}
    lines = [
        "",
        "# This is a guess from the names of the columns: check every line. A field is given as",
        '# above, or as fixed = "..." where it is the same for everybody (docs/operate/README.md).',
        "#",
        "# Fields without a source:",
        *(
            f"#   {name}" + (" (cannot be done without)" if name in guess.missing() else "")
            for name in Field
            if name not in guess.sources
        ),
        "# Columns that no field reads:",
        *(f"#   {column}" for column in header if column not in read),
    ]
    return "\n".join(lines) + "\n"


def known_types(charters: Collection[Charter]) -> frozenset[str] | None:
    """The types of involvement that any of these charters has; None for no charter."""
    if not charters:
        return None
    return frozenset(item.code for charter in charters for item in charter.involvement_types)


async def run_import(
    folder: Path,
    file: Path,
    chosen: ChosenMapping,
    beside: Path,
    progress: Callable[[int], None],
) -> Imported:
    """Import a file in one transaction, and list its faults in the folder `beside`.

    A type of involvement must be in the charter of a hub that this node has joined, as last seen.
    Before it has joined one, only a type's form is checked; what a charter lacks is not published.
    """
    if chosen.mapping is None:
        raise LocalError(ErrorCode.NOT_READY, "confirm the mapping first")
    mapping, now = chosen.mapping, datetime.now(UTC)
    engine = open_engine(folder)

    def work(tables: NodeTables) -> ImportReport:
        types = known_types(followed_charters(tables))
        check_types(mapping, types)
        with file.open("rb") as stream:
            table = read_table(stream)
            watched = Table(table.header, _watched(table.lines, stream, progress))
            rows = parse_rows(watched, mapping, today=now.date(), types=types)
            return apply_import(tables, rows, int(now.timestamp()))

    try:
        report = await engine.write(work)
    finally:
        await engine.close()
    rejects, notes = (beside / f"{file.stem}.{kind}.csv" for kind in ("rejected", "notes"))
    for path, faults in ((rejects, report.errors), (notes, report.notes)):
        if faults:
            await asyncio.to_thread(write_faults, path, faults)
    return Imported(report, rejects if report.errors else None, notes if report.notes else None)


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise LocalError(ErrorCode.NOT_FOUND, f"there is no file {path.name}")


def _watched(
    lines: Iterator[Line], stream: BinaryIO, progress: Callable[[int], None]
) -> Iterator[Line]:
    """The same lines, telling now and then how many bytes of the file were read."""
    for number, line in enumerate(lines):
        if number % LINES_A_STEP == 0:
            progress(stream.tell())
        yield line
