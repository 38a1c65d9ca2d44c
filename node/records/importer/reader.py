"""Reading a file of unknown quality as a stream of rows, specs/09-imports.md §2.

A file is text in UTF-8, separated by commas, semicolons or tabs, or a workbook (workbook.py); else
it is refused with a sentence saying what to do. Rows are handed out before the end of the file is
seen, so a caller must be able to undo: a refusal may come after a million good rows.
"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from node.records.importer.table import (
    MAX_FIELD_CHARACTERS,
    MAX_LINES,
    MAX_TITLE_LINES,
    Line,
    Reading,
    Record,
    Table,
    bad,
    table_of,
)
from node.records.importer.workbook import is_workbook, open_workbook

__all__ = ["Line", "Reading", "Table", "read_table"]

MAX_LINE_CHARACTERS = 100_000
DELIMITERS = ",;\t"
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?\s*', re.IGNORECASE)
_WRONG_BYTE = re.compile("[\udc80-\udcff]")


def read_table(stream: BinaryIO, *, sheet: str | None = None, max_lines: int = MAX_LINES) -> Table:
    """Read the header of a file and prepare the rest. The stream stays open, the caller's.

    Raises RemoteError(BAD_FILE), now for the header and while `lines` is walked for the rest.
    """
    reading = Reading()
    if is_workbook(stream):
        name, records = open_workbook(stream, sheet, reading, max_lines)
        return table_of(records, reading, name)
    if sheet is not None:
        raise bad("this is no workbook, so it has no sheets: leave --sheet out")
    return table_of(_records(_text_lines(stream, reading, max_lines), reading), reading)


def _records(lines: Iterator[str], reading: Reading) -> Iterator[Record]:
    """The rows of a text, blank ones too, each with the lines that it takes."""
    delimiter, lines = _delimiter(lines, reading)
    taken: list[str] = []
    reader = csv.reader(_noted(lines, taken), delimiter=delimiter, strict=True)
    start = reading.titles + 1
    while True:
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            why = "the quotation marks do not pair up, or a field is too long"
            raise bad(f"{_where(start, taken)}: {why}") from error
        span = len(taken)
        may_be_long = span > 1 or len(taken[0]) > MAX_FIELD_CHARACTERS
        if may_be_long and max(map(len, cells), default=0) > MAX_FIELD_CHARACTERS:
            why = f"a field is longer than {MAX_FIELD_CHARACTERS} characters"
            raise bad(f"{_where(start, taken)}: {why}: does a quotation mark stand open?")
        inner = max(line.count(delimiter) for line in taken[1:]) if span > 1 else 0
        yield Record(start, tuple(cells), span, inner)
        start += span


def _where(start: int, taken: list[str]) -> str:
    last = start + len(taken) - 1
    return f"lines {start} to {last}" if last > start else f"line {start}"


def _delimiter(lines: Iterator[str], reading: Reading) -> tuple[str, Iterator[str]]:
    """What separates the cells, as a first line `sep=;` says or as the header line has it."""
    first: list[str] = []
    for line in lines:
        said = _SEPARATOR_LINE.fullmatch(line) if not first else None
        if said:
            reading.titles += 1
            return said[1], lines
        first.append(line)
        best = max(DELIMITERS, key=line.count)
        if sum(bool(cell.strip(' \r\n"')) for cell in line.split(best)) > 1:
            return best, chain(first, lines)
        if len(first) > MAX_TITLE_LINES:
            break
    return ",", chain(first, lines)


def _noted(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _text_lines(stream: BinaryIO, reading: Reading, max_lines: int) -> Iterator[str]:
    """Decode line by line, never holding more than one line in memory."""
    text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
    try:
        while line := text.readline(MAX_LINE_CHARACTERS + 1):
            reading.lines += 1
            if reading.lines > max_lines:
                raise bad(f"the file has more than {max_lines} lines: split it")
            if len(line) > MAX_LINE_CHARACTERS:
                raise bad(f"line {reading.lines} is too long: is this a CSV file?")
            if "\0" in line:
                raise bad("the file is not text in UTF-8: export it as 'CSV UTF-8' or as .xlsx")
            if wrong := _WRONG_BYTE.search(line):
                raise bad(
                    f"line {reading.lines} has a byte at character {wrong.start() + 1} that is not "
                    "UTF-8: export the file as 'CSV UTF-8'"
                )
            yield line
    finally:
        if not stream.closed:
            text.detach()
