"""What the limits on publications count: new stubs a day, and changes of a stub's tokens.

specs/04-matching.md §10. What is allowed is decided elsewhere (protocol/governance/limits.py).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True)
class LastTokens:
    """The commitment to the tokens that a stub published last, and under which charter."""

    commitment: str
    charter_version: int


@dataclass(frozen=True)
class TokenChange:
    """A revision of a stub that changed its tokens, and when it was signed."""

    stub_id: str
    at: int


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

    def put_tokens(self, last: Mapping[str, LastTokens], changes: Sequence[TokenChange]) -> None:
        """Remember what stubs published last, and add to their changes."""
        self._tx.put_many(
            "stub_tokens",
            [
                {
                    "stub_id": stub_id,
                    "token_commitment": tokens.commitment,
                    "charter_version": tokens.charter_version,
                }
                for stub_id, tokens in last.items()
            ],
            ("stub_id",),
        )
        self._tx.insert_many("stub_change", [vars(change) for change in changes])
