"""What became of requests, cards and answers while another copy of this node ran: specs/05-log.md
§16.

Each entry has here the effect that it had there, as far as the backup knows what it is about.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from node.dispatch import Dispatcher
from node.links.team import on_notice
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.oversight.journal import enter_received
from node.resync.history import Given
from node.store.links import Review, ReviewState
from node.store.outbox import OutboxItem, Place, subject_of
from node.store.requests import ReceivedState, SentRequest, SentState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.fields import WireModel, to_base64
from protocol.messages.attention import AttentionNoticeBody
from protocol.messages.bodies import (
    AcceptedBody,
    DecisionBody,
    HubDecisionBody,
    NoticeBody,
    ReceiptBody,
    ReleaseBody,
)
from protocol.messages.clock import OverdueBody
from protocol.messages.introductions import HintsBody
from protocol.messages.log import DailyStatementBody, ProvisionalBody, StatementAnswerBody
from protocol.messages.review import (
    RecallBody,
    RecallDoneBody,
    ReviewBody,
    VerdictBody,
    WrongPersonBody,
)
from protocol.messages.statement import Statement, parse_statement
from protocol.wire import Delivery

# What is acted on without the sealed part that came beside it, which is gone.
WHOLE = (
    DecisionBody,
    OverdueBody,
    ReceiptBody,
    DailyStatementBody,
    WrongPersonBody,
    RecallBody,
    RecallDoneBody,
)
Prepare = Callable[[NodeTables, Statement[Any]], None]


@dataclass(frozen=True)
class Progress:
    """Takes the effects of entries that this database did not know."""

    membership: HubMembership
    dispatcher: Dispatcher

    async def take(self, entries: Sequence[Given]) -> None:
        """Take their effects, in the order of the log, each in a transaction. Raises LocalError
        where the database cannot be written.
        """
        hub_decisions = {
            item.statement.body.request: item.statement
            for item in entries
            if isinstance(item.statement.body, HubDecisionBody)
        }
        for item in entries:
            await self._take_one(item, hub_decisions)
        await self.membership.engine.write(lambda tables: self._settle(tables, entries))

    def told(self, question: Given) -> list[Callable[[NodeTables], None]]:
        """What is to be written of the links, and of attention raised over them, that the hub tells
        again behind our question. Raises
        RemoteError for what it did not sign for us.
        """
        return [self._told(parse_statement(part)) for part in question.parts]

    def _told(self, statement: Statement[WireModel]) -> Callable[[NodeTables], None]:
        membership, body = self.membership, statement.body
        membership.directory.verify(statement)
        if statement.preamble.aud != membership.hub.party_id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud names somebody else")
        if isinstance(body, NoticeBody):
            notice = statement.expect(NoticeBody)
            return lambda tables: on_notice(tables, membership, notice)
        if isinstance(body, HintsBody):
            hints = statement.expect(HintsBody)
            return lambda tables: self.dispatcher.introductions.on_hints(tables, hints)
        if isinstance(body, AttentionNoticeBody):
            told = statement.expect(AttentionNoticeBody)
            return lambda tables: self.dispatcher.attention.on_notice(tables, told)
        review = statement.expect(ReviewBody)
        return lambda tables: self.dispatcher.reviewing.on_review(tables, review)

    async def _take_one(
        self, item: Given, hub_decisions: Mapping[str, Statement[HubDecisionBody]]
    ) -> None:
        engine = self.membership.engine
        ours = item.statement.preamble.sender == self.membership.hub.party_id

        def effects(tables: NodeTables) -> None:
            if ours:
                self._sent(tables, item, hub_decisions.get(item.statement.id))
            elif isinstance(item.statement.body, WHOLE):
                self.dispatcher.take(tables, _delivery(item))

        with suppress(PatchworkError):  # it may be about something that came after the backup
            await engine.write(effects)
        await engine.write(lambda tables: self._enter(tables, item, ours=ours))

    def _sent(
        self, tables: NodeTables, item: Given, decision: Statement[HubDecisionBody] | None
    ) -> None:
        statement, recalls = item.statement, self.dispatcher.recalls
        steps: dict[type[WireModel], Prepare] = {
            DecisionBody: self._decided,
            ReleaseBody: self._released,
            ProvisionalBody: self._released,
            ReceiptBody: self._opened,
            VerdictBody: self._said,
            WrongPersonBody: lambda tables, one: recalls.stop(tables, one.body),
            RecallBody: lambda tables, one: recalls.on_recalled(tables, one.body),
            RecallDoneBody: lambda tables, one: recalls.on_stated(tables, one.body),
        }
        step = steps.get(type(statement.body))
        if step is not None:
            step(tables, statement)
        accepted = AcceptedBody(
            statement=statement.id, index=item.index, received_at=statement.preamble.iat
        )
        self.dispatcher.on_sent(tables, Sent(statement, accepted, item.salt, decision))

    def _decided(self, tables: NodeTables, statement: Statement[DecisionBody]) -> None:
        request = tables.received_requests.get(self._hub_id, statement.body.request_id)
        waits = {ReceivedState.ARRIVED, ReceivedState.ASKS_PERSON}
        if request is not None and request.state in waits:
            deciding = replace(request, state=ReceivedState.DECIDING)
            tables.received_requests.change(request, deciding)

    def _released(self, tables: NodeTables, statement: Statement[Any]) -> None:
        """A card left. What it carries is not known here: that is taken to be what is."""
        request = tables.received_requests.get(self._hub_id, statement.body.request_id)
        if request is not None and request.state is ReceivedState.RECALLED and request.gone_at:
            again = replace(request, state=ReceivedState.ALLOWED, renew=1)
            tables.received_requests.change(request, again)
            request = again
        if request is not None and request.state is ReceivedState.ALLOWED:
            workers = tables.people.working_on(request.involvement)
            released = replace(
                request.as_released(),
                keep_until=statement.body.keep_until,
                worker=workers[0].id if workers else None,
                carried=None,
            )
            tables.received_requests.change(request, released)

    def _opened(self, tables: NodeTables, statement: Statement[ReceiptBody]) -> None:
        """The card was opened there; here it cannot be, any more."""
        request, release = self._asked(tables, statement), statement.body.release
        renewed = request is not None and request.may_be_renewed and request.release_id != release
        if request is not None and (renewed or request.state is SentState.ALLOWED):
            before = request.without_former() if renewed else request
            closed = replace(before, state=SentState.CLOSED, release_id=release)
            tables.sent_requests.change(request, closed)

    def _asked(self, tables: NodeTables, statement: Statement[Any]) -> SentRequest | None:
        return tables.sent_requests.get(self._hub_id, statement.body.request_id)

    def _said(self, tables: NodeTables, statement: Statement[VerdictBody]) -> None:
        body, at = statement.body, statement.preamble.iat
        before = tables.reviews.get(self._hub_id, body.link_id)
        asked = before or Review(
            self._hub_id, body.link_id, body.stub_id, None, at, ReviewState.IDLE
        )
        said = replace(
            asked,
            state=ReviewState.SENDING,
            answer=body.answer,
            rests_on=body.rests_on,
            answered_at=at,
            answered_question=body.question,
        )
        tables.reviews.put(self._hub_id, [said])

    def _enter(self, tables: NodeTables, item: Given, *, ours: bool) -> None:
        """It stands in our journal, whatever came of it."""
        statement = item.statement
        if ours:
            tables.journal.enter_sent(self._hub_id, statement.preamble.kind, item.index)
        else:
            enter_received(tables, self.membership, statement, item.index)

    def _settle(self, tables: NodeTables, entries: Sequence[Given]) -> None:
        """What waits here to be sent and was sent before is not sent again; daily statements that
        were answered are.
        """
        party_id = self.membership.hub.party_id
        left = [item for item in entries if item.statement.preamble.sender == party_id]
        for waiting in tables.outbox.pending(self._hub_id):
            sent = next((item for item in left if _is_of(item, waiting)), None)
            if sent is not None:
                left.remove(sent)
                place = Place(sent.index, sent.salt)
                tables.outbox.sent_before(waiting, sent.envelope, place)
        for item in entries:
            body = item.statement.body
            if isinstance(body, StatementAnswerBody):
                tables.journal.answered(self._hub_id, body.statement, body.answer)

    @property
    def _hub_id(self) -> str:
        return self.membership.hub.hub_id


def _is_of(given: Given, waiting: OutboxItem) -> bool:
    """Whether an entry is the statement that waits, under whichever signature."""
    if given.statement.preamble.kind != waiting.kind:
        return False
    if waiting.envelope is not None:
        return given.envelope == waiting.envelope
    subject = subject_of(waiting.body)
    if subject is not None:
        return subject_of(given.statement.body) == subject
    return bool(given.statement.body == waiting.body)


def _delivery(item: Given) -> Delivery:
    """An entry as it came by mail, without what was sealed beside it."""
    return Delivery(
        seq=0,
        index=item.index,
        salt=item.salt,
        envelope=to_base64(item.envelope),
        sealed=None,
        proof=None,
    )
