"""Identity checks: who asked about which link, and the statement that took each step."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hub.store.requests import Conversation, conversation
from protocol.messages.parts import Outcome
from storage.engine import Transaction
from storage.states import Moves, check_move


class CheckState(StrEnum):
    """How far an identity check has come at the hub."""

    REFUSED = "refused"
    DECIDED = "decided"
    SENT = "sent"
    ANSWERED = "answered"


CHECK_MOVES: Moves[CheckState] = {
    CheckState.DECIDED: (CheckState.SENT,),
    CheckState.SENT: (CheckState.ANSWERED,),
}

CHECK_STEPS: Mapping[str, str] = {
    "identity_request": "request",
    "identity_decision": "decision",
    "identity_check": "sent",
    "identity_answer": "answered_by",
}
"""Of each kind that is a step of an identity check: the column that holds its statement's id."""


@dataclass(frozen=True)
class NewCheck:
    """An identity check that was asked for, and the hub's decision on it."""

    check_id: str
    requester: str
    holder: str | None
    link_id: str
    expires: int
    iat: int
    request: str
    decision: str
    outcome: Outcome


@dataclass(frozen=True)
class IdentityCheck(NewCheck):
    """An identity check with what became of it. `answered_by` is the answer's statement id: None
    beside an `answer` that was stored by a program before it was kept.
    """

    sent: str | None = None
    answer: str | None = None
    answered_by: str | None = None

    @property
    def state(self) -> CheckState:
        """How far it has come."""
        if self.outcome == "refuse":
            return CheckState.REFUSED
        if self.answer is not None:
            return CheckState.ANSWERED
        return CheckState.SENT if self.sent is not None else CheckState.DECIDED

    def may_become(self, state: CheckState) -> bool:
        """Whether a state may follow the present one."""
        return state in CHECK_MOVES.get(self.state, ())


class Checks:
    """Identity checks within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, check_id: str) -> IdentityCheck | None:
        """An identity check by its id."""
        row = self._tx.one("SELECT * FROM identity_check WHERE check_id = ?", check_id)
        return IdentityCheck(**row) if row else None

    def add(self, check: NewCheck) -> None:
        """Store what was asked with the hub's decision on it."""
        self._tx.insert("identity_check", vars(check))

    def send(self, check: IdentityCheck, statement_id: str) -> None:
        """Take down that the details were forwarded. Raises LocalError(CONFLICT)."""
        self._move(check, CheckState.SENT, {"sent": statement_id})

    def answer(self, check: IdentityCheck, answer: str, statement_id: str) -> None:
        """Take down what a person found. Raises LocalError(CONFLICT)."""
        columns = {"answer": answer, "answered_by": statement_id}
        self._move(check, CheckState.ANSWERED, columns)

    def conversations(self, before: int) -> list[Conversation]:
        """What was asked before a time: when it expires, and every step that was taken."""
        rows = self._tx.rows(
            "SELECT expires, request, decision, sent, answered_by FROM identity_check "
            "WHERE iat < ?",
            before,
        )
        return [conversation(row, CHECK_STEPS) for row in rows]

    def _move(self, check: IdentityCheck, state: CheckState, columns: Mapping[str, object]) -> None:
        check_move(CHECK_MOVES, check.state, state)
        self._tx.update("identity_check", columns, {"check_id": check.check_id})
