"""What people and programs write where nothing is known, specs/04-matching.md §2.

One place for every field: "not recorded", #N/A, [blank], 0000000000. By kind, with the word lists
of the charter's tables; a name that only reads like one (Edd, Unsted) is none.
"""

import re

from protocol.matchkeys import words as lists
from protocol.matchkeys.folding import fold

_ERROR_VALUE = re.compile(r"#(?:[a-z]+(?: ?[a-z]+)*[/!?0]*a?!?|div/0!?)|err:? ?\d+|#+")
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_WORDS = re.compile("[a-z]+(?:/[a-z]+)?|[0-9]+")
_UN_WORD = re.compile(rf"un[a-z]{{3,}}(?:{'|'.join(lists.MARKER_UN_ENDS)})|unknown|unsure")
_LONGEST = 8


def is_placeholder(text: str | None) -> bool:
    """Whether an entry only says that nothing is known, in whatever field: "not known", #N/A, 000.

    An empty entry is missing and no placeholder.
    """
    return says_nothing(fold(text))


def is_error_value(text: str | None) -> bool:
    """Whether an entry is what a spreadsheet shows for a formula that failed: #N/A, #REF!, ###."""
    return bool(_ERROR_VALUE.fullmatch(fold(text)))


def says_nothing(folded: str) -> bool:
    """The same of folded text."""
    inner = unbracketed(folded)
    if not inner.strip("0 -/:") or is_marked_off(folded):
        return bool(folded)
    if _ERROR_VALUE.fullmatch(inner) or inner in lists.PLACEHOLDER_TEXTS:
        return True
    words = _WORDS.findall(inner)
    return not words or (len(words) <= _LONGEST and _is_phrase(words))


def unbracketed(folded: str) -> str:
    """Without the brackets that stand around all of it."""
    while len(folded) > 1 and _BRACKETS.get(folded[0]) == folded[-1]:
        folded = folded[1:-1].strip()
    return folded


def is_marked_off(folded: str) -> bool:
    """Whether a program's brackets stand around all of it: [blank], <first name>."""
    return folded[:1] in {"[", "{", "<"} and unbracketed(folded) != folded


def is_marker(word: str) -> bool:
    """Whether a word says that something is not known: unknown, pending, TBC."""
    return word in lists.MARKER_WORDS or bool(_UN_WORD.fullmatch(word))


def _is_phrase(words: list[str]) -> bool:
    """Not recorded; no forename given; to be confirmed; name withheld; n k."""
    if is_marker(words[0]) and words[0] not in lists.UNBORN_WORDS:
        return len(words) > 1 or words[0] != "not"
    if "".join(words) in lists.MARKER_WORDS:
        return True
    known = [word in lists.FILLER_WORDS or is_marker(word) for word in words]
    begins = words[0] in lists.NOTHING_WORDS or words[:2] == ["to", "be"]
    if begins and len(words) > 1 and all(known[1:]):
        return True
    return all(known) and any(map(is_marker, words))
