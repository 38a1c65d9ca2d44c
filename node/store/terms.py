"""What of a record a client is found by: terms that stand in the index of node/store/found_by.py.

Pure. What is made here is on disk: whoever changes it, or the skeletons of
protocol/matchkeys/names.py, lets a script of node/store/schema/ empty the index and fills it again
(`fill_search`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from protocol.matchkeys.names import family_skeletons, given_skeleton
from protocol.matchkeys.normalise import family_names, fold, parse_date, person_names
from protocol.matchkeys.records import ClientRecord

GIVEN, FAMILY = ">", "<"
"""Before the skeleton of a given and of a family name: no word begins so."""
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_PIECES = re.compile("[a-z0-9]+")
_KEPT = 4096


@dataclass(frozen=True, repr=False)
class Terms:
    """All that a client is found by: the `words` of all names, NHS number, postcode, birth date
    (ISO) and skeletons. `sort_name`: what lists are sorted by.
    """

    all: frozenset[str]
    words: frozenset[str]
    sort_name: str

    def __repr__(self) -> str:
        """Say nothing."""
        return "Terms(hidden)"


def terms_of(record: ClientRecord) -> Terms:
    """What a record is found by. Never raises."""
    given, middle, family = fold(record.given), fold(record.middle), fold(record.family)
    texts = (given, middle, family)
    words = frozenset([word for text in texts for word in words_in(text)])
    others = {number_term(record.nhs_number), number_term(record.postcode)}
    others.update((born_term(record.date_of_birth), *_skeletons(record, given, family)))
    others.discard("")
    return Terms(words | others, words, f"{family} {given}".strip())


def words_in(folded: str) -> list[str]:
    """Letters and digits that stand together in a folded text, in order."""
    return [folded] if folded.isalpha() else _PIECES.findall(folded)


def number_term(text: str | None) -> str:
    """A number, an id or a postcode without what may stand between its parts."""
    return fold(text).replace(" ", "").replace("-", "") if text else ""


def born_term(text: str | None) -> str:
    """A date as ISO has it; nothing if it is none."""
    if text and (plain := _ISO.fullmatch(text)):  # as nearly every feed has it; read in no time
        return text if text[-3] == text[-6] == "-" else "{}-{:0>2}-{:0>2}".format(*plain.groups())
    born = parse_date(text)
    return born.isoformat() if born else ""


def skeleton_terms(given: str | None, families: Iterable[str]) -> list[str]:
    """The terms of the skeletons of names."""
    return [*([GIVEN + given] if given else []), *(FAMILY + one for one in families if one)]


def letter_pairs(word: str) -> set[str]:
    """The pairs of letters that stand together in a word, its ends marked."""
    marked = f"^{word}$"
    return {marked[at : at + 2] for at in range(len(marked) - 1)}


def _skeletons(record: ClientRecord, given: str, family: str) -> list[str]:
    """Those by which somebody may be known here: specs/09-imports.md §9.2."""
    if (record.given or "").isalpha() and (record.family or "").isalpha() and "abd" not in given:
        return skeleton_terms(_given_skeleton(given), _family_skeletons(family))
    # Several words: whose is which is told from all fields together.
    names = person_names(record.given, record.middle, record.family)
    return skeleton_terms(given_skeleton(names.given), family_skeletons(names.families))


@lru_cache(_KEPT)
def _given_skeleton(name: str) -> str | None:
    return given_skeleton(name)


@lru_cache(_KEPT)
def _family_skeletons(family: str) -> tuple[str, ...]:
    return family_skeletons(family_names(family))
