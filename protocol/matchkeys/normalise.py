"""Raw text to comparable values, specs/04-matching.md §2: the rules a recipe calls.

Every function takes any string at all and returns a clean value or None for "missing": it never
raises and never returns an empty string. Nothing here can tell a true value from a wrong one.
"""

import re
from datetime import date
from functools import lru_cache

from protocol.matchkeys.folding import fold
from protocol.matchkeys.missing import is_error_value, is_missing
from protocol.matchkeys.person_names import (
    PersonNames,
    family_names,
    given_names,
    is_placeholder,
    is_unborn,
    person_names,
    telling_names,
)
from protocol.matchkeys.places import (
    PLACEHOLDER_POSTCODES,
    Place,
    has_no_door,
    house_and_street,
    is_shared_place,
    place,
    postcode,
)
from protocol.matchkeys.words import SEXES

__all__ = [
    "PLACEHOLDER_DATES",
    "PLACEHOLDER_POSTCODES",
    "PersonNames",
    "Place",
    "birth_date",
    "family_names",
    "fold",
    "given_names",
    "has_no_door",
    "house_and_street",
    "is_error_value",
    "is_missing",
    "is_placeholder",
    "is_shared_place",
    "is_unborn",
    "is_weak_birth_date",
    "nhs_number",
    "parse_date",
    "person_names",
    "place",
    "postcode",
    "sex",
    "telling_names",
]

# Day 0 of databases and spreadsheets, and what clerks write.
PLACEHOLDER_DATES = frozenset(
    {date(1, 1, 1), date(1753, 1, 1), date(1858, 11, 17), date(1899, 12, 30), date(1899, 12, 31)}
    | {date(1900, 1, 1), date(1900, 12, 31), date(1901, 1, 1), date(1904, 1, 1)}
    | {date(2099, 12, 31), date(9999, 12, 31)}
)
EARLIEST_YEAR, LATEST_YEAR = 1850, 2199
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_ISO_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-|/(\d{1,2})/|(?=\d{4}$)(\d{2}))(\d{1,2})")
_DAY_FIRST = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?[-/ ](?:of )?(\d{1,2}|[a-z]{3,9})(?:[-/ ]|, ?)(\d{4})"
)
# A full stop has become `/`: 12.30 is a time too.
_TIME_OF_DAY = re.compile(
    r"(?:[t,]|,? ) ?(\d{1,2})(?:[:/](\d{2}))?(?:[:/](\d{2})(?:[/,:]\d+)?)?(?: ?([ap])/?m/?)?"
    r"(?: ?(z|utc|gmt|[+-]\d{2}:?(?:\d{2})?))?$"
)


@lru_cache(maxsize=1024)  # a date is read by the import, by the keys, and to be compared
def parse_date(text: str | None) -> date | None:
    """Read an ISO or day-first date, a time of day being ignored; None if it is not one.

    A year of two digits is no date: its century would be a guess. Nor is an instant, a time with
    its offset: which day that was depends on where.
    """
    folded = _date_text(text)
    if time := _time_of_day(folded):
        folded = "" if time[5] else folded[: time.start()]
    return _plain_date(folded)


def _time_of_day(folded: str) -> re.Match[str] | None:
    """The time at the end of a text, with minutes or with am or pm."""
    found = _TIME_OF_DAY.search(folded)
    return found if found and (found[2] or found[4]) else None


def _plain_date(folded: str) -> date | None:
    if found := _ISO_DATE.fullmatch(folded):
        year, month, day = found[1], found[2] or found[3] or found[4], found[5]
    elif found := _DAY_FIRST.fullmatch(folded):
        year, month, day = found[3], found[2], found[1]
    else:
        return None
    if month.isalpha():
        month = str(_MONTHS.index(month[:3]) + 1) if month[:3] in _MONTHS else "0"
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _date_text(text: str | None) -> str:
    # fold() drops full stops, which are separators in 14.03.2022.
    return fold(text.replace(".", "/")) if text else ""


def birth_date(text: str | None) -> str | None:
    """A date of birth as yyyymmdd; None if missing, unreadable, a placeholder or out of range.

    Whether it lies in the future is for the caller to say, who has a clock.
    """
    parsed = parse_date(text)
    if parsed is None or parsed in PLACEHOLDER_DATES:
        return None
    if not EARLIEST_YEAR <= parsed.year <= LATEST_YEAR:
        return None
    return parsed.isoformat().replace("-", "")


def is_weak_birth_date(born: str) -> bool:
    """Whether a birth date (yyyymmdd) is a 1 January or 1 July: given to many who know none."""
    return born.endswith(("0101", "0701"))


def nhs_number(text: str | None) -> str | None:
    """Ten digits that pass modulus 11 and are not one digit repeated; None otherwise."""
    if not text:
        return None
    from stdnum.gb import nhs  # late: it brings half of the standard library with it

    digits = fold(text).replace(" ", "").replace("-", "")
    if not digits.isascii() or not nhs.is_valid(digits) or len(set(digits)) == 1:
        return None
    return digits


def sex(text: str | None) -> str | None:
    """Return 'f', 'm' or None: any other entry is not used for matching."""
    return SEXES.get(fold(text))
