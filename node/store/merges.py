"""The store of clients of ours who are one, and of what clients who are added by hand get.

A merged client keeps its row, its other ids, objections and relatives, so that its stubs are
retired and the merge can be taken back: only its work goes over. One who was merged can have had
others merged into them. Nothing here decides.
"""

from collections.abc import Collection
from dataclasses import dataclass

from storage.engine import Transaction

PARTS = (
    "WITH RECURSIVE part (client, whole) AS (SELECT client, into_client FROM merged_client UNION "
    "SELECT p.client, m.into_client FROM part p JOIN merged_client m ON m.client = p.whole) "
)
"""Before a query: each merged client, and those whom they are part of, directly or not."""


@dataclass(frozen=True)
class Preset:
    """What a client who is added by hand gets: the service, and a permission for so many days."""

    name: str
    type: str
    label: str | None
    team: str | None
    basis: str
    days: int


class Merges:
    """Merged clients and presets within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put_preset(self, preset: Preset) -> None:
        """Keep a preset, or let the one of its name say this."""
        self._tx.put("preset", dict(vars(preset)), ("name",))

    def presets(self) -> list[Preset]:
        """All presets, by name."""
        return [Preset(**row) for row in self._tx.rows("SELECT * FROM preset ORDER BY name")]

    def drop_preset(self, name: str) -> bool:
        """Keep a preset no longer; whether there was one. Clients keep what they got by it."""
        return self._tx.run("DELETE FROM preset WHERE name = ?", name) == 1

    def all_merged(self, clients: Collection[int]) -> set[int]:
        """Of these clients (row ids), those who are part of another one."""
        sql = "SELECT client FROM merged_client WHERE client IN (:among)"
        return {int(row["client"]) for row in self._tx.rows_among(sql, among=clients)}

    def merged(self, local_id: str) -> tuple[int, int] | None:
        """The merged client of an own id, and who has their work (row ids)."""
        row = self._tx.one(
            f"{PARTS} SELECT p.client, p.whole FROM part p "  # noqa: S608 - our own names
            "JOIN client c ON c.id = p.client WHERE c.local_id = ? "
            "AND p.whole NOT IN (SELECT client FROM merged_client)",
            local_id,
        )
        return (int(row["client"]), int(row["whole"])) if row else None

    def whole_of(self, client: int) -> int:
        """The client that one (a row id) is part of; themselves where they are whole."""
        row = self._tx.one(
            f"{PARTS} SELECT whole FROM part WHERE client = ? "  # noqa: S608 - our own names
            "AND whole NOT IN (SELECT client FROM merged_client)",
            client,
        )
        return int(row["whole"]) if row else client

    def wholes(self) -> dict[int, int]:
        """Everybody who is part of another client, with whom."""
        into = dict(self._tx.tuples("SELECT client, into_client FROM merged_client"))

        def whole(client: int) -> int:
            while client in into:
                client = into[client]
            return client

        return {client: whole(client) for client in into}

    def merge(self, client: int, into: int, person: int, now: int) -> None:
        """Let all work with a client be work with another one; the hub will know it by new ids."""
        row = {"client": client, "into_client": into, "person": person, "at": now}
        self._tx.insert("merged_client", row)
        self._tx.run(
            "INSERT INTO merged_involvement (involvement, client) "
            "SELECT id, client FROM involvement WHERE client = ? "
            "ON CONFLICT (involvement) DO NOTHING",
            client,
        )
        self._tx.run("UPDATE involvement SET client = ? WHERE client = ?", into, client)
        self._forget_ids(into)

    def part(self, client: int, into: int) -> int:
        """Take a merge back; how much work goes back: theirs, and of those merged into them."""
        self._forget_ids(into)
        sql = f"{PARTS} SELECT client FROM part WHERE whole = ?"  # noqa: S608 - our own names
        parts = [client, *(int(row["client"]) for row in self._tx.rows(sql, client))]
        count = self._tx.run_among(
            "UPDATE involvement SET client = ? WHERE client = ? AND id IN "
            "(SELECT involvement FROM merged_involvement WHERE client IN (:among))",
            client, into, among=parts,
        )  # fmt: skip
        self._tx.run("DELETE FROM merged_involvement WHERE client = ?", client)
        self._tx.run("DELETE FROM merged_client WHERE client = ?", client)
        return count

    def _forget_ids(self, client: int) -> None:
        """Work that changes hands is known to hubs by new ids: theirs is one of a stub."""
        self._tx.run(
            "DELETE FROM stub_involvement WHERE involvement IN (SELECT m.involvement "
            "FROM merged_involvement m JOIN involvement i ON i.id = m.involvement "
            "WHERE i.client = ?)",
            client,
        )
