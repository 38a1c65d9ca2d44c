"""A postcode as an export writes it, specs/09-imports.md §4.3: kept, mended, or said.

The places of letters and digits are those of Royal Mail (PAF Programmers' Guide). A code of another
country is kept for people to read; whether one makes a key is for specs/04-matching.md to say.
"""

import re
from dataclasses import dataclass
from itertools import product

from protocol.matchkeys.normalise import PLACEHOLDER_POSTCODES, fold, postcode

_INWARD = "[0-9][ABD-HJLNP-UW-Z]{2}"
_UNITED_KINGDOM = re.compile(
    rf"(?:[A-Z][A-HK-Y]?[0-9]{{1,2}}|[A-Z][0-9][ABCDEFGHJKPSTUW]|[A-Z][A-HK-Y][0-9][ABEHMNPRV-Y])"
    rf"{_INWARD}|GIR0AA"
)
_TERRITORIES = re.compile(
    r"(?:ASCN|BBND|BIQQ|FIQQ|PCRN|SIQQ|STHL|TDCU|TKCA)1ZZ|GX111AA|AI2640|VG11[1-6]0|MSR1[1-3][1-5]0"
    r"|KY[1-3][0-9]{4}|(?:CR|DV|FL|GE|HM|MA|PG|SB|WK)(?:[0-9]{2}|[A-Z]{2})|BFPO[0-9]{1,4}"
)
_EIRCODE = re.compile("(?:[AC-FHKNPRTV-Y][0-9]{2}|D6W)[0-9AC-FHKNPRTV-Y]{4}")
_ABROAD = re.compile(
    r"(?:[A-Z]{1,2}-)?[0-9]{3,7}(?:-[0-9]{3,4})?|[A-Z][0-9]{5}|[A-Z][0-9][A-Z][0-9][A-Z][0-9]"
    r"|[0-9]{4}[A-Z]{2}"
)
_OUTWARD = re.compile("[A-Z]{1,2}[0-9][A-Z0-9]?")
_LOOKALIKES = {"O": "O0", "0": "0O", "I": "I1", "1": "1I", "L": "L1"}
MENDED = "a letter and a digit that look alike were mended to the only postcode that there is"
PARTIAL = "this is only a part of a postcode; left empty"
UNREADABLE = (
    "this is no postcode of the United Kingdom, nor one that is known of abroad; left empty"
)


@dataclass(frozen=True, repr=False)
class ReadPostcode:
    """A postcode, and what to tell of it."""

    value: str | None
    note: str | None = None

    def __repr__(self) -> str:
        """Say nothing: it is where somebody lives."""
        return "ReadPostcode(hidden)"


def read_postcode(text: str) -> ReadPostcode:
    """The postcode that a text says, as written where it can stay so. Never raises."""
    compact = re.sub(r"[^A-Z0-9-]", "", fold(text).upper())
    plain = compact.replace("-", "")
    if PLACEHOLDER_POSTCODES.fullmatch(plain):
        return ReadPostcode(text)
    if _UNITED_KINGDOM.fullmatch(plain):
        return ReadPostcode(text if postcode(text) else plain)
    if _TERRITORIES.fullmatch(plain) or _EIRCODE.fullmatch(plain):
        return ReadPostcode(text)
    found = {code for code in _readings(plain) if _UNITED_KINGDOM.fullmatch(code)}
    if len(found) == 1:
        return ReadPostcode(f"{(code := found.pop())[:-3]} {code[-3:]}", MENDED)
    if _ABROAD.fullmatch(compact) or (not found and postcode(text) and plain.isdigit()):
        return ReadPostcode(text)
    if postcode(text) and re.search("[0-9]{4}", plain):  # an Australian one with its state
        return ReadPostcode(text)
    return ReadPostcode(None, PARTIAL if _OUTWARD.fullmatch(plain) else UNREADABLE)


def _readings(plain: str) -> set[str]:
    """Every code that looks like this one. Longer texts are no codes."""
    if not 5 <= len(plain) <= 7:
        return set()
    return {"".join(letters) for letters in product(*(_LOOKALIKES.get(x, x) for x in plain))}
