"""Raw text to comparable values, specs/04-matching.md §2.

Every function takes any string at all and returns a clean value or None for "missing": it never
raises and never returns an empty string. Nothing here can tell a true value from a wrong one.
"""

import re
import unicodedata
from datetime import date

from anyascii import anyascii
from stdnum.gb import nhs

READ_CHARACTERS = 10_000
FOLDED_CHARACTERS = 1_000

TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "revd", "mstr"})
TITLES_BESIDE_A_NAME = frozenset(
    {"master", "sir", "dame", "lady", "lord", "professor", "doctor", "reverend"}
)
SUFFIXES = frozenset({"jr", "jnr", "junior", "sr", "snr", "senior", "ii", "iii"})
PARTICLES = frozenset(
    {"o", "mc", "mac", "fitz", "st", "ap", "ab"}
    | {"de", "del", "della", "da", "das", "do", "dos", "du", "di", "la", "le"}
    | {"van", "vande", "vander", "von", "der", "den", "ter", "ten", "te", "af"}
    | {"al", "el", "ul", "bin", "ibn", "bint", "ben", "abu", "abd"}
)
PLACEHOLDER_TEXTS = frozenset({"n/a", "n/k", "u/k", "not known", "not given", "not stated"})
PLACEHOLDER_WORDS = frozenset({"unknown", "unk", "nk", "tbc", "tba", "tbd", "unnamed"})
NEWBORN_WORDS = frozenset(
    {"baby", "infant", "newborn", "unborn", "undelivered", "foetus", "fetus", "twin", "triplet"}
    | {"boy", "girl", "male", "female"}
)
PLACEHOLDER_DATES = frozenset({date(1900, 1, 1), date(1899, 12, 30), date(1899, 12, 31)})
EARLIEST_YEAR = 1850
SEXES = {
    **dict.fromkeys(("f", "female", "woman", "girl", "2"), "f"),
    **dict.fromkeys(("m", "male", "man", "boy", "1"), "m"),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_APOSTROPHES = re.compile("['`.´‘’ʹʼʻ′]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_NOT_LETTERS = re.compile("[^a-z]+")
_ISO_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-|/(\d{1,2})/|(?=\d{4}$)(\d{2}))(\d{1,2})")
_UK_DATE = re.compile(r"(\d{1,2})[-/ ](\d{1,2}|[a-z]{3,9})[-/ ](\d{4})")
_TIME_OF_DAY = re.compile(r"[t ]\d{1,2}:\d{2}(:\d{2}(/\d+)?)?(z|\+00:00)?$")
_NO_ADDRESS = re.compile(r"\b(no fixed|nfa|homeless|unknown|not known|rough sleep|no address)")
_POSTCODE = re.compile("(?:[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}|GIR0AA)")
_HOUSE_NUMBER = re.compile(r"\b(\d{1,5})[a-z]?\b")


def fold(text: str | None) -> str:
    """Lower-case ASCII of the text, without accents, symbols and control characters."""
    if not text:
        return ""
    plain = _APOSTROPHES.sub("", text[:READ_CHARACTERS])
    if not plain.isascii():
        kept = "".join(map(_keep, unicodedata.normalize("NFKD", plain)))
        plain = _APOSTROPHES.sub("", anyascii(kept))
    ascii_text = _CONTROLS.sub("", plain).lower()
    return " ".join(ascii_text.split())[:FOLDED_CHARACTERS].strip()


def _keep(character: str) -> str:
    """A space for white space, nothing for symbols, controls, surrogates and direction marks."""
    if character.isascii():
        return character
    if character.isspace():
        return " "
    return "" if unicodedata.category(character)[0] in "CS" else character


def given_names(given: str | None, middle: str | None) -> tuple[str | None, str | None]:
    """Split into (first given name, first middle name), each a-z letters or None."""
    words = _name_words(given)
    if (words and words[0] in NEWBORN_WORDS) or fold(given).startswith("b/o"):
        words = []
    middles = _name_words(middle) or words[1:]
    return (words[0] if words else None, middles[0] if middles else None)


def family_names(family: str | None) -> tuple[str, ...]:
    """All comparable family names: the joined name first, then each part; () when missing."""
    words = _name_words(family)
    while len(words) > 1 and words[-1] in SUFFIXES:
        words.pop()
    parts: list[str] = []
    carried = ""
    for word in words:
        carried += word
        if word not in PARTICLES:
            parts.append(carried)
            carried = ""
    if carried:
        parts.append(carried)
    joined = "".join(parts)
    return tuple(dict.fromkeys([joined, *parts])) if joined else ()


def is_placeholder(text: str | None) -> bool:
    """Whether an entry only says that nothing is known, such as "not known" or TBC."""
    folded = fold(text)
    return folded in PLACEHOLDER_TEXTS or folded in PLACEHOLDER_WORDS


def _name_words(text: str | None) -> list[str]:
    folded = fold(text)
    if folded in PLACEHOLDER_TEXTS:
        return []
    words = [word for word in _NOT_LETTERS.split(folded) if word and word not in TITLES]
    while len(words) > 1 and words[0] in TITLES_BESIDE_A_NAME:
        words.pop(0)
    return [] if words and words[0] in PLACEHOLDER_WORDS else words


def parse_date(text: str | None) -> date | None:
    """Read an ISO or UK day-first date, a time of day being ignored; None if it is not one."""
    folded = _TIME_OF_DAY.sub("", _date_text(text))
    if found := _ISO_DATE.fullmatch(folded):
        year, month, day = found[1], found[2] or found[3] or found[4], found[5]
    elif found := _UK_DATE.fullmatch(folded):
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
    """A date of birth as yyyymmdd; None if missing, unreadable, a placeholder or before 1850."""
    parsed = parse_date(text)
    if parsed is None or parsed in PLACEHOLDER_DATES or parsed.year < EARLIEST_YEAR:
        return None
    return parsed.isoformat().replace("-", "")


def postcode(text: str | None) -> str | None:
    """A UK postcode in capitals without spaces; None if it is not one or is ZZ99 (no address)."""
    compact = fold(text).replace(" ", "").upper()
    if not _POSTCODE.fullmatch(compact) or compact.startswith("ZZ99"):
        return None
    return compact


def house_and_street(text: str | None) -> tuple[str | None, str | None]:
    """(last house number of the line, first four letters of the street), each may be None."""
    folded = fold(text)
    if _NO_ADDRESS.search(folded):
        return None, None
    numbers = list(_HOUSE_NUMBER.finditer(folded))
    after = folded[numbers[-1].end() :] if numbers else folded
    words = _street_words(after) or _street_words(folded)
    if len(words) > 1 and words[0] in {"st", "saint"}:
        words[0] = "st" + words[1]
    number = numbers[-1][1].lstrip("0") if numbers else ""
    return number or None, words[0][:4] if words else None


def _street_words(text: str) -> list[str]:
    return [word for word in _NOT_LETTERS.split(text) if word and word != "the"]


def nhs_number(text: str | None) -> str | None:
    """Ten digits that pass modulus 11 and are not one digit repeated; None otherwise."""
    digits = fold(text).replace(" ", "").replace("-", "")
    if not digits.isascii() or not nhs.is_valid(digits) or len(set(digits)) == 1:
        return None
    return digits


def sex(text: str | None) -> str | None:
    """Return 'f', 'm' or None: any other entry is not used for matching."""
    return SEXES.get(fold(text))
