"""What the log says was erased, and whether the charter asked for it: specs/08-audit.md §3.9.

The marks are taken from the erasure leaves as they stand in the tree; whether the hub signed them
is checked with all other statements. An absent payload without such a leaf is missing.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, cast

from audit.findings import Finding, FindingCode, rule
from protocol.errors import RemoteError
from protocol.governance.directory import Directory
from protocol.governance.retention import RULES, earliest
from protocol.messages.log import ErasureBody, Stage
from protocol.messages.statement import MAX_SKEW_SECONDS, Statement, parse_statement

CLOCK_STEP = 3600
_STAGES: tuple[Stage | None, ...] = (None, "disclosures", "payload")


class ErasureMarks:
    """For each entry the stage that it was erased to: one byte an entry, once there is a first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._marks = bytearray()

    def take(self, index: int, envelope: bytes) -> None:
        """Mark what the erasure leaf at `index` says, if it can be read."""
        try:
            body = parse_statement(envelope).expect(ErasureBody).body
        except RemoteError:
            return  # a finding, when its turn comes
        if body.index < index:
            self._marks = self._marks or bytearray(self._size)
            stage = _STAGES.index(body.stage)
            self._marks[body.index] = max(self._marks[body.index], stage)

    def stage(self, index: int) -> Stage | None:
        """How far the entry at `index` was erased."""
        return _STAGES[self._marks[index]] if self._marks else None


class ErasureCheck:
    """Judges erasure leaves in log order, by the times of the statements before what was erased."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._clock: list[tuple[int, int]] = []
        self.erased = 0

    def tick(self, index: int, iat: int) -> None:
        """Take in when the statement at `index` was signed. Keeps only what rises."""
        if not self._clock or iat > self._clock[-1][1] + CLOCK_STEP:
            self._clock.append((index, iat))

    def erasure(self, index: int, statement: Statement[Any]) -> Iterator[Finding]:
        """Whether an entry before this one was erased by the rule named, and not too early."""
        body = cast("ErasureBody", statement.body)
        self.erased += 1
        if body.index >= index or body.rule != RULES[body.stage]:
            detail = f"erases entry {body.index} under {body.rule}, which cannot be"
            yield rule(FindingCode.ERASURE_UNFOUNDED, index, detail)
            return
        charter = self._directory.charter_at(index).charter
        # Nothing is in the log before what was logged before it.
        logged_at = max(body.logged_at, self._not_before(body.index) - MAX_SKEW_SECONDS)
        if statement.preamble.iat + MAX_SKEW_SECONDS < earliest(charter, body.stage, logged_at):
            detail = f"entry {body.index} was erased before its {body.rule} had passed"
            yield rule(FindingCode.ERASED_TOO_EARLY, index, detail)

    def _not_before(self, index: int) -> int:
        place = bisect_left(self._clock, (index, 0))
        return self._clock[place - 1][1] if place else 0
