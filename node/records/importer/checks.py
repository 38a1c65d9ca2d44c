"""What a value of an import row is, specs/09-imports.md §4.

A missing value is never wrong. One that cannot be used costs its field, and the reason is told; it
costs the row only where without it nobody knows whose row it is, or what work it is about. A value
that is taken is well formed, not true.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

from node.records.importer.damage import find_damage
from node.records.importer.dates import NULL, Order, read_date
from node.records.importer.local_ids import is_shortened
from node.records.importer.mapping import DATES, Field, Types, why_not
from node.records.importer.postcodes import read_postcode
from protocol import contact
from protocol.matchkeys import normalise

MAX_TEXT = 80
MAX_AGE_YEARS = 130
LONDON = ZoneInfo("Europe/London")
UNBORN = (
    "this is a child not yet born, who has no record of their own: give the mother's id in a "
    "column, and the work is taken as an involvement of the mother until after the birth"
)
ERROR_VALUE = "this is what a spreadsheet shows where it could not work out a value"
FORMULA = "this is a formula without what it comes to: export values"
SHORTENED = "a spreadsheet has shortened this number; make the column text before exporting"
EMPTY = "; left empty"
NAMES = frozenset({Field.GIVEN, Field.MIDDLE, Field.FAMILY})
NEEDED = frozenset(
    {Field.LOCAL_ID, Field.INVOLVEMENT, Field.INVOLVEMENT_ID, Field.STATUS, Field.ENDED}
)
"""Where these cannot be read nobody knows whose row it is, what it is about, or whether that is
over: the row is left out."""
_CONTACT_NAMES = {
    Field.TEAM: "team",
    Field.WORKER: "name of the worker",
    Field.WORKER_ROLE: "role of the worker",
    Field.WORKER_COVER: "name of who covers",
}
CONTACT = frozenset({*_CONTACT_NAMES, Field.WORKER_PHONE, Field.WORKER_EMAIL})
"""The fields that say whom to call."""
_TEXTS = {
    Field.LOCAL_ID: "local id",
    Field.MOTHER_LOCAL_ID: "mother's local id",
    Field.LABEL: "label",
    Field.INVOLVEMENT_ID: "id of the involvement",
}
_CODED = frozenset({Field.INVOLVEMENT, Field.STATUS, Field.PERMISSION_BASIS, Field.VALID_FOR_DAYS})
_PERHAPS_TO_COME = frozenset(
    {Field.STARTED, Field.ENDED, Field.NEXT_VISIT, Field.PERMISSION_VALID_UNTIL}
)
_FORMULA_OF_TEXT = re.compile(r'="([^"]*)"')
_ZEROS = r"[0/.: -]*0[0/.: -]*"
_FLOAT = re.compile(r"([0-9 -]+)\.0+")


@dataclass(frozen=True)
class Terms:
    """What a value is read against: the day, the charters' types of involvement, where the agency
    is, the order of dates by field, and whether damaged text is repaired.
    """

    today: date
    types: Types = None
    zone: ZoneInfo = LONDON
    orders: Mapping[Field, Order] = field(default_factory=dict)
    repair: bool = False


@dataclass(frozen=True, repr=False)
class Read:
    """What was read of a value; `note` says what is to be told. `only`: the one order of day and
    month that a date allows; `damaged`: whether the text was.
    """

    value: str | None
    note: str | None = None
    only: Order | None = None
    damaged: bool = False

    def __repr__(self) -> str:
        """Say nothing: it is a value of somebody's."""
        return "Read(hidden)"


def read_value(name: Field, text: str, terms: Terms) -> Read:
    """Read a value that is not empty. Never raises."""
    if text[0] == "=" and (found := _FORMULA_OF_TEXT.fullmatch(text)):
        text = found[1].strip()
    if text[:1] in {"#", "E", "e"} and normalise.is_error_value(text):
        return Read(None, ERROR_VALUE + EMPTY)
    if text.startswith("="):
        return Read(None, FORMULA + EMPTY)
    is_missing = normalise.is_placeholder if name in NAMES else normalise.is_missing
    if is_missing(text) and not _is_zeros(name, text):
        return Read(None)
    damage = None if name in _CODED else find_damage(text, name=name in NAMES | CONTACT)
    if damage is None:
        return _read(name, text, terms)
    if damage.original is None or not terms.repair:
        return Read(None, damage.reason + EMPTY, damaged=True)
    return replace(_read(name, damage.original, terms), note=damage.reason + "; repaired")


