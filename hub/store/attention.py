"""Attention that was raised: what is still to be told, and who was told over which link."""

from collections.abc import Collection, Iterable

from storage.engine import Transaction


class AttentionStore:
    """Raised attention within one open transaction, by the index of its entry in the log."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def is_used(self, attention_id: str) -> bool:
        """Whether attention was raised under this id before."""
        sql = "SELECT 1 FROM attention WHERE attention_id = ?"
        return self._tx.one(sql, attention_id) is not None

    def add(self, attention_id: str, index: int) -> None:
        """Owe the team what was logged at an index."""
        self._tx.insert("attention", {"attention_id": attention_id, "idx": index, "told": 0})

    def owed(self) -> list[int]:
        """What is still to be told, in order."""
        rows = self._tx.rows("SELECT idx FROM attention WHERE told = 0 ORDER BY idx")
        return [int(row["idx"]) for row in rows]

    def told(self, index: int, ends: Iterable[tuple[str, str]]) -> None:
        """It was told: to these agencies, each over a link."""
        rows = [{"agency": agency, "idx": index, "link_id": link_id} for agency, link_id in ends]
        self._tx.insert_many("attention_told", rows)
        self._tx.update("attention", {"told": 1}, {"idx": index})

    def told_to(self, agency: str) -> list[tuple[int, str]]:
        """What an agency was told: index and link, in order."""
        sql = "SELECT idx, link_id FROM attention_told WHERE agency = ? ORDER BY idx, link_id"
        return [(int(row["idx"]), str(row["link_id"])) for row in self._tx.rows(sql, agency)]

    def erase(self, indexes: Collection[int]) -> None:
        """Delete what is kept beside entries whose payload goes."""
        for table in ("attention", "attention_told"):
            sql = f"DELETE FROM {table} WHERE idx IN (:among)"  # noqa: S608 - our own names
            self._tx.run_among(sql, among=indexes)
