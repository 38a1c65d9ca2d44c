"""Daily statements counted again, and what agencies answered (specs/08-audit.md §3.10)."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from audit.findings import Finding, FindingCode, rule
from protocol.counted import counted
from protocol.messages.bodies import HubDecisionBody, RejectionBody, RequestBody
from protocol.messages.log import DailyStatementBody, StatementAnswerBody
from protocol.messages.statement import MAX_SKEW_SECONDS, Statement
from protocol.requests.daily import indexes_hash, named


class DailyCheck:
    """Keeps, for each agency, the entries that name it since its last statement."""

    def __init__(self) -> None:
        self._books: dict[str, list[int]] = defaultdict(list)
        self._last: dict[str, tuple[int, int]] = {}
        self._open: dict[str, str] = {}
        # Refusals over quota of each agency: when they were logged, and how many were stated.
        self._refused: dict[str, list[int]] = defaultdict(list)
        self._said: Counter[str] = Counter()
        self._undecided: tuple[int, Statement[Any]] | None = None

    def take(self, index: int, statement: Statement[Any]) -> None:
        """Enter a statement in the journals of those whom it names."""
        body = statement.body
        if isinstance(body, HubDecisionBody) and self._undecided is not None:
            self._enter(*self._undecided, refused=body.outcome == "refuse")
            self._undecided = None
        if isinstance(body, RejectionBody) and body.code == "over_quota":
            self._refused[statement.preamble.aud].append(statement.preamble.iat)
        if isinstance(body, RequestBody):
            self._undecided = (index, statement)
        else:
            self._enter(index, statement)

    def _enter(self, index: int, statement: Statement[Any], *, refused: bool = False) -> None:
        for party in named(statement, refused=refused):
            self._books[party].append(index)

    def statement(self, index: int, statement: Statement[DailyStatementBody]) -> Iterator[Finding]:
        """Whether a statement says what the log says, and follows the one before."""
        agency, body = statement.preamble.aud, statement.body
        day, end = self._last.get(agency, (-1, 0))
        if body.start != end or body.day <= day or not body.start <= body.end <= index:
            detail = f"[{body.start}, {body.end}) on day {body.day}, after {end} on day {day}"
            yield rule(FindingCode.DAILY_STATEMENT_GAP, index, detail)
        own = [item for item in self._books[agency] if body.start <= item < body.end]
        if (body.count, body.indexes_hash) != (len(own), indexes_hash(own)):
            named = counted(len(own), "names", "name")
            detail = f"says {counted(body.count, 'entry')}, but {named} this agency"
            yield rule(FindingCode.DAILY_STATEMENT_DIFFERS, index, detail)
        yield from self._over_quota(index, statement)
        self._books[agency] = [item for item in self._books[agency] if item >= body.end]
        self._last[agency] = (body.day, body.end)
        self._open[statement.id] = agency

    def _over_quota(
        self, index: int, statement: Statement[DailyStatementBody]
    ) -> Iterator[Finding]:
        """Whether it counts at least the refusals over quota that have a leaf."""
        agency, said = statement.preamble.aud, statement.body.over_quota
        final = statement.preamble.iat - 2 * MAX_SKEW_SECONDS
        logged = sum(at < final for at in self._refused[agency])
        if said is None:  # an earlier log, or a hub that came back from a backup
            self._said[agency] = max(self._said[agency], logged)
            return
        self._said[agency] += said
        if self._said[agency] < logged:
            detail = (
                f"{counted(self._said[agency], 'refusal')} over quota so far, but {logged} logged"
            )
            yield rule(FindingCode.DAILY_STATEMENT_DIFFERS, index, detail)

    def answer(self, index: int, statement: Statement[StatementAnswerBody]) -> Iterator[Finding]:
        """Whether an answer is to a statement of its sender's, and what it says."""
        if self._open.pop(statement.body.statement, None) != statement.preamble.sender:
            detail = "does not answer an open statement made to its sender"
            yield rule(FindingCode.STATEMENT_ANSWER_UNFOUNDED, index, detail)
        elif statement.body.answer == "differ":
            detail = f"the agency's own records have {counted(statement.body.count, 'entry')}"
            if statement.body.over_quota is not None:
                detail += f" and {counted(statement.body.over_quota, 'refusal')} over quota"
            yield rule(FindingCode.BOOKS_DIFFER, index, detail)
