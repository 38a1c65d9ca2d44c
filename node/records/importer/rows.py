"""From lines to checked client rows, specs/09-imports.md §4.

A field that cannot be used is left empty and noted; a row is left out where nobody knows whose it
is, or what it is about. A reason names the line and the field, never the value. A row without a
stated permission is kept and has none: permission is never assumed. Nothing here knows whether a
row is true, nor whether its permission is in force today.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from typing import NamedTuple

from node.records.importer.checks import CONTACT, EMPTY, NEEDED, UNBORN, Read, Terms, read_value
from node.records.importer.look import FileLook
from node.records.importer.mapping import ColumnMapping, Field, Source
from node.records.importer.seen import NONE, SeenRows, line_of, said_in
from node.records.importer.table import Line, Table, bad
from protocol.matchkeys.normalise import is_missing, is_unborn, parse_date
from protocol.matchkeys.records import ClientRecord

Values = Mapping[Field, str | None]

_MISSING = {
    Field.LOCAL_ID: "the local id is missing",
    Field.INVOLVEMENT: "no service is stated, or one that the mapping leaves out",
}
_PERMISSION = frozenset(
    {Field.PERMISSION_BASIS, Field.PERMISSION_VALID_UNTIL, Field.CONSENT_DATE, Field.VALID_FOR_DAYS}
)
_IDENTITY = (
    Field.NHS_NUMBER, Field.GIVEN, Field.MIDDLE, Field.FAMILY, Field.DATE_OF_BIRTH, Field.ADDRESS,
    Field.POSTCODE,
)  # fmt: skip
HEADER = "this is the header again, no client"
NOBODY = "this reads like a total or a remark, no client's row"
# Only in these may a text run over the end of a line.
_OF_LINES = CONTACT | {Field.ADDRESS, Field.LABEL}
# A day to come, and no name, are as they should be before a birth.
_OF_THE_UNBORN = frozenset({Field.GIVEN, Field.DATE_OF_BIRTH})
_REMARK = re.compile(
    r"(?:grand |sub)?totals?\b|counts?\b|sum\b|end of\b|page \d|printed\b|report\b|generated\b"
    r"|\(?\d+ (?:rows?|records?|clients?)\b|rows?\b|records?:|confidential\b|run (?:on|date)\b",
    re.IGNORECASE,
)


class NoPermission(StrEnum):
    """Why a good row has no permission, in the words shown to the person who imports."""

    NO_BASIS = "no permission basis is stated"
    NO_END = "a permission basis is stated, but not until when"
    UNREADABLE = "something of the permission cannot be read"


@dataclass(frozen=True)
class Permission:
    """What the export says about permission: a basis code and its last day. May have expired."""

    basis: str
    valid_until: date
    consent_date: date | None


@dataclass(frozen=True, repr=False)
class WorkerDetails:
    """Who works with the client, as exported; each may be absent."""

    name: str | None
    role: str | None
    phone: str | None
    email: str | None
    team: str | None
    cover: str | None = None

    def __repr__(self) -> str:
        """Say nothing: these are names and numbers of people."""
        return "WorkerDetails(hidden)"


@dataclass(frozen=True)
class RowNote:
    """What a row that was taken lost on the way: the field and the reason, without the value."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True)
class Course:
    """What a row says of the course of the work: days are its first and its last one; `status` is
    one of STATUSES; `own_id` is the agency's own id of the work.
    """

    own_id: str | None = None
    status: str | None = None
    started: date | None = None
    ended: date | None = None
    last_contact: date | None = None
    next_visit: date | None = None


@dataclass(frozen=True, repr=False)
class ImportedRow:
    """One good row. Exactly one of `permission` and `no_permission` is set.

    `mother_local_id` is set for a child not yet born: the work is the mother's until the birth.
    """

    line: int
    local_id: str
    record: ClientRecord
    involvement: str
    label: str | None
    worker: WorkerDetails
    permission: Permission | None
    no_permission: NoPermission | None
    mother_local_id: str | None = None
    course: Course = Course()
    notes: tuple[RowNote, ...] = ()

    def __repr__(self) -> str:
        """Say where, never who."""
        return f"ImportedRow(line={self.line})"


@dataclass(frozen=True)
class RowError:
    """One thing wrong with one line: the field and a reason in words, without the value.

    `local_id`: of whom the line may be, where that can be read; empty: of nobody.
    """

    line: int
    field: str
    reason: str
    local_id: str | None = dataclasses.field(default=None, repr=False, compare=False)


class SeenLine(NamedTuple):
    """A line that stands in the file as it did before: where, all that it says, which of the rows
    seen before it is, and a hash of its local id.
    """

    line: int
    said: bytes
    number: int
    key: int

    def __repr__(self) -> str:
        """Say where, never who."""
        return f"SeenLine(line={self.line})"


