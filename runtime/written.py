"""What people write in TOML files: read, and what is wrong with it said with its line.

A sentence names places and what is allowed there, never the value: it can be somebody's data.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from protocol.errors import ErrorCode, LocalError

Place = tuple[str | int, ...]

_TABLE = re.compile(r"\s*(\[\[?)([^\[\]]+)\]")
_KEY = re.compile(r"[ \t]*((?:[A-Za-z0-9_-]|\"[^\"]*\"|'[^']*'|[ \t]*\.[ \t]*)+)[ \t]*=")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_WORDS = {
    "missing": "it has to be there",
    "int_type": "write a whole number, without quotation marks",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number, without quotation marks",
    "float_parsing": "write a number",
    "bool_type": "write true or false, without quotation marks",
    "bool_parsing": "write true or false",
    "string_type": "write text in quotation marks",
    "greater_than_equal": "write {ge} or more",
    "greater_than": "write more than {gt}",
    "less_than_equal": "write {le} or less",
    "less_than": "write less than {lt}",
    "string_too_long": "write at most {max_length} characters",
    "string_too_short": "write at least {min_length} characters",
    "too_long": "write at most {max_length} of them",
    "too_short": "write at least {min_length} of them",
    "literal_error": "write {expected}",
    "enum": "write {expected}",
    "url_parsing": "write an address such as https://hub.example",
}
_LISTS = "write a list in square brackets"
_TABLES = "write a table"
_FORMS = {
    r"^[0-9a-f]{32}$": "write 32 hex digits",
    r"^[0-9a-f]{64}$": "write 64 hex digits",
    r"^([0-9a-f]{64})?$": "write 64 hex digits, as patchwork-hub found printed them",
    r"^[a-z][a-z0-9_]{1,39}$": "write a code of small letters, digits and _, as health_visiting",
    r"^[A-Z0-9][A-Z0-9-]{2,31}$": "write a code of capital letters, digits and -, as UK-CA89-S47",
    r"^https?://[!-~]{1,200}$": "write an address such as https://keys.example",
    r"^[A-Za-z0-9.:-]{1,253}$": "write the name of a computer, such as mail.agency.example",
}


@dataclass(frozen=True)
class Fault:
    """What is wrong: the place of it, and a sentence about it (without a full stop)."""

    place: Place
    says: str


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises LocalError(BAD_FILE) naming the file and the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = _AT.search(said)
        line = f", line {at[1]}, column {at[2]}" if at and at[1] else ", at its end"
        what = _AT.sub("", said)
        hint = "; text stands in quotation marks" if what == "Invalid value" else ""
        detail = f"{name}{line}: this is not TOML: {what[:1].lower()}{what[1:]}{hint}"
        raise LocalError(ErrorCode.BAD_FILE, detail) from None


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """A TOML file, as text and as tables. Raises LocalError(BAD_FILE), OSError."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} is not text in UTF-8") from None
    return text, parse_toml(text, path.name)


def fault_of(
    error: ValidationError, model: type[BaseModel] | None = None, noun: str = "field"
) -> Fault:
    """The first fault of what somebody wrote. `noun` is what the parts of it are called."""
    fault = error.errors(include_input=False, include_url=False)[0]
    place = tuple(part for part in fault["loc"] if part != "[key]")
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return Fault(place, f"there is no such {noun}{_meant(model, place)}")
    if kind == "value_error":
        return Fault(place, fault["msg"].removeprefix("Value error, "))
    if kind == "string_pattern_mismatch":
        said = _FORMS.get(str(context.get("pattern")), "this is not written as it must be")
        return Fault(place, said)
    if kind in _WORDS:
        return Fault(place, _WORDS[kind].format(**context))
    shape = _TABLES if kind.startswith(("dict", "model")) else _LISTS
    return Fault(place, shape if kind.endswith("_type") else fault["msg"].lower())


def line_of(text: str, place: Place) -> int | None:
    """The line of a TOML text that has a place of it, or the longest part of that place."""
    found: tuple[int, int] | None = None
    for number, path in _lines(text):
        shared = min(len(path), len(place))
        if path[:shared] == place[:shared] and (found is None or shared > found[0]):
            found = (shared, number)
    return found[1] if found else None


def _lines(text: str) -> Iterator[tuple[int, Place]]:
    """Each line that begins a table or a value, with where it is."""
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _keys(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
            for length in range(len(table), 0, -1):
                if table[:length] in counts:
                    table = (*table[:length], counts[table[:length]], *table[length:])
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, *_keys(key[1]))


def _keys(text: str) -> Place:
    """A dotted key as its parts."""
    try:
        value: object = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return (text,)
    parts: list[str] = []
    while isinstance(value, Mapping):
        ((part, value),) = value.items()
        parts.append(part)
    return tuple(parts)


def _meant(model: type[BaseModel] | None, place: Place) -> str:
    """What somebody who wrote the last part of a place probably meant, or what there is."""
    owner = model
    for part in place[:-1]:
        if owner is not None and isinstance(part, str) and part in owner.model_fields:
            owner = next(_models(owner.model_fields[part].annotation), None)
    names = list(owner.model_fields) if owner is not None else []
    close = get_close_matches(str(place[-1]), names, 1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; there are {', '.join(names)}" if names else ""


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
