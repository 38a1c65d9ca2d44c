"""A table as it comes out of any file: its header, its lines, and what each line was.

specs/09-imports.md §2. Whatever a file is, the same is asked of it here. Nothing in a refusal
repeats a value of the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.errors import ErrorCode, RemoteError

MAX_FIELD_CHARACTERS = 10_000
MAX_LINES = 2_000_000
MAX_COLUMNS = 200
MAX_HEADER_CHARACTERS = 200
MAX_TITLE_LINES = 10
"""Lines above the header: a title, the date of the export."""
SWALLOWED = (
    "a quotation mark opens a cell that runs over this line into others, which look like rows of "
    "their own: close or remove it, or leave that column out of the export"
)


class Line(NamedTuple):
    """One row of the file: the line it starts on (the file's first is 1), its cells, and how many
    lines it takes. `doubt`: why nobody can say what belongs to whom; there are no cells then.
    """

    number: int
    cells: tuple[str, ...]
    span: int = 1
    doubt: str | None = None

    def __repr__(self) -> str:
        """Say where, never what."""
        return f"Line(number={self.number})"


class Record(NamedTuple):
    """A line before it is known which is the header. `inner`: the most separators that one of its
    lines after the first has.
    """

    number: int
    cells: tuple[str, ...]
    span: int = 1
    inner: int = 0

    def __repr__(self) -> str:
        """Say where, never what."""
        return f"Record(number={self.number})"


@dataclass
class Reading:
    """What was read, in lines. Each line of the file is in one of these, and in no other: `titles`
    above the header, `header`, `blank`, `rows` (the first line of each), `continued` (the others).
    """

    lines: int = 0
    titles: int = 0
    header: int = 0
    blank: int = 0
    rows: int = 0
    continued: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether every line is accounted for."""
        said = self.titles + self.header + self.blank + self.rows + self.continued
        return self.lines == said


@dataclass(frozen=True)
class Table:
    """A header and the lines still to be read; `lines` can be walked once, and `reading` is whole
    when they have been. `sheet`: which one of a workbook.
    """

    header: tuple[str, ...]
    lines: Iterator[Line]
    reading: Reading = field(default_factory=Reading)
    sheet: str | None = None


def table_of(records: Iterator[Record], reading: Reading, sheet: str | None = None) -> Table:
    """Find the header among records, and prepare the rest. Raises RemoteError(BAD_FILE)."""
    first: Record | None = None
    empty = True
    for _ in range(MAX_TITLE_LINES + 1):
        first = next(records, None)
        if first is None or _filled(first.cells) > 1:
            break
        reading.titles += first.span
        empty &= not _filled(first.cells)
    if first is None and empty:
        raise bad("the file is empty: export it again, with a header line")
    if first is None or _filled(first.cells) < 2:
        raise bad("the first lines have one column only: is there a header, and is this a table?")
    reading.header = first.span
    header = _checked_header(first.cells)
    if sheet is not None:  # a sheet's row ends with its last cell
        records = (_padded(record, len(header)) for record in records)
    return Table(header, _lines(records, reading, len(header)), reading, sheet)


def bad(detail: str) -> RemoteError:
    """A file that cannot be used."""
    return RemoteError(ErrorCode.BAD_FILE, detail)


def _filled(cells: tuple[str, ...]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _lines(records: Iterator[Record], reading: Reading, width: int) -> Iterator[Line]:
    for first, cells, span, inner in records:
        misfits = len(cells) != width and _misfits(cells, width)
        like_rows = inner >= max(width - 1, 2)  # a comma alone stands in many a text
        if span > 1 and (like_rows or misfits):
            reading.rows += span
            for number in range(first, first + span):
                yield Line(number, (), doubt=SWALLOWED)
        elif not any(map(str.strip, cells)):
            reading.blank += span
        else:
            reading.rows += 1
            reading.continued += span - 1
            yield Line(first, cells if misfits else cells[:width], span)


def _padded(record: Record, width: int) -> Record:
    return record._replace(cells=record.cells + ("",) * (width - len(record.cells)))


def _misfits(cells: tuple[str, ...], width: int) -> bool:
    """Whether they are too few, or too many that say something."""
    return len(cells) < width or any(map(str.strip, cells[width:]))


def _checked_header(cells: tuple[str, ...]) -> tuple[str, ...]:
    header = tuple(" ".join(cell.split()) for cell in cells)
    while header and not header[-1]:
        header = header[:-1]
    if len(header) > MAX_COLUMNS:
        raise bad(f"the header has more than {MAX_COLUMNS} columns")
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        if not name:
            raise bad(f"column {position} has no name in the header: give it one or remove it")
        if len(name) > MAX_HEADER_CHARACTERS or not name.isprintable():
            raise bad(f"column {position} has a name that is too long or not text")
        if name in seen:
            raise bad(f"columns {seen[name]} and {position} have the same name: rename one of them")
        seen[name] = position
    return header
