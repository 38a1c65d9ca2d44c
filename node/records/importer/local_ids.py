"""Which local ids a spreadsheet can make of one another, specs/09-imports.md §5.

A form is for comparing only: what is stored is the id as it came.
"""

import re
import unicodedata
from functools import lru_cache

from protocol.contact import is_rounded

_NUMBER = re.compile(r"[+-]?([0-9]{1,3}(?:[, ][0-9]{3})+|[0-9]+)(?:\.0*)?")
_SCIENTIFIC = re.compile(r"([0-9])(?:\.([0-9]*))?e\+?([0-9]{1,2})")
_CODE_OF_POWER = re.compile("([0-9]+)e([0-9]{1,2})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = re.compile(r"([0-9]{1,4})[-/. ]?([a-z]{3,9})|([a-z]{3,9})[-/. ]?([0-9]{1,4})")
_PAIR = re.compile(r"([0-9]{1,2})[-/]([0-9]{1,2})")
_DASHES = re.compile(r"[\u00ad\u2010-\u2015\u2212]")


@lru_cache(maxsize=2048)  # the file is looked at, then beside who is here
def spreadsheet_form(local_id: str) -> str:
    """What all ids have in common that a spreadsheet can make of this one."""
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", local_id)).casefold()
    text = "".join(text.split()).strip("'\"=`\u2018\u2019\u201c\u201d")
    spaced = " ".join(local_id.split())
    if number := _NUMBER.fullmatch(text) or _NUMBER.fullmatch(spaced):
        return _whole(re.sub("[, ]", "", number[1]))
    if (short := _SCIENTIFIC.fullmatch(text)) and int(short[3]) >= len(short[2] or ""):
        return _whole(short[1] + (short[2] or "").ljust(int(short[3]), "0"))
    if power := _CODE_OF_POWER.fullmatch(text):
        return _whole(power[1] + "0" * int(power[2]))
    return _as_day(text) or text


def is_shortened(local_id: str) -> bool:
    """Whether a spreadsheet has left out digits of an id, as in 1.23E+05."""
    return is_rounded(local_id) and re.search(r"[+.]", local_id) is not None


def _whole(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _as_day(text: str) -> str | None:
    """MAR1 becomes 01-Mar, 1-2 becomes 01-Feb."""
    if found := _NAMED.fullmatch(text):
        number, name = found[1] or found[4], found[2] or found[3]
        if name[:3] in _MONTHS:
            return f"{name[:3]}:{_whole(number)}"
    if (pair := _PAIR.fullmatch(text)) and 1 <= int(pair[2]) <= 12:
        return f"{_MONTHS[int(pair[2]) - 1]}:{_whole(pair[1])}"
    return None
