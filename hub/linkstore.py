"""Stubs, peppered tokens and links: the tables that matching works on.

Each method works inside the caller's transaction. Tokens come in already peppered (hub/pepper.py):
a stolen database holds nothing that the token key alone could reverse.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.store import HubTables
from protocol.messages import PublishedInvolvement, StubRow
from storage.tables import Row

PepperedTokens = Mapping[str, Sequence[bytes]]


@dataclass(frozen=True)
class Stub:
    """A stub as last published."""

    stub_id: str
    agency: str
    revision: int
    retired: bool
    involvements: tuple[PublishedInvolvement, ...]
    publication: str


class LinkTables:
    """Stubs, tokens and links within one open transaction."""

    def __init__(self, tables: HubTables) -> None:
        self._tables = tables

    def stub(self, stub_id: str) -> Stub | None:
        """A stub by id."""
        row = self._tables.one("SELECT * FROM stub WHERE stub_id = ?", stub_id)
        return _stub(row) if row else None

    def put_stub(self, row: StubRow, agency: str, publication: str, tokens: PepperedTokens) -> None:
        """Replace a stub and its whole token set, and mark it for the next round."""
        involvements = json.dumps([item.model_dump(mode="json") for item in row.involvements])
        self._tables.run(
            "INSERT OR REPLACE INTO stub VALUES (?, ?, ?, ?, ?, ?, ?)",
            row.stub_id, agency, row.revision, int(row.retired), involvements, publication,
            min(_expiries(row.involvements), default=None),
        )  # fmt: skip
        self._tables.run("DELETE FROM token WHERE stub_id = ?", row.stub_id)
        self._tables.database.conn.executemany(
            "INSERT INTO token VALUES (?, ?, ?, ?, ?)",
            [
                (token, row.stub_id, key, agency, ordinal)
                for key, values in tokens.items()
                for ordinal, token in enumerate(values)
            ],
        )
        self.mark(row.stub_id)

    def mark(self, stub_id: str) -> None:
        """Have the next round look at a stub."""
        self._tables.run("INSERT OR IGNORE INTO dirty_stub VALUES (?)", stub_id)

    def take_marked(self, now: int, limit: int) -> list[str]:
        """Up to `limit` stubs that changed or whose permission ran out; unmarks them."""
        self._tables.run(
            "INSERT OR IGNORE INTO dirty_stub SELECT stub_id FROM stub WHERE next_expiry <= ?", now
        )
        for row in self._tables.rows("SELECT * FROM stub WHERE next_expiry <= ?", now):
            later = [time for time in _expiries(_stub(row).involvements) if time > now]
            self._tables.run(
                "UPDATE stub SET next_expiry = ? WHERE stub_id = ?",
                min(later, default=None), row["stub_id"],
            )  # fmt: skip
        rows = self._tables.rows("SELECT stub_id FROM dirty_stub ORDER BY stub_id LIMIT ?", limit)
        stub_ids = [row["stub_id"] for row in rows]
        for stub_id in stub_ids:
            self._tables.run("DELETE FROM dirty_stub WHERE stub_id = ?", stub_id)
        return stub_ids

    def tokens(self, stub_id: str) -> dict[str, list[bytes]]:
        """A stub's peppered tokens by match key, in published order."""
        sql = (
            "SELECT match_key_id, token FROM token WHERE stub_id = ? ORDER BY match_key_id, ordinal"
        )
        result: dict[str, list[bytes]] = {}
        for row in self._tables.rows(sql, stub_id):
            result.setdefault(row["match_key_id"], []).append(row["token"])
        return result

    def stubs_with(self, token: bytes, match_key_id: str, limit: int) -> list[Row]:
        """stub_id and agency of the stubs that hold a token, at most `limit`."""
        sql = "SELECT stub_id, agency FROM token WHERE token = ? AND match_key_id = ? LIMIT ?"
        return self._tables.rows(sql, token, match_key_id, limit)

    def links_of(self, stub_id: str) -> list[Row]:
        """All links that a stub is an end of, ended ones too."""
        return self._tables.rows(
            "SELECT * FROM link WHERE stub_a = ? UNION SELECT * FROM link WHERE stub_b = ?",
            stub_id, stub_id,
        )  # fmt: skip

    def link(self, link_id: str) -> Row | None:
        """A link by id."""
        return self._tables.one("SELECT * FROM link WHERE link_id = ?", link_id)

    def put_link(self, row: Mapping[str, Any]) -> None:
        """Insert or replace a link."""
        self._tables.database.table("link").insert(dict(row), pk="link_id", replace=True)

    def other_holders(
        self, tokens: Iterable[tuple[str, bytes]], agency: str, stub_ids: Sequence[str]
    ) -> int:
        """The most stubs of an agency, beyond these, that any one of the tokens is in."""
        most = 0
        for match_key_id, token in tokens:
            rows = self.stubs_with(token, match_key_id, 200)
            held = {row["stub_id"] for row in rows if row["agency"] == agency}
            most = max(most, len(held - set(stub_ids)))
        return most


def _expiries(involvements: Iterable[PublishedInvolvement]) -> list[int]:
    """When permissions and work end."""
    times = [(item.permission.valid_until, item.active_until) for item in involvements]
    return [time for pair in times for time in pair if time is not None]


def _stub(row: Row) -> Stub:
    involvements = tuple(
        PublishedInvolvement.model_validate(item) for item in json.loads(row["involvements"])
    )
    return Stub(
        row["stub_id"],
        row["agency"],
        row["revision"],
        bool(row["retired"]),
        involvements,
        row["publication"],
    )
