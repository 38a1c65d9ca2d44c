"""Entries that only say that nothing is known, specs/04-matching.md §2: of what kind, not which.

One rule for every field of every record, at the import and when names are read. It takes any text
and never raises. Whether what is not missing is right is not decided here.
"""

import re

from protocol.matchkeys import words as lists
from protocol.matchkeys.folding import fold

_AROUND = " ()[]{}<>*_-\"'?!.,:;=~/\\"
_WORDS = re.compile("[^a-z]+")
_UN_WORD = re.compile("un[a-z]+(?:ed|own|able)")
# As spreadsheets write them: #N/A, #REF!, #DIV/0!, #NAME?, ######; of LibreOffice: Err:502.
_ERROR_VALUE = re.compile(r"#(?:[a-z]+/[a-z0-9]|[a-z_]{2,})[!?]?|#{2,}|err:[0-9]{3}")


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
    if not text.strip(" 0/:-.,") or _ERROR_VALUE.fullmatch(folded):
        return True
    joined = text.replace(" ", "")
    if text in lists.PLACEHOLDER_TEXTS or joined in lists.PLACEHOLDER_WORDS:
        return True
    return not any(letter.isdigit() for letter in text) and _is_phrase(_WORDS.split(text))


def _is_phrase(words: list[str]) -> bool:
    """Whether words only say why there is no value: "not asked yet", "no name given"."""
    first, rest = words[0], words[1:]
    if first in lists.MISSING_OPENINGS:
        return True
    if first == "to":
        return rest[:1] == ["be"] and len(rest) > 1
    if first == "no":
        return bool(rest) and rest[0] in lists.MISSING_NOUNS
    says_so = first in lists.MISSING_WORDS or _UN_WORD.fullmatch(first) is not None
    return says_so and set(rest) <= lists.MISSING_NOUNS | lists.MISSING_FILLERS