def _is_zeros(name: Field, text: str) -> bool:
    """Zeros in a date are told: they are no entry of a person's; no days are no permission."""
    return name in {*DATES, Field.VALID_FOR_DAYS} and re.fullmatch(_ZEROS, text) is not None


def _read(name: Field, text: str, terms: Terms) -> Read:
    if name in CONTACT:
        return _contact(name, text)
    if name in DATES:
        return _date(name, text, terms)
    if name in _CODED:
        why = why_not(name, text, terms.types)
        return Read(None, why + EMPTY) if why else Read(text)
    if name in _TEXTS:
        return _text(name, text)
    reader = _READERS.get(name)
    return reader(text) if reader else Read(text)


def _contact(name: Field, text: str) -> Read:
    """What can be read of whom to call costs nobody more than itself."""
    if name is Field.WORKER_PHONE:
        return _phone(text)
    if name is Field.WORKER_EMAIL:
        email = contact.read_email(text)
        return Read(email, None if email else "this is not one e-mail address; left empty")
    kept = contact.read_name(text)
    why = f"the {_CONTACT_NAMES[name]} is too long, or mixes letters that look alike; left empty"
    return Read(kept, None if kept else why)


def _phone(text: str) -> Read:
    found = contact.read_phone(text)
    if found is not None:
        note = "what stood beside the number was left out" if found.remark else None
        return Read(found.number, note)
    if contact.is_rounded(text):
        return Read(None, SHORTENED + EMPTY)
    return Read(None, "this is not a telephone number; left empty")


def _text(name: Field, text: str) -> Read:
    what = _TEXTS[name]
    if name is not Field.LABEL and is_shortened(text):
        return Read(None, SHORTENED)
    if len(text) > MAX_TEXT:
        return Read(None, f"the {what} is longer than {MAX_TEXT} characters")
    if not text.isprintable():
        return Read(None, f"the {what} has characters that cannot be shown")
    return Read(text)


def _name(text: str) -> Read:
    if any(letter.isalpha() for letter in text):
        return Read(text)
    return Read(None, "this is no name: it has no letters; left empty")


def _nhs_number(text: str) -> Read:
    if contact.is_rounded(text):
        return Read(None, SHORTENED + EMPTY)
    if whole := _FLOAT.fullmatch(text):
        text = whole[1]
    if normalise.nhs_number(text):
        return Read(text)
    digits = re.sub("[ -]", "", normalise.fold(text))
    if re.fullmatch(r"([0-9])\1{9}", digits):
        return Read(None)
    if not re.fullmatch("[0-9]{10}", digits):
        return Read(None, "the NHS number is not ten digits; left empty")
    return Read(None, "the check digit of the NHS number is wrong; left empty")


def _date(name: Field, text: str, terms: Terms) -> Read:
    """A day, in the words of the file where they are read the same way, else year-month-day."""
    found = read_date(text, terms.orders.get(name), terms.zone)
    if found.day is None:
        # The end of a permission that has none is written as the last day that a program knows.
        if (
            name is Field.PERMISSION_VALID_UNTIL
            and found.why == NULL
            and normalise.parse_date(text)
        ):
            return Read(text, only=found.only)
        if name is Field.ENDED and found.why == NULL:
            return Read(None, only=found.only)  # not over
        return Read(None, found.why, found.only)
    if name not in _PERHAPS_TO_COME and found.day > terms.today:
        return Read(None, "the date is in the future; left empty", found.only)
    if name is Field.DATE_OF_BIRTH and found.day.year < terms.today.year - MAX_AGE_YEARS:
        why = f"the date of birth is more than {MAX_AGE_YEARS} years ago; left empty"
        return Read(None, why, found.only)
    same = normalise.parse_date(text) == found.day
    return Read(text if same else found.day.isoformat(), only=found.only)


def _postcode(text: str) -> Read:
    found = read_postcode(text)
    return Read(found.value, found.note)


_READERS: Mapping[Field, Callable[[str], Read]] = {
    **dict.fromkeys(NAMES, _name),
    Field.NHS_NUMBER: _nhs_number,
    Field.POSTCODE: _postcode,
}
