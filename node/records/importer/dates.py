"""A day as an export writes it, specs/09-imports.md §4.1.

The order of day and month is that of the mapping, else day first; what the numbers alone allow is
told beside it, so that a whole file can be judged. An instant is a day at the agency's own place.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from zoneinfo import ZoneInfo

from protocol.matchkeys.normalise import PLACEHOLDER_DATES, parse_date


class Order(StrEnum):
    """Whether the day or the month comes first in a date of numbers."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


NULL_DATES = PLACEHOLDER_DATES | {
    date(1, 1, 1), date(1600, 1, 1), date(1601, 1, 1), date(1753, 1, 1), date(1800, 1, 1),
    date(1858, 11, 17), date(1904, 1, 1), date(2079, 6, 6),
}  # fmt: skip
"""What programs write where they have no date: the first or the last that they know."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The moment that computers count from: nobody was born just then, but a zero is written so."""
PARTIAL = "this is only a part of a date; left empty"
NULL = "this is what a program writes where it has no date; left empty"
SERIAL = "this is a spreadsheet's number of a day; left empty: give the column a date format"
CENTURY = "this is a year without its century; left empty: write years with four digits"
ONLY_MONTH_FIRST = "this can only have its month first; left empty"
ONLY_DAY_FIRST = "this can only have its day first; left empty"
UNREADABLE = "this is not a date; left empty: write year-month-day or day/month/year"


@dataclass(frozen=True, repr=False)
class ReadDate:
    """A day, or why there is none; `only`: the one order that its numbers allow."""

    day: date | None
    why: str | None = None
    only: Order | None = None

    def __repr__(self) -> str:
        """Say nothing: it may be somebody's birthday."""
        return "ReadDate(hidden)"


_CLOCK = r"(?P<h>\d{1,2})(?:[:.h](?P<m>\d{2}))?(?:[:.](?P<s>\d{2})(?:[.,/:](?P<f>\d{1,9}))?)?"
_ZONE = r"(?P<zone>z|utc|gmt|bst|ist|[+-]\d{2}(?::?\d{2})?)?"
_AT = re.compile(
    rf"(?P<day>\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{8}}|.*?\D\d{{4}})(?:t|,? +(?:at +)?)"
    rf"{_CLOCK} ?(?P<half>[ap]\.?m\.?)? ?{_ZONE}"
)
_STAMP = re.compile(
    r"(?P<day>\d{8})(?P<h>\d{2})(?P<m>\d{2})(?P<s>\d{2})?(?:\.(?P<f>\d+))?(?P<zone>[+-]\d{4})?"
)
_OFFSETS = {"z": 0, "utc": 0, "gmt": 0, "bst": 60, "ist": 60}
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +")
_NUMBERS = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})")
_NAMED = re.compile(r"([a-z]{3,9})\.? +(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})")
_NOTHING = r"(?:0{1,2}|\?{1,2}|x{1,2}|-{1,2}|_{1,2}|dd|mm)"
_PARTS = re.compile(
    rf"(?:(?:c|ca|circa|about|approx|approximately|est|estimated|early|mid|late|before|after|born)"
    rf"\.? *)*(?:(?:{_NOTHING}|\d{{1,2}}|[a-z]{{3,9}})[-/. ]+){{0,2}}(?:1[6-9]|20|21)\d{{2}}s?\??"
    rf"|(?:1[6-9]|20|21)\d{{2}}[-/.](?:{_NOTHING}|\d{{1,2}})(?:[-/.](?:{_NOTHING}|\d{{1,2}}))?"
    rf"|(?:1[6-9]|20|21)\d{{2}}(?:0[0-9]|1[0-2])(?:00)?"
)
_CENTURY = re.compile(r"\d{1,2}[-/. ](?:\d{1,2}|[a-z]{3,9})[-/. ]\d{2}|[a-z]{3,9}[-/. ]\d{2}")
_DAY_OF_WORD = re.compile(r"\d{1,2}[-/. ]+[a-z]{3,9}[-/. ]+\d{4}")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")


def read_date(text: str, order: Order | None, zone: ZoneInfo) -> ReadDate:
    """The day that a text says. Never raises."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    plain = _WEEKDAY.sub("", " ".join(plain.split()), count=1)
    at = _STAMP.fullmatch(plain) or _AT.fullmatch(plain)
    found = _read_day(at["day"] if at else plain, order)
    if at is None or found.day is None:
        return found
    moment = _moment(found.day, at)
    if moment == EPOCH:
        return ReadDate(None, NULL)
    if at["zone"] and moment is None:
        return ReadDate(None, UNREADABLE, found.only)
    return ReadDate(moment.astimezone(zone).date() if moment else found.day, None, found.only)


def _moment(day: date, at: re.Match[str]) -> datetime | None:
    """The moment of a time with an offset; None without one, or if there is no such time."""
    if not at["zone"]:
        return None
    said = at["zone"].replace(":", "")
    minutes = _OFFSETS.get(said)
    if minutes is None:
        minutes = int(said[1:3]) * 60 + int(said[3:] or 0)
        minutes = -minutes if said[0] == "-" else minutes
    hour = int(at["h"])
    if half := at.groupdict().get("half"):
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    try:
        offset = timezone(timedelta(minutes=minutes))
        moment = datetime(day.year, day.month, day.day, tzinfo=offset)
        return moment + timedelta(hours=hour, minutes=int(at["m"] or 0), seconds=int(at["s"] or 0))
    except (ValueError, OverflowError):
        return None


def _read_day(text: str, order: Order | None) -> ReadDate:
    if numbers := _NUMBERS.fullmatch(text):
        found = _ordered(int(numbers[1]), int(numbers[3]), int(numbers[4]), order)
    elif named := _NAMED.fullmatch(text):
        found = ReadDate(parse_date(f"{named[2]} {named[1]} {named[3]}"))
    else:
        found = ReadDate(parse_date(text))
    if found.day in NULL_DATES:
        return ReadDate(None, NULL)
    if found.day is not None or found.why:
        return found
    return ReadDate(None, _why_not(text))


def _ordered(first: int, second: int, year: int, order: Order | None) -> ReadDate:
    only = None
    if 12 < first <= 31 and 1 <= second <= 12:
        only = Order.DAY_FIRST
    elif 12 < second <= 31 and 1 <= first <= 12:
        only = Order.MONTH_FIRST
    wanted = order or Order.DAY_FIRST
    if only not in (None, wanted):
        if _day_of(year, first, second) in NULL_DATES or _day_of(year, second, first) in NULL_DATES:
            return ReadDate(None, NULL)  # a program's, in its own order: no evidence of the file's
        why = ONLY_MONTH_FIRST if only is Order.MONTH_FIRST else ONLY_DAY_FIRST
        return ReadDate(None, why, only)
    day, month = (first, second) if wanted is Order.DAY_FIRST else (second, first)
    found = _day_of(year, month, day)
    return ReadDate(found, None, only if found else None)


def _day_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _why_not(text: str) -> str:
    if not text.strip("0/-.: "):
        return NULL
    if _PARTS.fullmatch(text) and not _is_whole(text):
        return PARTIAL
    if _CENTURY.fullmatch(text):
        return CENTURY
    return SERIAL if _SERIAL.fullmatch(text) else UNREADABLE


def _is_whole(text: str) -> bool:
    """Whether it has a day, a month and a year, which are then no day of a calendar known here."""
    numbers = [int(item) for item in re.findall(r"\d+", text)]
    named = _DAY_OF_WORD.fullmatch(text) is not None
    return len(numbers) == (2 if named else 3) and 0 not in numbers
