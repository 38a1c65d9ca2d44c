"""What a value of an import row must look like, specs/04-matching.md §9.

A missing value is never wrong; a wrong one is, so that a slip of the keyboard is corrected at its
source and not published. A value that passes is well formed, not true. What says whom to call costs
no more than itself: a telephone number with a slip in it keeps nobody out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from stdnum.gb import nhs

from node.records.importer.mapping import Field, Types, why_not
from protocol import contact
from protocol.matchkeys import normalise

MAX_TEXT = 80
MAX_AGE_YEARS = 130
_UNBORN = (
    "this is a child not yet born, who has no record of their own: give the mother's id in a "
    "column, and the work is taken as an involvement of the mother until after the birth"
)
_NAMES = {
    Field.LOCAL_ID: "local id",
    Field.MOTHER_LOCAL_ID: "mother's local id",
    Field.LABEL: "label",
}
_CONTACT_NAMES = {
    Field.TEAM: "team",
    Field.WORKER: "name of the worker",
    Field.WORKER_ROLE: "role of the worker",
}
CONTACT = frozenset({*_CONTACT_NAMES, Field.WORKER_PHONE, Field.WORKER_EMAIL})
"""The fields that say whom to call."""


@dataclass(frozen=True)
class Terms:
    """What a value is checked against: the day, and the charters' types of involvement."""

    today: date
    types: Types = None


def why_wrong(name: Field, value: str, terms: Terms) -> str | None:
    """The reason, in words and without the value, why a present value is refused; None if fine."""
    if name in _NAMES:
        return _text(value, _NAMES[name])
    check = _CHECKS.get(name)
    return check(value, terms.today) if check else why_not(name, value, terms.types)


@dataclass(frozen=True, repr=False)
class Contact:
    """What could be read of a field that says whom to call, and what to tell of the rest."""

    value: str | None
    note: str | None = None

    def __repr__(self) -> str:
        """Say nothing: it is somebody's name or number."""
        return "Contact(hidden)"


def read_contact(name: Field, value: str) -> Contact:
    """Read a field of `CONTACT`; what cannot be read is left empty, and the note says so."""
    if normalise.is_placeholder(value):
        return Contact(None)
    if name is Field.WORKER_PHONE:
        return _phone(value)
    if name is Field.WORKER_EMAIL:
        email = contact.read_email(value)
        return Contact(email, None if email else "this is not one e-mail address; left empty")
    kept, what = contact.read_name(value), _CONTACT_NAMES[name]
    why = f"the {what} is too long, or mixes letters that look alike; left empty"
    return Contact(kept, None if kept else why)


def _phone(value: str) -> Contact:
    found = contact.read_phone(value)
    if found is not None:
        note = "what stood beside the number was left out" if found.remark else None
        return Contact(found.number, note)
    if contact.is_rounded(value):
        note = "a spreadsheet has shortened this number; left empty: make the column text first"
        return Contact(None, note)
    return Contact(None, "this is not a telephone number; left empty")


def _text(value: str, what: str) -> str | None:
    if len(value) > MAX_TEXT:
        return f"the {what} is longer than {MAX_TEXT} characters"
    return None if value.isprintable() else f"the {what} has characters that cannot be shown"


def _given(value: str, _today: date) -> str | None:
    return _UNBORN if normalise.is_unborn(value) else None


def _nhs_number(value: str, _today: date) -> str | None:
    if normalise.is_placeholder(value) or normalise.nhs_number(value):
        return None
    digits = re.sub("[ -]", "", normalise.fold(value))
    if not re.fullmatch("[0-9]{10}", digits):
        return "the NHS number is not ten digits"
    if not nhs.is_valid(digits):
        return "the check digit of the NHS number is wrong"
    return "the NHS number is one digit repeated"


def _date_of_birth(value: str, today: date) -> str | None:
    parsed = normalise.parse_date(value)
    if parsed in normalise.PLACEHOLDER_DATES:
        return None
    if parsed and parsed.year < today.year - MAX_AGE_YEARS:
        return f"the date of birth is more than {MAX_AGE_YEARS} years ago"
    return _past_date(value, "date of birth", today)


def _consent_date(value: str, today: date) -> str | None:
    return _past_date(value, "date of consent", today)


def _past_date(value: str, what: str, today: date) -> str | None:
    if normalise.is_placeholder(value):
        return None
    parsed = normalise.parse_date(value)
    if parsed is None:
        return f"the {what} is not a date: write year-month-day or day/month/year"
    return f"the {what} is in the future" if parsed > today else None


def _postcode(value: str, _today: date) -> str | None:
    if normalise.is_placeholder(value) or normalise.postcode(value):
        return None
    compact = normalise.fold(value).replace(" ", "").upper()
    if normalise.PLACEHOLDER_POSTCODES.fullmatch(compact):
        return None
    return "the postcode is not a UK postcode, nor an Australian one"


_CHECKS: dict[Field, Callable[[str, date], str | None]] = {
    Field.GIVEN: _given,
    Field.NHS_NUMBER: _nhs_number,
    Field.DATE_OF_BIRTH: _date_of_birth,
    Field.POSTCODE: _postcode,
    Field.CONSENT_DATE: _consent_date,
}
