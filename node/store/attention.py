"""Attention that our people raised, and what others raised about our clients.

specs/06-requests.md §13. A code of the charter's and who said it: there is no more to it.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from node.store.links import LinkedInvolvement, LinkState
from node.store.moving import Columns, Kept, Moving
from storage.engine import Row, Transaction
from storage.states import Moves, sources


class RaisedState(StrEnum):
    """How far attention of ours has come."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    LOG_LOST = "log_lost"


_S = RaisedState
RAISED_MOVES: Moves[RaisedState] = {_S.SENDING: (_S.SENT, _S.FAILED, _S.LOG_LOST)}


@dataclass(frozen=True)
class Raised(Kept):
    """Attention that one of our people (a row's id) raised about a client of ours (likewise).
    `code`: why the hub did not take it.
    """

    hub_id: str
    attention_id: str
    client: int
    practitioner: int
    kind: str
    raised_at: int
    state: RaisedState = RaisedState.SENDING
    code: str | None = None

    def columns(self) -> Columns:
        """The row."""
        return {**vars(self), "state": self.state.value}


@dataclass(frozen=True)
class Received:
    """Attention that another agency raised, over our own link. `id` 0: not kept yet."""

    hub_id: str
    attention_id: str
    agency_id: str
    link_id: str
    stub_id: str
    role: str
    kind: str
    raised_at: int
    id: int = 0


@dataclass(frozen=True)
class Shown:
    """Attention that nobody of us has seen to, with our own id of its client and what the other
    agency's work is, as the link shows it.
    """

    received: Received
    local_id: str
    involvements: str


class AttentionStore:
    """Attention, raised and received, within one transaction."""

    _rows = Moving("sent_attention", ("hub_id", "attention_id"), RAISED_MOVES)

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def raise_(self, raised: Raised) -> None:
        """Keep what is about to be sent."""
        self._tx.insert("sent_attention", raised.columns())

    def raised(self, hub_id: str, attention_id: str) -> Raised | None:
        """What one of ours has come to."""
        sql = "SELECT * FROM sent_attention WHERE hub_id = ? AND attention_id = ?"
        row = self._tx.one(sql, hub_id, attention_id)
        return _raised(row) if row else None

    def all_raised(self, hub_id: str) -> list[tuple[str, Raised]]:
        """All of ours, oldest first, each with our own id of its client."""
        rows = self._tx.rows(
            "SELECT a.*, c.local_id FROM sent_attention a JOIN client c ON c.id = a.client "
            "WHERE a.hub_id = ? ORDER BY a.raised_at, a.attention_id",
            hub_id,
        )
        return [(str(row["local_id"]), _raised(row)) for row in rows]

    def change(self, before: Raised, after: Raised) -> None:
        """Write what differs. Raises LocalError(CONFLICT) unless the move is allowed."""
        self._rows.change(self._tx, before, after)

    def end_with_log(self, hub_id: str) -> None:
        """What a lost log leaves under way reaches nobody."""
        sql = "UPDATE sent_attention SET state = ? WHERE hub_id = ? AND state IN (:among)"
        among = sources(RAISED_MOVES, _S.LOG_LOST)
        self._tx.run_among(sql, _S.LOG_LOST.value, hub_id, among=among)

    def receive(self, received: Received) -> None:
        """Keep what another agency raised. Twice is once."""
        row = {name: value for name, value in vars(received).items() if name != "id"}
        names = ", ".join(row)
        self._tx.run(
            f"INSERT INTO received_attention ({names}) VALUES ({', '.join('?' * len(row))}) "  # noqa: S608
            "ON CONFLICT (hub_id, attention_id, link_id) DO NOTHING",
            *row.values(),
        )

    def unseen(self, hub_id: str) -> list[Shown]:
        """What nobody of us has seen to, oldest first: over links that match now, no others."""
        rows = self._tx.rows(
            "SELECT a.*, c.local_id, l.involvements FROM received_attention a "
            "JOIN link l ON l.hub_id = a.hub_id AND l.link_id = a.link_id "
            "JOIN stub s ON s.hub_id = a.hub_id AND s.stub_id = a.stub_id "
            "JOIN client c ON c.id = s.client "
            "WHERE a.hub_id = ? AND a.seen_at IS NULL AND l.state = ? ORDER BY a.id",
            hub_id, LinkState.MATCH.value,
        )  # fmt: skip
        return [Shown(_received(row), row["local_id"], row["involvements"]) for row in rows]

    def unseen_of(self, hub_id: str, attention_ids: Collection[str]) -> set[str]:
        """Those of these that nobody of us has seen to, over links that match now and show work
        that goes on.
        """
        sql = (
            "SELECT a.attention_id, l.involvements FROM received_attention a "
            "JOIN link l ON l.hub_id = a.hub_id AND l.link_id = a.link_id "
            "WHERE a.hub_id = ? AND a.seen_at IS NULL AND l.state = ? "
            "AND a.attention_id IN (:among)"
        )
        rows = self._tx.rows_among(sql, hub_id, LinkState.MATCH.value, among=attention_ids)
        return {str(row["attention_id"]) for row in rows if _goes_on(row["involvements"])}

    def see(self, number: int, person: int, now: int) -> None:
        """One of us (a row's id) has seen to it."""
        self._tx.update("received_attention", {"seen_at": now, "seen_by": person}, {"id": number})


def _goes_on(involvements: str) -> bool:
    """Whether any of what a link shows is not past."""
    works = (LinkedInvolvement(**one) for one in json.loads(involvements))
    return not all(work.is_past for work in works)


def _raised(row: Row) -> Raised:
    values = {name: row[name] for name in Raised.__dataclass_fields__ if name != "state"}
    return Raised(**values, state=RaisedState(row["state"]))


def _received(row: Row) -> Received:
    return Received(**{name: row[name] for name in Received.__dataclass_fields__})
