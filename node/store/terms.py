"""What of a record a client is found by: terms that stand in the index of node/store/found_by.py.

Pure. What is made here is on disk: whoever changes it, or the skeletons of
protocol/matchkeys/names.py, lets a script of node/store/schema/ empty the index and fills it again
(`fill_search`). An import makes it of every row: it has to be cheap.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from protocol.matchkeys.names import (
    canonical_family,
    canonical_name,
    family_skeletons,
    given_skeleton,
)
from protocol.matchkeys.normalise import fold, parse_date, person_names
from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.skeleton import skeleton

SOUND = ">"
"""Before the skeleton of a name: no word begins so."""
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_PIECES = re.compile("[a-z0-9]+")
_KEPT = 4096
_PLAIN = 100


class Terms(NamedTuple):
    """All that a client is found by: the `words` of all names, NHS number, postcode, birth date
    (ISO), and skeletons that none of the words has alone. `sort_name`: what lists are sorted by.
    """

    all: frozenset[str]
    words: frozenset[str]
    sort_name: str

    def __repr__(self) -> str:
        """Say nothing."""
        return "Terms(hidden)"


def terms_of(record: ClientRecord) -> Terms:
    """What a record is found by. Never raises."""
    (given, first), (_, middle), (family, last) = map(
        _name, (record.given, record.middle, record.family)
    )
    words = frozenset(first + middle + last)
    others = {number_term(record.nhs_number), number_term(record.postcode)}
    others.add(born_term(record.date_of_birth))
    if not (first == (given,) and last == (family,)) or "abd" in given:
        others.update(_joined_sounds(record, words))
    others.discard("")
    return Terms(words | others, words, f"{family} {given}".strip())


def words_in(folded: str) -> list[str]:
    """Letters and digits that stand together in a folded text, in order."""
    return [folded] if folded.isalpha() else _PIECES.findall(folded)


def number_term(text: str | None) -> str:
    """A number, an id or a postcode without what may stand between its parts."""
    if not text:
        return ""
    plain = text.replace(" ", "").replace("-", "")
    if len(text) < _PLAIN and plain.isascii() and plain.isalnum():  # as nearly all are
        return plain.lower()
    return fold(text).replace(" ", "").replace("-", "")


def born_term(text: str | None) -> str:
    """A date as ISO has it; nothing if it is none."""
    if text and (plain := _ISO.fullmatch(text)):  # as nearly every feed has it; read in no time
        return text if text[-3] == text[-6] == "-" else "{}-{:0>2}-{:0>2}".format(*plain.groups())
    born = parse_date(text)
    return born.isoformat() if born else ""


def sound_terms(skeletons: Iterable[str | None]) -> set[str]:
    """The terms of the skeletons of names."""
    return {SOUND + one for one in skeletons if one}


def sounds_of(word: str) -> set[str]:
    """The skeletons of a word as given and as family name; mostly one."""
    forms = {canonical_name(word), canonical_family(word)} if word.isalpha() else ()
    return sound_terms(map(skeleton, forms))


@lru_cache(_KEPT)
def _name(text: str | None) -> tuple[str, tuple[str, ...]]:
    folded = fold(text)
    return folded, tuple(words_in(folded))


def _joined_sounds(record: ClientRecord, words: Iterable[str]) -> set[str]:
    """Skeletons by which somebody may be known here (specs/09-imports.md §9.2) and which no word
    has alone: of several words, whose is which is told from all fields together.
    """
    names = person_names(record.given, record.middle, record.family)
    known = {sound for word in words for sound in sounds_of(word)}
    of_all = sound_terms((given_skeleton(names.given), *family_skeletons(names.families)))
    return of_all - known
