"""Brokered requests: who asks whom, and the statement that took each step.

A request's state is read from its steps. The receipt is a step beside the states: a card may be
acknowledged after somebody said that it is the wrong person's.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from protocol.messages.parts import Outcome
from storage.engine import Row, Transaction
from storage.states import Moves, check_move


class RequestState(StrEnum):
    """How far a request has come at the hub."""

    REFUSED = "refused"
    OPEN = "open"
    REFERRED = "referred"
    ALLOWED = "allowed"
    DENIED = "denied"
    RELEASED = "released"
    RECALLING = "recalling"
    WRONG_PERSON = "wrong_person"
    RECALLED = "recalled"


_DECIDED = (RequestState.REFERRED, RequestState.ALLOWED, RequestState.DENIED)
REQUEST_MOVES: Moves[RequestState] = {
    RequestState.OPEN: _DECIDED,
    RequestState.REFERRED: _DECIDED,
    RequestState.ALLOWED: (RequestState.RELEASED,),
    RequestState.RELEASED: (RequestState.RECALLING, RequestState.WRONG_PERSON),
    RequestState.RECALLING: (RequestState.WRONG_PERSON, RequestState.RECALLED),
    RequestState.WRONG_PERSON: (RequestState.RECALLED,),
    RequestState.RECALLED: (RequestState.WRONG_PERSON, RequestState.RELEASED),
}
"""REFUSED is the hub's own refusal, DENIED that of the agency that was asked: both are ends. A link
ends with a wrong person also where the card was recalled before; a card that was recalled may be
released anew (protocol/requests/renewals.py).
"""

AFTER_DECISION: Mapping[Outcome, RequestState] = {
    "refer": RequestState.REFERRED,
    "allow": RequestState.ALLOWED,
    "refuse": RequestState.DENIED,
}

REQUEST_STEPS: Mapping[str, str] = {
    "request": "statement_id",
    "hub_decision": "hub_decision",
    "decision": "decision",
    "overdue": "overdue",
    "release": "release",
    "provisional": "release",  # one or the other
    "receipt": "receipt",
    "wrong_person": "wrong_person",
    "recall": "recall",
    "recall_done": "recall_done",
}
"""Of each kind that is a step of a request: the column that holds its statement's id."""
_OF_ONE_CARD = ("receipt", "recall", "recall_done")
"""Those that begin anew with another card."""


@dataclass(frozen=True)
class Conversation:
    """The statements that stand and fall together, and when what they are about is over."""

    expires: int
    steps: tuple[str, ...]


@dataclass(frozen=True)
class NewRequest:
    """A request and the hub's decision on it. `request_id` and `statement_id` are new. `due`: when
    it is overdue, in Unix seconds, for as long as that is open; else None.
    """

    request_id: str
    statement_id: str
    requester: str
    holder: str
    link_id: str
    involvement_id: str
    expires: int
    iat: int
    hub_decision: str
    hub_outcome: Outcome
    due: int | None = None


@dataclass(frozen=True)
class BrokeredRequest(NewRequest):
    """A request with what became of it; each step by its statement id, of the card that left last.
    `renewed_at`: when that left, if it was not the first.
    """

    decision: str | None = None
    outcome: Outcome | None = None
    release: str | None = None
    receipt: str | None = None
    wrong_person: str | None = None
    recall_done: str | None = None
    recall: str | None = None
    keep_until: int | None = None
    renewed_at: int | None = None
    overdue: str | None = None

    @property
    def parties(self) -> frozenset[str]:
        """The two sides."""
        return frozenset((self.requester, self.holder))

    @property
    def state(self) -> RequestState:
        """How far it has come."""
        if self.hub_outcome == "refuse":
            return RequestState.REFUSED
        if self.recall_done is not None:
            return RequestState.RECALLED
        if self.wrong_person is not None:
            return RequestState.WRONG_PERSON
        if self.recall is not None:
            return RequestState.RECALLING
        if self.release is not None:
            return RequestState.RELEASED
        return AFTER_DECISION[self.outcome] if self.outcome else RequestState.OPEN

    def may_become(self, state: RequestState) -> bool:
        """Whether a state may follow the present one."""
        return state in REQUEST_MOVES.get(self.state, ())


