"""Who looked at which client on the pages: for the lead for information governance.

The curiosity of insiders is the commonest breach, and a record that is looked at is what stops it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True, repr=False)
class Opening:
    """One of our people (a row's id) looked at a client (likewise), and why, if it was not asked by
    their work; times are Unix seconds; `id` 0: not written down yet.
    """

    person: int
    client: int
    at: int
    reason: str | None
    id: int = 0

    def __repr__(self) -> str:
        """Say nothing."""
        return "Opening(hidden)"


class Openings:
    """Openings within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, opening: Opening) -> None:
        """Somebody looks."""
        row = {name: value for name, value in vars(opening).items() if name != "id"}
        self._tx.insert("opening", row)

    def looked(self, person: int, client: int, since: int) -> bool:
        """Whether a person looked at a client, since a time."""
        sql = "SELECT 1 FROM opening WHERE client = ? AND person = ? AND at >= ? LIMIT 1"
        return self._tx.one(sql, client, person, since) is not None

    def said_why(self, person: int, clients: Collection[int], since: int) -> set[int]:
        """Those of these clients at whom a person gave a reason to look, since a time."""
        sql = (
            "SELECT DISTINCT client FROM opening WHERE person = ? AND at >= ? "
            "AND reason IS NOT NULL AND client IN (:among)"
        )
        return {client for (client,) in self._tx.tuples_among(sql, person, since, among=clients)}

    def per_day(self, since: int, until: int) -> list[tuple[int, int, int]]:
        """How many different clients each person opened on each day (Unix seconds // 86400)."""
        rows = self._tx.rows(
            "SELECT person, at / 86400 AS day, COUNT(DISTINCT client) AS n FROM opening "
            "WHERE at >= ? AND at < ? GROUP BY person, at / 86400",
            since, until,
        )  # fmt: skip
        return [(row["person"], row["day"], row["n"]) for row in rows]

    def newest(self, before: int, most: int, *, with_reason: bool) -> list[Opening]:
        """The newest of all, before one (its row's id); or only those that needed a reason."""
        only = "AND reason IS NOT NULL" if with_reason else ""
        rows = self._tx.rows(
            f"SELECT id, person, client, at, reason FROM opening WHERE id < ? {only} "  # noqa: S608
            "ORDER BY id DESC LIMIT ?",
            before, most,
        )  # fmt: skip
        return [Opening(**row) for row in rows]
