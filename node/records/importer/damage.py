"""Text that was damaged on its way here, and what it probably was: specs/09-imports.md §4.2.

Nothing is repaired here unasked: the caller has the mapping. What a reason shows is the damaged
letters and their probable original, never the value.
"""

import html
import quopri
import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from urllib.parse import unquote

MOST_SHOWN = 3
_LOST = "\ufffd"
_ASCII_SIGNS = re.compile(r"&#?\w+;|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|=[0-9A-F]{2}|\\'|\?")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9A-Fa-f]+|[A-Za-z]{2,8});")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_BACKSLASH = re.compile(r"\\u([0-9A-Fa-f]{4})")
_QUOTED = re.compile(r"(?:=[0-9A-F]{2}){2,}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# In a name a letter was there: what a code page of DOS or of a Macintosh has in its place.
_SIGNS = "¡-©¬®-³µ¶¸¹¼-¿×÷‚„…†‡ˆ‰•˜™€"
_SIGN_IN_NAME = re.compile(rf"[A-Za-z]\?|\?[A-Za-z]|[{_SIGNS}](?=[a-z])|(?<=[a-z])[{_SIGNS}]")
_CAPITAL_INSIDE = re.compile("[a-z][ŠŒŽŸ]")
_CODE_PAGES = ("cp850", "mac_roman", "cp437")


@dataclass(frozen=True, repr=False)
class Damage:
    """What a text probably was (None: nobody can say), and the reason in words."""

    original: str | None
    reason: str

    def __repr__(self) -> str:
        """Say nothing: it is somebody's name."""
        return "Damage(hidden)"


def find_damage(text: str, *, name: bool) -> Damage | None:
    """Whether a text was damaged; `name`: a field of names, where a question mark is no letter."""
    if text.isascii() and not _ASCII_SIGNS.search(text) and not _CONTROL.search(text):
        return None
    fixed = _unescaped(_decoded_again(text))
    guessed = _CONTROL.search(text) and _CAPITAL_INSIDE.search(fixed)
    if guessed or _LOST in fixed or _CONTROL.search(fixed):
        return Damage(None, "a letter of the text was lost before it came here")
    if name and _SIGN_IN_NAME.search(fixed):
        original = _of_code_page(fixed)
        if original is None:
            return Damage(None, "a sign stands where a letter of the name was lost")
        return Damage(original, _said(text, original))
    return Damage(fixed, _said(text, fixed)) if fixed != text else None


def _unescaped(text: str) -> str:
    """Without the marks by which programs carry letters through places that take none."""
    text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    text = _PERCENT.sub(_of_percent, text)
    text = _BACKSLASH.sub(lambda found: chr(int(found[1], 16)), text)
    text = _QUOTED.sub(_of_quoted, text)
    return _decoded_again(text.replace("\\'", "'"))


def _decoded_again(text: str) -> str:
    """Without the traces of having been read in a wrong encoding."""
    from ftfy import fix_encoding  # late: it is large, and needed where something looks damaged

    return fix_encoding(text)


def _of_percent(found: re.Match[str]) -> str:
    return (
        unquote(found[0], errors="strict") if _is_utf8(unquote(found[0], "latin-1")) else found[0]
    )


def _of_quoted(found: re.Match[str]) -> str:
    raw = quopri.decodestring(found[0].encode())
    return raw.decode() if _is_utf8(raw.decode("latin-1")) else found[0]


def _is_utf8(text: str) -> bool:
    try:
        text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return True


def _of_code_page(text: str) -> str | None:
    """The text as another code page would have it, if all of it is letters then."""
    for page in _CODE_PAGES:
        try:
            found = text.encode("cp1252").decode(page)
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        letters = [letter for letter in found if not letter.isascii()]
        if letters and all(unicodedata.category(letter)[0] == "L" for letter in letters):
            return found
    return None


def _said(text: str, original: str) -> str:
    pieces = []
    for what, start, end, to, until in SequenceMatcher(None, text, original, False).get_opcodes():
        piece = (text[start:end], original[to:until])
        if what != "equal" and piece not in pieces and piece[0].isprintable():
            pieces.append(piece)
    shown = ", ".join(f"'{one}' was probably '{two}'" for one, two in pieces[:MOST_SHOWN])
    return f"the text was damaged before it came here: {shown}" if shown else "the text was damaged"
