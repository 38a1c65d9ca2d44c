"""Daily statements: what names an agency, said by the hub to its face (specs/05-log.md §14).

Once a day for each active agency, zero days too. Works within the caller's transaction.
"""

import json
from collections import defaultdict

from hub.exchange.requests import Answer, Parts
from hub.log.ledger import Ledger
from hub.store.tables import HubTables, Post
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.kinds import kinds_that
from protocol.messages.log import DailyStatementBody, StatementAnswerBody
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.daily import DAY, indexes_hash, named

PAGE = 500
_BRANCHES = (
    "SELECT p.idx, p.envelope, r.hub_outcome FROM entry e JOIN payload p USING (idx) "
    "LEFT JOIN request r ON r.statement_id = e.statement_id "
    "WHERE e.idx >= ? AND e.idx < ? AND e.kind IN (SELECT value FROM json_each(?)) "
    "ORDER BY e.idx LIMIT ?"
)


class Daily:
    """The hub's side of daily statements."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def state(self, tables: HubTables) -> int:
        """Log and post today's statement to every active agency that has none yet; how many."""
        directory, now = self._ledger.directory, self._ledger.env.clock()
        today = now // DAY
        last = {row["agency"]: row for row in tables.tx.rows("SELECT * FROM daily")}
        due = [
            party_id
            for party_id in sorted(directory.members)
            if (member := directory.active(party_id)) is not None
            and member.body.member_class != "auditor"
            and (party_id not in last or last[party_id]["day"] < today)
        ]
        if not due:
            return 0
        starts = {party: last[party]["end_size"] if party in last else 0 for party in due}
        end = tables.next_index()
        books = self._books(tables, min(starts.values()), end)
        for party, start in starts.items():
            indexes = [index for index in books[party] if index >= start]
            body = DailyStatementBody(
                day=today,
                start=start,
                end=end,
                count=len(indexes),
                indexes_hash=indexes_hash(indexes),
            )
            statement, logged = self._ledger.issue(tables, body, party)
            tables.post([Post(party, statement.envelope.encode(), logged)])
            tables.tx.run("INSERT OR REPLACE INTO daily VALUES (?, ?, ?)", party, today, end)
            tables.tx.run("INSERT INTO daily_open VALUES (?, ?)", statement.id, party)
        return len(due)

    def answer(
        self, tables: HubTables, statement: Statement[StatementAnswerBody], _parts: Parts
    ) -> Answer:
        """Log an agency's answer, once."""
        asked = statement.body.statement
        row = tables.tx.one("SELECT agency FROM daily_open WHERE statement_id = ?", asked)
        if row is None or row["agency"] != statement.preamble.sender:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such statement waits for your answer")
        tables.tx.run("DELETE FROM daily_open WHERE statement_id = ?", asked)
        return Answer(self._ledger.append(tables, statement))

    def _books(self, tables: HubTables, start: int, end: int) -> dict[str, list[int]]:
        """The indexes in [start, end) that name each party."""
        books: dict[str, list[int]] = defaultdict(list)
        kinds = json.dumps(sorted(kinds_that(lambda kind: kind.in_senders_journal)))
        while rows := tables.tx.rows(_BRANCHES, start, end, kinds, PAGE):
            for row in rows:
                statement = parse_statement(row["envelope"])
                for party in named(statement, refused=row["hub_outcome"] == "refuse"):
                    books[party].append(row["idx"])
            start = rows[-1]["idx"] + 1
        return books
