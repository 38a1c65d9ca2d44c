"""How far rounds have come with what agencies published, and when the next one is.

Kept for what agencies are told of it (hub/matching/progress.py); matching does not need it.
"""

from dataclasses import dataclass

from storage.engine import Transaction

_COMPARED, _NEXT = "compared_below", "next_round"


@dataclass(frozen=True)
class Progress:
    """Publications below the log index `compared_below` were in a round; when the next is due."""

    compared_below: int = 0
    next_round: int = 0


class Rounds:
    """The progress of rounds within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def progress(self) -> Progress:
        """As the last round left it."""
        rows = self._tx.rows_among(
            "SELECT key, value FROM meta WHERE key IN (:among)", among=(_COMPARED, _NEXT)
        )
        return Progress(**{row["key"]: int(row["value"]) for row in rows})

    def set_progress(self, progress: Progress) -> None:
        """As this round leaves it."""
        rows = [{"key": name, "value": str(value)} for name, value in vars(progress).items()]
        self._tx.put_many("meta", rows, ("key",))

    def publishers(self, since: int) -> list[str]:
        """The agencies that have published at the log index `since` or later, by id."""
        # Not DISTINCT: SQLite would read the whole log by its index of senders.
        sql = "SELECT sender FROM entry WHERE idx >= ? AND kind = 'publication'"
        return sorted({row["sender"] for row in self._tx.rows(sql, since)})

    def waiting(self, since: int) -> dict[str, int]:
        """The agencies with stubs that wait for a round as they were published at `since` or later;
        the log index of each one's oldest such publication.
        """
        rows = self._tx.rows(
            # CROSS JOIN keeps the order: what is marked is few, stubs and entries are many.
            "SELECT s.agency, MIN(e.idx) AS oldest FROM dirty_stub d "
            "CROSS JOIN stub s CROSS JOIN entry e WHERE s.stub_id = d.stub_id "
            "AND e.statement_id = s.publication AND e.idx >= ? GROUP BY s.agency",
            since,
        )
        return {row["agency"]: row["oldest"] for row in rows}
