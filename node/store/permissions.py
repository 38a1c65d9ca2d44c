"""Whether a permission is in force, until when, and why it is not: of involvements by row id.

A permission is what was stated and neither ran out nor was withdrawn, or, while work goes on that a
charter makes always findable, the law; and nobody withholds the client. What publishing, requests
and cards know of permissions is here, and nowhere else.
"""

from dataclasses import dataclass
from enum import StrEnum

from protocol.governance.enquiries import ENQUIRY
from storage.engine import Row, Transaction

WHILE_OPEN = 253_402_214_400
"""Until when a permission by law holds that has no end of its own: the last day of 9999."""


class Ended(StrEnum):
    """Why a card that was released over an involvement is out of place."""

    CLOSED = "closed"
    LEFT = "left"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    WITHHELD = "withheld"


@dataclass(frozen=True)
class At:
    """Where and when a permission is asked for: a hub, Unix seconds, and for how many seconds past
    work is seen there.
    """

    hub_id: str
    now: int
    past: int = 0


@dataclass(frozen=True)
class Condition:
    """A condition in SQL on an involvement `i`, and the values that it takes in this order."""

    sql: str
    values: tuple[object, ...]

    def __and__(self, other: "Condition") -> "Condition":
        """Both."""
        return Condition(f"({self.sql} AND {other.sql})", (*self.values, *other.values))

    def __or__(self, other: "Condition") -> "Condition":
        """Either."""
        return Condition(f"({self.sql} OR {other.sql})", (*self.values, *other.values))


def stated(now: int) -> Condition:
    """A permission that was stated holds."""
    return Condition(
        "(i.permission_basis IS NOT NULL AND i.valid_until > ? AND i.withdrawn_at IS NULL)", (now,)
    )


def by_law(at: At) -> Condition:
    """The work goes on and is always findable at the hub."""
    return Condition(
        "(i.type IN (SELECT type FROM always_findable WHERE hub_id = ?) "
        "AND (i.ended_at IS NULL OR i.ended_at > ?))",
        (at.hub_id, at.now),
    )


def withheld(client: str, now: int) -> Condition:
    """Two people withhold the client of this column, or whom they were merged into."""
    return Condition(
        f"{client} IN (WITH RECURSIVE kept (client) AS "  # noqa: S608 - our own names
        "(SELECT client FROM withheld WHERE agreed_at IS NOT NULL "
        "AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > ?) "
        "UNION SELECT m.client FROM merged_client m JOIN kept k ON k.client = m.into_client) "
        "SELECT client FROM kept)",
        (now,),
    )


def permitted(at: At) -> Condition:
    """There is a permission, whether or not the work goes on; nobody withholds the client."""
    kept = withheld("i.client", at.now)
    return (stated(at.now) | by_law(at)) & Condition(f"NOT {kept.sql}", kept.values)


def enquired(at: At) -> Condition:
    """An enquiry is published as far as this hub has allowed it, until somebody closes it, and
    nothing else of somebody who is no client; nor is anything else of that type.
    """
    return Condition(
        "CASE WHEN i.type = ? OR i.client IN (SELECT client FROM enquiry) "
        "THEN i.type = ? AND i.ended_at IS NULL AND i.valid_until <= "
        "(SELECT MAX(e.until) FROM enquiry e WHERE e.client = i.client AND e.hub_id = ? "
        "AND e.state = 'allowed') ELSE 1 = 1 END",
        (ENQUIRY, ENQUIRY, at.hub_id),
    )


def publishable(at: At) -> Condition:
    """The same, and the client is not held back (node/store/held.py); what is findable by law is,
    unless who they may be is withheld; of enquiries what was allowed.
    """
    other = withheld("h.other", at.now)
    known = Condition("i.client NOT IN (SELECT client FROM held_client)", ())
    law = by_law(at) & Condition(
        "i.client NOT IN (SELECT h.client FROM held_client h "  # noqa: S608 - our own names
        f"WHERE {other.sql})",
        other.values,
    )
    return permitted(at) & (known | law) & enquired(at)


def in_force(at: At) -> Condition:
    """The same as `publishable`, and the work goes on."""
    return publishable(at) & Condition("(i.ended_at IS NULL OR i.ended_at > ?)", (at.now,))


# Of a query that names an involvement in the column `involvement`, and in `worker` whose details
# left, as the table `r`.
JOINED = (
    "LEFT JOIN involvement i ON i.id = r.involvement LEFT JOIN practitioner p ON p.id = r.worker"
)


def over(at: At) -> Condition:
    """Of such a query: a card over it is out of place."""
    holds = permitted(at)
    return Condition(
        f"(i.id IS NULL OR NOT {holds.sql} OR i.ended_at <= ? OR p.closed_at IS NOT NULL)",
        (*holds.values, at.now - at.past),
    )


def columns(now: int) -> Condition:
    """Of such a query: what `why_over` wants to see."""
    kept = withheld("i.client", now)
    return Condition(
        "i.id AS held, i.permission_basis AS held_basis, i.valid_until AS held_until, "
        "i.ended_at AS held_ended, i.withdrawn_at, p.closed_at AS left_at, "
        f"{kept.sql} AS is_withheld",
        kept.values,
    )


def why_over(row: Row, at: At) -> Ended:
    """Of a row of `columns` that is `over`: why. A withdrawal is the last that is said."""
    if row["held"] is None:
        return Ended.CLOSED
    if row["is_withheld"]:
        return Ended.WITHHELD
    is_over = row["held_ended"] is not None and row["held_ended"] <= at.now - at.past
    if row["held_basis"] is None or is_over:
        return Ended.CLOSED
    if row["left_at"] is not None:
        return Ended.LEFT
    return Ended.EXPIRED if row["held_until"] <= at.now else Ended.WITHDRAWN


class Permissions:
    """Permissions within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def ends_at(self, involvement: int | None, at: At) -> int | None:
        """When an involvement ends (Unix seconds): its permission, or its work and the time for
        which that is seen; None if it has.
        """
        holds, law = permitted(at), by_law(at)
        row = self._tx.one(
            f"SELECT i.valid_until, i.ended_at, {stated(at.now).sql} AS stated, "  # noqa: S608 - ours
            f"{law.sql} AS by_law FROM involvement i "
            f"WHERE i.id = ? AND {holds.sql} AND (i.ended_at IS NULL OR i.ended_at > ?)",
            *stated(at.now).values, *law.values, involvement, *holds.values, at.now - at.past,
        )  # fmt: skip
        if row is None:
            return None
        ended = row["ended_at"]
        ends = []
        if row["by_law"]:
            ends.append(WHILE_OPEN if ended is None else int(ended))
        if row["stated"]:
            valid = int(row["valid_until"])
            ends.append(valid if ended is None else min(valid, int(ended) + at.past))
        return max(ends)

    def ending(self, now: int, until: int) -> list[int]:
        """Involvements that go on and whose permission, not withdrawn, ends between two times."""
        rows = self._tx.rows(
            "SELECT id FROM involvement WHERE valid_until > ? AND valid_until <= ? "
            "AND withdrawn_at IS NULL AND permission_basis IS NOT NULL "
            "AND (ended_at IS NULL OR ended_at > ?) ORDER BY id",
            now, until, now,
        )  # fmt: skip
        return [int(row["id"]) for row in rows]

    def is_in_force(self, involvement: int | None, at: At) -> bool:
        """Whether an involvement has a permission, and goes on or is past and still seen."""
        return self.ends_at(involvement, at) is not None