def parse_rows(
    table: Table, mapping: ColumnMapping, terms: Terms, look: FileLook | None = None
) -> Iterator[ImportedRow | RowError]:
    """Walk the table: an ImportedRow for each good line, one RowError for each fault of a bad one.

    Without types in the terms only the form of an involvement is checked. `look` hears of every
    row. Raises RemoteError(BAD_FILE) if mapping and header do not match, while the file is read,
    or at its end if the file as a whole cannot be what the mapping says.
    """
    reader = RowReader(table, mapping, terms, look or FileLook(mapping))
    return (item for item in reader.rows() if not isinstance(item, SeenLine))


class RowReader:
    """Reads the rows of one file. `seen`: those that need not be read to be known; `marks`: the
    hashes of good rows, one after the other, or nothing of whom something was told.
    """

    def __init__(
        self,
        table: Table,
        mapping: ColumnMapping,
        terms: Terms,
        look: FileLook,
        seen: SeenRows = SeenRows(),  # noqa: B008 - it never changes
    ) -> None:
        self.look, self.seen, self.marks = look, seen, bytearray()
        terms = replace(terms, orders=mapping.orders, repair=mapping.repair_text)
        # Workers, sexes, given names: much of a file was read before.
        self._read = lru_cache(maxsize=4096)(partial(read_value, terms=terms))
        self._header, self._sources, self._lines = table.header, mapping.sources, table.lines
        self._positions = _positions(table.header, mapping)
        self._is_of_people = any(
            source.column for name, source in mapping.sources.items() if name in _IDENTITY
        )

    def rows(self) -> Iterator[ImportedRow | RowError | SeenLine]:
        """All lines, as `parse_rows` says."""
        seen, saw_again, marks = self.seen, self.look.saw_again, self.marks
        for line in self._lines:
            said = b"" if line.doubt or seen.key is None else said_in(line)
            mark = seen.mark(said) if said else NONE
            number = seen.find(mark)
            if number is None:
                yield from self._row_of(line, mark)
                continue
            traits = seen.traits(number)
            saw_again(line.number, traits)
            marks += mark
            yield SeenLine(line.number, said, number, traits[0])
        self.look.check()

    def again(self, number: int, said: bytes) -> ImportedRow:
        """The row of a line that was seen before: good, and without anything to tell."""
        return _row(number, self._values(line_of(number, said))[0], None, ())

    def _row_of(self, line: Line, mark: bytes) -> list[ImportedRow | RowError]:
        """The row of a line, or what is wrong with it."""
        if why := line.doubt or self._why_no_row(line):
            nobodys = "" if why in {NOBODY, HEADER} else None
            return [RowError(line.number, "row", why, nobodys)]
        values, notes, read = self._values(line)
        bits = self.look.saw_values(line.number, read)
        nobody = self._is_of_people and not any(values.get(name) for name in _IDENTITY)
        if nobody and _REMARK.match(values.get(Field.LOCAL_ID) or ""):
            return [RowError(line.number, "row", NOBODY, "")]
        problems = [
            RowError(note.line, note.field, note.reason.removesuffix(EMPTY))
            for note in notes
            if note.field in NEEDED
        ]
        problems += [
            RowError(line.number, name.value, reason)
            for name, reason in _MISSING.items()
            if not values.get(name) and not any(item.field == name for item in problems)
        ]
        problems += _course_problems(line.number, values)
        unborn = is_unborn(values.get(Field.GIVEN))
        mother = values.get(Field.MOTHER_LOCAL_ID) if unborn else None
        if unborn and mother is None:
            problems.append(RowError(line.number, Field.GIVEN.value, UNBORN))
        if problems:
            of = mother or values.get(Field.LOCAL_ID)
            return [replace(problem, local_id=of) for problem in problems]
        kept = [note for note in notes if mother is None or note.field not in _OF_THE_UNBORN]
        row = _row(line.number, values, mother, tuple(kept))
        self.look.saw_row(line.number, row.local_id, None if mother else row.record, bits)
        self.marks += NONE if mother or notes else mark
        return [row]

    def _why_no_row(self, line: Line) -> str | None:
        """Why a line cannot be read as one client's."""
        if len(line.cells) != len(self._header):
            return (
                f"the row has more or fewer fields than the header: {len(line.cells)}, not "
                f"{len(self._header)}"
            )
        if all(" ".join(c.split()) == h for c, h in zip(line.cells, self._header, strict=True)):
            return HEADER
        nobody = self._is_of_people and not any(self._cell(line, name) for name in _IDENTITY)
        if nobody and sum(bool(cell.strip()) for cell in line.cells) < 2:
            return NOBODY
        if line.span > 1:
            for name in self._sources.keys() - _OF_LINES:
                if "\n" in self._written(line, name).rstrip():
                    return (
                        f"a cell of {name} runs over lines {line.number} to "
                        f"{line.number + line.span - 1}: does a quotation mark stand open?"
                    )
        return None

    def _cell(self, line: Line, name: Field) -> str:
        return self._written(line, name).strip()

    def _written(self, line: Line, name: Field) -> str:
        source = self._sources.get(name)
        if source is None or source.column is None:
            return ""
        return line.cells[self._positions[source.column]].replace("\r", "\n")

    def _values(
        self, line: Line
    ) -> tuple[dict[Field, str | None], list[RowNote], list[tuple[Field, Read]]]:
        values: dict[Field, str | None] = {}
        notes: list[RowNote] = []
        every: list[tuple[Field, Read]] = []
        for name, source in self._sources.items():
            if source.fixed is not None:
                values[name] = source.fixed
                continue
            # Two numbers in two lines of a cell are two: contacts are flattened where read.
            cell = line.cells[self._positions[source.column or ""]]
            text = self._cell(line, name) if name in CONTACT else " ".join(cell.split())
            if source.values is not None:
                values[name] = _from_table(source, text)
                if text and values[name] is None and not is_missing(text):
                    reason = "the value is not in the value table of the mapping"
                    notes.append(RowNote(line.number, name.value, reason))
                values[name] = values[name] or None
            elif text:
                read = self._read(name, text)
                every.append((name, read))
                values[name] = read.value
                if read.note:
                    notes.append(RowNote(line.number, name.value, read.note))
        return values, notes, every


