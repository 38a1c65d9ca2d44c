"""Places that many people share and whose address does not say so: specs/04-matching.md §2.

An agency's own list, of its own settings: it never leaves the node. Whether an address reveals by
itself that it is shared is for places.py.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from protocol.matchkeys.folding import fold
from protocol.matchkeys.places import Door, door, postcode, says_nothing_of_a_place

_NOT_LETTERS = re.compile("[^a-z]+")
NO_PLACE = (
    "one of them has neither a house number with a street nor the name of a house (two words, or "
    "one with a postcode): write it as clients' addresses are, such as 12 Church Lane, LX3 4AB"
)


class _Listed(NamedTuple):
    """A listed address: by its door, or if it has none by its words. Postcode None: any."""

    door: Door | None
    words: str
    postcode: str | None


@dataclass(frozen=True, repr=False)
class SharedPlaces:
    """Postcodes in capitals without spaces, and addresses as `shared_places` reads them."""

    postcodes: frozenset[str] = frozenset()
    addresses: tuple[_Listed, ...] = ()

    def __repr__(self) -> str:
        """Say nothing: it is where refuges are."""
        return "SharedPlaces(hidden)"

    def has(self, address: str | None, code: str | None) -> bool:
        """Whether a client's address and postcode, as written, are of one of these places."""
        if not (self.postcodes or self.addresses):
            return False
        known = postcode(code)
        if known in self.postcodes:
            return True
        if not address or not self.addresses:
            return False
        where, words = door(address, known), f" {_words(address)} "
        return any(
            (listed.door == where if listed.door else f" {listed.words} " in words)
            for listed in self.addresses
            if known is None or listed.postcode in {known, None}
        )


def shared_places(postcodes: Iterable[str], addresses: Iterable[str]) -> SharedPlaces:
    """The places that an agency lists. Raises ValueError, without the entry: it is a secret."""
    codes = [postcode(entry) for entry in postcodes]
    if None in codes:
        raise ValueError("one of them is not a postcode")
    return SharedPlaces(frozenset(filter(None, codes)), tuple(map(_listed, addresses)))


def _listed(entry: str) -> _Listed:
    address, code = _split(entry)
    found, words = door(address, code), _words(address)
    named = len(words.split()) > (0 if code else 1) and not any(map(str.isdigit, fold(address)))
    if not found and (not named or says_nothing_of_a_place(address)):
        raise ValueError(NO_PLACE)
    return _Listed(found, words, code)


def _split(entry: str) -> tuple[str, str | None]:
    """An entry without the postcode at its end, and that; VIC 3056 is one, 3056 alone is not."""
    words = entry.split()
    for count in (2, 1):
        end = " ".join(words[-count:])
        if not end.isdigit() and (code := postcode(end)):
            return " ".join(words[:-count]), code
    return entry, None


def _words(address: str) -> str:
    return " ".join(filter(None, _NOT_LETTERS.split(fold(address))))
