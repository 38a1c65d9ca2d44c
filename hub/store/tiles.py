"""The public tree in the database: hashes of tiles, and the checkpoint that is published."""

from storage.engine import Transaction


class Tiles:
    """Tiles within one open transaction. A tile's hashes are one after the other, of 32 bytes."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def hashes(self, level: int, index: int) -> bytes:
        """The hashes of a tile that are here, none for one that has not begun."""
        row = self._tx.one("SELECT hashes FROM tile WHERE level = ? AND idx = ?", level, index)
        return bytes(row["hashes"]) if row else b""

    def put(self, level: int, index: int, hashes: bytes) -> None:
        """Put a tile in the place of what is here of it."""
        self._tx.put("tile", {"level": level, "idx": index, "hashes": hashes}, ("level", "idx"))

    def published(self) -> bytes | None:
        """The checkpoint that is published; None before the first."""
        row = self._tx.one("SELECT note FROM published")
        return bytes(row["note"]) if row else None

    def publish(self, note: bytes) -> None:
        """Publish a checkpoint in the place of the last one."""
        self._tx.put("published", {"id": 1, "note": note}, ("id",))
