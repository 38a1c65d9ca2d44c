"""The consonant skeleton of a name, specs/04-matching.md §3.

Spellings of one name that sound alike give one skeleton. It is a blunt tool: unlike names share
skeletons too, so a skeleton is never trusted alone, only with a birth date or a place beside it.
"""

import re
from functools import lru_cache

_WITH_H = (
    ("ph", "f"),
    ("gh", "g"),
    ("kh", "k"),
    ("sch", "s"),
    ("sh", "s"),
    ("ch", "c"),
    ("th", "t"),
)
_OTHERS = (("ck", "k"), ("x", "ks"))
_INITIALS = (("kn", "n"), ("wr", "r"))
_MERGED = str.maketrans("cqzdgvjbp", "kkstkfkpp")
_VOWELS = frozenset("aeiou")
_FIRST_VOWELS = {"e": "i", "u": "o"}
_SILENT = "aeiouyhw"
_WITHOUT_SILENT = str.maketrans("", "", _SILENT)
_SILENT_AS_A = str.maketrans(_SILENT, "a" * len(_SILENT))
_LATER_VOWELS = str.maketrans("eyu", "iio", "hw")
_DOUBLED = re.compile(r"(.)\1+")
REMEMBERED = 2**13
"""Names whose forms are kept: the same few thousand are most of a register."""


@lru_cache(maxsize=REMEMBERED)
def skeleton(name: str) -> str:
    """Reduce a name of letters a-z to its consonants. An empty name gives the empty string."""
    name = _sounds(name)
    if not name:
        return ""
    first = "a" if name[0] in _VOWELS else name[0]
    return _squeezed(first + name[1:].translate(_WITHOUT_SILENT))


@lru_cache(maxsize=REMEMBERED)
def close_skeleton(name: str) -> str:
    """A skeleton that keeps more: which vowel a name begins with and, where fewer than three
    letters would be left, where its later vowels are. Erin is not Aaron, Dawn not Diana.
    """
    sounds = _sounds(name)
    if not sounds:
        return ""
    first = _FIRST_VOWELS.get(sounds[0], sounds[0])
    rest = _squeezed(first + sounds[1:].translate(_WITHOUT_SILENT))
    if len(rest) > 2:
        return rest
    return first + _squeezed(sounds[1:].translate(_SILENT_AS_A))


def full_skeleton(name: str) -> str:
    """A skeleton that keeps every vowel, as a, i or o: for names that no table knows."""
    sounds = _sounds(name)
    first = _FIRST_VOWELS.get(sounds[:1], sounds[:1])
    return _squeezed(first + sounds[1:].translate(_LATER_VOWELS))


def _sounds(name: str) -> str:
    """Digraphs and similar consonants as one letter."""
    if "h" in name:
        for written, sound in _WITH_H:
            name = name.replace(written, sound)
    for written, sound in _OTHERS:
        name = name.replace(written, sound)
    for written, sound in _INITIALS:
        if name.startswith(written):
            name = sound + name[len(written) :]
    return name.translate(_MERGED)


def _squeezed(letters: str) -> str:
    return _DOUBLED.sub(_first, letters)  # a template would be read anew each time


def _first(found: re.Match[str]) -> str:
    return found[1]
