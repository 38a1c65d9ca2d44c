"""How far rounds have come with what agencies published, and when the next one is.

Kept for what agencies are told of it (hub/matching/progress.py); matching does not need it.
"""

from collections.abc import Mapping
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

    def not_told(self, open_from: Mapping[str, int]) -> list[str]:
        """Those agencies, by id, of which the log index from where publications of theirs wait is
        another than they were told last; from here on they are told.
        """
        rows = self._tx.rows_among(
            "SELECT agency, open_from FROM round_told WHERE agency IN (:among)",
            among=sorted(open_from),
        )
        told = {row["agency"]: row["open_from"] for row in rows}
        new = {name: at for name, at in sorted(open_from.items()) if told.get(name) != at}
        self._tx.put_many(
            "round_told",
            [{"agency": name, "open_from": at} for name, at in new.items()],
            ("agency",),
        )
        return list(new)

    def publishers(self, since: int) -> dict[str, int]:
        """The agencies that have published at the log index `since` or later, and where last."""
        # Not DISTINCT: SQLite would read the whole log by its index of senders.
        sql = "SELECT sender, idx FROM entry WHERE idx >= ? AND kind = 'publication' ORDER BY idx"
        return {row["sender"]: row["idx"] for row in self._tx.rows(sql, since)}

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
