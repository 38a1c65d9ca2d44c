"""Stubs, peppered tokens and links: the tables that matching works on.

Each method works inside the caller's transaction. Tokens come in already peppered
(hub/matching/pepper.py): a stolen database holds nothing that the token key alone could reverse.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.store.tables import HubTables
from protocol.messages.bodies import PublishedInvolvement, StubRow
from protocol.requests.review import Answer, Said, question_of
from storage.engine import Row

PepperedTokens = Mapping[str, Sequence[bytes]]

# More holders of one token than any policy counts are not told of a change in it.
CROWD = 200


@dataclass(frozen=True)
class Stub:
    """A stub as last published."""

    stub_id: str
    agency: str
    revision: int
    retired: bool
    involvements: tuple[PublishedInvolvement, ...]
    publication: str


@dataclass(frozen=True)
class Placed:
    """The publication that puts a stub: whose it is, its statement id, its place in the log."""

    agency: str
    statement_id: str
    index: int


class LinkTables:
    """Stubs, tokens and links within one open transaction."""

    def __init__(self, tables: HubTables) -> None:
        self._tables = tables

    def stub(self, stub_id: str) -> Stub | None:
        """A stub by id."""
        row = self._tables.tx.one("SELECT * FROM stub WHERE stub_id = ?", stub_id)
        return _stub(row) if row else None

    def put_stub(self, row: StubRow, placed: Placed, tokens: PepperedTokens) -> None:
        """Replace a stub and its whole token set, and mark it for the next round.

        Those that shared its old tokens are marked too: it may have been a rival of theirs.
        """
        self._mark_those_that_share(row.stub_id, placed.agency, tokens)
        involvements = json.dumps([item.model_dump(mode="json") for item in row.involvements])
        self._tables.tx.run(
            "INSERT OR REPLACE INTO stub VALUES (?, ?, ?, ?, ?, ?, ?)",
            row.stub_id, placed.agency, row.revision, int(row.retired), involvements,
            placed.statement_id, min(_expiries(row.involvements), default=None),
        )  # fmt: skip
        held = self._tables.tx.rows("SELECT * FROM token WHERE stub_id = ?", row.stub_id)
        since = {item["token"]: item["since"] for item in held}
        for token in {token for values in tokens.values() for token in values} - since.keys():
            since[token] = self._first_held(placed, token)
        self._tables.tx.run("DELETE FROM token WHERE stub_id = ?", row.stub_id)
        self._tables.tx.run_many(
            "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    token, row.stub_id, key, placed.agency, ordinal,
                    since[token],
                )
                for key, values in tokens.items()
                for ordinal, token in enumerate(values)
            ],
        )  # fmt: skip
        self.mark(row.stub_id)

    def _mark_those_that_share(self, stub_id: str, agency: str, new: PepperedTokens) -> None:
        for key, tokens in self.tokens(stub_id).items():
            for token in set(tokens).difference(new.get(key, ())):
                for row in self.stubs_with(token, key, CROWD):
                    if row["agency"] != agency:
                        self.mark(row["stub_id"])

    def mark(self, stub_id: str) -> None:
        """Have the next round look at a stub."""
        self._tables.tx.run("INSERT OR IGNORE INTO dirty_stub VALUES (?)", stub_id)

    def is_marked(self, stub_id: str) -> bool:
        """Whether a stub changed since the last round."""
        return (
            self._tables.tx.one("SELECT 1 FROM dirty_stub WHERE stub_id = ?", stub_id) is not None
        )

    def take_marked(self, now: int, limit: int) -> list[str]:
        """Up to `limit` stubs that changed or whose permission ran out; unmarks them."""
        self._tables.tx.run(
            "INSERT OR IGNORE INTO dirty_stub SELECT stub_id FROM stub WHERE next_expiry <= ?", now
        )
        for row in self._tables.tx.rows("SELECT * FROM stub WHERE next_expiry <= ?", now):
            later = [time for time in _expiries(_stub(row).involvements) if time > now]
            self._tables.tx.run(
                "UPDATE stub SET next_expiry = ? WHERE stub_id = ?",
                min(later, default=None), row["stub_id"],
            )  # fmt: skip
        rows = self._tables.tx.rows(
            "SELECT stub_id FROM dirty_stub ORDER BY stub_id LIMIT ?", limit
        )
        stub_ids = [row["stub_id"] for row in rows]
        for stub_id in stub_ids:
            self._tables.tx.run("DELETE FROM dirty_stub WHERE stub_id = ?", stub_id)
        return stub_ids

    def tokens(self, stub_id: str) -> dict[str, list[bytes]]:
        """A stub's peppered tokens by match key, in published order."""
        sql = (
            "SELECT match_key_id, token FROM token WHERE stub_id = ? ORDER BY match_key_id, ordinal"
        )
        result: dict[str, list[bytes]] = {}
        for row in self._tables.tx.rows(sql, stub_id):
            result.setdefault(row["match_key_id"], []).append(row["token"])
        return result

    def stubs_with(self, token: bytes, match_key_id: str, limit: int) -> list[Row]:
        """stub_id and agency of the stubs that hold a token, at most `limit`."""
        sql = "SELECT stub_id, agency FROM token WHERE token = ? AND match_key_id = ? LIMIT ?"
        return self._tables.tx.rows(sql, token, match_key_id, limit)

    def _first_held(self, placed: Placed, token: bytes) -> int:
        """The log index at which an agency came by a token, were it in another stub or long ago."""
        row = self._tables.tx.one(
            "SELECT min(since) AS first FROM ("
            "SELECT since FROM token WHERE token = ? AND agency = ? "
            "UNION SELECT since FROM former_token WHERE token = ? AND agency = ?)",
            token, placed.agency, token, placed.agency,
        )  # fmt: skip
        return placed.index if row is None or row["first"] is None else int(row["first"])

    def shared_since(self, stub_a: str, stub_b: str) -> tuple[int, int] | None:
        """Log indexes at which the two came by the token that they have shared the longest."""
        row = self._tables.tx.one(
            "SELECT a.since AS a, b.since AS b FROM token a JOIN token b "
            "ON a.token = b.token AND a.match_key_id = b.match_key_id "
            "WHERE a.stub_id = ? AND b.stub_id = ? ORDER BY max(a.since, b.since) LIMIT 1",
            stub_a, stub_b,
        )  # fmt: skip
        return (row["a"], row["b"]) if row else None

    def links_of(self, stub_id: str) -> list[Row]:
        """All links that a stub is an end of, ended ones too."""
        return self._tables.tx.rows(
            "SELECT * FROM link WHERE stub_a = ? UNION SELECT * FROM link WHERE stub_b = ?",
            stub_id, stub_id,
        )  # fmt: skip

    def link(self, link_id: str) -> Row | None:
        """A link by id."""
        return self._tables.tx.one("SELECT * FROM link WHERE link_id = ?", link_id)

    def between(self, stub_a: str, stub_b: str) -> Row | None:
        """The link between two stubs, ended ones too; `stub_a` sorts before `stub_b`."""
        return self._tables.tx.one(
            "SELECT * FROM link WHERE stub_a = ? AND stub_b = ?", stub_a, stub_b
        )

    def answers(self, link_id: str) -> dict[str, Answer]:
        """Each agency's last answer about a link."""
        rows = self._tables.tx.rows("SELECT * FROM verdict WHERE link_id = ?", link_id)
        return {row["agency"]: Answer(Said(row["said"]), row["question"]) for row in rows}

    def put_answer(self, link: Row, agency: str, answer: Answer, statement_id: str) -> None:
        """Remember an agency's answer in place of its last, and mark both ends."""
        self._tables.tx.run(
            "INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?, ?)",
            link["link_id"], agency, answer.said.value, answer.question, statement_id,
        )  # fmt: skip
        self.mark(link["stub_a"])
        self.mark(link["stub_b"])

    def question(self, link: Row) -> str:
        """The question that a link's token sets, as they are now, would put."""
        stubs = (link["stub_a"], link["stub_b"])
        return question_of([(stub_id, self.tokens(stub_id)) for stub_id in stubs])

    def end(self, link_id: str) -> None:
        """End a link at once; the next round tells both sides."""
        self._tables.tx.run("UPDATE link SET state = 'ended' WHERE link_id = ?", link_id)

    def put_link(self, row: Mapping[str, Any]) -> None:
        """Insert or replace a link."""
        self._tables.tx.put("link", row, ("link_id",))


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
