"""Whether a permission is in force, until when, and why it is not: of involvements by row id.

What requests and cards know of involvements is here, and nowhere else.
"""

from enum import StrEnum

from storage.engine import Row, Transaction


class Ended(StrEnum):
    """Why a card that was released over an involvement is out of place."""

    CLOSED = "closed"
    LEFT = "left"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


# Of a query that names an involvement in the column `involvement`, and in `worker` whose details
# left, as the table `r`.
JOINED = (
    "LEFT JOIN involvement i ON i.id = r.involvement LEFT JOIN practitioner p ON p.id = r.worker"
)
COLUMNS = (
    "i.id AS held, i.permission_basis AS held_basis, i.valid_until AS held_until, "
    "i.withdrawn_at, p.closed_at AS left_at"
)
OVER = (
    "(i.id IS NULL OR i.permission_basis IS NULL OR i.valid_until <= ? "
    "OR i.withdrawn_at IS NOT NULL OR p.closed_at IS NOT NULL)"
)
"""Takes the time."""


def why_over(row: Row, now: int) -> Ended:
    """Of a row of `COLUMNS` that is `OVER`: why. A withdrawal is the last that is said."""
    if row["held"] is None or row["held_basis"] is None:
        return Ended.CLOSED
    if row["left_at"] is not None:
        return Ended.LEFT
    return Ended.EXPIRED if row["held_until"] <= now else Ended.WITHDRAWN


class Permissions:
    """Permissions within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def ends_at(self, involvement: int | None, now: int) -> int | None:
        """When the permission of an involvement ends (Unix seconds), if it is in force."""
        row = self._tx.one(
            "SELECT valid_until FROM involvement WHERE id = ? AND permission_basis IS NOT NULL "
            "AND valid_until > ? AND withdrawn_at IS NULL",
            involvement, now,
        )  # fmt: skip
        return int(row["valid_until"]) if row else None

    def is_in_force(self, involvement: int | None, now: int) -> bool:
        """Whether an involvement has a permission, still valid and not withdrawn."""
        return self.ends_at(involvement, now) is not None
