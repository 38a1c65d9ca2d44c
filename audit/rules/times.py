"""Witness times: when the log is known to have been how long (specs/08-audit.md §3.8).

Checkpoints kept over time are a clock that nobody alone can set. Each is checked against the
charter of its size and against the tree; one that the log signed and that is not in the tree is
proof of a second history. A statement's time must lie between the checkpoints around its entry.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from audit.findings import Finding, FindingCode, broken, rule
from audit.rules.history import Line
from protocol.errors import LocalError, RemoteError
from protocol.fields import WireModel
from protocol.governance.directory import Directory
from protocol.governance.follow import log_key, witness_keys
from protocol.log.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    verify_cosigners,
    verify_log_signature,
    witnessed_at,
)
from protocol.log.merkle import Frontier, leaf_hash
from protocol.log.note import MAX_NOTE_BYTES
from protocol.messages.bodies import DecisionBody, ReleaseBody
from protocol.messages.log import ProvisionalBody
from protocol.messages.statement import MAX_SKEW_SECONDS, Statement

MAX_NOTES = 1_000_000
# An upload may take days: its manifest is signed at the start and logged at the end.
LATE_KINDS = frozenset({"publication"})


@dataclass(frozen=True)
class Seen:
    """A checkpoint of this log as some witnesses saw it. `time` is None without a quorum."""

    name: str
    note: bytes
    checkpoint: Checkpoint
    cosigners: dict[str, int]
    time: int | None


def read_notes(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file of notes, by name. What is too large to be a note is left out."""
    for folder in folders:
        paths = sorted(folder.iterdir()) if folder.is_dir() else [folder]
        for path in paths[:MAX_NOTES]:
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_NOTE_BYTES:
                yield path.name, path.read_bytes()


def see(name: str, note_bytes: bytes, directory: Directory) -> Seen | None:
    """A note of this log, by the charter in force at its size; None if its log did not sign it."""
    try:
        note, checkpoint = parse_checkpoint(note_bytes)
        charter = directory.charter_at(max(1, checkpoint.size)).charter
        verify_log_signature(note, checkpoint, log_key(charter))
        cosigners = verify_cosigners(note, witness_keys(charter))
    except (RemoteError, LocalError):
        return None
    enough = len(cosigners) >= charter.quorum
    return Seen(
        name, note_bytes, checkpoint, cosigners, witnessed_at(cosigners) if enough else None
    )


class TimeBounds:
    """Between which times an entry was logged, as far as kept checkpoints say."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        timed = sorted((item.checkpoint.size, item.time) for item in seen if item.time is not None)
        self._sizes = [size for size, _ in timed]
        times = [time for _, time in timed]
        self._times = sorted(times)
        self._latest = list(accumulate(times, max))
        self._earliest = list(accumulate(reversed(times), min))[::-1]

    @property
    def latest(self) -> int | None:
        """The latest time at which witnesses saw the log."""
        return self._times[-1] if self._times else None

    def first_from(self, time: int) -> int | None:
        """When witnesses first saw the log at a time or after it."""
        place = bisect_left(self._times, time)
        return self._times[place] if place < len(self._times) else None

    def of(self, index: int) -> tuple[int | None, int | None]:
        """(not before, not after) for the entry at `index`; None where nothing is known."""
        place = bisect_right(self._sizes, index)
        before = self._latest[place - 1] if place else None
        after = self._earliest[place] if place < len(self._sizes) else None
        return before, after


class TimeCheck:
    """Takes the lines of a case in order: roots of kept notes, and times of statements."""

    def __init__(self, seen: Sequence[Seen], size: int) -> None:
        self.bounds = TimeBounds([item for item in seen if item.checkpoint.size <= size])
        self._by_size: dict[int, list[Seen]] = {}
        for item in seen:
            self._by_size.setdefault(item.checkpoint.size, []).append(item)
        self._size = size
        self._frontier: Frontier | None = Frontier()
        self._decided: dict[str, int] = {}
        self.bounded = 0

    def line(self, line: Line) -> Iterator[Finding]:
        """The next entry. From an absent one on, no root can be compared any more."""
        yield from self._time(line)
        if line.entry is None or self._frontier is None:
            self._frontier = None
            return
        self._frontier = self._frontier.append([leaf_hash(line.entry)])
        root = None
        for item in self._by_size.get(line.index + 1, ()):
            root = root or self._frontier.root()
            if item.checkpoint.root != root:
                detail = (
                    f"note {item.name}: the log signed another tree of {item.checkpoint.size} "
                    "entries: a fork"
                )
                yield self._proven(FindingCode.OLD_DIFFERS, detail, item)

    def _haste(self, line: Line, statement: Statement[WireModel]) -> Iterator[Finding]:
        """Whether a card left without a quorum though one had signed the decision before."""
        body = statement.body
        if isinstance(body, DecisionBody) and body.outcome == "allow":
            self._decided[statement.id] = line.index
        if isinstance(body, ReleaseBody | ProvisionalBody):
            index = self._decided.pop(body.decision, None)
            signed = self.bounds.of(index)[1] if index is not None else None
            late = signed is not None and statement.preamble.iat > signed + MAX_SKEW_SECONDS
            if isinstance(body, ProvisionalBody) and late:
                detail = f"{_ago(statement.preamble.iat, signed or 0)} after a quorum had signed"
                yield rule(FindingCode.PROVISIONAL_WITH_QUORUM, line.index, detail)

    def finish(self) -> Iterator[Finding]:
        """Notes of a longer log that witnesses saw before the checkpoint of this case."""
        now = [item.time for item in self._by_size.get(self._size, ()) if item.time is not None]
        for size, items in sorted(self._by_size.items()):
            # Each note is timed by other witnesses, whose clocks need not agree to the second.
            before = max(now, default=0) - MAX_SKEW_SECONDS
            early = [item for item in items if item.time and item.time < before]
            if size > self._size and early:
                detail = (
                    f"note {early[0].name}: witnesses saw {size} entries before they saw the "
                    f"{self._size} of this case"
                )
                yield self._proven(FindingCode.ROLLED_BACK, detail, early[0])

    def _proven(self, code: FindingCode, detail: str, item: Seen) -> Finding:
        """The finding with the notes that contradict each other: the kept one, and the case's."""
        shown = [other.note for other in self._by_size.get(self._size, ()) if other is not item]
        notes = tuple(note.decode() for note in (item.note, *shown[-1:]))
        return replace(broken(code, None, detail), notes=notes)

    def _time(self, line: Line) -> Iterator[Finding]:
        if line.statement is None:
            return
        yield from self._haste(line, line.statement)
        before, after = self.bounds.of(line.index)
        preamble = line.statement.preamble
        self.bounded += before is not None or after is not None
        early = before is not None and preamble.iat < before - MAX_SKEW_SECONDS
        if early and preamble.kind not in LATE_KINDS:
            detail = (
                f"{preamble.kind}: dated {_ago(before, preamble.iat)} earlier than witnesses allow"
            )
            yield rule(FindingCode.BACK_DATED, line.index, detail)
        if after is not None and preamble.iat > after + MAX_SKEW_SECONDS:
            detail = (
                f"{preamble.kind}: dated {_ago(preamble.iat, after)} later than witnesses allow"
            )
            yield rule(FindingCode.BACK_DATED, line.index, detail)


def _ago(later: int | None, earlier: int) -> str:
    return f"{max(0, (later or 0) - earlier) // 60} minutes"
