"""The store of families: who of our clients is what of another one. It stays at the node."""

from dataclasses import dataclass

from storage.engine import Transaction


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
        return self._tx.run(
            "DELETE FROM relative WHERE (client = ? AND relative = ?) "
            "OR (client = ? AND relative = ?)",
            client, relative, relative, client,
        )  # fmt: skip

    def of(self, client: int) -> list[Relative]:
        """The relatives of a client, by own id; each once, as it was said of them if it was."""
        rows = self._tx.rows(
            "SELECT c.id, c.local_id, r.relation, 0 AS of_them FROM relative r "
            "JOIN client c ON c.id = r.relative WHERE r.client = ? UNION ALL "
            "SELECT c.id, c.local_id, r.relation, 1 FROM relative r "
            "JOIN client c ON c.id = r.client WHERE r.relative = ?",
            client, client,
        )  # fmt: skip
        found: dict[int, Relative] = {}
        for row in rows:
            item = Relative(row["id"], row["local_id"], row["relation"], bool(row["of_them"]))
            found.setdefault(item.client, item)
        return sorted(found.values(), key=lambda item: item.local_id)
