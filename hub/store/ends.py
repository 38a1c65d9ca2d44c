"""Stubs that lost something since the last ends pass, and the leaves that are owed for ends.

Apart from what rounds look at: a round looks at these stubs all the same.
"""

from collections.abc import Collection

from storage.engine import Transaction

STUBS_A_LEAF = 500

_OWED = "ends_owed"


class Ends:
    """What ends passes have to do, within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def look_at(self, stub_ids: Collection[str]) -> None:
        """Have the next pass look at stubs."""
        rows = [{"stub_id": stub_id} for stub_id in stub_ids]
        self._tx.put_many("lost_stub", rows, ("stub_id",))

    def look_at_agency(self, agency: str) -> None:
        """Have the next passes look at an agency's stubs that are not retired; owe their leaves."""
        self._tx.run(
            "INSERT INTO lost_stub SELECT stub_id FROM stub WHERE agency = ? AND retired = 0 "
            "ON CONFLICT (stub_id) DO NOTHING",
            agency,
        )
        sql = "SELECT COUNT(*) AS n FROM stub WHERE agency = ? AND retired = 0"
        row = self._tx.one(sql, agency)
        self.owe(int(row["n"]) if row else 0)

    def look_at_links(self) -> None:
        """Have the next passes look at all links that have not ended; owe leaves for all stubs."""
        self._tx.run(
            "INSERT INTO lost_stub SELECT stub_a FROM link WHERE state <> 'ended' "
            "ON CONFLICT (stub_id) DO NOTHING"
        )
        row = self._tx.one("SELECT COUNT(*) AS n FROM stub WHERE retired = 0")
        self.owe(int(row["n"]) if row else 0)

    def owe(self, stubs: int) -> None:
        """Owe the leaves of so many stubs, at least one, whether any of them lost something or not:
        what is looked at is never more.
        """
        self._set_owed(self.owed() + max(1, -(-stubs // STUBS_A_LEAF)))

    def owed(self) -> int:
        """How many leaves are owed."""
        row = self._tx.one("SELECT value FROM meta WHERE key = ?", _OWED)
        return int(row["value"]) if row else 0

    def take(self) -> list[str]:
        """The stubs that the next leaf is about, by id, perhaps none; one leaf less is owed."""
        sql = "SELECT stub_id FROM lost_stub ORDER BY stub_id LIMIT ?"
        stub_ids = [row["stub_id"] for row in self._tx.rows(sql, STUBS_A_LEAF)]
        self._tx.run_among("DELETE FROM lost_stub WHERE stub_id IN (:among)", among=stub_ids)
        self._set_owed(self.owed() - 1)
        return stub_ids

    def _set_owed(self, leaves: int) -> None:
        self._tx.put("meta", {"key": _OWED, "value": str(leaves)}, ("key",))
