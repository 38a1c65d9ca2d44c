"""What clients object to: that anything of them is shared, or with agencies of one class."""

from dataclasses import dataclass
from enum import StrEnum

from node.store.merges import PARTS
from storage.engine import Transaction


class SaidBy(StrEnum):
    """Who objects: the client, or somebody who may speak for them."""

    CLIENT = "client"
    PARENTAL_RESPONSIBILITY = "parental_responsibility"
    YOUNG_PERSON = "young_person"
    ATTORNEY = "attorney"


@dataclass(frozen=True)
class Objection:
    """An objection by its number; `local_id` is our own id of the client. `member_class` None: to
    sharing with anybody. `ended_at`: when it was taken back.
    """

    id: int
    local_id: str
    member_class: str | None
    said_by: SaidBy
    said_at: int
    ended_at: int | None


class Objections:
    """Objections within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def record(self, client: int, member_class: str | None, said_by: SaidBy, at: int) -> int:
        """Take down an objection of a client (a row's id); its number."""
        row = {
            "client": client,
            "member_class": member_class,
            "said_by": said_by.value,
            "said_at": at,
        }
        return self._tx.insert_for_id("objection", row)

    def end(self, number: int, at: int) -> Objection | None:
        """Take down that an objection was taken back; which it was, None if none of that number
        stands.
        """
        sql = "UPDATE objection SET ended_at = ? WHERE id = ? AND ended_at IS NULL"
        if not self._tx.run(sql, at, number):
            return None
        return next(item for item in self.all() if item.id == number)

    def all(self) -> list[Objection]:
        """All objections, those that were taken back too, the oldest first."""
        rows = self._tx.rows(
            "SELECT o.id, c.local_id, o.member_class, o.said_by, o.said_at, o.ended_at "
            "FROM objection o JOIN client c ON c.id = o.client ORDER BY o.id"
        )
        return [Objection(**{**row, "said_by": SaidBy(row["said_by"])}) for row in rows]

    def newest(self, client: int, member_class: str) -> int | None:
        """The number of the last objection of a client (a row's id), or of one who is merged into
        them, that stands against sharing with agencies of a class.
        """
        row = self._tx.one(
            f"{PARTS} SELECT MAX(id) AS number FROM objection "  # noqa: S608 - our own names
            "WHERE (client = ? OR client IN "
            "(SELECT client FROM part WHERE whole = ?)) AND ended_at IS NULL "
            "AND (member_class IS NULL OR member_class = ?)",
            client, client, member_class,
        )  # fmt: skip
        return row["number"] if row else None
