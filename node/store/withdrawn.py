"""The store of keyed hashes of clients who withdrew and whose records are deleted.

specs/09-imports.md §14. The secret lies beside them, is drawn with the first and goes with the
last: then nothing tells any more whom they were of. Nothing here decides.
"""

from collections.abc import Collection

from storage.engine import Transaction


class WithdrawnHashes:
    """Hashes within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def secret(self) -> bytes | None:
        """What they are keyed with; None while there are none."""
        row = self._tx.one("SELECT secret FROM withdrawn_secret")
        return bytes(row["secret"]) if row else None

    def set_secret(self, secret: bytes) -> None:
        """Keep what the first is keyed with. Raises NotUniqueError where there is one."""
        self._tx.insert("withdrawn_secret", {"id": 1, "secret": secret})

    def put(self, hashes: Collection[bytes], now: int, until: int) -> None:
        """Keep hashes until a time; one that is here, until the later one."""
        self._tx.run_many(
            "INSERT INTO withdrawn_hash (hash, made_at, until) VALUES (?, ?, ?) "
            "ON CONFLICT (hash) DO UPDATE SET made_at = excluded.made_at, until = excluded.until",
            [(item, now, until) for item in sorted(hashes)],
        )

    def among(self, hashes: Collection[bytes], now: int) -> set[bytes]:
        """Those of these that are kept and whose time is not over."""
        sql = "SELECT hash FROM withdrawn_hash WHERE until > ? AND hash IN (:among)"
        return {bytes(row["hash"]) for row in self._tx.rows_among(sql, now, among=hashes)}

    def count_over(self, now: int, days: int | None) -> int:
        """How many there are whose time is over: the one set then, or so many days."""
        row = self._tx.one(f"SELECT COUNT(*) AS n FROM ({_OVER}) o", *_times(now, days))  # noqa: S608
        return int(row["n"]) if row else 0

    def remove_over(self, now: int, days: int | None, most: int) -> int:
        """Delete some of those, and the secret with the last; how many."""
        gone = self._tx.run(
            f"DELETE FROM withdrawn_hash WHERE hash IN ({_OVER} LIMIT ?)",  # noqa: S608 - our own
            *_times(now, days), most,
        )  # fmt: skip
        if gone and self._tx.one("SELECT 1 FROM withdrawn_hash LIMIT 1") is None:
            self._tx.run("DELETE FROM withdrawn_secret")
        return gone


# A union, so that either index is used.
_OVER = (
    "SELECT hash FROM withdrawn_hash WHERE until <= ? "
    "UNION SELECT hash FROM withdrawn_hash WHERE made_at <= ?"
)


def _times(now: int, days: int | None) -> tuple[int, int]:
    return now, now - days * 86_400 if days is not None else 0