class Requests:
    """Brokered requests within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, request_id: str) -> BrokeredRequest | None:
        """A request by its id."""
        row = self._tx.one("SELECT * FROM request WHERE request_id = ?", request_id)
        return BrokeredRequest(**row) if row else None

    def of_statement(self, statement_id: str) -> BrokeredRequest | None:
        """A request by the id of the statement that made it."""
        row = self._tx.one("SELECT * FROM request WHERE statement_id = ?", statement_id)
        return BrokeredRequest(**row) if row else None

    def add(self, request: NewRequest) -> None:
        """Store a request with the hub's decision on it."""
        self._tx.insert("request", vars(request))

    def decide(self, request: BrokeredRequest, outcome: Outcome, statement_id: str) -> None:
        """Take down the holding agency's decision. Raises LocalError(CONFLICT) after the last."""
        columns = {"decision": statement_id, "outcome": outcome}
        self._move(request, AFTER_DECISION[outcome], columns)

    def stop_clock(self, request: BrokeredRequest) -> None:
        """Take down that it was answered in time."""
        self._tx.update("request", {"due": None}, {"request_id": request.request_id})

    def due(self, now: int, limit: int) -> list[BrokeredRequest]:
        """Requests that are overdue at `now` and of which nobody has said so, the oldest first."""
        sql = "SELECT * FROM request WHERE due <= ? ORDER BY due, request_id LIMIT ?"
        return [BrokeredRequest(**row) for row in self._tx.rows(sql, now, limit)]

    def say_overdue(self, request: BrokeredRequest, statement_id: str) -> None:
        """Take down that it was said to be overdue."""
        columns = {"overdue": statement_id, "due": None}
        self._tx.update("request", columns, {"request_id": request.request_id})

    def release(self, request: BrokeredRequest, statement_id: str, keep_until: int | None) -> None:
        """Take down what the card left by, and until when it may be kept. Raises
        LocalError(CONFLICT) unless it is allowed.
        """
        columns = {"release": statement_id, "keep_until": keep_until}
        self._move(request, RequestState.RELEASED, columns)

    def release_again(
        self, request: BrokeredRequest, statement_id: str, keep_until: int | None, iat: int
    ) -> None:
        """Take down that another card left in the place of one that is gone. Raises
        LocalError(CONFLICT) unless it was recalled and is.
        """
        columns = {
            "release": statement_id,
            "keep_until": keep_until,
            "renewed_at": iat,
            **dict.fromkeys(_OF_ONE_CARD),
        }
        self._move(request, RequestState.RELEASED, columns)
        earlier = {name: getattr(request, name) for name in ("release", *_OF_ONE_CARD)}
        self._tx.insert("earlier_card", {"request_id": request.request_id, **earlier})

    def was_released(self, request: BrokeredRequest, release: str) -> bool:
        """Whether the card of a request left by this statement, last or before."""
        sql = "SELECT 1 FROM earlier_card WHERE release = ? AND request_id = ?"
        return (
            request.release == release or self._tx.one(sql, release, request.request_id) is not None
        )

    def acknowledge(self, request: BrokeredRequest, statement_id: str) -> None:
        """Take down that the card was opened."""
        self._tx.update("request", {"receipt": statement_id}, {"request_id": request.request_id})

    def say_wrong_person(self, request: BrokeredRequest, statement_id: str) -> None:
        """Take down that the card was another person's. Raises LocalError(CONFLICT)."""
        self._move(request, RequestState.WRONG_PERSON, {"wrong_person": statement_id})

    def recall(self, request: BrokeredRequest, statement_id: str) -> None:
        """Take down that the card is to be deleted. Raises LocalError(CONFLICT)."""
        self._move(request, RequestState.RECALLING, {"recall": statement_id})

    def cards_of(self, holders: Collection[str], now: int) -> list[BrokeredRequest]:
        """Cards of these agencies that are out and may still be kept, and that nobody has recalled;
        some of them, if there are many.
        """
        rows = self._tx.rows_among(
            "SELECT * FROM request WHERE release IS NOT NULL AND recall IS NULL "
            "AND wrong_person IS NULL AND (keep_until IS NULL OR keep_until > ?) "
            "AND holder IN (:among) LIMIT 100",
            now, among=holders,
        )  # fmt: skip
        return [BrokeredRequest(**row) for row in rows]

    def recall_is_done(self, request: BrokeredRequest, statement_id: str) -> None:
        """Take down that the card was deleted. Raises LocalError(CONFLICT)."""
        self._move(request, RequestState.RECALLED, {"recall_done": statement_id})

    def count_since(self, requester: str, since: int) -> int:
        """How many requests an agency made with iat >= since."""
        sql = "SELECT COUNT(*) AS n FROM request WHERE requester = ? AND iat >= ?"
        row = self._tx.one(sql, requester, since)
        return int(row["n"]) if row else 0

    def conversations(self, before: int) -> list[Conversation]:
        """What was asked before a time: when it expires, and every step that was taken."""
        rows = self._tx.rows(
            "SELECT request_id, expires, statement_id, hub_decision, decision, overdue, release, "
            "receipt, wrong_person, recall, recall_done FROM request WHERE iat < ?",
            before,
        )
        earlier = defaultdict[str, list[str]](list)
        sql = "SELECT e.* FROM earlier_card e JOIN request r USING (request_id) WHERE r.iat < ?"
        for row in self._tx.rows(sql, before):
            steps = (row[name] for name in ("release", *_OF_ONE_CARD))
            earlier[row["request_id"]] += [step for step in steps if step is not None]
        found = []
        for row in rows:
            taken = conversation(row, REQUEST_STEPS)
            found.append(replace(taken, steps=(*taken.steps, *earlier[row["request_id"]])))
        return found

    def _move(
        self, request: BrokeredRequest, state: RequestState, columns: Mapping[str, object]
    ) -> None:
        check_move(REQUEST_MOVES, request.state, state)
        self._tx.update("request", columns, {"request_id": request.request_id})


def conversation(row: Row, steps: Mapping[str, str]) -> Conversation:
    """A row's expiry and the steps that it names."""
    taken = (row[column] for column in dict.fromkeys(steps.values()))
    return Conversation(row["expires"], tuple(name for name in taken if name is not None))
