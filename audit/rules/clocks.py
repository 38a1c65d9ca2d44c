"""Clocks of requests, reckoned again: what is overdue, and whether the hub said so in time.

specs/08-audit.md §3.15. By when a request is to be answered comes from the charter at its entry;
that a time had come, from witnesses: what nobody saw is held against nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from audit.findings import Finding, FindingCode, missing, rule
from audit.rules.history import Line
from audit.rules.times import TimeBounds
from protocol.counted import counted
from protocol.errors import RemoteError
from protocol.fields import WireModel
from protocol.governance.directory import Directory
from protocol.messages.bodies import DecisionBody, HubDecisionBody, RequestBody
from protocol.messages.clock import OverdueBody
from protocol.messages.statement import Statement
from protocol.requests.clock import due_of, is_answered

LATE_SECONDS = 3600
"""How long a hub may take, once it and a quorum of witnesses were there."""


@dataclass
class _Clock:
    """A request with its clock, as far as it has come."""

    index: int
    statement_id: str
    requester: str
    answerer: str
    due: int | None
    passed_on: bool = False
    answered: bool = False
    said: bool = False


class ClockCheck:
    """Takes the lines of a case in order."""

    def __init__(self, directory: Directory, bounds: TimeBounds) -> None:
        self._directory = directory
        self._bounds = bounds
        self._clocks: dict[str, _Clock] = {}
        self._gaps = False

    def line(self, line: Line) -> Iterator[Finding]:
        """The next entry."""
        statement = line.statement
        self._gaps = self._gaps or statement is None
        if statement is None:
            return
        body, preamble = statement.body, statement.preamble
        if isinstance(body, RequestBody):
            self._request(line.index, statement, body)
        elif isinstance(body, HubDecisionBody):
            clock = self._clocks.get(body.request_id)
            if clock is not None and clock.statement_id == body.request:
                clock.passed_on = body.outcome != "refuse"
        elif isinstance(body, DecisionBody):
            clock = self._clocks.get(body.request_id)
            if clock is not None and clock.answerer == preamble.sender:
                clock.answered |= is_answered(body, preamble.iat, clock.due)
        elif isinstance(body, OverdueBody) and preamble.sender == preamble.charter_id:
            yield from self._overdue(line.index, statement, body)

    def finish(self) -> Iterator[Finding]:
        """Requests that nobody answered, and of which the hub never said so."""
        for clock in self._clocks.values():
            if clock.passed_on and not clock.answered and not clock.said:
                late = self._late(clock, self._bounds.latest)
                if late is not None:
                    detail = f"not said, though witnesses saw the log {_spent(late)} after it was"
                    yield self._fault(FindingCode.OVERDUE_MISSING, clock.index, detail)

    def _request(self, index: int, statement: Statement[WireModel], body: RequestBody) -> None:
        preamble = statement.preamble
        try:
            charter = self._directory.charter_at(index).charter
            due = due_of(charter, body.basis, preamble.iat, body.expires)
        except RemoteError:
            due = None
        clock = _Clock(index, statement.id, preamble.sender, preamble.aud, due)
        self._clocks.setdefault(body.request_id, clock)

    def _overdue(
        self, index: int, statement: Statement[WireModel], body: OverdueBody
    ) -> Iterator[Finding]:
        clock, preamble = self._clocks.get(body.request_id), statement.preamble
        if clock is None or clock.statement_id != body.request or not clock.passed_on:
            detail = f"request {body.request_id}: the hub passed on no such request"
            yield self._fault(FindingCode.OVERDUE_UNFOUNDED, index, detail)
            return
        for fault, detail in (
            (preamble.aud != clock.requester, "not to who asked"),
            (clock.due is None, "the request has no clock, or was over before"),
            (clock.due not in {None, body.due}, "not when the charter at the request says"),
            (preamble.iat < body.due, f"{_spent(body.due - preamble.iat)} too early"),
            (clock.answered, "the request was answered in time"),
            (clock.said, "said before"),
        ):
            if fault:
                yield self._fault(FindingCode.OVERDUE_UNFOUNDED, index, detail)
        late = self._late(clock, self._bounds.of(index)[0])
        if late is not None and not clock.said:
            detail = f"said only when witnesses had seen the log {_spent(late)} after it was"
            yield self._fault(FindingCode.OVERDUE_MISSING, index, detail)
        clock.said = True

    def _late(self, clock: _Clock, seen: int | None) -> int | None:
        """How long after a request was overdue witnesses saw the log, if that is too long after
        they first saw it then; `seen` is when they did.
        """
        first = self._bounds.first_from(clock.due) if clock.due is not None else None
        if clock.due is None or first is None or seen is None or seen <= first + LATE_SECONDS:
            return None
        return seen - clock.due

    def _fault(self, code: FindingCode, index: int, detail: str) -> Finding:
        """A broken rule; or, after an entry that could not be read, perhaps only for want of it."""
        if self._gaps:
            return missing(code, index, f"{detail} (or only because of what is missing before it)")
        return rule(code, index, detail)


def _spent(seconds: int) -> str:
    return counted(seconds // 60, "minute")
