"""Any text to plain lower-case ASCII, specs/04-matching.md §2: the first step of every rule.

Knows nothing of names or places. It never raises, whatever the text; an empty answer means that
nothing readable was there, and every rule after it makes that a missing value.
"""

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

READ_CHARACTERS = 10_000
FOLDED_CHARACTERS = 1_000

_APOSTROPHES = re.compile("['`.´‘’ʹʼʻ′]")
_PLAIN_DROPPED = str.maketrans("", "", "'`.")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


@lru_cache(maxsize=1024)  # every rule about a value folds it anew
def fold(text: str | None) -> str:
    """Lower-case ASCII of the text, without accents, symbols and control characters."""
    if not text:
        return ""
    if text.isascii() and text.isprintable() and len(text) <= FOLDED_CHARACTERS:
        return " ".join(text.translate(_PLAIN_DROPPED).lower().split())
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
