"""From lines to checked client rows, specs/04-matching.md §9.

A row is taken whole or not at all, but for whom to call: what cannot be read there is left empty
and noted. A reason names the line and the field, never the value. A row without a stated permission
is kept and has none: permission is never assumed. Nothing here knows whether a row is true, nor
whether its permission is in force today.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from node.records.importer.checks import CONTACT, Terms, read_contact, why_wrong
from node.records.importer.mapping import ColumnMapping, Field, Source, Types
from node.records.importer.reader import Line, Table
from protocol.errors import ErrorCode, RemoteError
from protocol.matchkeys.normalise import is_unborn, parse_date
from protocol.matchkeys.records import ClientRecord

Values = Mapping[Field, str | None]

_MISSING = {
    Field.LOCAL_ID: "the local id is missing",
    Field.INVOLVEMENT: "the involvement is missing",
}
# A name that is none and a day to come are as they should be before a birth.
_OF_THE_UNBORN = frozenset({Field.GIVEN, Field.DATE_OF_BIRTH})


class NoPermission(StrEnum):
    """Why a good row has no permission, in the words shown to the person who imports."""

    NO_BASIS = "no permission basis is stated"
    NO_END = "a permission basis is stated, but not until when"


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

    def __repr__(self) -> str:
        """Say nothing: these are names and numbers of people."""
        return "WorkerDetails(hidden)"


@dataclass(frozen=True)
class RowNote:
    """What a row that was taken lost on the way: the field and the reason, without the value."""

    line: int
    field: str
    reason: str


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
    notes: tuple[RowNote, ...] = ()

    def __repr__(self) -> str:
        """Say where, never who."""
        return f"ImportedRow(line={self.line})"


@dataclass(frozen=True)
class RowError:
    """One thing wrong with one line: the field and a reason in words, without the value."""

    line: int
    field: str
    reason: str


def parse_rows(
    table: Table, mapping: ColumnMapping, *, today: date, types: Types = None
) -> Iterator[ImportedRow | RowError]:
    """Walk the table: an ImportedRow for each good line, one RowError for each fault of a bad one.

    `types` are the charters' types of involvement; without them only the form of one is checked.
    Raises RemoteError(BAD_FILE) if mapping and header do not match, or while the file is read.
    """
    terms = Terms(today, types)
    positions = _positions(table.header, mapping)
    seen: set[str] = set()
    for line in table.lines:
        if len(line.cells) != len(table.header):
            yield RowError(line.number, "row", "the row has more or fewer fields than the header")
            continue
        values, problems = _read(line, mapping, positions)
        notes = _read_contacts(line.number, values)
        problems += [
            RowError(line.number, name.value, reason)
            for name, value in values.items()
            if value
            and not (name in _OF_THE_UNBORN and _mother_of(values))
            and (reason := why_wrong(name, value, terms))
        ]
        local_id = values.get(Field.LOCAL_ID)
        if local_id in seen:
            problems.append(
                RowError(line.number, Field.LOCAL_ID.value, "the local id is in the file twice")
            )
        elif local_id:
            seen.add(local_id)
        if problems:
            yield from problems
        else:
            yield _row(line.number, values, notes)


def _positions(header: tuple[str, ...], mapping: ColumnMapping) -> dict[str, int]:
    """Column name to position, after a check that the mapping can be used on this header."""
    if gaps := mapping.missing():
        raise _bad(f"the mapping does not say where {gaps[0]} comes from")
    positions = {name: position for position, name in enumerate(header)}
    for name, source in mapping.sources.items():
        if source.column is not None and source.column not in positions:
            raise _bad(
                f"the file has no column '{source.column}', which the mapping has for {name}"
            )
    return positions


def _read(
    line: Line, mapping: ColumnMapping, positions: Mapping[str, int]
) -> tuple[dict[Field, str | None], list[RowError]]:
    values: dict[Field, str | None] = {}
    problems: list[RowError] = []
    for name, source in mapping.sources.items():
        cell = "" if source.column is None else line.cells[positions[source.column]]
        # Two numbers in two lines of a cell are two: what is read as a contact is flattened there.
        found = _resolve(source, cell.strip() if name in CONTACT else " ".join(cell.split()))
        if found is None:
            reason = "the value is not in the value table of the mapping"
            problems.append(RowError(line.number, name.value, reason))
        elif not found and name in _MISSING:
            problems.append(RowError(line.number, name.value, _MISSING[name]))
        values[name] = found or None
    return values, problems


def _read_contacts(line: int, values: dict[Field, str | None]) -> tuple[RowNote, ...]:
    """Put what could be read in the place of what was written; what is to be told of the rest."""
    notes = []
    for name in CONTACT & values.keys():
        if value := values[name]:
            found = read_contact(name, value)
            values[name] = found.value
            if found.note:
                notes.append(RowNote(line, name.value, found.note))
    return tuple(sorted(notes, key=lambda note: note.field))


def _resolve(source: Source, cell: str) -> str | None:
    """The value, '' when the field is absent, None when a value table lacks the cell."""
    if source.fixed is not None:
        return source.fixed
    if source.values is None:
        return cell
    return source.values.get(cell, None if cell else "")


def _row(line: int, values: Values, notes: tuple[RowNote, ...]) -> ImportedRow:
    get = values.get
    permission = _permission(values)
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
        ),
        permission=permission if isinstance(permission, Permission) else None,
        no_permission=permission if isinstance(permission, NoPermission) else None,
        mother_local_id=_mother_of(values),
        notes=notes,
    )


def _mother_of(values: Values) -> str | None:
    """The mother's local id, if the row is of a child not yet born and says it."""
    return values.get(Field.MOTHER_LOCAL_ID) if is_unborn(values.get(Field.GIVEN)) else None


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


def _bad(detail: str) -> RemoteError:
    return RemoteError(ErrorCode.BAD_FILE, detail)
