"""Field types shared by every message: specs/01-statements.md §2.

Binary values of fixed length are lower-case hex, bulk binary is standard padded base64; names and
labels are NFC, one line, one script, without control or bidirectional characters.
"""

import base64
import binascii
import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

ID_BYTES = 16
HASH_BYTES = 32

Hex16 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
BasisCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{2,31}$")]
MatchKeyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{2,32}\.[0-9]{1,3}$")]
Origin = Annotated[str, StringConstraints(pattern=r"^[!-*,-~]{1,100}$")]
Seconds = Annotated[int, Field(ge=0, le=2**40)]
Count = Annotated[int, Field(ge=0, le=2**40)]


def _base64(text: str) -> str:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    if base64.b64encode(data).decode("ascii") != text:
        raise ValueError("not the one base64 form")
    return text


Base64 = Annotated[str, StringConstraints(max_length=1 << 21), AfterValidator(_base64)]

_SCRIPT = re.compile(
    r"^(LATIN|CYRILLIC|GREEK|ARABIC|HEBREW|DEVANAGARI|BENGALI|GURMUKHI|CJK|HANGUL)"
)


def _plain_text(text: str) -> str:
    if text != unicodedata.normalize("NFC", text) or text != text.strip():
        raise ValueError("not NFC, or has spaces at an end")
    if any(unicodedata.category(character)[0] in "CZ" and character != " " for character in text):
        raise ValueError("has control or direction characters")
    scripts = {
        match.group(1)
        for character in text
        if character.isalpha() and (match := _SCRIPT.match(unicodedata.name(character, "")))
    }
    if len(scripts) > 1:
        raise ValueError("mixes scripts")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(_plain_text)]


class WireModel(BaseModel):
    """Base of everything on the wire: strict types, exactly the stated fields, frozen.

    Every field must be present; an absent value is a committed null.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def to_base64(data: bytes) -> str:
    """Encode bytes as standard padded base64."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """Decode a value that a model has already checked to be base64."""
    return base64.b64decode(text, validate=True)
