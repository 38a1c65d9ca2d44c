"""Requests for contact details, asked and received: the only place that writes their states.

Everything is looked up by the hub's id and the request's id.
"""

from collections.abc import Collection

from node.store.moving import Moving
from node.store.requests import (
    RECEIVED_MOVES,
    SENT_MOVES,
    ReceivedRequest,
    ReceivedState,
    SentRequest,
    SentState,
    received_of,
    sent_of,
)
from storage.engine import Transaction
from storage.states import sources

_S, _R = SentState, ReceivedState
# What ends with a lost log. A card that had not left does not leave any more.
_SENT_WITH_LOG = tuple(sources(SENT_MOVES, _S.LOG_LOST))
_RECEIVED_WITH_LOG = tuple(
    state for state in sources(RECEIVED_MOVES, _R.LOG_LOST) if state is not _R.RELEASED
)
# What is still under way over a link; a card that left is recalled only by its own request's id.
_STOPPED_OVER = tuple(
    state for state in sources(RECEIVED_MOVES, _R.STOPPED) if state is not _R.RELEASED
)
_UNANSWERED = (_S.SENDING.value, _S.WAITING.value, _S.ALLOWED.value)


class SentRequests:
    """Requests of ours, each by its hub and its id."""

    _rows = Moving("sent_request", ("hub_id", "request_id"), SENT_MOVES)

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, hub_id: str, request_id: str) -> SentRequest | None:
        """The request of that id at a hub."""
        sql = "SELECT * FROM sent_request WHERE hub_id = ? AND request_id = ?"
        row = self._tx.one(sql, hub_id, request_id)
        return sent_of(row) if row else None

    def of_ids(self, hub_id: str, request_ids: Collection[str]) -> dict[str, SentRequest]:
        """Those of these that are here."""
        sql = "SELECT * FROM sent_request WHERE hub_id = ? AND request_id IN (:among)"
        rows = self._tx.rows_among(sql, hub_id, among=request_ids)
        return {row["request_id"]: sent_of(row) for row in rows}

    def of_hub(self, hub_id: str) -> list[tuple[str, SentRequest]]:
        """All at a hub, oldest first, each with our own id of its client."""
        rows = self._tx.rows(
            "SELECT s.*, c.local_id FROM sent_request s JOIN client c ON c.id = s.client "
            "WHERE s.hub_id = ? ORDER BY s.asked_at, s.request_id",
            hub_id,
        )
        return [(str(row["local_id"]), sent_of(row)) for row in rows]

    def between(self, hub_id: str, since: int, until: int) -> list[SentRequest]:
        """Those made from one time to before another, oldest first."""
        sql = (
            "SELECT * FROM sent_request WHERE hub_id = ? AND asked_at >= ? AND asked_at < ? "
            "ORDER BY asked_at, request_id"
        )
        return [sent_of(row) for row in self._tx.rows(sql, hub_id, since, until)]

    def per_day(self, since: int, until: int) -> list[tuple[int, int, int]]:
        """How many each person (a row's id) made on each day (Unix seconds // 86400)."""
        rows = self._tx.rows(
            "SELECT practitioner, asked_at / 86400 AS day, COUNT(*) AS n FROM sent_request "
            "WHERE asked_at >= ? AND asked_at < ? AND practitioner IS NOT NULL "
            "GROUP BY practitioner, asked_at / 86400",
            since, until,
        )  # fmt: skip
        return [(row["practitioner"], row["day"], row["n"]) for row in rows]

    def of_client(self, hub_id: str, client: int) -> list[SentRequest]:
        """Those about a client (a row's id), the newest first."""
        sql = (
            "SELECT * FROM sent_request WHERE hub_id = ? AND client = ? "
            "ORDER BY asked_at DESC, request_id"
        )
        return [sent_of(row) for row in self._tx.rows(sql, hub_id, client)]

    def of_practitioner(self, hub_id: str, practitioner: int) -> list[SentRequest]:
        """Those that somebody (a row's id) made, the newest first."""
        sql = (
            "SELECT * FROM sent_request WHERE hub_id = ? AND practitioner = ? "
            "ORDER BY asked_at DESC, request_id"
        )
        return [sent_of(row) for row in self._tx.rows(sql, hub_id, practitioner)]

    def add(self, request: SentRequest) -> None:
        """Keep a new one. Raises NotUniqueError for an id that is taken."""
        self._tx.insert("sent_request", request.columns())

    def change(self, before: SentRequest, after: SentRequest) -> None:
        """Write what differs. Raises LocalError(CONFLICT) unless the move is allowed."""
        self._rows.change(self._tx, before, after)

    def opened_over(self, hub_id: str, link_id: str | None) -> list[SentRequest]:
        """Those over a link whose card is here, oldest first."""
        rows = self._tx.rows(
            "SELECT * FROM sent_request WHERE hub_id = ? AND link_id = ? AND state = ? "
            "ORDER BY asked_at, request_id",
            hub_id, link_id, _S.OPENED.value,
        )  # fmt: skip
        return [sent_of(row) for row in rows]

    def stop_over(self, hub_id: str, link_id: str | None, but: str) -> None:
        """Stop what is under way over a link, and delete its cards; `but` one request's."""
        key = (hub_id, link_id, but)
        over = "WHERE hub_id = ? AND link_id = ? AND request_id <> ? AND state IN (:among)"
        self._tx.run_among(
            f"UPDATE sent_request SET state = ? {over}",  # noqa: S608 - our own words
            _S.STOPPED.value, *key, among=sources(SENT_MOVES, _S.STOPPED),
        )  # fmt: skip
        self._tx.run_among(
            f"UPDATE sent_request SET state = ?, card = NULL, wiped = 0 {over}",  # noqa: S608
            _S.RECALLED.value, *key, among=[_S.OPENED],
        )  # fmt: skip
        self._tx.run_among(
            f"UPDATE sent_request SET recalled_by = NULL {over}",  # noqa: S608
            *key, among=[_S.RECALLED],
        )  # fmt: skip

    def stop_of(self, practitioner: int) -> int:
        """Stop what somebody (a row id) has asked for and is not answered, at any hub; how many."""
        return self._tx.run_among(
            "UPDATE sent_request SET state = ? WHERE practitioner = ? AND state IN (:among)",
            _S.STOPPED.value, practitioner, among=_UNANSWERED,
        )  # fmt: skip

    def end_with_log(self, hub_id: str) -> None:
        """End what a lost log leaves unfinished; cards that came stay."""
        sql = "UPDATE sent_request SET state = ? WHERE hub_id = ? AND state IN (:among)"
        self._tx.run_among(sql, _S.LOG_LOST.value, hub_id, among=_SENT_WITH_LOG)
        self._tx.run("UPDATE sent_request SET recalled_by = NULL WHERE hub_id = ?", hub_id)


