"""Waves: organisations that are invited and trained, and go live together on one day."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True)
class Wave:
    """A group that goes live on a day (ISO)."""

    id: int
    name: str
    day: str


@dataclass(frozen=True)
class InWave:
    """An organisation of a wave: the hash of the invitation that was made for it, and on which days
    (ISO) its people were trained and it was opened.
    """

    wave: int
    name: str
    invitation: str | None
    trained_on: str | None
    opened_on: str | None


class Waves:
    """All waves within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, name: str, day: str) -> int:
        """A new wave; its number. Raises NotUniqueError for a name that another has."""
        return self._tx.insert_for_id("wave", {"name": name, "day": day})

    def change(self, wave: int, name: str, day: str) -> None:
        """Another name or day. Raises NotUniqueError."""
        self._tx.update("wave", {"name": name, "day": day}, {"id": wave})

    def drop(self, wave: int) -> None:
        """Forget a wave with its organisations; what they are themselves stays."""
        self._tx.run("DELETE FROM wave_organisation WHERE wave = ?", wave)
        self._tx.run("DELETE FROM wave WHERE id = ?", wave)

    def get(self, wave: int) -> Wave | None:
        """A wave by its number."""
        row = self._tx.one("SELECT * FROM wave WHERE id = ?", wave)
        return Wave(**row) if row else None

    def all(self) -> Sequence[Wave]:
        """All waves, by day."""
        return [Wave(**row) for row in self._tx.rows("SELECT * FROM wave ORDER BY day, name")]

    def put_in(self, wave: int, names: Collection[str]) -> None:
        """Have organisations in a wave too; those that are in it stay as they are."""
        rows = [{"wave": wave, "name": name} for name in names]
        self._tx.put_many("wave_organisation", rows, ("wave", "name"))

    def take_out(self, wave: int, names: Collection[str]) -> None:
        """Have organisations in a wave no longer."""
        sql = "DELETE FROM wave_organisation WHERE wave = ? AND name IN (:among)"
        self._tx.run_among(sql, wave, among=names)

    def organisations(self, wave: int) -> Sequence[InWave]:
        """The organisations of a wave, by name."""
        sql = "SELECT * FROM wave_organisation WHERE wave = ? ORDER BY name"
        return [InWave(**row) for row in self._tx.rows(sql, wave)]

    def invited(self, wave: int, name: str, code_hash: str) -> None:
        """An invitation was made for an organisation, in the place of an earlier one."""
        self._tx.update("wave_organisation", {"invitation": code_hash}, _key(wave, name))

    def trained(self, wave: int, name: str, day: str) -> None:
        """An organisation's people were trained on a day."""
        self._tx.update("wave_organisation", {"trained_on": day}, _key(wave, name))

    def opened(self, wave: int, name: str, day: str) -> None:
        """An organisation was opened on a day."""
        self._tx.update("wave_organisation", {"opened_on": day}, _key(wave, name))


def _key(wave: int, name: str) -> dict[str, object]:
    return {"wave": wave, "name": name}
