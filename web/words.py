"""All words of the pages, in one place each: TOML files of a folder, one a group of pages.

A key is the file's name, the table's and the entry's: `clients.mine.title`. In a text `{name}` is
filled in; the agency's words for its clients always can be: {person}, {people}, {Person}, {People},
{a_person}. Where a number decides, the entry is a table with `one` and `other`.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup


class Words:
    """The words of a site. Pure, once loaded."""

    def __init__(self, folders: Sequence[Path], terms: Mapping[str, str]) -> None:
        self._terms = dict(terms)
        self.texts: dict[str, str] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.toml")):
                self.texts |= dict(_flat(path.stem, tomllib.loads(path.read_text("utf-8"))))

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, filled in. Raises KeyError for a key or value that is not there.

        What a template's macro has escaped is taken as it was: the page escapes the whole text.
        """
        plain = {name: _plain(value) for name, value in values.items()}
        return self.texts[key].format_map({**self._terms, **plain})

    def count(self, key: str, n: int, **values: object) -> str:
        """The text for a number: `key.one` or `key.other`, with {n}. Raises KeyError."""
        return self(f"{key}.{'one' if n == 1 else 'other'}", n=f"{n:,}", **values)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self.texts


def _plain(value: object) -> object:
    return value.unescape() if isinstance(value, Markup) else value


def _flat(name: str, value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        if isinstance(inner, str):
            yield f"{name}.{key}", inner
        else:
            yield from _flat(f"{name}.{key}", inner)
