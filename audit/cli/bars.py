"""Bars with the time that is left, on a terminal alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID

from runtime.progress import Told, nobody


@contextmanager
def shown_on_terminal() -> Iterator[Told]:
    """Show bars on stderr until the work is done; nothing where it is no terminal."""
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
