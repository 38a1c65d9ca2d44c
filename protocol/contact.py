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
_MOST_DIGITS = 15  # of an international number, ITU-T E.164

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
_LABEL = re.compile(r"^(?:tel(?:ephone)?|ph(?:one)?|t|p)(?=[ .:])[ .:]*", re.I)
_EXTENSION = re.compile(
    r"[ ,;.(]*(?<![a-z])(?:extension|extn|ext|x|#)[ .:]*([0-9]{1,8})(?![0-9a-z])\)?", re.I
)
_NEXT = re.compile(r"\s*(?:[,;\n\t&]|\bor\b|\band\b)\s*|(?<=[0-9)]) / (?=[+(0-9])", re.I)
_AROUND = re.compile(r" ?([./-]) ?(?=[0-9(])|(?<=\() | (?=\))")
_FOUND = re.compile(rf"(?<![0-9A-Za-z+.,/]){_LINE}(?![0-9A-Za-z])")
# A letter O or l among digits, hours of a day: nobody can know which digits belong to the number.
_TOUCHING = re.compile(r"[a-z][0-9]|[0-9](?!am\b|pm\b)[a-z]", re.I)
_HOURS_BESIDE = re.compile(
    r"(?<![0-9])24 ?/ ?7(?![0-9])| [0-9]{1,2}(?:[.:][0-9]{2})? ?- ?[0-9]{1,2}(?:[.:][0-9]{2})?$"
)
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
    """The number in a text, or two of them, with extensions; None without one that can be read.

    Where it is not plain which digits belong to a number there is none: a wrong one is worse.
    """
    if not text or len(text) > MOST_WRITTEN or any(_is_odd_digit(letter) for letter in text):
        return None
    flat = _DASHES.sub("-", unicodedata.normalize("NFKC", text.strip())).replace("[", "(")
    flat = _FLOAT.sub(r"\1", _LABEL.sub("", flat.replace("]", ")")))
    flat = _EXTENSION.sub(lambda found: f" ext {found[1]} ", flat)
    if _TOUCHING.search(flat) or _HOURS_BESIDE.search(flat):
        return None
    pieces = [_flat(piece) for piece in _NEXT.split(flat)]
    pieces = [piece for piece in pieces if piece]
    lines = [line for piece in pieces if (line := _line_of(piece))]
    if not lines or any(_digits(piece) and not _line_of(piece) for piece in pieces):
        return None
    number = _accepted(_PHONE_TYPE, " / ".join(lines[:2]))
    remark = len(lines) > len(lines[:2]) or pieces != lines
    return ReadPhone(number, remark) if number else None


def _line_of(piece: str) -> str | None:
    """The one number of a piece of text; of digits beside it, only those of a remark are let be."""
    found = [item for item in _FOUND.finditer(piece) if _digits(item[0]) >= _LEAST_DIGITS]
    if not found or _digits(found[0][0].partition(" ext ")[0]) > _MOST_DIGITS:
        return None
    rest = _FOUND.sub("", piece, count=1)
    if re.search(r"[0-9]", rest) and not re.search(r"[a-z]", rest, re.I):
        return None
    return found[0][0]


def _flat(piece: str) -> str:
    return " ".join(_AROUND.sub(lambda found: found[1] or "", " ".join(piece.split())).split())


def _is_odd_digit(letter: str) -> bool:
    """Whether it is a digit of another kind: superscript, circled, of another script."""
    return letter.isdigit() and not letter.isascii() and not "\uff10" <= letter <= "\uff19"


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
