"""Who of our own works with a client, as requests need to know it."""

from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True)
class Worker:
    """A practitioner of ours, as a card names one."""

    name: str
    role: str | None
    phone: str | None
    email: str | None
    team: str


class Workers:
    """Practitioners and involvements, by their rows."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def involvement(self, hub_id: str, involvement_id: str) -> int | None:
        """The involvement behind one of our opaque ids at a hub."""
        row = self._tx.one(
            "SELECT involvement FROM stub_involvement WHERE hub_id = ? AND involvement_id = ?",
            hub_id, involvement_id,
        )  # fmt: skip
        return int(row["involvement"]) if row else None

    def client_of(self, involvement: int | None) -> int | None:
        """The client of an involvement."""
        row = self._tx.one("SELECT client FROM involvement WHERE id = ?", involvement)
        return int(row["client"]) if row else None

    def name(self, practitioner: int) -> str | None:
        """A practitioner's name."""
        row = self._tx.one("SELECT name FROM practitioner WHERE id = ?", practitioner)
        return str(row["name"]) if row else None

    def of_involvement(self, involvement: int | None) -> Worker | None:
        """Who works on an involvement."""
        row = self._tx.one(
            "SELECT p.name, p.role, p.phone, p.email, p.team FROM practitioner p "
            "JOIN involvement i ON i.practitioner = p.id WHERE i.id = ?",
            involvement,
        )
        return Worker(**row) if row else None

    def named(self, name: str) -> list[int]:
        """Practitioners of a name, or all of them for an empty one."""
        if not name:
            rows = self._tx.rows("SELECT id FROM practitioner ORDER BY id")
        else:
            rows = self._tx.rows("SELECT id FROM practitioner WHERE name = ? ORDER BY id", name)
        return [int(row["id"]) for row in rows]

    def of_client(self, local_id: str) -> int | None:
        """The first practitioner who works with a client."""
        row = self._tx.one(
            "SELECT p.id FROM practitioner p JOIN involvement i ON i.practitioner = p.id "
            "JOIN client c ON c.id = i.client WHERE c.local_id = ? ORDER BY i.id",
            local_id,
        )
        return int(row["id"]) if row else None
