"""The store of what the charter's limits on publications count: specs/04-matching.md §10.

It keeps the counts; what they allow is decided in node/publishing/limits.py.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from protocol.governance.limits import DAY, TOKEN_DAYS
from storage.engine import Transaction

_FORGOTTEN = ("former_token", "stub_tokens", "stub_change", "new_stubs")


@dataclass(frozen=True)
class LastTokens:
    """The tokens that a stub published last: their name, their salt, and under which charter."""

    stub_id: str
    tokens_hash: str
    salt: str
    charter_version: int


class PublicationCounts:
    """New stubs by day, changes of stubs and tokens given up, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def new_stubs(self, hub_id: str) -> dict[int, int]:
        """How many stubs were published for the first time, by day (`iat` // DAY)."""
        rows = self._tx.rows("SELECT day, count FROM new_stubs WHERE hub_id = ?", hub_id)
        return {row["day"]: row["count"] for row in rows}

    def add_new_stubs(self, hub_id: str, day: int, count: int) -> None:
        """Count so many stubs more on a day."""
        self._tx.run(
            "INSERT INTO new_stubs (hub_id, day, count) VALUES (?, ?, ?) "
            "ON CONFLICT (hub_id, day) DO UPDATE SET count = new_stubs.count + excluded.count",
            hub_id, day, count,
        )  # fmt: skip

    def former_holders(
        self, hub_id: str, digests: Collection[bytes], now: int
    ) -> dict[bytes, set[str]]:
        """The stubs that had each of these tokens lately; a token that none had is left out."""
        # The time is looked at here: asked for in SQL, it makes SQLite walk all former tokens.
        sql = (
            "SELECT input_digest, stub_id, until FROM former_token "
            "WHERE hub_id = ? AND input_digest IN (:among)"
        )
        found: dict[bytes, set[str]] = {}
        if not self._tx.rows("SELECT 1 FROM former_token WHERE hub_id = ? LIMIT 1", hub_id):
            return found  # nobody's ever changed: a first load asks for a dozen of each client
        for row in self._tx.rows_among(sql, hub_id, among=digests):
            if row["until"] > now:
                found.setdefault(row["input_digest"], set()).add(row["stub_id"])
        return found

    def give_up(self, hub_id: str, stub_ids: Collection[str], at: int) -> None:
        """Count what these stubs publish as theirs for TOKEN_DAYS more. Call before they change.

        What was given up longer ago goes by itself (node/store/old.py). A stub publishes no token
        twice.
        """
        self._tx.run_among(
            "INSERT INTO former_token (hub_id, input_digest, stub_id, until) "
            "SELECT hub_id, input_digest, stub_id, CAST(? AS BIGINT) FROM published_token "
            "WHERE hub_id = ? AND stub_id IN (:among) "
            "ON CONFLICT (hub_id, input_digest, stub_id) DO UPDATE SET until = excluded.until",
            at + TOKEN_DAYS * DAY, hub_id, among=stub_ids,
        )  # fmt: skip

    def last_tokens(self, hub_id: str, stub_ids: Collection[str]) -> dict[str, LastTokens]:
        """What these stubs published last; one that is not known is left out."""
        sql = (
            "SELECT stub_id, tokens_hash, salt, charter_version FROM stub_tokens "
            "WHERE hub_id = ? AND stub_id IN (:among)"
        )
        rows = self._tx.rows_among(sql, hub_id, among=stub_ids)
        return {row["stub_id"]: LastTokens(**row) for row in rows}

    def put_last_tokens(self, hub_id: str, tokens: Iterable[LastTokens]) -> None:
        """Remember what stubs published last."""
        rows = [{"hub_id": hub_id, **vars(item)} for item in tokens]
        self._tx.put_many("stub_tokens", rows, ("hub_id", "stub_id"))

    def forget_tokens(self, hub_id: str, stub_ids: Collection[str]) -> None:
        """What these stubs published last is not known here any more."""
        sql = "DELETE FROM stub_tokens WHERE hub_id = ? AND stub_id IN (:among)"
        self._tx.run_among(sql, hub_id, among=stub_ids)

    def changes(self, hub_id: str, stub_ids: Collection[str]) -> dict[str, list[int]]:
        """When the tokens of these stubs changed, for a client's sake; never is left out."""
        sql = "SELECT stub_id, at FROM stub_change WHERE hub_id = ? AND stub_id IN (:among)"
        found: dict[str, list[int]] = {}
        for row in self._tx.rows_among(sql, hub_id, among=stub_ids):
            found.setdefault(row["stub_id"], []).append(row["at"])
        return found

    def add_changes(self, hub_id: str, stub_ids: Collection[str], at: int) -> None:
        """Count one more change of the tokens of each of these stubs."""
        rows = [{"hub_id": hub_id, "stub_id": stub_id, "at": at} for stub_id in stub_ids]
        self._tx.insert_many("stub_change", rows)

    def forget(self, hub_id: str) -> None:
        """Begin to count anew, for a new log of the hub."""
        for table in _FORGOTTEN:
            self._tx.run(f"DELETE FROM {table} WHERE hub_id = ?", hub_id)  # noqa: S608 - our own names
