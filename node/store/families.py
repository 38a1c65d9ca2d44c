"""The store of families: who of our clients is what of another one. It stays at the node."""

from dataclasses import dataclass

from node.store.merges import PARTS
from storage.engine import Transaction

_SAID = (
    f"{PARTS}, one (client, whole) AS (SELECT client, whole FROM part "  # noqa: S608 - our own
    "WHERE whole NOT IN (SELECT client FROM merged_client)), "
    "said (client, relative, relation, by_client, by_relative) AS (SELECT "
    "COALESCE(a.whole, r.client), COALESCE(b.whole, r.relative), r.relation, r.client, r.relative "
    "FROM relative r LEFT JOIN one a ON a.client = r.client LEFT JOIN one b "
    "ON b.client = r.relative) "
)
"""What is said of merged clients counts for those whom they are part of."""


@dataclass(frozen=True)
class Relative:
    """A client (a row id and own id) and what they are of another one; `of_them` says that it is
    the other way round: what the other one is of them.
    """

    client: int
    local_id: str
    relation: str
    of_them: bool


class Families:
    """Relatives within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put(self, client: int, relative: int, relation: str) -> None:
        """Say what a relative is of a client (row ids)."""
        row = {"client": client, "relative": relative, "relation": relation}
        self._tx.put("relative", row, ("client", "relative"))

    def remove(self, client: int, relative: int) -> int:
        """Say it no longer, in either direction; how much was said."""
        pairs = self._tx.rows(
            f"{_SAID} SELECT by_client, by_relative FROM said "  # noqa: S608 - our own names
            "WHERE (client = ? AND relative = ?) OR (client = ? AND relative = ?)",
            client, relative, relative, client,
        )  # fmt: skip
        self._tx.run_many(
            "DELETE FROM relative WHERE client = ? AND relative = ?",
            [(pair["by_client"], pair["by_relative"]) for pair in pairs],
        )
        return len(pairs)

    def of(self, client: int) -> list[Relative]:
        """The relatives of a client, by own id; each once, as it was said of them if it was."""
        rows = self._tx.rows(
            f"{_SAID} SELECT c.id, c.local_id, r.relation, 0 AS of_them "  # noqa: S608 - our own
            "FROM said r JOIN client c ON c.id = r.relative WHERE r.client = ? AND c.id <> ? "
            "UNION ALL SELECT c.id, c.local_id, r.relation, 1 "
            "FROM said r JOIN client c ON c.id = r.client WHERE r.relative = ? AND c.id <> ?",
            client, client, client, client,
        )  # fmt: skip
        found: dict[int, Relative] = {}
        for row in rows:
            item = Relative(row["id"], row["local_id"], row["relation"], bool(row["of_them"]))
            found.setdefault(item.client, item)
        return sorted(found.values(), key=lambda item: item.local_id)
