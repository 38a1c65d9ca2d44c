"""Which column means what: the mapping of one agency's export, specs/09-imports.md §3.

A person writes or confirms the mapping; a guess is only a draft. It decides what permission a row
has, so there is no default for permission: who can change the mapping can publish people.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from node.records.importer.dates import Order
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.matchkeys.columns import COLUMNS, squashed
from protocol.matchkeys.normalise import parse_date
from runtime.written import line_of, parse_toml

FORMAT = 1
MAX_MAPPING_CHARACTERS = 200_000
MAX_TEXT = 200
UNUSABLE = "the mapping cannot be used: "
MAX_DAYS = 3_660
BASIS_CODE = re.compile(r"[A-Z0-9-]{3,32}", re.ASCII)
TYPE_CODE = re.compile(r"[a-z][a-z0-9_]{1,39}", re.ASCII)
STATUSES = ("open", "waiting", "closed")
Types = Collection[str] | None
"""Codes of the involvement types that charters know; None where no charter is known yet."""


class DraftError(LocalError):
    """A draft mapping is used before anybody has completed it."""

    def __init__(self, line: int | None) -> None:
        super().__init__(
            ErrorCode.NOT_READY,
            f"this mapping is a draft: check all of it, then delete line {line}, draft = true",
        )


class Field(StrEnum):
    """Everything a row can tell us; the names used in a mapping file and in row errors."""

    LOCAL_ID = "local_id"
    MOTHER_LOCAL_ID = "mother_local_id"
    NHS_NUMBER = "nhs_number"
    GIVEN = "given"
    MIDDLE = "middle"
    FAMILY = "family"
    DATE_OF_BIRTH = "date_of_birth"
    SEX = "sex"
    ADDRESS = "address"
    POSTCODE = "postcode"
    INVOLVEMENT = "involvement"
    LABEL = "label"
    INVOLVEMENT_ID = "involvement_id"
    STATUS = "status"
    STARTED = "started"
    ENDED = "ended"
    LAST_CONTACT = "last_contact"
    NEXT_VISIT = "next_visit"
    TEAM = "team"
    WORKER = "worker"
    WORKER_ROLE = "worker_role"
    WORKER_PHONE = "worker_phone"
    WORKER_EMAIL = "worker_email"
    WORKER_COVER = "worker_cover"
    PERMISSION_BASIS = "permission_basis"
    PERMISSION_VALID_UNTIL = "permission_valid_until"
    CONSENT_DATE = "consent_date"
    VALID_FOR_DAYS = "valid_for_days"


DATES = (
    Field.DATE_OF_BIRTH, Field.STARTED, Field.ENDED, Field.LAST_CONTACT, Field.NEXT_VISIT,
    Field.PERMISSION_VALID_UNTIL, Field.CONSENT_DATE,
)  # fmt: skip
_FIELD_NAMES = frozenset(name.value for name in Field)
REQUIRED = (Field.LOCAL_ID, Field.INVOLVEMENT)

# Header names, letters and digits only, in lower case.
SYNONYMS: dict[Field, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        Field.LOCAL_ID: "localid clientid caseid personid recordid reference clientreference "
        "clientref clientno clientnumber caseref caseno casenumber personref pupilid pupilref "
        "patientid patientref upn",
        Field.MOTHER_LOCAL_ID: "motherid motherlocalid mothersid motherreference",
        Field.INVOLVEMENT: "service involvement involvementtype",
        Field.INVOLVEMENT_ID: "involvementid episodeid referralid serviceid",
        Field.STATUS: "status casestatus involvementstatus",
        Field.STARTED: "startdate started dateopened opened referraldate",
        Field.ENDED: "enddate ended dateclosed closed dischargedate",
        Field.LAST_CONTACT: "lastcontact lastcontactdate lastseen",
        Field.NEXT_VISIT: "nextvisit nextcontact nextappointment",
        Field.TEAM: "team teamname",
        Field.WORKER: "practitioner worker allocatedworker keyworker leadpractitioner",
        Field.WORKER_ROLE: "workerrole practitionerrole role jobtitle",
        Field.WORKER_PHONE: "practitionerphone workerphone workertelephone",
        Field.WORKER_EMAIL: "practitioneremail workeremail",
        Field.WORKER_COVER: "workercover practitionercover coveredby",
        Field.PERMISSION_BASIS: "lawfulbasis permissionbasis legalbasis",
        Field.PERMISSION_VALID_UNTIL: "permissionvaliduntil validuntil",
        Field.CONSENT_DATE: "consentdate dateofconsent",
    }.items()
} | {name: COLUMNS[name.value] for name in Field if name.value in COLUMNS}
SHORT: dict[Field, frozenset[str]] = {
    Field.LOCAL_ID: frozenset({"id"}),
    Field.GIVEN: frozenset({"first"}),
    Field.FAMILY: frozenset({"last"}),
    Field.POSTCODE: frozenset({"pc"}),
}
"""Names that say so only where no other column says it better."""


@dataclass(frozen=True)
class Source:
    """Where a field comes from: a column, a value table over a column, or one fixed value.

    In a value table an empty answer means "this field is absent"; a cell that the table lacks
    cannot be used. `order`: of day and month in a column of dates; None is day first, and a file
    that says otherwise is refused.
    """

    column: str | None = None
    values: Mapping[str, str] | None = None
    fixed: str | None = None
    order: Order | None = None


@dataclass(frozen=True)
class ColumnMapping:
    """A source for each field that the export has. `title` names the feed: by it what a file says
    of a client is known again.

    `repair_text`: take what damaged text probably was, in place of leaving the field empty.
    `everything_of`: types of involvement of which a file has all that there is, so that what is
    missing is over; without them it has changes only.
    """

    title: str = ""
    sources: Mapping[Field, Source] = field(default_factory=lambda: MappingProxyType({}))
    repair_text: bool = False
    everything_of: tuple[str, ...] = ()

    @property
    def orders(self) -> dict[Field, Order]:
        """The order of day and month, where the mapping says one."""
        return {name: source.order for name, source in self.sources.items() if source.order}

    def missing(self) -> tuple[Field, ...]:
        """The required fields without a source: a draft with such gaps cannot be used yet."""
        return tuple(name for name in REQUIRED if name not in self.sources)


def guess_mapping(header: Iterable[str]) -> ColumnMapping:
    """Draft a mapping from column names alone; the first column that names a field is taken."""
    sources: dict[Field, Source] = {}
    columns = list(header)
    for known in (SYNONYMS, SHORT):
        for column in columns:
            for name, words in known.items():
                if squashed(column) in words and name not in sources:
                    sources[name] = Source(column=column)
    return ColumnMapping("Draft", MappingProxyType(sources))


def load_mapping(text: str) -> ColumnMapping:
    """Read a mapping file (TOML). Raises RemoteError(BAD_FILE) naming what to fix, and DraftError
    for a draft that nobody has completed.
    """
    document = _document(text)
    if document.get("draft", False) is not False:
        raise DraftError(line_of(text, ("draft",)))
    known = {"draft", "format", "title", "fields", "repair_text", "everything_of"}
    if document.keys() - known or document.get("format") != FORMAT:
        raise _bad(
            f"it needs format = {FORMAT}, title, perhaps repair_text and everything_of, and "
            "[fields]"
        )
    repair = document.get("repair_text", False)
    if not isinstance(repair, bool):
        raise _bad("repair_text is true or false")
    fields = document.get("fields")
    if not isinstance(fields, dict):
        raise _bad("it has no [fields]")
    sources: dict[Field, Source] = {}
    for name, entry in fields.items():
        where = f"line {line_of(text, ('fields', name))}: "
        field_name = _field(name, where)
        sources[field_name] = _source(field_name, entry, where)
    title = _text(document.get("title", ""), "title", empty=True)
    everything = _everything_of(document.get("everything_of", []))
    return ColumnMapping(title, MappingProxyType(sources), repair, everything)


def _document(text: str) -> dict[str, Any]:
    if len(text) > MAX_MAPPING_CHARACTERS:
        raise _bad("it is too long")
    try:
        return parse_toml(text, "the mapping")
    except (LocalError, ValueError, RecursionError) as error:
        where = error.detail if isinstance(error, LocalError) else "this is not TOML"
        raise RemoteError(ErrorCode.BAD_FILE, where) from error


def _field(name: str, where: str) -> Field:
    if name in _FIELD_NAMES:
        return Field(name)
    close = get_close_matches(name, _FIELD_NAMES, 1)
    meant = f": did you mean {close[0]}?" if close else ", see docs/operate/mapping.md"
    raise _bad(f"{where}there is no such field as [fields.{name}]{meant}")


def dump_mapping(mapping: ColumnMapping) -> str:
    """Write a mapping as TOML that load_mapping reads back."""
    lines = head_of(mapping)
    for name, source in mapping.sources.items():
        lines += ["", *dump_source(name, source)]
    return "\n".join(lines) + "\n"


def head_of(mapping: ColumnMapping) -> list[str]:
    """The lines of a mapping file before its fields."""
    lines = [f"format = {FORMAT}", f"title = {quoted(mapping.title)}"]
    if mapping.repair_text:
        lines.append("repair_text = true")
    if mapping.everything_of:
        lines.append(f"everything_of = [{', '.join(map(quoted, mapping.everything_of))}]")
    return lines


def dump_source(name: Field, source: Source) -> list[str]:
    """The lines of one field of a mapping file."""
    lines = [f"[fields.{name}]"]
    if source.fixed is not None:
        lines.append(f"fixed = {quoted(source.fixed)}")
    if source.column is not None:
        lines.append(f"column = {quoted(source.column)}")
    if source.order is not None:
        lines.append(f"order = {quoted(source.order)}")
    if source.values is not None:
        lines += ["", f"[fields.{name}.values]"]
        lines += [f"{quoted(cell)} = {quoted(to)}" for cell, to in source.values.items()]
    return lines


def check_types(mapping: ColumnMapping, types: Types) -> None:
    """Refuse a mapping to a type of involvement that no charter knows. Raises RemoteError."""
    source = mapping.sources.get(Field.INVOLVEMENT, Source())
    for value in (source.fixed, *(source.values or {}).values()):
        if value and (why := why_not(Field.INVOLVEMENT, value, types)):
            close = get_close_matches(value, types or (), 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise _bad(f"{Field.INVOLVEMENT}: {why}: {value}{meant}")
    for code in mapping.everything_of:
        if why := why_not(Field.INVOLVEMENT, code, types):
            raise _bad(f"everything_of: {why}")


def why_not(name: Field, value: str, types: Types = None) -> str | None:
    """The reason why a value cannot stand in a field with a closed form; None if it can.

    Without `types` a type of involvement is checked for its form alone.
    """
    if name is Field.INVOLVEMENT and not TYPE_CODE.fullmatch(value):
        return "the involvement is not a code such as early_help"
    if name is Field.INVOLVEMENT and types is not None and value not in types:
        return "the involvement is not one of the types of the charter"
    if name is Field.STATUS and value.casefold() not in STATUSES:
        return f"the status is not one of {', '.join(STATUSES)}"
    if name is Field.PERMISSION_BASIS and not BASIS_CODE.fullmatch(value):
        return "the permission basis is not a code such as UK-CONSENT"
    if name is Field.PERMISSION_VALID_UNTIL and parse_date(value) is None:
        return "the end of the permission is not a date"
    if name is Field.VALID_FOR_DAYS and not _is_days(value):
        return f"the days of validity are not a whole number from 1 to {MAX_DAYS}"
    return None


def _is_days(value: str) -> bool:
    return bool(re.fullmatch("[0-9]{1,4}", value)) and 1 <= int(value) <= MAX_DAYS


def _source(name: Field, entry: object, where: str) -> Source:
    """The source of a field; `where` is its line, for what cannot be used."""
    try:
        return _read_source(name, entry)
    except RemoteError as error:
        said = error.detail.removeprefix(UNUSABLE)
        raise _bad(where + said) from None


def _read_source(name: Field, entry: object) -> Source:
    if not isinstance(entry, dict) or entry.keys() not in (
        {"column"},
        {"column", "values"},
        {"column", "order"},
        {"fixed"},
    ):
        raise _bad(
            f"{name} needs a column, a column with values (or, of dates, with an order), or a "
            "fixed value"
        )
    if entry.get("column") == "":
        raise _bad(f"{name}: say which column has it")
    if "fixed" in entry:
        fixed = _text(entry["fixed"], name)
        _check(name, fixed)
        return Source(fixed=fixed)
    column = _text(entry["column"], name)
    if "order" in entry:
        return Source(column=column, order=_order(name, entry["order"]))
    return Source(
        column=column, values=_values(name, entry["values"]) if "values" in entry else None
    )


def _everything_of(value: object) -> tuple[str, ...]:
    said = "everything_of is a list of types of involvement, each once, as in the mapping's values"
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise _bad(said)
    if len(set(value)) != len(value) or not all(map(TYPE_CODE.fullmatch, value)):
        raise _bad(said)
    return tuple(value)


def _order(name: Field, value: object) -> Order:
    if name not in DATES or not isinstance(value, str) or value not in list(Order):
        raise _bad(f"{name}: only a date has an order, and it is {' or '.join(Order)}")
    return Order(value)


def _values(name: Field, table: object) -> Mapping[str, str]:
    if not isinstance(table, dict) or not table:
        raise _bad(f"{name} has a value table without values")
    values = {
        _text(cell, name, empty=True): _text(to, name, empty=True) for cell, to in table.items()
    }
    for to in filter(None, values.values()):
        _check(name, to)
    return MappingProxyType(values)


def _check(name: Field, value: str, types: Types = None) -> None:
    if reason := why_not(name, value, types):
        raise _bad(f"{name}: {reason}")


def _text(value: object, what: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not (empty or value):
        raise _bad(f"{what} needs text of at most {MAX_TEXT} characters")
    if value != value.strip() or (value and not value.isprintable()):
        raise _bad(f"{what} has text with control characters or with spaces around it")
    return value


def quoted(text: str) -> str:
    """A text as TOML writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in escaped) + '"'


def _bad(detail: str) -> RemoteError:
    return RemoteError(ErrorCode.BAD_FILE, UNUSABLE + detail)
