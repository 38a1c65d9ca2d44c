"""Text that was damaged on its way here, and what it probably was: specs/09-imports.md §4.2.

Nothing is repaired here unasked: the caller has the mapping. What a reason shows is the damaged
letters and their probable original, never the value.
"""

import html
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from urllib.parse import unquote_to_bytes

MOST_SHOWN = 3
_LOST = "\ufffd"
_ASCII_SIGNS = re.compile(
    r"&#?\w+;|%[0-9A-Fa-f]{2}|\\(?:u00|x)[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|=[0-9A-F]{2}"
    r"|_x[0-9A-Fa-f]{4}_|\\'|\?"
)
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9A-Fa-f]+|[A-Za-z]{2,8});")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_BACKSLASH = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))|_x([0-9A-Fa-f]{4})_")
_QUOTED = re.compile(r"(?:=[0-9A-F]{2}){2,}|=[89A-F][0-9A-F]")
MOST_LAYERS = 4
"""How often a text may have been carried on, one program's marks inside another's."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# In a name a letter was there: what a code page of DOS or of a Macintosh has in its place.
_SIGNS = "¡-©¬®-³µ¶¸¹¼-¿×÷‚„…†‡ˆ‰•˜™€"
_LETTER = r"[^\W\d_]"
_SIGN_IN_NAME = re.compile(rf"[?{_SIGNS}](?={_LETTER})|(?<={_LETTER})[?{_SIGNS}]")
_SIGN = re.compile(f"[{_SIGNS}]")
_CAPITAL_INSIDE = re.compile("[a-z][ŠŒŽŸ]")
_CODE_PAGES = ("cp850", "cp1250", "mac_roman", "cp437")


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
    for _ in range(MOST_LAYERS):
        before = text
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
        text = _PERCENT.sub(lambda found: _of_bytes(found[0], unquote_to_bytes(found[0])), text)
        text = _BACKSLASH.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16)), text)
        text = _QUOTED.sub(
            lambda found: _of_bytes(found[0], bytes.fromhex(found[0].replace("=", ""))), text
        )
        text = _decoded_again(text.replace("\\'", "'"))
        if text == before:
            break
    return text


def _decoded_again(text: str) -> str:
    """Without the traces of having been read in a wrong encoding."""
    from ftfy import fix_encoding  # late: it is large, and needed where something looks damaged

    return fix_encoding(text)


def _of_bytes(text: str, raw: bytes) -> str:
    """What bytes say that were written out: in UTF-8, or a letter in the code page of Windows."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        found = raw.decode("cp1252", "replace")
        return found if all(map(str.isalpha, found)) else text


def _of_code_page(text: str) -> str | None:
    """The text with each sign as the first code page has it in which all are letters that fit."""
    for page in _CODE_PAGES:
        found = "".join(_as_letter(one, page) if _SIGN.match(one) else one for one in text)
        changed = [place for place, letter in enumerate(found) if letter != text[place]]
        if changed and not _SIGN_IN_NAME.search(found) and all(_fits(found, at) for at in changed):
            return found
    return None


def _as_letter(sign: str, page: str) -> str:
    try:
        letter = sign.encode("cp1252").decode(page)
    except (UnicodeEncodeError, UnicodeDecodeError):
        return sign
    return letter if letter.isalpha() else sign


def _fits(text: str, place: int) -> bool:
    """Whether a letter is a capital where the letter before it is one, or none stands before it."""
    before, letter = text[place - 1 : place], text[place]
    return letter.isupper() if not before.isalpha() else letter.isupper() == text[:place].isupper()


def _said(text: str, original: str) -> str:
    pieces = []
    for what, start, end, to, until in SequenceMatcher(None, text, original, False).get_opcodes():
        piece = (text[start:end], original[to:until])
        if what != "equal" and piece not in pieces and piece[0].isprintable():
            pieces.append(piece)
    shown = ", ".join(f"'{one}' was probably '{two}'" for one, two in pieces[:MOST_SHOWN])
    return f"the text was damaged before it came here: {shown}" if shown else "the text was damaged"
