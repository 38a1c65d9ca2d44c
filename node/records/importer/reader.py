"""Reading a CSV file of unknown quality as a stream, specs/04-matching.md §9.

A file is text in UTF-8 with one header line, or it is refused with a sentence saying what to do.
Nothing in a refusal repeats a value of the file. Rows are handed out before the end of the file is
seen, so a caller must be able to undo: a refusal may come after a million good rows.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from protocol.errors import ErrorCode, RemoteError

MAX_FIELD_CHARACTERS = 10_000
MAX_LINE_CHARACTERS = 100_000
MAX_LINES = 2_000_000
MAX_COLUMNS = 200
MAX_HEADER_CHARACTERS = 200
DELIMITERS = ",;\t"


@dataclass(frozen=True, repr=False)
class Line:
    """One record of the file: the line number it starts on (header = 1) and its cells."""

    number: int
    cells: tuple[str, ...]

    def __repr__(self) -> str:
        """Say where, never what."""
        return f"Line(number={self.number})"


@dataclass(frozen=True)
class Table:
    """A header and the lines still to be read; `lines` can be walked once."""

    header: tuple[str, ...]
    lines: Iterator[Line]


def read_table(stream: BinaryIO, *, max_lines: int = MAX_LINES) -> Table:
    """Read the header of a CSV stream and prepare the rest. The stream stays open, the caller's.

    Raises RemoteError(BAD_FILE), now for the header and while `lines` is walked for the rest.
    """
    records = _records(_text_lines(stream, max_lines))
    first = next(records, None)
    if first is None:
        raise _bad("the file is empty: export it again, with a header line")
    return Table(_checked_header(first.cells), records)


def _checked_header(cells: tuple[str, ...]) -> tuple[str, ...]:
    header = tuple(" ".join(cell.split()) for cell in cells)
    if len(header) < 2:
        raise _bad("the first line has one column only: is it the header, and is this a CSV file?")
    if len(header) > MAX_COLUMNS:
        raise _bad(f"the header has more than {MAX_COLUMNS} columns")
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        if not name:
            raise _bad(f"column {position} has no name in the header: give it one or remove it")
        if len(name) > MAX_HEADER_CHARACTERS or not name.isprintable():
            raise _bad(f"column {position} has a name that is too long or not text")
        if name in seen:
            raise _bad(
                f"columns {seen[name]} and {position} have the same name: rename one of them"
            )
        seen[name] = position
    return header


def _records(lines: Iterator[str]) -> Iterator[Line]:
    first = next(lines, None)
    if first is None:
        return
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(_chain(first, lines), delimiter=delimiter, strict=True)
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _bad(
                f"line {start}: the quotation marks do not pair up, or a field is too long"
            ) from error
        if any(len(cell) > MAX_FIELD_CHARACTERS for cell in cells):
            raise _bad(f"line {start}: a field is longer than {MAX_FIELD_CHARACTERS} characters")
        if any(cell.strip() for cell in cells):
            yield Line(start, tuple(cells))
        start = reader.line_num + 1


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _text_lines(stream: BinaryIO, max_lines: int) -> Iterator[str]:
    """Decode line by line, never holding more than one line in memory."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    number = 0
    try:
        while line := text.readline(MAX_LINE_CHARACTERS + 1):
            number += 1
            if number > max_lines:
                raise _bad(f"the file has more than {max_lines} lines: split it")
            if len(line) > MAX_LINE_CHARACTERS:
                raise _bad(f"line {number} is too long: is this a CSV file?")
            if "\0" in line:
                raise _bad("the file is not text: export it as 'CSV UTF-8', not as a workbook")
            yield line
    except UnicodeDecodeError as error:
        raise _bad(
            f"the file is not in UTF-8 (after line {number}): export it as 'CSV UTF-8'"
        ) from error
    finally:
        if not stream.closed:
            text.detach()


def _bad(detail: str) -> RemoteError:
    return RemoteError(ErrorCode.BAD_FILE, detail)
