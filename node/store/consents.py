"""The store of what clients agreed to, by involvement: specs/10-consent.md.

A record is never written over; that it was withdrawn is added. Nothing here decides.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from node.store.objections import SaidBy
from storage.engine import Row, Transaction


class How(StrEnum):
    """In what way a consent was given."""

    IN_WRITING = "in_writing"
    IN_PERSON = "in_person"
    BY_TELEPHONE = "by_telephone"
    BY_VIDEO = "by_video"
    ONLINE = "online"


@dataclass(frozen=True, kw_only=True, repr=False)
class ConsentRow:
    """A consent to be recorded, to one piece of work (a row's id) being known to others.

    `record_id`: 16 random bytes as hex. `basis`, `classes`, `purposes`: codes of the charter; no
    classes: whomever it lets see the work, no purposes: those of the basis. `given_on`: a day, as
    yyyy-mm-dd. `valid_until`, `recorded_at`: Unix seconds. `wording`: the version of the form.
    `evidence`: where the agency keeps it. `recorded_by`: a person's row id.
    """

    record_id: str
    involvement: int
    basis: str
    given_by: SaidBy
    how: How
    given_on: str
    wording: str
    classes: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    valid_until: int
    evidence: str | None = None
    recorded_by: int
    recorded_at: int

    def __repr__(self) -> str:
        """Say nothing of what was agreed."""
        return f"{type(self).__name__}(hidden)"


@dataclass(frozen=True, kw_only=True, repr=False)
class Consent(ConsentRow):
    """A consent by its number; `withdrawn_at` and by whom it was taken down, or None."""

    id: int
    withdrawn_at: int | None = None
    withdrawn_by: int | None = None

    def is_in_force(self, now: int) -> bool:
        """Whether it is neither withdrawn nor over."""
        return self.withdrawn_at is None and now < self.valid_until


class Consents:
    """Consents within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def record(self, row: ConsentRow) -> int:
        """Take a consent down; its number."""
        values = asdict(row)
        values |= {"given_by": row.given_by.value, "how": row.how.value}
        values |= {"classes": json.dumps(row.classes), "purposes": json.dumps(row.purposes)}
        return self._tx.insert_for_id("consent", values)

    def withdraw(self, involvements: Collection[int], at: int, person: int) -> None:
        """Take down that what was agreed of these is withdrawn, where it was not."""
        self._tx.run_among(
            "UPDATE consent SET withdrawn_at = ?, withdrawn_by = ? "
            "WHERE withdrawn_at IS NULL AND involvement IN (:among)",
            at, person, among=involvements,
        )  # fmt: skip

    def get(self, number: int) -> Consent | None:
        """A consent by its number."""
        row = self._tx.one("SELECT * FROM consent WHERE id = ?", number)
        return _consent(row) if row else None

    def wordings(self, most: int) -> list[str]:
        """The wordings that were agreed to, whoever agreed: those of late first."""
        rows = self._tx.rows(
            "SELECT wording FROM consent GROUP BY wording ORDER BY MAX(id) DESC LIMIT ?", most
        )
        return [str(row["wording"]) for row in rows]

    def newest(self, involvements: Iterable[int]) -> dict[int, Consent]:
        """The last consent of each of these that has any, withdrawn or not."""
        return {item.involvement: item for item in self.of(involvements)}

    def of(self, involvements: Iterable[int]) -> list[Consent]:
        """All that was ever agreed of these, the oldest first."""
        sql = "SELECT * FROM consent WHERE involvement IN (:among)"
        found = map(_consent, self._tx.rows_among(sql, among=set(involvements)))
        return sorted(found, key=lambda item: item.id)


def _consent(row: Row) -> Consent:
    values = dict(row)
    values |= {"given_by": SaidBy(row["given_by"]), "how": How(row["how"])}
    values |= {name: tuple(json.loads(row[name])) for name in ("classes", "purposes")}
    return Consent(**values)
