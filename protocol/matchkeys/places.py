"""Postcodes and addresses, specs/04-matching.md §2: the United Kingdom's and Australia's.

A place that many people share (a hostel, a refuge, a prison) is no evidence and must not become a
key: it gives no place at all. What an address does not reveal, a node's own setting adds. Nothing
here can tell whether a place exists, nor who lives there.
"""

import re
from typing import NamedTuple

from protocol.matchkeys import words as lists
from protocol.matchkeys.folding import fold
from protocol.matchkeys.missing import is_missing

# Written where none is known; areas ZZ and XX do not exist.
PLACEHOLDER_POSTCODES = re.compile("ZZ.*|XX.*|AA[0-9].*|A11AA|9999")

_UK_POSTCODE = re.compile("(?:[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}|GIR0AA)")
_STATES = "VIC|NSW|QLD|SA|WA|TAS|ACT|NT"
_AU_POSTCODE = re.compile(f"(?:{_STATES})?(0[2-9][0-9]{{2}}|[1-9][0-9]{{3}})(?:{_STATES})?")
_NOT_LETTERS = re.compile("[^a-z]+")
_HOUSE_NUMBER = re.compile(r"\b(\d{1,5})[a-z]?\b")
# Flat 2/1 is a flat on a floor, but Unit 3/14 in Australia is unit 3 of number 14; #4 is a flat.
_DWELLING = re.compile(
    rf"(?:\b(?:{'|'.join(lists.DWELLINGS)})s? *(?:no *)?#?|#) *\d+[a-z]?(?P<of>/\d+[a-z]?)?\b"
)
_SLASHED = re.compile(r"\b(\d{1,5}[a-z]?)/\d{1,5}[a-z]?\b")
_AU_STATE = re.compile(rf"\b(?:{_STATES.lower()}) *\d{{4}}$")
_AU_TAIL = re.compile(rf"(?:\b(?:{_STATES.lower()}) *\d{{4}}|(?<=[a-z,] )\d{{4}})$")
_NO_ADDRESS = re.compile(rf"\b(?:{'|'.join(lists.NO_ADDRESS)})")
_UNKNOWN_ADDRESS = re.compile(rf"\b(?:{'|'.join(lists.UNKNOWN_ADDRESS)})")
_JOINTS = re.compile(r" *[&+] *")
_ACCOMMODATION = re.compile(r"\bac+om+od?ation")
# A room or a bed that has a number is of a house that many share.
_SHARED_ROOM = re.compile(r"\b(?:room|rm|bed) *(?:no *)?#?\d")
_SHARED_PLACE = re.compile(
    rf"\b(?:{'|'.join(lists.SHARED_PLACES)})s?\b(?! (?:{'|'.join(sorted(lists.STREET_TYPES))})\b)"
)


Door = tuple[str, str]
"""House number, and first letters of the street."""


class Place(NamedTuple):
    """House number, first letters of the street, postcode; each None if missing."""

    house: str | None
    street: str | None
    postcode: str | None


def place(address: str | None, code: str | None) -> Place:
    """The place of a record: none at all where nobody lives at one door.

    Without a fixed abode the postcode is an office's; in a hostel it is everybody's.
    """
    if has_no_door(address):
        return Place(None, None, None)
    known = postcode(code)
    australian = known is not None and known.isdigit()
    return Place(*_house_and_street(fold(address), australian=australian), known)


def has_no_door(address: str | None) -> bool:
    """Whether an address is a shared place or says that there is no fixed one: no place counts."""
    return bool(is_shared_place(address) or _NO_ADDRESS.search(fold(address)))


def is_shared_place(address: str | None) -> bool:
    """Whether an address names a hostel, refuge, hotel, prison, hospital or the like.

    A street named after one ("14 Hospital Lane") is none.
    """
    text = fold(address).replace("-", " ")
    if "&" in text or "+" in text:
        text = _JOINTS.sub(" and ", text)
    text = _ACCOMMODATION.sub("accommodation", " ".join(text.split()))
    return bool(_SHARED_PLACE.search(text) or _SHARED_ROOM.search(text))


def postcode(text: str | None) -> str | None:
    """A UK postcode in capitals without spaces, or the four digits of an Australian one.

    None if it is neither, or one that is written where none is known, as ZZ99.
    """
    compact = fold(text).replace(" ", "").upper()
    if PLACEHOLDER_POSTCODES.fullmatch(compact):
        return None
    if found := _AU_POSTCODE.fullmatch(compact):
        return None if PLACEHOLDER_POSTCODES.fullmatch(found[1]) else found[1]
    return compact if _UK_POSTCODE.fullmatch(compact) else None


def door(address: str | None, code: str | None) -> Door | None:
    """House number and first letters of the street, also of a shared place; None if one lacks."""
    australian = code is not None and code.isdigit()
    house, street = _house_and_street(fold(address), australian=australian)
    return (house, street) if house and street else None


def says_nothing_of_a_place(address: str | None) -> bool:
    """Whether an address only says that there is none, or that none is known."""
    folded = fold(address)
    return is_missing(address) or any(
        found.search(folded) for found in (_NO_ADDRESS, _UNKNOWN_ADDRESS)
    )


def house_and_street(text: str | None) -> tuple[str | None, str | None]:
    """(last house number of the line, first four letters of the street), each may be None."""
    found = place(text, None)
    return found.house, found.street


def _house_and_street(folded: str, *, australian: bool) -> tuple[str | None, str | None]:
    if not folded or _UNKNOWN_ADDRESS.search(folded):
        return None, None
    folded, numbers = _numbers(folded, australian=australian or bool(_AU_STATE.search(folded)))
    after = folded[numbers[-1].end() :] if numbers else folded
    words = _street_words(after) or _street_words(folded)
    if len(words) > 1 and words[0] in {"st", "saint"}:
        words[0] = "st" + words[1]
    number = numbers[-1][1].lstrip("0") if numbers else ""
    return number or None, words[0][:4] if words else None


def _numbers(folded: str, *, australian: bool) -> tuple[str, list[re.Match[str]]]:
    """The text and its house numbers, without flat numbers and postcodes if any others remain.

    3/14 is unit 3 at number 14 in Australia, and flat 14 at number 3 in Scotland.
    """
    if australian:
        without = _DWELLING.sub(lambda found: (found["of"] or "").replace("/", " "), folded)
        without = _AU_TAIL.sub("", without)
    else:
        without = _AU_TAIL.sub("", _SLASHED.sub(r"\1", _DWELLING.sub(" ", folded)))
    for text in (without, folded) if without != folded else (folded,):
        if numbers := list(_HOUSE_NUMBER.finditer(text)):
            return text, numbers
    return folded, []


def _street_words(text: str) -> list[str]:
    """The words of a street's name; a letter alone ("Flat A") only if there is nothing else."""
    words = [word for word in _NOT_LETTERS.split(text) if word and word not in lists.NOT_A_STREET]
    return [word for word in words if len(word) > 1] or words