class ReceivedRequests:
    """Requests that came to us, each by its hub and its id."""

    _rows = Moving("received_request", ("hub_id", "request_id"), RECEIVED_MOVES)

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, hub_id: str, request_id: str) -> ReceivedRequest | None:
        """The request of that id at a hub."""
        sql = "SELECT * FROM received_request WHERE hub_id = ? AND request_id = ?"
        row = self._tx.one(sql, hub_id, request_id)
        return received_of(row) if row else None

    def of_ids(self, hub_id: str, request_ids: Collection[str]) -> dict[str, ReceivedRequest]:
        """Those of these that are here."""
        sql = "SELECT * FROM received_request WHERE hub_id = ? AND request_id IN (:among)"
        rows = self._tx.rows_among(sql, hub_id, among=request_ids)
        return {row["request_id"]: received_of(row) for row in rows}

    def of_hub(self, hub_id: str) -> list[tuple[str | None, ReceivedRequest]]:
        """All at a hub, oldest first, each with our own id of the client it is about, if known."""
        rows = self._tx.rows(
            "SELECT r.*, c.local_id FROM received_request r "
            "LEFT JOIN involvement i ON i.id = r.involvement LEFT JOIN client c ON c.id = i.client "
            "WHERE r.hub_id = ? ORDER BY r.received_at, r.request_id",
            hub_id,
        )
        return [(row["local_id"], received_of(row)) for row in rows]

    def of_works(self, involvements: Collection[int]) -> list[ReceivedRequest]:
        """Those over these pieces of work, at every hub, oldest first."""
        sql = "SELECT * FROM received_request WHERE involvement IN (:among)"
        found = [received_of(row) for row in self._tx.rows_among(sql, among=involvements)]
        return sorted(found, key=lambda item: (item.received_at, item.request_id))

    def asking(self, hub_id: str, now: int) -> list[ReceivedRequest]:
        """Those that wait for a person and have not expired, oldest first."""
        rows = self._tx.rows(
            "SELECT * FROM received_request WHERE hub_id = ? AND state = ? AND expires > ? "
            "ORDER BY received_at, request_id",
            hub_id, ReceivedState.ASKS_PERSON.value, now,
        )  # fmt: skip
        return [received_of(row) for row in rows]

    def answered_by(self, hub_id: str, person: int, most: int) -> list[ReceivedRequest]:
        """Those that somebody answered, the newest first, and no more than so many."""
        rows = self._tx.rows(
            "SELECT * FROM received_request WHERE hub_id = ? AND answered_by = ? AND state <> ? "
            "ORDER BY received_at DESC, request_id LIMIT ?",
            hub_id, person, ReceivedState.ASKS_PERSON.value, most,
        )  # fmt: skip
        return [received_of(row) for row in rows]

    def between(self, hub_id: str, since: int, until: int) -> list[ReceivedRequest]:
        """Those that came from one time to before another, oldest first."""
        sql = (
            "SELECT * FROM received_request WHERE hub_id = ? AND received_at >= ? "
            "AND received_at < ? ORDER BY received_at, request_id"
        )
        return [received_of(row) for row in self._tx.rows(sql, hub_id, since, until)]

    def allowed(self, hub_id: str, now: int) -> list[ReceivedRequest]:
        """Those whose card may leave once a quorum has seen the decision, oldest first; a renewed
        one as long as the one before it might have been kept.
        """
        rows = self._tx.rows(
            "SELECT * FROM received_request WHERE hub_id = ? AND state = ? "
            "AND CASE renew WHEN 1 THEN keep_until ELSE expires END > ? "
            "ORDER BY received_at, request_id",
            hub_id, _R.ALLOWED.value, now,
        )  # fmt: skip
        return [received_of(row) for row in rows]

    def waiting(self, hub_id: str, now: int) -> list[ReceivedRequest]:
        """Those that wait for a person, oldest first."""
        rows = self._tx.rows(
            "SELECT * FROM received_request WHERE hub_id = ? AND state = ? AND expires > ? "
            "ORDER BY received_at, request_id",
            hub_id, _R.ASKS_PERSON.value, now,
        )  # fmt: skip
        return [received_of(row) for row in rows]

    def released_to(self, hub_id: str, requester: str) -> int:
        """How many cards an agency has had from us."""
        row = self._tx.one(
            "SELECT COUNT(*) AS n FROM received_request "
            "WHERE hub_id = ? AND requester = ? AND state IN (?, ?)",
            hub_id, requester, _R.RELEASED.value, _R.OPENED.value,
        )  # fmt: skip
        return int(row["n"]) if row else 0

    def out_over(self, hub_id: str, link_id: str) -> list[ReceivedRequest]:
        """Those over a link whose card the hub has passed on, oldest first."""
        rows = self._tx.rows(
            "SELECT * FROM received_request WHERE hub_id = ? AND link_id = ? AND state IN (?, ?) "
            "AND release_id IS NOT NULL ORDER BY received_at, request_id",
            hub_id, link_id, _R.RELEASED.value, _R.OPENED.value,
        )  # fmt: skip
        return [received_of(row) for row in rows]

    def add(self, request: ReceivedRequest) -> None:
        """Keep a new one. Raises NotUniqueError for an id that is taken."""
        self._tx.insert("received_request", request.columns())

    def change(self, before: ReceivedRequest, after: ReceivedRequest) -> None:
        """Write what differs. Raises LocalError(CONFLICT) unless the move is allowed."""
        self._rows.change(self._tx, before, after)

    def stop_over(self, hub_id: str, link_id: str | None, but: str) -> None:
        """Stop what is under way over a link; `but` one request. What has left stays so."""
        self._tx.run_among(
            "UPDATE received_request SET state = ? "
            "WHERE hub_id = ? AND link_id = ? AND request_id <> ? AND state IN (:among)",
            _R.STOPPED.value, hub_id, link_id, but, among=_STOPPED_OVER,
        )  # fmt: skip
        self._tx.run(
            "UPDATE received_request SET renew = 0 WHERE hub_id = ? AND link_id = ? AND state = ?",
            hub_id, link_id, _R.RECALLED.value,
        )  # fmt: skip

    def end_with_log(self, hub_id: str) -> None:
        """End what a lost log leaves unfinished, and cards that the hub had not taken."""
        self._tx.run(
            "UPDATE received_request SET state = ? "
            "WHERE hub_id = ? AND state = ? AND release_id IS NULL",
            _R.LOG_LOST.value, hub_id, _R.RELEASED.value,
        )  # fmt: skip
        sql = "UPDATE received_request SET state = ? WHERE hub_id = ? AND state IN (:among)"
        self._tx.run_among(sql, _R.LOG_LOST.value, hub_id, among=_RECEIVED_WITH_LOG)
        self._tx.run("UPDATE received_request SET renew = 0 WHERE hub_id = ?", hub_id)
