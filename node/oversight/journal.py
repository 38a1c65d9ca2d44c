"""An agency's own journal, and the hub's daily statement beside it: specs/05-log.md §14.

What we sent and what we received, by its place in the log. Who holds our stolen keys can sign in
our name, but cannot keep what was signed out of the statement that we get.
"""

from node.alarms import AlarmCode, raise_alarm
from node.membership.hub import HubMembership
from node.membership.synced import notice
from node.store.journal import DailyStatement
from node.store.outbox import Outgoing
from node.store.resync import Cause
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel
from protocol.messages.log import DailyStatementBody, StatementAnswerBody
from protocol.messages.statement import MAX_SKEW_SECONDS, Statement
from protocol.requests.daily import indexes_hash
from protocol.wire import Delivery

OVERDUE_SECONDS = 48 * 3600


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
        tables.journal.enter(hub.hub_id, index)


class Journal:
    """Compares the journal with the hub's statements at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def on_statement(
        self, tables: NodeTables, statement: Statement[DailyStatementBody], delivery: Delivery
    ) -> None:
        """Keep a statement, to be answered when we have seen all that it is about."""
        hub_id = self._membership.hub.hub_id
        if statement.preamble.sender != hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub makes daily statements")
        if delivery.index is None:
            raise RemoteError(ErrorCode.MALFORMED, "a daily statement is in the log")
        iat = statement.preamble.iat
        said = DailyStatement(statement.id, delivery.index, statement.body, iat)
        tables.journal.add_statement(hub_id, said, self._membership.env.clock())

    async def answer(self) -> int:
        """Answer what can be answered now; how many."""
        return await self._membership.engine.write(self._answer)

    def _answer(self, tables: NodeTables) -> int:
        hub_id, size = self._membership.hub.hub_id, self._membership.view.size
        if tables.outbox.is_any_on_its_way(hub_id) or tables.publications.pending(hub_id):
            return 0  # signed and perhaps logged, but we do not know its place yet
        answered = 0
        for said in tables.journal.unanswered(hub_id):
            if said.body.end > size:
                break
            self._compare(tables, said)
            answered += 1
        return answered

    def _compare(self, tables: NodeTables, daily: DailyStatement) -> None:
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        said, place = daily.body, str(daily.index)
        if said.start != tables.journal.end_before(hub_id, daily.index):
            raise_alarm(tables, hub_id, AlarmCode.STATEMENT_GAP, now, place=place)
        own = tables.journal.own(hub_id, said.start, said.end)
        # What was signed later than that may still have been refused after the hub had counted.
        final = (daily.iat or 0) - MAX_SKEW_SECONDS
        least, most = tables.journal.take_refused(hub_id, final)
        body = StatementAnswerBody(
            statement=daily.statement_id,
            answer="agree",
            count=len(own),
            indexes_hash=indexes_hash(own),
            over_quota=least,
        )
        resync = tables.resyncs.get(hub_id)
        forgotten = resync is not None and (
            resync.noticed_at > tables.journal.signed_before(hub_id, daily.index) - MAX_SKEW_SECONDS
        )
        as_many = said.over_quota is None or (
            least <= said.over_quota and (forgotten or said.over_quota <= most)
        )
        if not as_many or (body.count, body.indexes_hash) != (said.count, said.indexes_hash):
            body = body.model_copy(update={"answer": "differ"})
            raise_alarm(tables, hub_id, AlarmCode.BOOKS_DIFFER, now, place=place)
            if said.count > body.count:  # an old copy of ourselves, or somebody with our keys
                notice(tables, hub_id, Cause.BEHIND, now)
        tables.journal.answered(hub_id, daily.statement_id, body.answer)
        tables.outbox.enqueue(Outgoing(hub_id, hub_id, body))


def overdue(tables: NodeTables, hub_id: str, now: int) -> bool:
    """Whether the hub, which has made statements before, has made none for two days."""
    last = tables.journal.last_statement_at(hub_id)
    return last is not None and last < now - OVERDUE_SECONDS
