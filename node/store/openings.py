"""Who looked at which client on the pages: for the lead for information governance.

The curiosity of insiders is the commonest breach, and a record that is looked at is what stops it.
"""

from dataclasses import dataclass

from storage.engine import Row, Transaction


@dataclass(frozen=True, repr=False)
class Opening:
    """One of our people (a row's id) looked at a client (likewise), and why, if it was not asked by
    their work; times are Unix seconds.
    """

    person: int
    client: int
    at: int
    reason: str | None

    def __repr__(self) -> str:
        """Say nothing."""
        return "Opening(hidden)"


class Openings:
    """Openings within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, opening: Opening) -> None:
        """Somebody looks."""
        self._tx.insert("opening", vars(opening))

    def looked(self, person: int, client: int, since: int) -> bool:
        """Whether a person looked at a client, since a time."""
        sql = "SELECT 1 FROM opening WHERE client = ? AND person = ? AND at >= ? LIMIT 1"
        return self._tx.one(sql, client, person, since) is not None

    def said_why(self, person: int, client: int, since: int) -> bool:
        """Whether a person gave a reason to look at a client, since a time."""
        return (
            self._tx.one(
                "SELECT 1 FROM opening WHERE client = ? AND person = ? AND at >= ? "
                "AND reason IS NOT NULL LIMIT 1",
                client, person, since,
            )
            is not None
        )  # fmt: skip

    def of_client(self, client: int, most: int) -> list[Opening]:
        """The newest of a client."""
        rows = self._tx.rows(
            "SELECT person, client, at, reason FROM opening WHERE client = ? "
            "ORDER BY at DESC, id DESC LIMIT ?",
            client, most,
        )  # fmt: skip
        return [_opening(row) for row in rows]

    def newest(self, before: int, most: int, *, with_reason: bool) -> list[Opening]:
        """The newest of all, before a time; or only those that needed a reason."""
        only = "AND reason IS NOT NULL" if with_reason else ""
        rows = self._tx.rows(
            f"SELECT person, client, at, reason FROM opening WHERE at < ? {only} "  # noqa: S608
            "ORDER BY at DESC, id DESC LIMIT ?",
            before, most,
        )  # fmt: skip
        return [_opening(row) for row in rows]


def _opening(row: Row) -> Opening:
    return Opening(**row)
