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
_CARRIES = (
    "(SELECT COALESCE(f.name, '') || '|' || COALESCE(f.team, '') || '|' || COALESCE(f.role, '') "
    "|| '|' || COALESCE(f.phone, '') || '|' || COALESCE(f.email, '') FROM (SELECT 1) "
    "LEFT JOIN practitioner f ON f.id = (SELECT w.practitioner FROM involvement_worker w "
    "JOIN practitioner q ON q.id = w.practitioner WHERE w.involvement = {} "
    "AND q.closed_at IS NULL ORDER BY w.ordinal, q.id LIMIT 1))"
)
"""What of a worker a card over an involvement carries if it leaves now, in one text: a card that is
out is out of date when this is another. An expression, so that it is always put alike.
"""


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

    def carries(self, involvement: int | None) -> str:
        """What of a worker a card over an involvement (a row's id) carries if it leaves now."""
        row = self._tx.one(f"SELECT {_CARRIES.format('?')} AS carried", involvement)
        return str(row["carried"]) if row else ""

    def out_of_date(self, at: At, renewed_before: int) -> list[ReceivedRequest]:
        """Cards that are out, in place and may still be kept, and that carry something else of a
        worker than they would now; without those that a person said may stay, and those that were
        renewed at that time or after it.
        """
        ended = over(at)
        rows = self._tx.rows(
            f"SELECT r.* FROM received_request r {JOINED} "  # noqa: S608 - our own names
            "WHERE r.hub_id = ? AND r.state IN (?, ?) AND r.release_id IS NOT NULL "
            "AND r.keep_until > ? AND r.kept = 0 AND (r.renewed_at IS NULL OR r.renewed_at < ?) "
            f"AND r.carried <> {_CARRIES.format('r.involvement')} AND {ended.sql} IS NOT TRUE "
            "ORDER BY r.received_at, r.request_id",
            at.hub_id, *_OUT, at.now, renewed_before, *ended.values,
        )  # fmt: skip
        return [received_of(row) for row in rows]

    def is_any_unknown(self, hub_id: str) -> bool:
        """Whether of a card that is out it is not known what it carries."""
        sql = (
            "SELECT 1 FROM received_request WHERE hub_id = ? AND state IN (?, ?) "
            "AND carried IS NULL LIMIT 1"
        )
        return self._tx.one(sql, hub_id, *_OUT) is not None

    def take_as_current(self, hub_id: str) -> None:
        """Take cards of which that is not known to carry what is here: they came from an earlier
        program, or left while another copy of this node ran.
        """
        self._tx.run(
            f"UPDATE received_request SET carried = {_CARRIES.format('received_request.involvement')} "  # noqa: S608, E501
            "WHERE hub_id = ? AND state IN (?, ?) AND carried IS NULL",
            hub_id, *_OUT,
        )  # fmt: skip

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
            "AND (keep_until <= ? OR (keep_until IS NULL AND asked_at < ?)) ORDER BY request_id",
            hub_id, now, oldest,
        )  # fmt: skip
        return [sent_of(row) for row in rows]

    def without_consent(self, hub_id: str, now: int) -> list[SentRequest]:
        """Requests of ours that are under way, or whose card is here or may be renewed, and that
        rest on a consent of our client that is withdrawn or over.
        """
        rows = self._tx.rows_among(
            "SELECT s.* FROM sent_request s JOIN consent c ON c.id = s.consent "
            "LEFT JOIN involvement i ON i.id = c.involvement WHERE s.hub_id = ? "
            "AND (c.withdrawn_at IS NOT NULL OR c.valid_until <= ? OR i.withdrawn_at IS NOT NULL) "
            "AND (s.recalled_by IS NOT NULL OR s.state IN (:among))",
            hub_id, now, among=_UNDER_WAY,
        )  # fmt: skip
        return [sent_of(row) for row in rows]

    def unwiped(self, hub_id: str) -> list[SentRequest]:
        """Requests of ours whose card is deleted and may still be in a file."""
        sql = "SELECT * FROM sent_request WHERE hub_id = ? AND wiped = 0 ORDER BY request_id"
        return [sent_of(row) for row in self._tx.rows(sql, hub_id)]
