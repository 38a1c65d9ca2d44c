"""What the lead for information governance must know: recalled cards, and unwitnessed ones.

specs/06-requests.md §7 and §8. Each by its hub and its request's id.
"""

from dataclasses import dataclass

from storage.engine import Row, Transaction


@dataclass(frozen=True)
class RecallNotice:
    """A card went to the wrong person's record, and was recalled."""

    hub_id: str
    request_id: str
    we_asked: bool
    other: str
    said_by: str
    told_at: int
    recalled_at: int | None = None
    seen_at: int | None = None


@dataclass(frozen=True)
class UnwitnessedCard:
    """A card that left us or came to us while the log had no quorum. `practitioner`: who of ours
    let it go, None where it came to us; `worker` is that person's name.
    """

    hub_id: str
    request_id: str
    we_asked: bool
    other: str
    practitioner: int | None
    told_at: int
    seen_at: int | None = None
    worker: str | None = None


class GovernanceStore:
    """Notices for the lead, by hub and request."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put_recall(self, notice: RecallNotice) -> None:
        """Tell of a recalled card; once more, if it was told before."""
        row = {**vars(notice), "we_asked": int(notice.we_asked)}
        self._tx.put("governance_notice", row, ("hub_id", "request_id"))

    def recalls(self, hub_id: str) -> list[RecallNotice]:
        """All recalled cards at a hub."""
        rows = self._tx.rows("SELECT * FROM governance_notice WHERE hub_id = ?", hub_id)
        return [_recall(row) for row in rows]

    def recall(self, hub_id: str, request_id: str) -> RecallNotice | None:
        """What was said of one request's card, if it was about the wrong person."""
        sql = "SELECT * FROM governance_notice WHERE hub_id = ? AND request_id = ?"
        row = self._tx.one(sql, hub_id, request_id)
        return _recall(row) if row else None

    def recall_done(self, hub_id: str, request_id: str, other: str, at: int) -> bool:
        """The asker's node states that our card is gone there; whether we recalled one from it."""
        key = {"hub_id": hub_id, "request_id": request_id, "we_asked": 0, "other": other}
        return self._tx.update("governance_notice", {"recalled_at": at}, key) == 1

    def put_card(self, card: UnwitnessedCard) -> None:
        """Tell of an unwitnessed card; once more, if it was told before."""
        row = {**vars(card), "we_asked": int(card.we_asked)}
        del row["worker"]
        self._tx.put("unwitnessed_card", row, ("hub_id", "request_id"))

    def cards(self, hub_id: str) -> list[UnwitnessedCard]:
        """All unwitnessed cards at a hub."""
        rows = self._tx.rows(
            "SELECT c.*, p.name AS worker FROM unwitnessed_card c "
            "LEFT JOIN practitioner p ON p.id = c.practitioner WHERE c.hub_id = ?",
            hub_id,
        )
        return [_card(row) for row in rows]

    def forget_card(self, hub_id: str, request_id: str) -> None:
        """Nothing has left after all."""
        sql = "DELETE FROM unwitnessed_card WHERE hub_id = ? AND request_id = ?"
        self._tx.run(sql, hub_id, request_id)

    def mark_seen(self, hub_id: str, now: int) -> int:
        """The lead has seen what there is; how many were new."""
        tables = ("governance_notice", "unwitnessed_card")
        sql = "UPDATE {} SET seen_at = ? WHERE hub_id = ? AND seen_at IS NULL"
        return sum(self._tx.run(sql.format(table), now, hub_id) for table in tables)


def _recall(row: Row) -> RecallNotice:
    return RecallNotice(**{**row, "we_asked": bool(row["we_asked"])})


def _card(row: Row) -> UnwitnessedCard:
    return UnwitnessedCard(**{**row, "we_asked": bool(row["we_asked"])})
