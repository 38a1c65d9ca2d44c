"""What the limits on publications count: new stubs a day, and changes of a stub's tokens.

specs/04-matching.md §10. What is allowed is decided elsewhere (protocol/governance/limits.py).
"""

from collections.abc import Collection
from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True)
class LastTokens:
    """The commitment to the tokens that a stub published last, and under which charter."""

    commitment: str
    charter_version: int


class PublicationLimits:
    """The counts within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def new_stubs(self, agency: str) -> dict[int, int]:
        """How many stubs an agency published for the first time, by day."""
        sql = "SELECT day, count FROM new_stubs WHERE agency = ?"
        return {row["day"]: row["count"] for row in self._tx.rows(sql, agency)}

    def add_new_stubs(self, agency: str, day: int, number: int) -> None:
        """Count so many more new stubs of an agency on a day."""
        self._tx.run(
            "INSERT INTO new_stubs (agency, day, count) VALUES (?, ?, ?) "
            "ON CONFLICT (agency, day) DO UPDATE SET count = new_stubs.count + excluded.count",
            agency, day, number,
        )  # fmt: skip

    def last_tokens(self, stub_ids: Collection[str]) -> dict[str, LastTokens]:
        """What those of these stubs that ever had tokens published last, by stub."""
        sql = "SELECT * FROM stub_tokens WHERE stub_id IN (:among)"
        return {
            row["stub_id"]: LastTokens(row["token_commitment"], row["charter_version"])
            for row in self._tx.rows_among(sql, among=stub_ids)
        }

    def changes_of(self, stub_ids: Collection[str]) -> dict[str, list[int]]:
        """When those of these stubs that ever changed their tokens did, by stub."""
        sql = "SELECT stub_id, at FROM stub_change WHERE stub_id IN (:among) ORDER BY stub_id, at"
        found: dict[str, list[int]] = {}
        for row in self._tx.rows_among(sql, among=stub_ids):
            found.setdefault(row["stub_id"], []).append(row["at"])
        return found

    def take_staged(self, number: int, last: str, charter_version: int, at: int) -> None:
        """Remember what stubs published last, of a try's staged rows up to this stub: under which
        charter, and as changes made at this time those that are counted.
        """
        of_new = "FROM staged_stub n WHERE n.put_by = ? AND n.stub_id <= ?"
        self._tx.run(
            "INSERT INTO stub_tokens (stub_id, token_commitment, charter_version) "
            f"SELECT n.stub_id, n.token_commitment, ? {of_new} AND n.new_tokens = 1 "
            "ON CONFLICT (stub_id) DO UPDATE SET token_commitment = excluded.token_commitment, "
            "charter_version = excluded.charter_version",
            charter_version, number, last,
        )  # fmt: skip
        self._tx.run(
            f"INSERT INTO stub_change (stub_id, at) SELECT n.stub_id, ? {of_new} "
            "AND n.counted = 1",
            at, number, last,
        )  # fmt: skip
