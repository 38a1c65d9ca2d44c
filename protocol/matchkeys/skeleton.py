"""The consonant skeleton of a name, specs/04-matching.md §3.

Spellings of one name that sound alike give one skeleton. It is a blunt tool: unlike names share
skeletons too, so a skeleton is never trusted alone, only with a birth date or a place beside it.
"""

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
_SILENT_LATER = frozenset("aeiouyhw")


def skeleton(name: str) -> str:
    """Reduce a name of letters a-z to its consonants. An empty name gives the empty string."""
    for written, sound in _DIGRAPHS:
        name = name.replace(written, sound)
    for written, sound in _INITIALS:
        if name.startswith(written):
            name = sound + name[len(written) :]
    name = name.translate(_MERGED)
    if not name:
        return ""
    first = "a" if name[0] in _VOWELS else name[0]
    rest = "".join(letter for letter in name[1:] if letter not in _SILENT_LATER)
    return "".join(letter for letter, _ in groupby(first + rest))
