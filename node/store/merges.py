"""The store of clients of ours who are one, and of what clients who are added by hand get.

A merged client keeps its row, so that its stubs are retired and the merge can be taken back.
Nothing here decides.
"""

from collections.abc import Collection
from dataclasses import dataclass

from storage.engine import Transaction


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

    def all_merged(self, clients: Collection[int]) -> set[int]:
        """Of these clients (row ids), those who are part of another one."""
        sql = "SELECT client FROM merged_client WHERE client IN (:among)"
        return {int(row["client"]) for row in self._tx.rows_among(sql, among=clients)}

    def merged(self, local_id: str) -> tuple[int, int] | None:
        """The merged client of an own id, and whom it is part of (row ids)."""
        row = self._tx.one(
            "SELECT m.client, m.into_client FROM merged_client m JOIN client c ON c.id = m.client "
            "WHERE c.local_id = ?",
            local_id,
        )
        return (int(row["client"]), int(row["into_client"])) if row else None

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
        self._tx.run("UPDATE other_id SET client = ? WHERE client = ?", into, client)
        self._tx.run(
            "INSERT INTO other_id (local_id, client) SELECT local_id, ? FROM client WHERE id = ? "
            "ON CONFLICT (local_id) DO UPDATE SET client = excluded.client",
            into, client,
        )  # fmt: skip

    def part(self, client: int, into: int) -> int:
        """Take a merge back; how much work goes back."""
        self._forget_ids(into)
        count = self._tx.run(
            "UPDATE involvement SET client = ? WHERE client = ? AND id IN "
            "(SELECT involvement FROM merged_involvement WHERE client = ?)",
            client, into, client,
        )  # fmt: skip
        self._tx.run("DELETE FROM merged_involvement WHERE client = ?", client)
        self._tx.run(
            "DELETE FROM other_id WHERE client = ? AND local_id IN "
            "(SELECT local_id FROM client WHERE id = ?)",
            into, client,
        )  # fmt: skip
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
