"""What comes of all that sources say of one client. Pure: specs/09-imports.md §7.

A correction by hand stands until a feed says something else of that field than it said then; of
two feeds the one that said something new last is believed. What a source leaves empty it does not
say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from node.store.imports import BEFORE, BY_HAND, Said
from node.store.records import RECORD_FIELDS
from protocol.matchkeys.records import ClientRecord


def add_up(records: Iterable[ClientRecord]) -> tuple[ClientRecord, frozenset[str]]:
    """What rows of one file say of one client together, and the fields in which they differ: there
    the last of them counts.
    """
    first, *others = records
    if not others:
        return first, frozenset()
    values: dict[str, str] = {}
    differing = set()
    for record in (first, *others):
        for name in RECORD_FIELDS:
            value = getattr(record, name)
            if not value:
                continue
            if _squashed(values.get(name, value)) != _squashed(value):
                differing.add(name)
            values[name] = value
    return ClientRecord(**values), frozenset(differing)


def say(said: Sequence[Said], new: Said) -> list[Said]:
    """All that is said of a client once a feed has said this: what was said before there were
    sources goes, and of corrections by hand those of fields that the feed says otherwise now.
    """
    old = next((item for item in said if item.source == new.source), None)
    if old is not None and old.record == new.record:
        new = replace(new, changed_by=old.changed_by)
    kept = [item for item in said if item.source not in {new.source, BEFORE}]
    if old is None:
        return [*kept, new]
    changed = [
        name for name in RECORD_FIELDS if getattr(old.record, name) != getattr(new.record, name)
    ]
    nothing = dict.fromkeys(changed)
    return [
        replace(item, record=replace(item.record, **nothing)) if item.source == BY_HAND else item
        for item in kept
    ] + [new]


def record_of(said: Iterable[Said]) -> ClientRecord:
    """The client's record. An empty text, which only people say, means that there is none."""
    values: dict[str, str] = {}
    for item in sorted(said, key=lambda one: (one.source == BY_HAND, one.changed_by)):
        for name in RECORD_FIELDS:
            value = getattr(item.record, name)
            if value is not None:
                values[name] = value
    return ClientRecord(**{name: value or None for name, value in values.items()})


def _squashed(text: str) -> str:
    return "".join(text.split()).casefold()
