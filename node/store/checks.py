"""Identity checks, asked and received: the only place that writes their states.

specs/06-requests.md §6. What would tell of a client (openings, details) goes with the state that no
longer needs it. Everything is looked up by the hub's id and the check's id.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from node.store.decisions import LoggedDecision, decision_columns, decision_of
from node.store.moving import Columns, Kept, Moving
from protocol.messages.parts import LinkEvidence
from protocol.requests.sealing import IdentityDetails, Opening
from storage.engine import Row, Transaction
from storage.states import Moves, sources


class SentCheckState(StrEnum):
    """How far an identity check of ours has come."""

    SENDING = "sending"
    WAITING = "waiting"
    ALLOWED = "allowed"
    SENDING_DETAILS = "sending_details"
    COMPARED = "compared"
    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"
    EXPIRED = "expired"
    LOG_LOST = "log_lost"


class ReceivedCheckState(StrEnum):
    """How far an identity check that came to us has come."""

    ARRIVED = "arrived"
    ASKS_PERSON = "asks_person"
    ANSWERED = "answered"
    REFUSED = "refused"
    STOPPED = "stopped"
    EXPIRED = "expired"
    LOG_LOST = "log_lost"


_S, _R = SentCheckState, ReceivedCheckState
_OVER = (_S.EXPIRED, _S.STOPPED, _S.LOG_LOST)
# The hub's decision may come by mail before its answer to what we sent. An answer that was given
# in time is taken by a node that was away until the check had expired.
SENT_CHECK_MOVES: Moves[SentCheckState] = {
    _S.SENDING: (_S.WAITING, _S.ALLOWED, _S.REFUSED, _S.FAILED, *_OVER),
    _S.WAITING: (_S.ALLOWED, _S.REFUSED, *_OVER),
    _S.ALLOWED: (_S.SENDING_DETAILS, *_OVER),
    _S.SENDING_DETAILS: (_S.COMPARED, _S.FAILED, *_OVER),
    _S.COMPARED: (_S.ANSWERED, *_OVER),
    _S.EXPIRED: (_S.ANSWERED,),
}
# An answer that the hub does not take has reached nobody: link or time has ended.
RECEIVED_CHECK_MOVES: Moves[ReceivedCheckState] = {
    _R.ARRIVED: (_R.ASKS_PERSON, _R.REFUSED, _R.EXPIRED, _R.STOPPED, _R.LOG_LOST),
    _R.ASKS_PERSON: (_R.ANSWERED, _R.REFUSED, _R.EXPIRED, _R.STOPPED, _R.LOG_LOST),
    _R.ANSWERED: (_R.STOPPED,),
    _R.REFUSED: (_R.STOPPED,),
}


@dataclass(frozen=True)
class SentCheck(Kept):
    """An identity check of ours. `openings`: of facts that leave sealed, until they have left."""

    hub_id: str
    check_id: str
    link_id: str
    practitioner: str
    openings: Mapping[str, Opening] | None = dataclasses.field(repr=False)
    asked_at: int
    expires: int
    state: SentCheckState = SentCheckState.SENDING
    statement_id: str | None = None
    code: str | None = None
    field: str | None = None
    holder: str | None = None
    evidence: LinkEvidence | None = None
    decision: LoggedDecision | None = None
    sent_id: str | None = None
    answer: str | None = None

    def columns(self) -> Columns:
        """The row."""
        openings = None
        if self.openings is not None:
            openings = json.dumps({key: item.model_dump() for key, item in self.openings.items()})
        return {
            **{name: getattr(self, name) for name in _SENT_PLAIN},
            "state": self.state.value,
            "openings": openings,
            "evidence": json.dumps(self.evidence.model_dump()) if self.evidence else None,
            **decision_columns(self.decision),
        }


@dataclass(frozen=True)
class ReceivedCheck(Kept):
    """An identity check that came to us. `facts` holds the request's body until it is opened."""

    hub_id: str
    check_id: str
    statement_id: str
    requester: str
    link_id: str
    role: str
    purpose: str
    basis: str
    facts: Mapping[str, Any]
    expires: int
    received_at: int
    state: ReceivedCheckState = ReceivedCheckState.ARRIVED
    decision: LoggedDecision | None = None
    check_statement: str | None = None
    practitioner: str | None = None
    details: IdentityDetails | None = dataclasses.field(default=None, repr=False)
    answer: str | None = None
    code: str | None = None

    def columns(self) -> Columns:
        """The row."""
        return {
            **{name: getattr(self, name) for name in _RECEIVED_PLAIN},
            "state": self.state.value,
            "facts": json.dumps(dict(self.facts)),
            "details": json.dumps(self.details.model_dump()) if self.details else None,
            **decision_columns(self.decision),
        }


