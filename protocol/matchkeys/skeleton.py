"""The consonant skeleton of a name, specs/04-matching.md §3.

Spellings of one name that sound alike give one skeleton. It is a blunt tool: unlike names share
skeletons too, so a skeleton is never trusted alone, only with a birth date or a place beside it.
"""

from functools import lru_cache
from itertools import groupby

_DIGRAPHS = (
    ("ph", "f"),
    ("gh", "g"),
    ("kh", "k"),
    ("sch", "s"),
    ("sh", "s"),
    ("ch", "c"),
    ("th", "t"),
    ("ck", "k"),
    ("x", "ks"),
)
_INITIALS = (("kn", "n"), ("wr", "r"))
_MERGED = str.maketrans("cqzdgvjbp", "kkstkfkpp")
_VOWELS = frozenset("aeiou")
_FIRST_VOWELS = {"e": "i", "u": "o"}
_SILENT_LATER = frozenset("aeiouyhw")
_LATER_VOWELS = {"e": "i", "y": "i", "u": "o", "h": "", "w": ""}


def skeleton(name: str) -> str:
    """Reduce a name of letters a-z to its consonants. An empty name gives the empty string."""
    name = _sounds(name)
    if not name:
        return ""
    first = "a" if name[0] in _VOWELS else name[0]
    rest = "".join(letter for letter in name[1:] if letter not in _SILENT_LATER)
    return _squeezed(first + rest)


@lru_cache(maxsize=2**12)  # several keys of a record ask for it, and names recur
def close_skeleton(name: str) -> str:
    """A skeleton that keeps more: which vowel a name begins with and, where fewer than three
    letters would be left, where its later vowels are. Erin is not Aaron, Dawn not Diana.
    """
    sounds = _sounds(name)
    if not sounds:
        return ""
    first = _FIRST_VOWELS.get(sounds[0], sounds[0])
    kept = "".join(letter for letter in sounds[1:] if letter not in _SILENT_LATER)
    rest = _squeezed(first + kept)
    if len(rest) > 2:
        return rest
    later = "".join("a" if letter in _SILENT_LATER else letter for letter in sounds[1:])
    return first + _squeezed(later)


def full_skeleton(name: str) -> str:
    """A skeleton that keeps every vowel, as a, i or o: for names that no table knows."""
    sounds = _sounds(name)
    first = _FIRST_VOWELS.get(sounds[:1], sounds[:1])
    later = "".join(_LATER_VOWELS.get(letter, letter) for letter in sounds[1:])
    return _squeezed(first + later)


def _sounds(name: str) -> str:
    """Digraphs and similar consonants as one letter."""
    for written, sound in _DIGRAPHS:
        name = name.replace(written, sound)
    for written, sound in _INITIALS:
        if name.startswith(written):
            name = sound + name[len(written) :]
    return name.translate(_MERGED)


def _squeezed(letters: str) -> str:
    return "".join(letter for letter, _ in groupby(letters))
