"""This agency's own journal of the log: every place that names it, and what is still looked for.

specs/05-log.md §14. What was received or published must be in the log at its index; it is kept here
until it was seen there. Beside it lie the hub's daily statements, and what we said to each.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from protocol.messages.kinds import KINDS
from protocol.messages.log import DailyStatementBody
from storage.engine import Row, Transaction


@dataclass(frozen=True)
class ExpectedEntry:
    """An entry that must be in the log at its index. Without a salt nobody can find it there."""

    index: int
    statement_id: str
    salt: str
    envelope: bytes


@dataclass(frozen=True)
class DailyStatement:
    """A daily statement of the hub: its own place in the log, what it says, and when it was signed
    (None: it came to an older program).
    """

    statement_id: str
    index: int
    body: DailyStatementBody
    iat: int | None = None


class JournalStore:
    """The journal, by hub."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def enter(self, hub_id: str, index: int) -> None:
        """Note that the entry at this index names us. Twice is once."""
        sql = "INSERT INTO book (hub_id, idx) VALUES (?, ?) ON CONFLICT DO NOTHING"
        self._tx.run(sql, hub_id, index)

    def enter_sent(self, hub_id: str, kind: str, index: int) -> None:
        """Note the place of something that we sent, if its kind is one that daily statements
        count.
        """
        if KINDS[kind].in_senders_journal:
            self.enter(hub_id, index)

    def own(self, hub_id: str, start: int, end: int) -> list[int]:
        """The indexes from `start` to before `end` that name us, in order."""
        sql = "SELECT idx FROM book WHERE hub_id = ? AND idx >= ? AND idx < ? ORDER BY idx"
        return [int(row["idx"]) for row in self._tx.rows(sql, hub_id, start, end)]

    def expect(self, hub_id: str, entry: ExpectedEntry, now: int) -> None:
        """Look for an entry in the log until it is seen there."""
        self._tx.run(
            "INSERT INTO received_entry (hub_id, idx, statement_id, salt, envelope, promised_at) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            hub_id, entry.index, entry.statement_id, entry.salt, entry.envelope, now,
        )  # fmt: skip

    def expected(self, hub_id: str, most: int) -> list[ExpectedEntry]:
        """What is still looked for, by its place."""
        rows = self._tx.rows(
            "SELECT idx, statement_id, salt, envelope FROM received_entry WHERE hub_id = ? "
            "ORDER BY idx, statement_id LIMIT ?",
            hub_id,
            most,
        )
        return [
            ExpectedEntry(row["idx"], row["statement_id"], row["salt"], row["envelope"])
            for row in rows
        ]

    def unseen(self, hub_id: str, statement_ids: Collection[str]) -> set[str]:
        """Those of these statements that were not seen in the log yet."""
        found = self._tx.rows_among(
            "SELECT statement_id FROM received_entry WHERE hub_id = ? AND statement_id IN (:among)",
            hub_id, among=statement_ids,
        )  # fmt: skip
        return {str(row["statement_id"]) for row in found}

    def looked_for(self, hub_id: str, entries: Iterable[ExpectedEntry]) -> None:
        """These were looked for, whatever came of it: they are not looked for any more."""
        self._tx.run_many(
            "DELETE FROM received_entry WHERE hub_id = ? AND idx = ? AND statement_id = ?",
            [(hub_id, entry.index, entry.statement_id) for entry in entries],
        )

    def add_statement(self, hub_id: str, said: DailyStatement, now: int) -> None:
        """Keep a daily statement, to be answered. Raises NotUniqueError for one that we have."""
        self._tx.insert(
            "daily_statement",
            {
                "hub_id": hub_id,
                "statement_id": said.statement_id,
                "idx": said.index,
                "body": json.dumps(said.body.model_dump(mode="json")),
                "received_at": now,
                "iat": said.iat,
                "answer": None,
            },
        )

    def unanswered(self, hub_id: str) -> list[DailyStatement]:
        """Daily statements without our answer, oldest first."""
        sql = "SELECT * FROM daily_statement WHERE hub_id = ? AND answer IS NULL ORDER BY idx"
        return [_daily(row) for row in self._tx.rows(sql, hub_id)]

    def agreed_up_to(self, hub_id: str) -> int:
        """Up to where the journal was found complete: the end of the last statement that we agreed
        to.
        """
        sql = "SELECT * FROM daily_statement WHERE hub_id = ? AND answer = 'agree'"
        rows = self._tx.rows(sql, hub_id)
        return max((_daily(row).body.end for row in rows), default=0)

    def end_before(self, hub_id: str, index: int) -> int:
        """Up to where the statement before the one at this index goes; 0 if there is none."""
        row = self._tx.one(
            "SELECT * FROM daily_statement WHERE hub_id = ? AND idx < ? ORDER BY idx DESC LIMIT 1",
            hub_id, index,
        )  # fmt: skip
        return _daily(row).body.end if row else 0

    def signed_before(self, hub_id: str, index: int) -> int:
        """When the statement before the one at this index was signed; 0 if that is not known."""
        sql = "SELECT iat FROM daily_statement WHERE hub_id = ? AND idx < ? ORDER BY idx DESC"
        row = self._tx.one(f"{sql} LIMIT 1", hub_id, index)
        return int(row["iat"] or 0) if row else 0

    def answered(self, hub_id: str, statement_id: str, answer: str) -> None:
        """What we said to a daily statement."""
        key = {"hub_id": hub_id, "statement_id": statement_id}
        self._tx.update("daily_statement", {"answer": answer}, key)

    def last_statement_at(self, hub_id: str) -> int | None:
        """When the hub's last daily statement came."""
        sql = "SELECT MAX(received_at) AS last FROM daily_statement WHERE hub_id = ?"
        row = self._tx.one(sql, hub_id)
        return row["last"] if row else None

    def enter_refused(self, hub_id: str, statement_id: str, iat: int, *, sure: bool) -> None:
        """Note a statement of ours that the hub refused over quota, or, not `sure`, that it may
        have refused. Twice is once.
        """
        self._tx.run(
            "INSERT INTO refused (hub_id, statement_id, iat, sure) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (hub_id, statement_id) DO NOTHING",
            hub_id, statement_id, iat, int(sure),
        )  # fmt: skip

    def take_refused(self, hub_id: str, before: int) -> tuple[int, int]:
        """How many statements signed before a time were refused over quota at least, and at most;
        they are forgotten.
        """
        rows = self._tx.rows(
            "DELETE FROM refused WHERE hub_id = ? AND iat < ? RETURNING sure", hub_id, before
        )
        return sum(row["sure"] for row in rows), len(rows)

    def forget(self, hub_id: str) -> None:
        """Forget a lost log's places."""
        for table in ("received_entry", "book", "daily_statement", "refused"):
            self._tx.run(f"DELETE FROM {table} WHERE hub_id = ?", hub_id)  # noqa: S608 - our names


def _daily(row: Row) -> DailyStatement:
    body = DailyStatementBody.model_validate(json.loads(row["body"]))
    return DailyStatement(row["statement_id"], row["idx"], body, row["iat"])
