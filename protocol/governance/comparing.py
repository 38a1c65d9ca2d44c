"""How one part of a charter is compared with the one before it: specs/02-charter.md §7. Pure.

Each function is, or makes, a judge of one field. What nobody judges counts as loosening.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.governance.change_words import name_of, owner_of, path_of, text_of


@dataclass
class Notes:
    """Sentences about what differs, as they are found."""

    loosened: list[str] = field(default_factory=list)
    tightened: list[str] = field(default_factory=list)
    neutral: list[str] = field(default_factory=list)

    def say(self, sentence: str, *, loosens: bool | None = True) -> None:
        """Note a sentence; `loosens` is None for what gives nobody more or less."""
        said = {True: self.loosened, False: self.tightened, None: self.neutral}[loosens]
        said.append(sentence[:1].upper() + sentence[1:])


NOT_STATED = "not stated"
Compare = Callable[[Notes, str, Any, Any], None]


def unknown(notes: Notes, where: str, old: object, new: object) -> None:
    """What nobody has a judge for: each value that differs, as it was and as it is."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys((*old, *new)):
            before, after = old.get(name, NOT_STATED), new.get(name, NOT_STATED)
            if before != after:
                unknown(notes, path_of(where, name), before, after)
    else:
        notes.say(f"{where} becomes {text_of(new)} ({text_of(old)} before).")


def ignored(notes: Notes, where: str, old: object, new: object) -> None:
    """Says nothing: a number or a name of the document itself."""


def told(notes: Notes, where: str, old: object, new: object) -> None:
    """A value that people read and no rule goes by."""
    notes.say(f"{where} becomes {new} ({old} before).", loosens=None)


def number(words: str, *, loose: str = "up", hundredths: bool = False) -> Compare:
    """A number that loosens when it goes `loose`: up or down."""

    def compare(notes: Notes, where: str, old: int, new: int) -> None:
        rises = new > old
        before, after = (f"{value / 100:.2f}" if hundredths else value for value in (old, new))
        sentence = (
            f"{owner_of(where)}{words} {'rises' if rises else 'falls'} from {before} to {after}."
        )
        notes.say(sentence, loosens=rises == (loose == "up"))

    return compare


def ranked(*order: object) -> Compare:
    """A choice in the order from strictest to loosest."""

    def compare(notes: Notes, where: str, old: object, new: object) -> None:
        loosened = old not in order or new not in order or order.index(new) > order.index(old)
        notes.say(f"{where} becomes {text_of(new)} ({text_of(old)} before).", loosens=loosened)

    return compare


def set_of_codes(notes: Notes, where: str, old: list[str], new: list[str]) -> None:
    """More codes give more, fewer give less; their order means nothing."""
    for code in [item for item in new if item not in old]:
        notes.say(f"{where}: {code} is added.")
    for code in [item for item in old if item not in new]:
        notes.say(f"{where}: {code} is taken out.", loosens=False)


def labels(notes: Notes, where: str, old: list[str], new: list[str]) -> None:
    """As a set, but the first label stands in for every one that is not in the list."""
    set_of_codes(notes, where, old, new)
    if old[:1] != new[:1]:
        first, before = text_of(new[:1]), text_of(old[:1])
        notes.say(f"{where}: {first} comes first ({before} before).")


def fields(judges: Mapping[str, Compare]) -> Compare:
    """An object, field by field; a field that nobody judges loosens by being different."""

    def compare(notes: Notes, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for name in dict.fromkeys((*old, *new)):
            if name not in old or name not in new:
                before, after = old.get(name, NOT_STATED), new.get(name, NOT_STATED)
                unknown(notes, path_of(where, name), before, after)
            elif old[name] != new[name]:
                judge = judges.get(name, unknown)
                judge(notes, path_of(where, name), old[name], new[name])

    return compare


def items(
    key: str,
    judge: Compare,
    *,
    added: Callable[[Mapping[str, Any]], bool] = lambda item: True,
    removed: Callable[[Mapping[str, Any]], bool] = lambda item: False,
) -> Compare:
    """A list of things with a code: each by its own judge. `added` and `removed` say of one that
    came or went whether that loosens.
    """

    def compare(notes: Notes, where: str, old: list[Any], new: list[Any]) -> None:
        before, after = ({item[key]: item for item in both} for both in (old, new))
        for code, item in after.items():
            name = f"{where} {name_of(item, key)}"
            if code not in before:
                notes.say(f"{name} is added.", loosens=added(item))
            elif before[code] != item:
                judge(notes, name, before[code], item)
        for code, item in before.items():
            if code not in after:
                notes.say(f"{where} {name_of(item, key)} is taken out.", loosens=removed(item))

    return compare