_SENT_PLAIN = (
    "hub_id", "check_id", "link_id", "practitioner", "asked_at", "expires", "statement_id", "code",
    "field", "holder", "sent_id", "answer",
)  # fmt: skip
_RECEIVED_PLAIN = (
    "hub_id", "check_id", "statement_id", "requester", "link_id", "role", "purpose", "basis",
    "expires", "received_at", "check_statement", "practitioner", "answer", "code",
)  # fmt: skip


class SentChecks:
    """Identity checks of ours, each by its hub and its id."""

    _rows = Moving("sent_check", ("hub_id", "check_id"), SENT_CHECK_MOVES)

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, hub_id: str, check_id: str) -> SentCheck | None:
        """The check of that id at a hub."""
        sql = "SELECT * FROM sent_check WHERE hub_id = ? AND check_id = ?"
        row = self._tx.one(sql, hub_id, check_id)
        return _sent(row) if row else None

    def of_hub(self, hub_id: str) -> list[SentCheck]:
        """All at a hub, oldest first."""
        sql = "SELECT * FROM sent_check WHERE hub_id = ? ORDER BY asked_at, check_id"
        return [_sent(row) for row in self._tx.rows(sql, hub_id)]

    def between(self, hub_id: str, since: int, until: int) -> list[SentCheck]:
        """Those asked from one time to before another, oldest first."""
        sql = (
            "SELECT * FROM sent_check WHERE hub_id = ? AND asked_at >= ? AND asked_at < ? "
            "ORDER BY asked_at, check_id"
        )
        return [_sent(row) for row in self._tx.rows(sql, hub_id, since, until)]

    def allowed(self, hub_id: str) -> list[SentCheck]:
        """Those whose details may leave once a quorum has seen the hub's decision."""
        sql = "SELECT * FROM sent_check WHERE hub_id = ? AND state = ? ORDER BY asked_at, check_id"
        return [_sent(row) for row in self._tx.rows(sql, hub_id, _S.ALLOWED.value)]

    def add(self, check: SentCheck) -> None:
        """Keep a new one. Raises NotUniqueError for an id that is taken."""
        self._tx.insert("sent_check", check.columns())

    def change(self, before: SentCheck, after: SentCheck) -> None:
        """Write what differs. Raises LocalError(CONFLICT) unless the move is allowed."""
        self._rows.change(self._tx, before, after)

    def is_any_late(self, hub_id: str, now: int) -> bool:
        """Whether `expire` has anything to do: most passes have not."""
        sql = "SELECT 1 FROM sent_check WHERE hub_id = ? AND expires <= ? AND state IN (:among)"
        among = sources(SENT_CHECK_MOVES, _S.EXPIRED)
        return bool(self._tx.rows_among(sql, hub_id, now, among=among))

    def expire(self, hub_id: str, now: int) -> None:
        """Give up what nobody decided or answered in time; openings go."""
        self._tx.run_among(
            "UPDATE sent_check SET state = ?, openings = NULL "
            "WHERE hub_id = ? AND expires <= ? AND state IN (:among)",
            _S.EXPIRED.value, hub_id, now, among=sources(SENT_CHECK_MOVES, _S.EXPIRED),
        )  # fmt: skip

    def stop_over(self, hub_id: str, link_id: str | None) -> None:
        """Stop what is under way over a link; openings go."""
        self._tx.run_among(
            "UPDATE sent_check SET state = ?, openings = NULL "
            "WHERE hub_id = ? AND link_id = ? AND state IN (:among)",
            _S.STOPPED.value, hub_id, link_id, among=sources(SENT_CHECK_MOVES, _S.STOPPED),
        )  # fmt: skip

    def end_with_log(self, hub_id: str) -> None:
        """End what a lost log leaves unfinished; openings go."""
        self._tx.run_among(
            "UPDATE sent_check SET state = ?, openings = NULL "
            "WHERE hub_id = ? AND state IN (:among)",
            _S.LOG_LOST.value, hub_id, among=sources(SENT_CHECK_MOVES, _S.LOG_LOST),
        )  # fmt: skip


