"""Cards that left us or came to us, and what is due of them: specs/06-requests.md §7.

Answers requests; node/store/requests.py alone writes their states.
"""

from collections.abc import Collection
from dataclasses import dataclass

from node.store.permissions import JOINED, At, Ended, columns, over, why_over
from node.store.requests import (
    ReceivedRequest,
    ReceivedState,
    SentRequest,
    SentState,
    received_of,
    sent_of,
)
from storage.engine import Transaction

_UNDER_WAY = [
    state.value
    for state in (SentState.SENDING, SentState.WAITING, SentState.ALLOWED, SentState.OPENED)
]
_OUT = (ReceivedState.RELEASED.value, ReceivedState.OPENED.value)


@dataclass(frozen=True)
class CardOut:
    """A card that left over an involvement which is no longer in force; why, and since when where
    the permission was withdrawn. One that a later consent leaves out was withdrawn from who asked.
    """

    request: ReceivedRequest
    why: Ended
    withdrawn_at: int | None


class Cards:
    """Cards within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def out_of_place(self, at: At) -> list[CardOut]:
        """Cards that the hub has passed on, that may still be kept, and whose permission or work
        has ended or whose worker has left; without what a person said may stay.
        """
        wanted, ended = columns(at.now), over(at)
        rows = self._tx.rows(
            f"SELECT r.*, {wanted.sql} FROM received_request r {JOINED} "  # noqa: S608 - our names
            "WHERE r.hub_id = ? AND r.state IN (?, ?) AND r.release_id IS NOT NULL "
            f"AND (r.keep_until IS NULL OR r.keep_until > ?) AND {ended.sql} "
            "ORDER BY r.received_at, r.request_id",
            *wanted.values, at.hub_id, *_OUT, at.now, *ended.values,
        )  # fmt: skip
        cards = [CardOut(received_of(row), why_over(row, at), row["withdrawn_at"]) for row in rows]
        return [card for card in cards if not (card.request.kept and card.why is Ended.WITHDRAWN)]

    def asked_in_vain(self, at: At) -> list[ReceivedRequest]:
        """Requests that wait for a person over an involvement that is no longer in force, nor past
        and still seen.
        """
        ended = over(at)
        rows = self._tx.rows(
            f"SELECT r.* FROM received_request r {JOINED} "  # noqa: S608 - our own names
            f"WHERE r.hub_id = ? AND r.state = ? AND r.expires > ? AND {ended.sql} "
            "ORDER BY r.received_at, r.request_id",
            at.hub_id, ReceivedState.ASKS_PERSON.value, at.now, *ended.values,
        )  # fmt: skip
        return [received_of(row) for row in rows]

    def with_consent(self, hub_id: str, bases: Collection[str], now: int) -> list[ReceivedRequest]:
        """Requests that wait for a person, and cards that are out and may still be kept, over work
        of which a consent was recorded, or on one of these lawful bases: what a client agrees to
        may be less by now.
        """
        rows = self._tx.rows_among(
            "SELECT * FROM received_request WHERE hub_id = ? AND ((state = ? AND expires > ?) "
            "OR (state IN (?, ?) AND release_id IS NOT NULL AND keep_until > ?)) "
            "AND (involvement IN (SELECT involvement FROM consent) OR basis IN (:among))",
            hub_id, ReceivedState.ASKS_PERSON.value, now, *_OUT, now, among={"", *bases},
        )  # fmt: skip
        found = [received_of(row) for row in rows]
        return sorted(found, key=lambda item: (item.received_at, item.request_id))

    def kept_too_long(self, hub_id: str, now: int, oldest: int) -> list[SentRequest]:
        """Requests of ours whose card is here and may not be kept any more: its time is over, or
        where it came from an earlier program and says none, it was asked for before `oldest`.
        """
        rows = self._tx.rows(
            "SELECT * FROM sent_request WHERE hub_id = ? AND card IS NOT NULL "
            "AND (keep_until <= ? OR (keep_until IS NULL AND asked_at < ?))",
            hub_id, now, oldest,
        )  # fmt: skip
        return [sent_of(row) for row in rows]

    def without_consent(self, hub_id: str, now: int) -> list[SentRequest]:
        """Requests of ours that are under way, or whose card is here, and that rest on a consent of
        our client that is withdrawn or over.
        """
        rows = self._tx.rows_among(
            "SELECT s.* FROM sent_request s JOIN consent c ON c.id = s.consent "
            "LEFT JOIN involvement i ON i.id = c.involvement WHERE s.hub_id = ? "
            "AND (c.withdrawn_at IS NOT NULL OR c.valid_until <= ? OR i.withdrawn_at IS NOT NULL) "
            "AND s.state IN (:among)",
            hub_id, now, among=_UNDER_WAY,
        )  # fmt: skip
        return [sent_of(row) for row in rows]

    def unwiped(self, hub_id: str) -> list[SentRequest]:
        """Requests of ours whose card is deleted and may still be in a file."""
        sql = "SELECT * FROM sent_request WHERE hub_id = ? AND wiped = 0 ORDER BY request_id"
        return [sent_of(row) for row in self._tx.rows(sql, hub_id)]
