"""Rows of a workbook (.xlsx) as text, specs/09-imports.md §2.3: the first sheet, or a named one.

A formula is never worked out: what the spreadsheet last showed is taken, and where it left nothing
the cell is `=`, which no field takes. How much the file unpacks to is looked at before it is
opened, and openpyxl reads it as a stream, with the entities of defusedxml, which are none.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import repeat
from typing import Any, BinaryIO
from warnings import catch_warnings, simplefilter

from node.records.importer.table import MAX_COLUMNS, MAX_FIELD_CHARACTERS, Reading, Record, bad

MAX_ROWS_UNPACKED = 512 * 2**20
"""Bytes of all sheets together. A sheet of 100,000 clients has some 100 million."""
MAX_TEXTS_UNPACKED = 128 * 2**20
"""Bytes of the texts that cells share: they are kept in memory."""
MAX_REST_UNPACKED = 32 * 2**20
MAX_WHOLE, MOST_ELEMENTS = 4 * 2**20, 50_000
"""Bytes and elements of a part that is read whole, such as the styles: openpyxl makes an object of
half a kilobyte out of an element of five bytes.
"""
MOST_EXACT = 10**15
"""A number of more digits has been rounded."""

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SHEETS, _TEXTS = "xl/worksheets/", "xl/sharedstrings.xml"
_WHOLE = re.compile(r"\[content_types\]\.xml|xl/(workbook|styles)\.xml|docprops/.*|.*\.rels")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_ZEROS = re.compile("0{2,}")
_TOO_MUCH = "the workbook unpacks to too much: export the sheet as 'CSV UTF-8'"
_BROKEN = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What the libraries raise for a damaged file."""

Cells = Sequence[Any]


def is_workbook(stream: BinaryIO) -> bool:
    """Whether a file is a workbook. Raises RemoteError(BAD_FILE) for one of an unreadable kind."""
    begins = stream.read(4)
    stream.seek(0)
    if begins == _OLE:
        raise bad("this is an old workbook, or one with a password: save it as .xlsx without one")
    return begins == _ZIP


def open_workbook(
    stream: BinaryIO, sheet: str | None, reading: Reading, max_lines: int
) -> tuple[str, Iterator[Record]]:
    """The name of the sheet and its rows, blank ones too. Raises RemoteError(BAD_FILE)."""
    has_formulas = _check(stream)
    shown = _sheet(stream, sheet, values=True)
    written = _sheet(stream, sheet, values=False) if has_formulas else None
    return str(shown.title), _records(shown, written, reading, max_lines)


def _check(stream: BinaryIO) -> bool:
    """Whether any sheet has a formula, once it is known that the file may be unpacked."""
    try:
        with zipfile.ZipFile(stream) as archive:
            sizes = {item.filename: item.file_size for item in archive.infolist()}
            if "xl/workbook.xml" not in sizes:
                raise bad("this is no workbook that can be read: save it as .xlsx or 'CSV UTF-8'")
            sheets = [name for name in sizes if name.lower().startswith(_SHEETS)]
            rows = sum(sizes[name] for name in sheets)
            texts = sum(size for name, size in sizes.items() if name.lower() == _TEXTS)
            rest = sum(sizes.values()) - rows - texts
            if rows > MAX_ROWS_UNPACKED or texts > MAX_TEXTS_UNPACKED or rest > MAX_REST_UNPACKED:
                raise bad(_TOO_MUCH)
            for name in sizes:
                if _WHOLE.fullmatch(name.lower()) and not _is_small(archive, name):
                    raise bad(_TOO_MUCH)
            return any(_has_formula(archive, name) for name in sheets)
    except _BROKEN as error:
        raise _damaged() from error


def _is_small(archive: zipfile.ZipFile, name: str) -> bool:
    if archive.getinfo(name).file_size > MAX_WHOLE:
        return False
    return archive.read(name).count(b"<") <= MOST_ELEMENTS


def _has_formula(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as part:
        end = b""
        while block := part.read(2**20):
            if _FORMULA.search(end + block):
                return True
            end = block[-20:]
    return False


def _sheet(stream: BinaryIO, name: str | None, *, values: bool) -> Any:  # noqa: ANN401 - untyped
    from node.records.importer.bounded import open_bounded

    try:
        with catch_warnings():
            simplefilter("ignore")
            book = open_bounded(stream, values=values)
        sheets = book.worksheets
        chosen = next((one for one in sheets if name in (None, one.title)), None)
        if chosen is not None:
            chosen.reset_dimensions()
    except _BROKEN as error:
        raise _damaged() from error
    if chosen is None:
        raise bad("the workbook has no sheet of that name" if name else "the workbook has no sheet")
    return chosen


def _records(shown: Any, written: Any, reading: Reading, max_lines: int) -> Iterator[Record]:  # noqa: ANN401 - untyped
    rows = _rows(shown)
    formulas: Iterator[Cells] = _rows(written) if written is not None else repeat(())
    for number, (row, said) in enumerate(zip(rows, formulas, strict=False), start=1):
        if number > max_lines:
            raise bad(f"the sheet has more than {max_lines} rows: split it")
        reading.lines = number
        cells = [_text(cell) for cell in row]
        for place, cell in enumerate(said):
            if cell.data_type == "f" and not cells[place]:
                cells[place] = "="
        while len(cells) > MAX_COLUMNS and not cells[-1]:
            cells.pop()
        if len(cells) > MAX_COLUMNS:
            raise bad(f"line {number} has more than {MAX_COLUMNS} columns")
        if any(len(cell) > MAX_FIELD_CHARACTERS for cell in cells):
            raise bad(f"line {number}: a field is longer than {MAX_FIELD_CHARACTERS} characters")
        yield Record(number, tuple(cells))


def _rows(sheet: Any) -> Iterator[Cells]:  # noqa: ANN401 - untyped
    rows = sheet.iter_rows()
    while True:
        try:
            with catch_warnings():
                simplefilter("ignore")
                yield next(rows)
        except StopIteration:
            return
        except _BROKEN as error:
            raise _damaged() from error


def _text(cell: Any) -> str:  # noqa: ANN401 - untyped
    """A cell as a person would type it: no rounding, no format but leading zeros."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(value, cell.number_format)
    if isinstance(value, datetime):
        at = value.replace(microsecond=0)
        return at.date().isoformat() if at.time() == datetime.min.time() else at.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _number(value: float, shown_as: str) -> str:
    if abs(value) >= MOST_EXACT:
        return f"{value:.5E}"
    if value != int(value):
        return repr(value)
    digits = str(int(value))
    return digits.zfill(len(shown_as)) if _ZEROS.fullmatch(shown_as) else digits


def _damaged() -> Exception:
    return bad("the workbook is damaged or of a kind that cannot be read: save it again as .xlsx")
