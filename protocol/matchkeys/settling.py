"""The settled form of a name, specs/04-matching.md §4: which known name a spelling stands for.

Two names that sound alike are told apart where both are known, and a slip of the pen in either
still leads to it. A name that nobody listed is kept by its full skeleton: it is never taken for
another unless it sounds the same, or differs from a known name by no more than a slip.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache

from protocol.matchkeys.names import canonical_name, given_forms, without_umlaut_e
from protocol.matchkeys.skeleton import close_skeleton, full_skeleton
from protocol.matchkeys.spellings import SERVANT_NAMES

MOST_SLIPS = 2
MOST_SLIPS_IF_SHORT = 1
SHORT = 3  # letters


@lru_cache(maxsize=2**14)  # the same few thousand names are most of a register
def settled_name(name: str) -> str:
    """The form of a known name; of another the form of the nearest known spelling that has its
    close skeleton, if all that are as near have one form; else `*` and the full skeleton.
    """
    form = canonical_name(name)
    if name in given_forms() or name in SERVANT_NAMES:
        return form
    most = MOST_SLIPS_IF_SHORT if len(form) <= SHORT else MOST_SLIPS
    near: dict[int, set[str]] = defaultdict(set)
    for spelling, known in _known_by_sound().get(close_skeleton(form), ()):
        if abs(len(form) - len(spelling)) <= most:
            near[slips(form, spelling)].add(known)
    nearest = min(near, default=most + 1)
    if nearest <= most and len(near[nearest]) == 1:
        return near[nearest].pop()
    return f"*{full_skeleton(form)}"


def slips(one: str, other: str) -> int:
    """How many letters are missing, too many, other, or swapped with their neighbour: optimal
    string alignment, no letter being changed twice.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, there in enumerate(other, 1):
            best = min(last[column], now[-1], last[column - 1] - (letter == there)) + 1
            if row > 1 and column > 1 and letter + one[row - 2] == other[column - 2 : column]:
                best = min(best, before[column - 2] + 1)
            now.append(best)
        before, last = last, now
    return last[-1]


@cache
def _known_by_sound() -> Mapping[str, frozenset[tuple[str, str]]]:
    """Every known spelling and its form, by close skeleton."""
    known: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for table in (given_forms(), SERVANT_NAMES):
        for name in {*table, *table.values()}:
            spelling = without_umlaut_e(name)
            known[close_skeleton(spelling)].add((spelling, canonical_name(name)))
    return {sound: frozenset(names) for sound, names in known.items()}
