"""Field types shared by every message: specs/01-statements.md §2.

Binary values of fixed length are lower-case hex, bulk binary is standard padded base64; names and
labels are NFC, one line, one script, without control or bidirectional characters.
"""

import binascii
import unicodedata
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from protocol.errors import ErrorCode, RemoteError

ID_BYTES = 16
HASH_BYTES = 32

Hex16 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
BasisCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{2,31}$")]
MatchKeyId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}\.[1-9][0-9]{0,3}$")]
Origin = Annotated[str, StringConstraints(pattern=r"^[!-*,-~]{1,100}$")]
Seconds = Annotated[int, Field(ge=0, le=2**40)]
Count = Annotated[int, Field(ge=0, le=2**40)]


def _base64(text: str) -> str:
    try:
        data = from_base64(text)
    except ValueError as error:
        raise ValueError("not base64") from error
    if to_base64(data) != text:
        raise ValueError("not the one base64 form")
    return text


Base64 = Annotated[str, StringConstraints(max_length=1 << 21), AfterValidator(_base64)]

TokenText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{21}[AQgw]==$")]
"""A token as base64: the one form that 16 bytes have."""

# Letters that belong to no script of their own: full stops of abbreviations, feminine ordinals.
_COMMON = frozenset(
    {"MODIFIER", "FEMININE", "MASCULINE", "MICRO", "IDEOGRAPHIC", "KATAKANA-HIRAGANA"}
)
# Scripts that people write beside each other and nobody can take for each other: the "moderately
# restrictive" level of Unicode TR 39 §5.2. Latin stands beside any of these but those that look
# like it (Cyrillic, Greek), and beside each set of East Asian ones.
_TOGETHER = tuple(
    frozenset({"LATIN", *scripts.split()})
    for scripts in (
        "CJK HIRAGANA KATAKANA", "CJK BOPOMOFO", "CJK HANGUL", "ARABIC", "ARMENIAN", "BENGALI",
        "DEVANAGARI", "ETHIOPIC", "GEORGIAN", "GUJARATI", "GURMUKHI", "HEBREW", "KANNADA", "KHMER",
        "LAO", "MALAYALAM", "MYANMAR", "ORIYA", "SINHALA", "TAMIL", "TELUGU", "THAANA", "THAI",
        "TIBETAN",
    )
)  # fmt: skip


def plain_text(text: str) -> str:
    """The text, if it is one line that reads as what it is. Raises ValueError."""
    if text != unicodedata.normalize("NFC", text) or text != text.strip():
        raise ValueError("not NFC, or has spaces at an end")
    if text.isascii() and text.isprintable():
        return text  # most texts by far, and the longer way to the same answer is a tenth of a sync
    if any(unicodedata.category(character)[0] in "CZ" and character != " " for character in text):
        raise ValueError("has control or direction characters")
    names = [unicodedata.name(character, "?") for character in text if character.isalpha()]
    scripts = {name.split(" ", 1)[0] for name in names} - _COMMON
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        raise ValueError("mixes scripts")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(plain_text)]


class WireModel(BaseModel):
    """Base of everything on the wire: strict types, exactly the stated fields, frozen.

    Every field must be present; an absent value is a committed null.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,  # a command meets a few of the hundred models
    )


def to_base64(data: bytes) -> str:
    """Encode bytes as standard padded base64."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def from_base64(text: str) -> bytes:
    """Decode a value that a model has already checked to be base64."""
    return binascii.a2b_base64(text, strict_mode=True)


def refused_shape(error: ValidationError, what: str) -> RemoteError:
    """The error for a value of the wrong shape: names the place by our own field names alone.

    The name of an unknown field and the key of a table are the sender's text: they stay out.
    """
    fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
    known = _field_names(WireModel)
    place = [str(part) for part in fault["loc"] if isinstance(part, int) or part in known]
    if fault["type"] == "extra_forbidden":
        place = place[: len(fault["loc"]) - 1]
    code = _SHAPE_CODES.get(fault["type"], ErrorCode.MALFORMED)
    # A value_error's message is a sentence of our own validators.
    reason = fault["msg"] if fault["type"] == "value_error" else fault["type"]
    return RemoteError(code, f"{what}: {'.'.join(place) or 'as a whole'}: {reason}")


_SHAPE_CODES = {
    "extra_forbidden": ErrorCode.UNKNOWN_FIELD,
    "missing": ErrorCode.UNKNOWN_FIELD,
}


def _field_names(model: type[BaseModel]) -> frozenset[str]:
    names = set(model.model_fields)
    for child in model.__subclasses__():
        names |= _field_names(child)
    return frozenset(names)
