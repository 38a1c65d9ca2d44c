"""Enquiries: who made one, for which stub, and what the hub decided. Who they are about is nowhere
here.
"""

from collections.abc import Collection
from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True)
class Enquiry:
    """An enquiry and the hub's decision; `statement` and `decision` are statement ids, `until` is
    how long the stub may say so (Unix seconds).
    """

    enquiry_id: str
    agency: str
    practitioner: str
    stub_id: str
    until: int
    iat: int
    statement: str
    decision: str
    outcome: str


class Enquiries:
    """Enquiries within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, enquiry_id: str) -> Enquiry | None:
        """An enquiry by its id."""
        row = self._tx.one("SELECT * FROM enquiry WHERE enquiry_id = ?", enquiry_id)
        return Enquiry(**row) if row else None

    def add(self, enquiry: Enquiry) -> None:
        """Store an enquiry with the hub's decision on it."""
        self._tx.insert("enquiry", vars(enquiry))

    def of_statement(self, statement_id: str) -> Enquiry | None:
        """The enquiry that a statement made."""
        row = self._tx.one("SELECT * FROM enquiry WHERE statement = ?", statement_id)
        return Enquiry(**row) if row else None

    def count_since(self, agency: str, practitioner: str, since: int) -> tuple[int, int]:
        """How many a person, and how many their agency made with iat >= since."""
        row = self._tx.one(
            "SELECT COUNT(CASE WHEN practitioner = ? THEN 1 END) AS own, COUNT(*) AS of_all "
            "FROM enquiry WHERE agency = ? AND iat >= ?",
            practitioner, agency, since,
        )  # fmt: skip
        return (int(row["own"]), int(row["of_all"])) if row else (0, 0)

    def allowed_until(self, agency: str, stub_ids: Collection[str]) -> dict[str, int]:
        """Of those of these stubs for which an agency was allowed to enquire: until when."""
        sql = (
            "SELECT stub_id, MAX(until) AS until FROM enquiry "
            "WHERE agency = ? AND outcome = 'allow' AND stub_id IN (:among) GROUP BY stub_id"
        )
        rows = self._tx.rows_among(sql, agency, among=stub_ids)
        return {row["stub_id"]: row["until"] for row in rows}
