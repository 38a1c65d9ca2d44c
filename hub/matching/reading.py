"""What a round has read, each thing once: many together where it is known what will be asked for.

A round asks for one stub, token or link after the other. Whoever knows the next questions fetches
their answers ahead, in a few statements; what nobody fetched is read alone.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ReadOnce(Generic[Key, Value]):
    """Values by key, as `read` answers them for many keys; `absent` for what it does not answer."""

    def __init__(
        self, read: Callable[[Collection[Key]], Mapping[Key, Value]], absent: Value
    ) -> None:
        self._read = read
        self._absent = absent
        self._known: dict[Key, Value] = {}

    def fetch(self, keys: Iterable[Key]) -> None:
        """Read those of these that were not read yet."""
        unknown = set(keys).difference(self._known)
        if unknown:
            found = self._read(unknown)
            self._known.update((key, found.get(key, self._absent)) for key in unknown)

    def __getitem__(self, key: Key) -> Value:
        """The value of a key, read now if it was not before."""
        if key not in self._known:
            self.fetch([key])
        return self._known[key]
