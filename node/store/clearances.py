"""Until when each of our people may use the pages: authorisation, training, vetting."""

from collections.abc import Mapping
from datetime import date

from storage.engine import Transaction


class Clearances:
    """Such days, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def of(self, person: int) -> Mapping[str, date]:
        """One person's (a row's id): the last day on which each kind holds."""
        sql = "SELECT kind, until FROM clearance WHERE person = ?"
        rows = self._tx.rows(sql, person)
        return {row["kind"]: date.fromisoformat(row["until"]) for row in rows}

    def put(self, person: int, kind: str, until: date | None) -> None:
        """Say until when one kind holds; None: it is not there."""
        self._tx.run("DELETE FROM clearance WHERE person = ? AND kind = ?", person, kind)
        if until is not None:
            row = {"person": person, "kind": kind, "until": until.isoformat()}
            self._tx.insert("clearance", row)
