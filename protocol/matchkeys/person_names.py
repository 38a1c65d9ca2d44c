"""The names of a person out of the fields of a record, specs/04-matching.md §2.

Takes any text and never raises; a name is letters a-z, or missing. Whether two names are one
person's is not decided here: it only finds what was written.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from itertools import pairwise
from typing import NamedTuple, TypeVar

from protocol.matchkeys import words as lists
from protocol.matchkeys.folding import fold
from protocol.matchkeys.missing import says_nothing
from protocol.matchkeys.skeleton import REMEMBERED
from protocol.matchkeys.spellings import SERVANT_NAMES

_NOT_LETTERS = re.compile("[^a-z]+")
_NOT_LETTERS_OR_DIGITS = re.compile("[^a-z0-9]+")
_DIGIT = re.compile("[0-9]")
_PIECES = re.compile(r"[a-z]+|[(\[{/)\]},;]")
_PHRASE = re.compile(
    r"\b(?:"
    + "|".join(re.escape(p) + ("(?=[a-z]{3})" if p[-1] == "/" else r"\b") for p in lists.PHRASES)
    + ")"
)


_LONGEST = 100  # what a name may have to be remembered: notes in its place would fill the memory
_Found = TypeVar("_Found")


def _remembered(read: Callable[[str | None], _Found]) -> Callable[[str | None], _Found]:
    kept = lru_cache(maxsize=REMEMBERED)(read)

    @wraps(read)
    def reading(text: str | None) -> _Found:
        return read(text) if text and len(text) > _LONGEST else kept(text)

    return reading


class GivenNames(NamedTuple):
    """The first given name (None if missing), the others in order, and the first two words of the
    given-name field in one, as they may stand elsewhere (None if it has not two).
    """

    given: str | None
    others: tuple[str, ...]
    joined: str | None


class PersonNames(NamedTuple):
    """As GivenNames, and the family names: the joined name in use, then each part and each other
    name; () if missing.
    """

    given: str | None
    others: tuple[str, ...]
    joined: str | None
    families: tuple[str, ...]


class _Written(NamedTuple):
    """A name field in words: the name in use, what follows its first comma, other names."""

    words: list[str]
    after_comma: list[str]
    others: list[list[str]]


def person_names(given: str | None, middle: str | None, family: str | None) -> PersonNames:
    """All names of a record, also where both stand in one field as "SMITH, John"."""
    names = given_names(given, middle, family)
    families = family_names(family)
    if names.given is None and families and (written := _read(family).after_comma):
        names = given_names(" ".join(written), middle)
    if not families and (written_given := _read(given)).after_comma:
        families = family_names(" ".join(written_given.words))
    return PersonNames(*names, families)


def given_names(given: str | None, middle: str | None, family: str | None = None) -> GivenNames:
    """The given names of both fields, each a-z letters: those of the given-name field first.

    The family name, if given, tells "Baby Smith" from "Baby Aisha" and "Smith, John" from
    "Mary, Anne".
    """
    written = _read(given)
    names = [] if _is_counted(given) or is_unborn(given) else written.words
    if names and written.after_comma:
        same = not family or set(names) <= set(_read(family).words)
        names = written.after_comma if same else names + written.after_comma
    names = _without_newborn_words(_cut_patronymic(names), family)
    names = names + [name for other in written.others for name in other] if names else []
    names = _initials_last(names)
    middles = _read(middle).words
    names, middles = _join_servant(names, middles)
    names = _glue(names[:2], lists.GIVEN_PARTICLES) + names[2:]
    two = [name for name in names[:2] if len(name) > 1]
    others = dict.fromkeys([*_second_names(names[1:]), *_second_names(middles)])
    return GivenNames(
        names[0] if names else None, tuple(others), "".join(two) if len(two) > 1 else None
    )


@_remembered
def family_names(family: str | None) -> tuple[str, ...]:
    """All comparable family names: the joined name first, then each part; () when missing.

    Parts are also the other names (`née`, brackets) and, last, parts without their article.
    """
    written = _read(family)
    parts = _family_parts(written.words)
    if not parts:
        return ()
    others = [part for words in written.others for part in _family_parts(words)]
    bare = [part for words in (written.words, *written.others) for part in _bare(words)]
    return tuple(dict.fromkeys(["".join(parts), *parts, *others, *bare]))


def telling_names(given: str | None, others: Iterable[str]) -> tuple[str, ...]:
    """Which given names, of two letters or more, tell one child of a family from another: Muhammad
    does not where another name stands beside it.
    """
    names = [name for name in (given, *others) if name and len(name) > 1]
    if len(names) > 1 and names[0] in lists.SHARED_FIRST_NAMES:
        del names[0]
    return tuple(names)


def is_placeholder(text: str | None) -> bool:
    """Whether an entry only says that nothing is known, such as "not known" or TBC."""
    return says_nothing(fold(text))


@_remembered
def is_unborn(given: str | None) -> bool:
    """Whether a given-name field stands for a child not yet born: "Unborn baby of", "EDD 3 May"."""
    folded = fold(given).strip("(")
    names = [name for name in _NOT_LETTERS.split(folded) if name]
    begins = names[: _newborn_words(names)]
    due = names[len(begins) : len(begins) + 1]
    return not lists.UNBORN_WORDS.isdisjoint(begins) or _is_due(due, folded)


@_remembered
def _read(text: str | None) -> _Written:
    """A field in words, which several rules read: what it answers is not to be changed."""
    folded = fold(text.replace(".", " ")) if text else ""
    if not folded or says_nothing(folded):
        return _Written([], [], [])
    if folded.isalpha():
        return _Written([] if folded in lists.TITLES else [folded], [], [])
    written = _pieces(_PHRASE.sub(lambda found: lists.PHRASES[found[0]], folded))
    used = _without_titles(written.words)
    if used and used[0] in lists.PLACEHOLDER_WORDS:
        return _Written([], [], [])
    others = [_without_titles(other) for other in written.others]
    others = [other for other in others if other and other[0] not in lists.NOTE_WORDS]
    return _Written(used, _without_titles(written.after_comma), others)


def _is_due(names: list[str], folded: str) -> bool:
    """EDD, due: a day of delivery follows; Edd alone is a name."""
    return bool(names) and names[0] in lists.DUE_WORDS and bool(_DIGIT.search(folded))


@_remembered
def _is_counted(given: str | None) -> bool:
    """Baby 2, Child 1, Male 3: nobody's name."""
    names = [word for word in _NOT_LETTERS_OR_DIGITS.split(fold(given)) if word]
    digits = [name for name in names if name.isdigit()]
    return bool(digits) and {*names} <= {*digits} | lists.PERSON_WORDS


