"""An agency's own books, and the hub's daily statement beside them: specs/05-log.md §14.

What we sent and what we received, by its place in the log. Who holds our stolen keys can sign in
our name, but cannot keep what was signed out of the statement that we get.
"""

import json

from node.alarms import AlarmCode, raise_alarm
from node.membership.hub import HubMembership
from node.store.tables import NodeTables, Outgoing
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel
from protocol.messages.kinds import KINDS
from protocol.messages.log import DailyStatementBody, StatementAnswerBody
from protocol.messages.statement import Statement
from protocol.requests.daily import indexes_hash
from protocol.wire import Delivery
from storage.engine import Row

OVERDUE_SECONDS = 48 * 3600


def enter_sent(tables: NodeTables, hub_id: str, kind: str, index: int) -> None:
    """Note the place of something that we sent."""
    if KINDS[kind].in_senders_journal:
        tables.tx.run("INSERT OR IGNORE INTO book VALUES (?, ?)", hub_id, index)


def enter_received(
    tables: NodeTables,
    membership: HubMembership,
    statement: Statement[WireModel],
    index: int | None,
) -> None:
    """Note the place of something that was sent to us."""
    hub, preamble = membership.hub, statement.preamble
    told = statement.kind.in_recipients_journal and preamble.aud == hub.party_id
    if index is not None and told:
        tables.tx.run("INSERT OR IGNORE INTO book VALUES (?, ?)", hub.hub_id, index)


class Journal:
    """Compares the books with the hub's statements at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def on_statement(
        self, tables: NodeTables, statement: Statement[DailyStatementBody], delivery: Delivery
    ) -> None:
        """Keep a statement, to be answered when we have seen all that it is about."""
        if statement.preamble.sender != self._membership.hub.hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub makes daily statements")
        tables.insert(
            "daily_statement",
            {
                "hub_id": self._membership.hub.hub_id,
                "statement_id": statement.id,
                "idx": delivery.index,
                "body": json.dumps(statement.body.model_dump(mode="json")),
                "received_at": self._membership.env.clock(),
                "answer": None,
            },
        )

    async def answer(self) -> int:
        """Answer what can be answered now; how many."""
        return await self._membership.engine.write(self._answer)

    def _answer(self, tables: NodeTables) -> int:
        hub_id, size = self._membership.hub.hub_id, self._membership.view.size
        under_way = tables.tx.one(_UNDER_WAY, hub_id)
        rows = tables.tx.rows(_OPEN, hub_id)
        answered = 0
        for row in rows if under_way is None else []:
            body = DailyStatementBody.model_validate(json.loads(row["body"]))
            if body.end > size:
                break
            self._compare(tables, row, body)
            answered += 1
        return answered

    def _compare(self, tables: NodeTables, row: Row, said: DailyStatementBody) -> None:
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        before = tables.tx.one(_BEFORE, hub_id, row["idx"])
        last = json.loads(before["body"])["end"] if before else 0
        place = str(row["idx"])
        if said.start != last:
            raise_alarm(tables, hub_id, AlarmCode.STATEMENT_GAP, now, place=place)
        own = [item["idx"] for item in tables.tx.rows(_OWN, hub_id, said.start, said.end)]
        body = StatementAnswerBody(
            statement=row["statement_id"],
            answer="agree",
            count=len(own),
            indexes_hash=indexes_hash(own),
        )
        if (body.count, body.indexes_hash) != (said.count, said.indexes_hash):
            body = body.model_copy(update={"answer": "differ"})
            raise_alarm(tables, hub_id, AlarmCode.BOOKS_DIFFER, now, place=place)
        tables.tx.run(
            "UPDATE daily_statement SET answer = ? WHERE hub_id = ? AND statement_id = ?",
            body.answer, hub_id, row["statement_id"],
        )  # fmt: skip
        tables.enqueue(Outgoing(hub_id, hub_id, body))


def overdue(tables: NodeTables, hub_id: str, now: int) -> bool:
    """Whether the hub, which has made statements before, has made none for two days."""
    sql = "SELECT MAX(received_at) AS last FROM daily_statement WHERE hub_id = ?"
    row = tables.tx.one(sql, hub_id)
    return row is not None and row["last"] is not None and row["last"] < now - OVERDUE_SECONDS


_OPEN = "SELECT * FROM daily_statement WHERE hub_id = ? AND answer IS NULL ORDER BY idx"
_BEFORE = "SELECT body FROM daily_statement WHERE hub_id = ? AND idx < ? ORDER BY idx DESC LIMIT 1"
_OWN = "SELECT idx FROM book WHERE hub_id = ? AND idx >= ? AND idx < ? ORDER BY idx"
# Signed and perhaps logged, but we do not know its place yet.
_UNDER_WAY = (
    "SELECT 1 FROM outbox WHERE hub_id = ?1 AND state = 'pending' AND envelope IS NOT NULL "
    "UNION SELECT 1 FROM publication WHERE hub_id = ?1 AND state = 'pending'"
)
