"""How far long work is, for whoever watches: a bar with the time left, on a terminal alone."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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


@contextmanager
def shown_on_terminal() -> Iterator[Told]:
    """Show bars on stderr until the work is done; nothing where it is no terminal."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    console = Console(stderr=True)
    if not console.is_terminal:
        yield nobody
        return
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, transient=True) as bars:

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield told
