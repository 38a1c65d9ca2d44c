"""Draw a sample that neither auditor nor hub can steer (specs/08-audit.md §6).

The auditor binds itself to a secret number by a logged statement; the seed is that number with the
root of the first tree that holds the statement, whose leaf has a salt that the hub draws. Who has
the number and the log draws the same sample. Pure but for the lines it is fed.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from audit.auditor.number import commitment_to
from audit.rules.history import Asked, Commitment, History, Line
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.directory import Directory
from protocol.log.merkle import Frontier, leaf_hash

_SEED = b"patchwork.sample.seed.v1\n"

# Facts by which somebody acted against a wish, or without asking for one: specs/08-audit.md §6.
OVERRIDES = frozenset(
    {("informed", "unsafe_to_inform"), ("views", "not_safe_to_seek"), ("views", "not_practicable")}
    | {("wishes", "disagrees"), ("wishes", "lacks_capacity")}
)
OVERRIDE_FIELDS = ("override", "break_glass")


@dataclass(frozen=True)
class Drawn:
    """One request of the sample and why it is in it."""

    asked: Asked
    why: str


@dataclass(frozen=True)
class Sample:
    """A sample: `attempt` of `attempts` commitments of this auditor, and what it drew from."""

    commitment: Commitment
    attempt: int
    attempts: int
    root: bytes
    seed: bytes
    population: int
    drawn: tuple[Drawn, ...]


def seed_of(number: bytes, root: bytes) -> bytes:
    """The seed: the secret number with the root of the first tree that holds the commitment."""
    return hashlib.sha256(_SEED + number + root).digest()


def rank(seed: bytes, index: int) -> bytes:
    """Where a request stands in the draw: the smallest ranks are drawn."""
    return hashlib.sha256(seed + index.to_bytes(8, "big")).digest()


def overrides(asked: Asked) -> bool:
    """Whether a request says that it goes over somebody's wish, or breaks the glass."""
    stated = set(asked.facts.items())
    named = any(name.startswith(OVERRIDE_FIELDS) for name in asked.facts)
    return named or bool(stated & OVERRIDES) or asked.kind.startswith(OVERRIDE_FIELDS)


def draw(seed: bytes, requests: Iterable[Asked], count: int) -> tuple[Drawn, ...]:
    """Every override, then `count` of the rest by rank; more of them only adds to fewer."""
    everything = sorted(requests, key=lambda asked: asked.index)
    always = [Drawn(asked, "override") for asked in everything if overrides(asked)]
    rest = [asked for asked in everything if not overrides(asked)]
    rest.sort(key=lambda asked: rank(seed, asked.index))
    return (*always, *(Drawn(asked, "drawn") for asked in rest[:count]))


class Sampler:
    """Reads the lines of a case for the commitment to a number, and the requests before it."""

    def __init__(self, number: bytes, directory: Directory) -> None:
        self._number = number
        self._directory = directory
        self._wanted = commitment_to(number)
        self._frontier: Frontier | None = Frontier()
        self.history = History()
        self._found: tuple[Commitment, bytes] | None = None

    def take(self, line: Line) -> None:
        """The next entry. Raises RemoteError if the commitment is not signed by its sender."""
        self.history.take(line)
        if self._found is None:
            self._look(line)

    def sample(self, count: int | None = None) -> Sample:
        """The sample; `count` may be more than was committed to, never less. Raises RemoteError."""
        if self._found is None:
            raise RemoteError(
                ErrorCode.NOT_FOUND, "no entry of this case commits to that number: fetch again"
            )
        commitment, root = self._found
        least = commitment.body.count
        if count is not None and count < least:
            raise RemoteError(ErrorCode.NOT_ALLOWED, f"the commitment was to at least {least}")
        seed = seed_of(self._number, root)
        before = [item for item in self.history.asked.values() if item.index < commitment.index]
        own = [item for item in self.history.commitments if item.sender == commitment.sender]
        return Sample(
            commitment=commitment,
            attempt=own.index(commitment) + 1,
            attempts=len(own),
            root=root,
            seed=seed,
            population=len(before),
            drawn=draw(seed, before, count or least),
        )

    def _look(self, line: Line) -> None:
        if line.entry is None:
            self._frontier = None
        if self._frontier is None or line.entry is None:
            return
        self._frontier = self._frontier.append([leaf_hash(line.entry)])
        last = self.history.commitments[-1] if self.history.commitments else None
        if last is None or last.index != line.index or line.statement is None:
            return
        if hmac.compare_digest(last.body.commitment, self._wanted):
            self._directory.verify(line.statement, line.index)
            self._found = (last, self._frontier.root())