def _course_problems(line: int, values: Values) -> Iterator[RowError]:
    """What cannot be the course of any work."""
    started, ended = (parse_date(values.get(name)) for name in (Field.STARTED, Field.ENDED))
    if started and ended and ended < started:
        yield RowError(line, Field.ENDED.value, "the end is before the start")


def _from_table(source: Source, cell: str) -> str | None:
    """The value, '' when the field is absent, None when the value table lacks the cell."""
    return (source.values or {}).get(cell, None if cell else "")


def _positions(header: tuple[str, ...], mapping: ColumnMapping) -> dict[str, int]:
    """Column name to position, after a check that the mapping can be used on this header."""
    if gaps := mapping.missing():
        raise bad(f"the mapping does not say where {gaps[0]} comes from")
    positions = {name: position for position, name in enumerate(header)}
    for name, source in mapping.sources.items():
        if source.column is not None and source.column not in positions:
            raise bad(f"the file has no column '{source.column}', which the mapping has for {name}")
    return positions


def _row(line: int, values: Values, mother: str | None, notes: tuple[RowNote, ...]) -> ImportedRow:
    get = values.get
    unreadable = any(note.field in _PERMISSION for note in notes)
    permission = NoPermission.UNREADABLE if unreadable else _permission(values)
    return ImportedRow(
        line=line,
        local_id=get(Field.LOCAL_ID) or "",
        record=ClientRecord(
            nhs_number=get(Field.NHS_NUMBER),
            given=get(Field.GIVEN),
            middle=get(Field.MIDDLE),
            family=get(Field.FAMILY),
            date_of_birth=get(Field.DATE_OF_BIRTH),
            sex=get(Field.SEX),
            address=get(Field.ADDRESS),
            postcode=get(Field.POSTCODE),
        ),
        involvement=get(Field.INVOLVEMENT) or "",
        label=get(Field.LABEL),
        worker=WorkerDetails(
            name=get(Field.WORKER),
            role=get(Field.WORKER_ROLE),
            phone=get(Field.WORKER_PHONE),
            email=get(Field.WORKER_EMAIL),
            team=get(Field.TEAM),
            cover=get(Field.WORKER_COVER),
        ),
        permission=permission if isinstance(permission, Permission) else None,
        no_permission=permission if isinstance(permission, NoPermission) else None,
        mother_local_id=mother,
        course=Course(
            own_id=get(Field.INVOLVEMENT_ID),
            status=(get(Field.STATUS) or "").casefold() or None,
            started=parse_date(get(Field.STARTED)),
            ended=parse_date(get(Field.ENDED)),
            last_contact=parse_date(get(Field.LAST_CONTACT)),
            next_visit=parse_date(get(Field.NEXT_VISIT)),
        ),
        notes=notes,
    )


def _permission(values: Values) -> Permission | NoPermission:
    """The permission a row states; of two end dates the earlier one counts."""
    basis = values.get(Field.PERMISSION_BASIS)
    if not basis:
        return NoPermission.NO_BASIS
    consented = parse_date(values.get(Field.CONSENT_DATE))
    days = values.get(Field.VALID_FOR_DAYS)
    stated = parse_date(values.get(Field.PERMISSION_VALID_UNTIL))
    counted = consented + timedelta(days=int(days)) if consented and days else None
    ends = [end for end in (stated, counted) if end]
    return Permission(basis, min(ends), consented) if ends else NoPermission.NO_END
