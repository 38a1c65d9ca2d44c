"""Prints the story: numbered steps with their seconds, and a word where nothing was said."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

SILENCE_SECONDS = 10.0
LOOK_SECONDS = 1.0


class Narrator:
    """Prints the steps. `doing` says what is under way; it is said after ten seconds of silence.

    A context manager: within it somebody listens for silence.
    """

    def __init__(
        self, doing: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._doing = doing
        self._clock = clock
        self._began = self._said = clock()
        self._step = 0
        self._over = threading.Event()
        self._listening = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._listening.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Listen no longer."""
        self._over.set()
        self._listening.join()

    def title(self, text: str) -> None:
        """A new step."""
        self._step += 1
        self._print(f"\n{self._step:2d}. {text}  [{self._clock() - self._began:.0f}s]")

    def heading(self, text: str) -> None:
        """A new chapter."""
        self._print(f"\n--- {text} ---")

    def tell(self, text: str) -> None:
        """What happened in it."""
        self._print("\n".join("    " + line for line in text.splitlines()))

    def breathe(self) -> None:
        """Say what is under way, if nothing was said for long."""
        if self._clock() - self._said >= SILENCE_SECONDS:
            self._print(f"    ... {self._doing()}  [{self._clock() - self._began:.0f}s]")

    def _listen(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.breathe()

    def _print(self, text: str) -> None:
        self._said = self._clock()
        print(text, flush=True)


def indented(text: str) -> str:
    """What a command printed, line by line."""
    return "\n".join(f"  {line.strip()}" for line in text.splitlines() if line.strip())


def report_in_short(report: str) -> str:
    """What an auditor's command said: the verdict, and of what it counted as much as there was."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    counts = [" ".join(line.split()) for line in lines if line[:1].isdigit()]
    there = [line for line in counts if not line.startswith("0 ")]
    return "\n".join([lines[-1], *(f"  {part}" for part in in_rows(there))])


def findings_in_short(report: str, most: int = 8) -> str:
    """What an auditor's command found: its first lines, each in a line of its own."""
    lines = report.strip().splitlines()
    begins = next(at for at, line in enumerate(lines) if line.split(":")[0].isupper())
    found = [line.rstrip() for line in lines[begins:] if line.strip()]
    return "\n".join([*found[:most], *(["  ..."] if len(found) > most else [])])


def in_rows(parts: Sequence[str], width: int = 90) -> list[str]:
    """Short texts with commas between, as many in a row as go into it."""
    rows: list[str] = []
    for part in parts:
        if rows and len(rows[-1]) + 2 + len(part) <= width:
            rows[-1] += f", {part}"
        else:
            rows.append(part)
    return rows