class ReceivedChecks:
    """Identity checks that came to us, each by its hub and its id."""

    _rows = Moving("received_check", ("hub_id", "check_id"), RECEIVED_CHECK_MOVES)

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, hub_id: str, check_id: str) -> ReceivedCheck | None:
        """The check of that id at a hub."""
        sql = "SELECT * FROM received_check WHERE hub_id = ? AND check_id = ?"
        row = self._tx.one(sql, hub_id, check_id)
        return _received(row) if row else None

    def to_answer(self, hub_id: str) -> list[ReceivedCheck]:
        """Those that wait for a person, oldest first."""
        rows = self._tx.rows(
            "SELECT * FROM received_check WHERE hub_id = ? AND state = ? "
            "ORDER BY received_at, check_id",
            hub_id, _R.ASKS_PERSON.value,
        )  # fmt: skip
        return [_received(row) for row in rows]

    def between(self, hub_id: str, since: int, until: int) -> list[ReceivedCheck]:
        """Those that came from one time to before another, oldest first."""
        sql = (
            "SELECT * FROM received_check WHERE hub_id = ? AND received_at >= ? "
            "AND received_at < ? ORDER BY received_at, check_id"
        )
        return [_received(row) for row in self._tx.rows(sql, hub_id, since, until)]

    def without_details(self, hub_id: str) -> list[ReceivedCheck]:
        """Those of which we know who asked, and which no details have followed; oldest first."""
        rows = self._tx.rows(
            "SELECT * FROM received_check WHERE hub_id = ? AND check_statement IS NULL "
            "AND decision_id IS NOT NULL ORDER BY received_at, check_id",
            hub_id,
        )
        return [_received(row) for row in rows]

    def late(self, hub_id: str, now: int) -> list[ReceivedCheck]:
        """Those that `expire` has to do with."""
        rows = self._tx.rows_among(
            "SELECT * FROM received_check WHERE hub_id = ? AND expires <= ? AND state IN (:among)",
            hub_id, now, among=sources(RECEIVED_CHECK_MOVES, _R.EXPIRED),
        )  # fmt: skip
        return [_received(row) for row in rows]

    def add(self, check: ReceivedCheck) -> None:
        """Keep a new one. Raises NotUniqueError for an id that is taken."""
        self._tx.insert("received_check", check.columns())

    def change(self, before: ReceivedCheck, after: ReceivedCheck) -> None:
        """Write what differs. Raises LocalError(CONFLICT) unless the move is allowed."""
        self._rows.change(self._tx, before, after)

    def is_any_late(self, hub_id: str, now: int) -> bool:
        """Whether `expire` has anything to do: most passes have not."""
        return bool(self.late(hub_id, now))

    def expire(self, hub_id: str, now: int) -> None:
        """Give up what was not answered, or not sent, in time; details go."""
        self._tx.run_among(
            "UPDATE received_check SET state = ?, details = NULL "
            "WHERE hub_id = ? AND expires <= ? AND state IN (:among)",
            _R.EXPIRED.value, hub_id, now, among=sources(RECEIVED_CHECK_MOVES, _R.EXPIRED),
        )  # fmt: skip

    def stop_over(self, hub_id: str, link_id: str | None) -> None:
        """Stop what waits over a link, and delete its details. What was answered stays so."""
        self._end("hub_id = ? AND link_id = ?", _R.STOPPED, hub_id, link_id)

    def end_with_log(self, hub_id: str) -> None:
        """End what a lost log leaves unfinished, and delete its details."""
        self._end("hub_id = ?", _R.LOG_LOST, hub_id)

    def _end(self, where: str, state: ReceivedCheckState, *values: object) -> None:
        sql = (
            "UPDATE received_check SET state = ?, details = NULL "  # noqa: S608 - our own words
            f"WHERE {where} AND state IN (:among)"
        )
        self._tx.run_among(sql, state.value, *values, among=[_R.ARRIVED, _R.ASKS_PERSON])


def _sent(row: Row) -> SentCheck:
    openings = None
    if row["openings"] is not None:
        given = json.loads(row["openings"])
        openings = {key: Opening.model_validate(item) for key, item in given.items()}
    evidence = json.loads(row["evidence"]) if row["evidence"] else None
    return SentCheck(
        **{name: row[name] for name in _SENT_PLAIN},
        openings=openings,
        state=_S(row["state"]),
        evidence=LinkEvidence.model_validate(evidence) if evidence else None,
        decision=decision_of(row),
    )


def _received(row: Row) -> ReceivedCheck:
    details = json.loads(row["details"]) if row["details"] else None
    return ReceivedCheck(
        **{name: row[name] for name in _RECEIVED_PLAIN},
        facts=json.loads(row["facts"]),
        state=_R(row["state"]),
        decision=decision_of(row),
        details=IdentityDetails.model_validate(details) if details else None,
    )
