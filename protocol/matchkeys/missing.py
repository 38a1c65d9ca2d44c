"""Entries that only say that nothing is known, specs/04-matching.md §2: of what kind, not which.

One rule for every field of every record, at the import and when names are read. It takes any text
and never raises. Whether what is not missing is right is not decided here.
"""

import re

from protocol.matchkeys import words as lists
from protocol.matchkeys.folding import fold

_AROUND = " ()[]{}<>*_-\"'?!.,:;=~/\\"
_BETWEEN = str.maketrans("", "", " _-")
_DIGIT = re.compile("[0-9]")
_WORDS = re.compile("[^a-z]+")
_UN_WORD = re.compile("un[a-z]+(?:ed|own|able)")
# As spreadsheets write them: #N/A, #REF!, #DIV/0!, #NAME?, ######; of LibreOffice: Err:502.
_ERROR_VALUE = re.compile(r"#[!?]?(?:[a-z]+/[a-z0-9]|[a-z_]{2,})[!?]?|#{2,}|err:[0-9]{3}")
_WHAT = lists.MISSING_NOUNS | lists.PERSON_WORDS
_SAYS_SO = lists.MISSING_WORDS | lists.MISSING_OPENINGS
_BESIDE = _WHAT | lists.MISSING_FILLERS
_BEFORE_NOT = _WHAT | lists.MISSING_VERBS | lists.MISSING_FILLERS


def is_missing(text: str | None) -> bool:
    """Whether an entry of any field but a name only says that nothing is known, or is empty."""
    folded = fold(text)
    return says_nothing(folded) or folded.strip(_AROUND) in lists.MISSING_CODES


def is_error_value(text: str | None) -> bool:
    """Whether an entry is what a spreadsheet shows where it could not work out a value."""
    return _ERROR_VALUE.fullmatch(fold(text)) is not None


def says_nothing(folded: str) -> bool:
    """The same of folded text that may be a name: Nan and Na are names."""
    text = folded.strip(_AROUND)
    if not text.strip(" 0/:-.,") or _ERROR_VALUE.fullmatch(folded) or folded == "\\n":
        return True
    joined = text.translate(_BETWEEN)
    if text in lists.PLACEHOLDER_TEXTS or joined in lists.PLACEHOLDER_WORDS:
        return True
    if _DIGIT.search(text):
        return False
    return _is_phrase([word for word in _WORDS.split(text.replace("un-", "un")) if word])


def _is_phrase(words: list[str]) -> bool:
    """Whether words only say why there is no value: "not asked yet", "registration pending"."""
    if not words:
        return False
    first, rest = words[0], words[1:]
    if first in lists.MISSING_OPENINGS:
        return True
    if first == "to":
        return rest[:1] == ["be"] and len(rest) > 1
    if first in {"no", "nil"}:
        return not {*rest[:1], *rest[-1:]}.isdisjoint(lists.MISSING_NOUNS)
    if "not" in rest[:-1]:
        return set(words[: words.index("not")]) <= _BEFORE_NOT
    if not (_says_so(first) or first in _WHAT):
        return False
    others = [word for word in words if not _says_so(word)]
    return len(others) < len(words) and set(others) <= _BESIDE


def _says_so(word: str) -> bool:
    return word in _SAYS_SO or _UN_WORD.fullmatch(word) is not None
