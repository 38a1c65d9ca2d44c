"""How far long work is, for whoever watches."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

EVERY = 256

Item = TypeVar("Item")
Told = Callable[[str, int, int], None]
"""Hears what is under way, how much of it is done, and how much there is."""


def nobody(_what: str, _done: int, _all: int) -> None:
    """Nobody watches."""


def told_of(items: Iterable[Item], what: str, total: int, told: Told) -> Iterator[Item]:
    """The items, while somebody hears how many of `total` have gone by."""
    told(what, 0, total)
    for number, item in enumerate(items, 1):
        yield item
        if number % EVERY == 0:
            told(what, number, total)
    told(what, total, total)
