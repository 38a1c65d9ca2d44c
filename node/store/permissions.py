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
    "i.ended_at AS held_ended, i.withdrawn_at, p.closed_at AS left_at"
)
OVER = (
    "(i.id IS NULL OR i.permission_basis IS NULL OR i.valid_until <= ? "
    "OR i.ended_at <= ? OR i.withdrawn_at IS NOT NULL OR p.closed_at IS NOT NULL)"
)
"""Takes the time, and the time before which work that has ended is seen no longer."""


def why_over(row: Row, now: int, past: int) -> Ended:
    """Of a row of `COLUMNS` that is `OVER`: why. A withdrawal is the last that is said. `past`: for
    how many seconds past work is seen.
    """
    if row["held"] is None or row["held_basis"] is None:
        return Ended.CLOSED
    if row["held_ended"] is not None and row["held_ended"] <= now - past:
        return Ended.CLOSED
    if row["left_at"] is not None:
        return Ended.LEFT
    return Ended.EXPIRED if row["held_until"] <= now else Ended.WITHDRAWN


class Permissions:
    """Permissions within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def ends_at(self, involvement: int | None, now: int, past: int) -> int | None:
        """When an involvement ends (Unix seconds): its permission, or its work and the `past`
        seconds for which that is seen; None if it has.
        """
        row = self._tx.one(
            "SELECT valid_until, ended_at FROM involvement WHERE id = ? "
            "AND permission_basis IS NOT NULL AND valid_until > ? AND withdrawn_at IS NULL "
            "AND (ended_at IS NULL OR ended_at > ?)",
            involvement, now, now - past,
        )  # fmt: skip
        if row is None:
            return None
        valid, ended = int(row["valid_until"]), row["ended_at"]
        return valid if ended is None else min(valid, int(ended) + past)

    def is_in_force(self, involvement: int | None, now: int, past: int) -> bool:
        """Whether an involvement has a permission, still valid and not withdrawn, and goes on or is
        past and still seen.
        """
        return self.ends_at(involvement, now, past) is not None
