"""Whom to contact: names, telephone numbers, e-mail addresses, hours (specs/01-statements.md §2).

One definition for what people import and type, for settings, for the wire and for a card. `read_*`
bring what people write into the form that the types take, or answer None; they never guess.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError

from protocol.fields import Name, plain_text

# Digits in groups; a group may stand in brackets. (0)1632, 0800.123.456, 01632-960-100.
_DIGITS = r"(?:\([0-9]{1,5}\)|[0-9])"
_NUMBER = rf"\+?{_DIGITS}(?:[ ./-]?{_DIGITS})*"
_LINE = rf"{_NUMBER}(?: ext [0-9]{{1,8}})?"
_PHONE = rf"{_LINE}(?: / {_LINE})?"
_OF_OLD = r"[0-9 +]{3,20}"  # the form of earlier logs
_LEAST_DIGITS = 3
_FULL_NUMBER = 6  # digits from which a second number is one, and not a room or an hour

MOST_WRITTEN = 250
"""Characters of a cell that are looked at: longer ones are no number and no address."""

_EMAIL = r"[^\s@]{1,64}@[^\s@]{1,190}"


def _enough_digits(text: str) -> str:
    if _digits(text) < _LEAST_DIGITS and not re.fullmatch(_OF_OLD, text):
        raise ValueError("has fewer than three digits")
    return text


Phone = Annotated[
    str,
    StringConstraints(max_length=60, pattern=rf"^(?:{_PHONE}|{_OF_OLD})$"),
    AfterValidator(_enough_digits),
]
Email = Annotated[
    str, StringConstraints(max_length=200, pattern=rf"^{_EMAIL}$"), AfterValidator(plain_text)
]
Hours = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(plain_text)]

_NAME, _HOURS = TypeAdapter[str](Name), TypeAdapter[str](Hours)
_PHONE_TYPE, _EMAIL_TYPE = TypeAdapter[str](Phone), TypeAdapter[str](Email)

_DASHES = re.compile(r"[\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_EXTENSION = re.compile(
    r"[ ,;.(]*(?<![a-z])(?:extension|extn|ext|x|#)[ .:]*([0-9]{1,8})(?![0-9a-z])\)?", re.I
)
_AROUND = re.compile(r" ?([./-]) ?(?=[0-9(])|(?<=\() | (?=\))")
_FOUND = re.compile(rf"(?<![0-9A-Za-z+.,]){_NUMBER}(?![0-9A-Za-z])(?: ext [0-9]{{1,8}})?")
_NO_REMARK = re.compile(r"\b(?:or|and|tel|telephone|phone)\b|[ :;,&/.]", re.I)
_ROUNDED = re.compile(r"[0-9.,]+e\+?[0-9]+", re.I)
_FLOAT = re.compile(r"([0-9]{6,15})\.0+")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")


@dataclass(frozen=True, repr=False)
class ReadPhone:
    """A telephone number as the types take it; `remark`: whether anything else stood beside it."""

    number: str
    remark: bool

    def __repr__(self) -> str:
        """Say nothing: it is somebody's number."""
        return "ReadPhone(hidden)"


def read_name(text: str | None) -> str | None:
    """A name, role or team as people write it: what cannot be seen is left out."""
    return _accepted(_NAME, _seen(text))


def read_hours(text: str | None) -> str | None:
    """When somebody answers, in words."""
    return _accepted(_HOURS, _seen(text))


def read_phone(text: str | None) -> ReadPhone | None:
    """The number in a text, or two of them, with extensions; None without one that can be read."""
    if len(text or "") > MOST_WRITTEN:
        return None
    flat = _DASHES.sub("-", unicodedata.normalize("NFKC", text or ""))
    flat = _FLOAT.sub(r"\1", " ".join(flat.split()))
    flat = _EXTENSION.sub(lambda found: f" ext {found[1]} ", flat)
    flat = re.sub(r"(?<=[0-9)]) / (?=[+(0-9])", " ; ", flat)  # two numbers, not two groups
    flat = " ".join(_AROUND.sub(lambda found: found[1] or "", flat).split())
    found = [item[0] for item in _FOUND.finditer(flat)]
    numbers = [item for item in found if _digits(item) >= _LEAST_DIGITS]
    numbers = numbers[:1] + [item for item in numbers[1:] if _digits(item) >= _FULL_NUMBER]
    number = _accepted(_PHONE_TYPE, " / ".join(numbers[:2]))
    if number is None:
        return None
    rest = _NO_REMARK.sub("", _FOUND.sub("", flat))
    return ReadPhone(number, bool(rest) or len(numbers) > len(numbers[:2]))


def is_rounded(text: str) -> bool:
    """Whether a spreadsheet has shortened a long number, as in 4.41632E+11."""
    return _ROUNDED.fullmatch(text.strip()) is not None


def read_email(text: str | None) -> str | None:
    """The one e-mail address in a text."""
    if len(text or "") > MOST_WRITTEN:
        return None
    found = _ADDRESS.findall(_seen(text).removeprefix("mailto:"))
    return _accepted(_EMAIL_TYPE, found[0].rstrip(".")) if len(found) == 1 else None


def require_name(text: str) -> str:
    """The name that a person typed. Raises ValueError that says what to write."""
    return _required(read_name(text), "at most 80 characters, and no letters that look alike")


def require_hours(text: str) -> str:
    """The hours that a person typed. Raises ValueError that says what to write."""
    return _required(read_hours(text), "at most 120 characters, and no letters that look alike")


def require_phone(text: str) -> str:
    """The number that a person typed, and nothing beside it. Raises ValueError."""
    found = read_phone(text)
    number = found.number if found and not found.remark else None
    return _required(number, "a telephone number alone, as in (01632) 960100 ext 12")


def _required(found: str | None, what: str) -> str:
    if not found:
        raise ValueError(f"write {what}")
    return found


def _seen(text: str | None) -> str:
    """In NFC on one line, without what cannot be seen."""
    flat = "".join(
        " " if unicodedata.category(letter) in {"Zs", "Zl", "Zp", "Cc"} else letter
        for letter in unicodedata.normalize("NFC", text or "")
        if unicodedata.category(letter) != "Cf"
    )
    return " ".join(flat.split())


def _digits(text: str) -> int:
    return sum(letter.isdigit() for letter in text)


def _accepted(kind: TypeAdapter[str], text: str) -> str | None:
    try:
        return kind.validate_python(text, strict=True)
    except ValidationError:
        return None