def _pieces(text: str) -> _Written:
    """Sort the words: used name, words after a comma, other names."""
    used: list[str] = []
    after_comma: list[str] = []
    others: list[list[str]] = []
    target = used
    pieces = _PIECES.findall(text)
    for piece, following in pairwise([*pieces, ""]):
        if piece in ")]}":
            target = after_comma or used
        elif piece in ",;":
            target = after_comma if used and target is used else target
        elif piece in "([{/" or (used and piece in lists.OTHER_NAME_WORDS and following.isalpha()):
            target = []
            others.append(target)
        elif piece in lists.NEW_NAME_WORDS and target is used and used and following.isalpha():
            others.append(used)
            used = target = []
        else:
            target.append(piece)
    if not used and others:
        used = others.pop(0)
    return _Written(used, after_comma, others)


def _without_titles(names: list[str]) -> list[str]:
    names = [name for name in names if name not in lists.TITLES]
    while len(names) > 1 and names[0] in lists.TITLES_BESIDE_A_NAME:
        names = names[1:]
    return names


def _cut_patronymic(names: list[str]) -> list[str]:
    """The words before "son of", "bin": what follows is the father's."""
    for position, name in enumerate(names):
        if position and name in lists.PATRONYMIC_WORDS:
            return names[:position]
    return [] if names[:1] == ["sonof"] else names


def _initials_last(names: list[str]) -> list[str]:
    """J. Paul goes by Paul: initials at the start move behind the names."""
    count = next((n for n, name in enumerate(names) if len(name) > 1), 0)
    return [*names[count:], *names[:count]]


def _newborn_words(names: list[str]) -> int:
    """How many words at the start only say that here is a newborn or unborn child."""
    count = 0
    if names[:1] and names[0] in lists.BEFORE_NEWBORN_WORDS:
        behind = _newborn_words(names[1:])
        return behind and behind + 1
    for name in names:
        if name not in lists.NEWBORN_WORDS and not (count and name in lists.BIRTH_ORDER_WORDS):
            break
        count += 1
    return count


def _without_newborn_words(names: list[str], family: str | None) -> list[str]:
    """The name after newborn words; nothing if it is the mother's or the family's."""
    count = _newborn_words(names)
    if not count:
        return names
    said, rest = set(names[:count]), names[count:]
    if not rest or len(rest[0]) == 1 or said & (lists.UNBORN_WORDS | {"of", "babyof"}):
        return []
    families = _read(family).words
    known = {*families, *_family_parts(families)} | lists.SHARED_SECOND_NAMES
    return [] if set(rest) <= known else rest


def _join_servant(names: list[str], middles: list[str]) -> tuple[list[str], list[str]]:
    """Abdul Rahman, Abd al-Rahman are one name, in one field or in two."""
    if not names or "abd" not in names[0]:
        return names, middles
    for taken in (3, 2):
        if "".join(names[:taken]) in SERVANT_NAMES and len(names) >= taken:
            return ["".join(names[:taken]), *names[taken:]], middles
    if len(names) == 1 and middles and names[0] + middles[0] in SERVANT_NAMES:
        return [names[0] + middles[0]], middles[1:]
    return names, middles


def _second_names(names: list[str]) -> list[str]:
    """Those of these that tell one child of a family from another; none of a patronymic."""
    found = []
    for name in _glue(_cut_patronymic(names), lists.MIDDLE_PARTICLES):
        if name in lists.PATRONYMIC_WORDS:
            break
        shared = name in lists.SHARED_SECOND_NAMES or name in lists.SUFFIXES
        if not shared and not name.endswith(lists.PATRONYMIC_ENDINGS):
            found.append(name)
    return found


def _family_parts(names: list[str]) -> list[str]:
    names = names[1:] if len(names) > 1 and names[0] == "sonof" else names
    while len(names) > 1 and names[-1] in lists.SUFFIXES:
        names = names[:-1]
    return _glue(names, lists.PARTICLES)


def _bare(names: list[str]) -> list[str]:
    """Each family name that stands behind an article, without it."""
    return [name for before, name in pairwise(names) if before in lists.ARTICLES and len(name) > 2]


def _glue(names: list[str], particles: frozenset[str]) -> list[str]:
    """Each particle joined to the word after it."""
    parts: list[str] = []
    carried = ""
    for name in names:
        carried += name
        if name not in particles:
            parts.append(carried)
            carried = ""
    return [*parts, carried] if carried else parts
