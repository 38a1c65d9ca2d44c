"""What a node has noticed of a hub and its log. No personal data: codes, indexes and ids."""

from collections.abc import Collection
from dataclasses import dataclass

from storage.engine import Row, Transaction


@dataclass(frozen=True)
class AlarmRow:
    """One alarm as it lies on disk; `place` is an index or an id, or empty."""

    id: int
    code: str
    place: str
    first_seen: int
    last_seen: int
    acknowledged: bool


@dataclass(frozen=True)
class Watched:
    """Up to where a person has been told of the log, and since when it has had no quorum."""

    told_size: int
    no_quorum_since: int | None


class AlarmStore:
    """Alarms, by hub, code and place."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def seen(self, hub_id: str, code: str, place: str, now: int) -> bool:
        """Note that something is so; whether that is news. One that was cleared begins anew."""
        key = {"hub_id": hub_id, "code": code, "place": place}
        known = self._tx.run(
            "UPDATE alarm SET last_seen = ? WHERE hub_id = ? AND code = ? AND place = ? "
            "AND cleared_at IS NULL",
            now, *key.values(),
        )  # fmt: skip
        if known:
            return False
        fresh = {"cleared_at": None, "acknowledged_at": None, "told": 0}
        row = {**key, "first_seen": now, "last_seen": now, **fresh}
        self._tx.put("alarm", row, ("hub_id", "code", "place"))
        return True

    def clear(self, hub_id: str, code: str, places: Collection[str], now: int) -> None:
        """Note that these are no longer so."""
        self._tx.run_among(
            "UPDATE alarm SET cleared_at = ? WHERE hub_id = ? AND code = ? "
            "AND cleared_at IS NULL AND place IN (:among)",
            now, hub_id, code, among=places,
        )  # fmt: skip

    def open(self, hub_id: str) -> list[AlarmRow]:
        """What is so, oldest first."""
        sql = "SELECT * FROM alarm WHERE hub_id = ? AND cleared_at IS NULL ORDER BY id"
        return [_alarm(row) for row in self._tx.rows(sql, hub_id)]

    def untold(self, hub_id: str) -> list[AlarmRow]:
        """What is so and nobody outside this database was told of, oldest first."""
        sql = "SELECT * FROM alarm WHERE hub_id = ? AND told = 0 AND cleared_at IS NULL ORDER BY id"
        return [_alarm(row) for row in self._tx.rows(sql, hub_id)]

    def told(self, hub_id: str, number: int) -> None:
        """Somebody was told of an alarm."""
        self._tx.update("alarm", {"told": 1}, {"hub_id": hub_id, "id": number})

    def acknowledge(self, hub_id: str, number: int, now: int) -> bool:
        """A person has dealt with an alarm; whether there was such an alarm."""
        key = {"hub_id": hub_id, "id": number}
        return self._tx.update("alarm", {"acknowledged_at": now}, key) == 1

    def evidence(self, hub_id: str) -> set[str]:
        """The digests of the pairs of notes that are kept."""
        sql = "SELECT digest FROM evidence WHERE hub_id = ?"
        return {str(row["digest"]) for row in self._tx.rows(sql, hub_id)}

    def keep_evidence(self, hub_id: str, digest: str, notes: tuple[bytes, bytes], now: int) -> None:
        """Keep two notes that contradict each other, verbatim, for ever. Twice is once."""
        self._tx.run(
            "INSERT INTO evidence (hub_id, digest, held, served, seen_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            hub_id, digest, *notes, now,
        )  # fmt: skip

    def watched(self, hub_id: str) -> Watched | None:
        """What was noted at the last look; None before the first."""
        row = self._tx.one("SELECT * FROM watched WHERE hub_id = ?", hub_id)
        return Watched(row["told_size"], row["no_quorum_since"]) if row else None

    def watch(self, hub_id: str, watched: Watched) -> None:
        """Note what a look found."""
        self._tx.put("watched", {"hub_id": hub_id, **vars(watched)}, ("hub_id",))

    def forget_watched(self, hub_id: str) -> None:
        """Forget how far a lost log was looked at."""
        self._tx.run("DELETE FROM watched WHERE hub_id = ?", hub_id)


def _alarm(row: Row) -> AlarmRow:
    seen = (row["first_seen"], row["last_seen"])
    return AlarmRow(row["id"], row["code"], row["place"], *seen, row["acknowledged_at"] is not None)
