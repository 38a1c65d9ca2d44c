"""A running node at one hub: poll, handle, send, release (specs/07-transport.md §5).

Every message is checked against the log before it is acted on: its sender's key comes from the
node's own view, which must already cover the message's place in the log.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import structlog

from node.config import NodeSettings
from node.dispatch import Dispatcher, Incoming, OnSent
from node.links.team import on_notice
from node.membership.hub import HubMembership
from node.membership.outbox import Outbox, Sent, keep_received
from node.oversight.gossip import check_gossip
from node.oversight.journal import Journal, enter_received
from node.oversight.monitor import Monitor
from node.publishing.republish import CharterWatch
from node.requests.answering import Answering
from node.requests.asking import Asking
from node.requests.releasing import Releasing
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.messages.bodies import (
    DecisionBody,
    HubDecisionBody,
    NoticeBody,
    PollBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
)
from protocol.messages.log import DailyStatementBody, ProvisionalBody
from protocol.messages.statement import Statement, parse_statement
from protocol.wire import ANSWER_LIMIT, Delivery, Mailbag, parse_wire

log = structlog.get_logger()
RETRY_SECONDS = 2.0
PAUSE_SECONDS = 0.3
FOLLOW_SECONDS = 2.0
LOOK_SECONDS = 30.0


class NodeService:
    """One node at one hub. `instance` tells the hub two running copies apart."""

    def __init__(self, membership: HubMembership, settings: NodeSettings) -> None:
        self.membership = membership
        self.asking = Asking(membership)
        self.answering = Answering(membership, settings)
        self.releasing = Releasing(membership, self.answering)
        self.dispatcher = Dispatcher(membership, self.asking, self.answering, self.releasing)
        self.outbox = Outbox(membership, self._on_sent, self._on_failed)
        self.charters = CharterWatch(membership)
        self.books = Journal(membership)
        self.monitor = Monitor(membership, settings.alarm_command)
        self._settings = settings
        self._instance = secrets.token_hex(16)

    async def run(self) -> None:
        """Poll and act until cancelled; faults are logged by code and tried again."""
        await asyncio.gather(
            *map(self._forever, (self._receive, self._advance, self._watch, self._monitor))
        )

    async def receive(self, wait: int | None = None) -> int:
        """One poll: fetch mail, handle each message once; how many were handled."""
        membership = self.membership
        hub = membership.hub
        body = PollBody(
            generation=hub.generation,
            cursor=hub.cursor,
            wait=self._settings.poll_seconds if wait is None else wait,
            instance=self._instance,
        )
        statement = membership.sign(body, hub.hub_id)
        answer = await membership.post("/v1/polls", statement.envelope.encode())
        bag = parse_wire(Mailbag, answer, limit=ANSWER_LIMIT)
        handled = 0
        for delivery in bag.deliveries:
            if not await self._may_act(delivery):
                break
            await self._handle(bag.generation, delivery)
            handled += 1
        return handled

    async def advance(self) -> None:
        """Send what waits in the outbox, release what is allowed, send again."""
        refusals = await self.outbox.send()
        if await self.releasing.release_allowed() + await self.dispatcher.advance():
            refusals += await self.outbox.send()
        await self.outbox.check_logged()
        await self.books.answer()
        for error in refusals:
            log.warning("statement_refused", code=error.code.value)

    async def _receive(self) -> None:
        if not await self.receive():
            await asyncio.sleep(PAUSE_SECONDS)

    async def _advance(self) -> None:
        await self.advance()
        await asyncio.sleep(PAUSE_SECONDS)

    async def _watch(self) -> None:
        await self.charters.step()
        await asyncio.sleep(FOLLOW_SECONDS)

    async def _monitor(self) -> None:
        await self.monitor.look()
        await asyncio.sleep(LOOK_SECONDS)

    async def _forever(self, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
            except PatchworkError as error:
                log.warning("node_waits", code=error.code.value)
                await asyncio.sleep(RETRY_SECONDS)

    async def _may_act(self, delivery: Delivery) -> bool:
        """Whether a quorum has seen the entry that this message is, after a look at the log.

        While the log has no quorum a message that the sender's key in our last view verifies is
        acted on all the same: what moves contact details brings a proof of its own, or is for life
        or death. Any other stays in the mailbox; the next poll brings it again.
        """
        membership = self.membership
        if delivery.index is None or delivery.index < membership.view.size:
            return True
        witnessed = await membership.follow()
        if delivery.index < membership.view.size:
            return True
        return not witnessed and await asyncio.to_thread(self._verifies, delivery)

    def _verifies(self, delivery: Delivery) -> bool:
        try:
            self._checked(delivery)
        except RemoteError:
            return False
        return True

    async def _handle(self, generation: str, delivery: Delivery) -> None:
        """Act on one message and move the cursor, in one transaction. A bad one is set aside."""
        membership = self.membership
        try:
            if delivery.proof is not None:
                await check_gossip(membership, from_base64(delivery.proof))
            await membership.engine.write(lambda tables: self._take(tables, generation, delivery))
        except RemoteError as error:
            if error.code is ErrorCode.UNREACHABLE:
                raise  # it stays in the mailbox
            log.warning("message_set_aside", seq=delivery.seq, code=error.code.value)
            await membership.engine.write(
                lambda tables: self._set_aside(tables, generation, delivery)
            )
        membership.hub = replace(membership.hub, generation=generation, cursor=delivery.seq)

    def _take(self, tables: NodeTables, generation: str, delivery: Delivery) -> None:
        statement = self._checked(delivery)
        if not tables.handled(self.membership.hub.hub_id, statement.id):
            self._dispatch(tables, statement, delivery)
            self._keep(tables, statement, delivery)
        self._move(tables, generation, delivery)

    def _set_aside(self, tables: NodeTables, generation: str, delivery: Delivery) -> None:
        if self._verifies(delivery):  # it must be in the log all the same
            statement = parse_statement(from_base64(delivery.envelope))
            self._keep(tables, statement, delivery)
            self.asking.on_closed(tables, statement)
        self._move(tables, generation, delivery)

    def _keep(
        self, tables: NodeTables, statement: Statement[WireModel], delivery: Delivery
    ) -> None:
        """Enter it in the books, and look for it in the log."""
        keep_received(tables, self.membership, delivery, statement.id)
        enter_received(tables, self.membership, statement, delivery.index)

    def _move(self, tables: NodeTables, generation: str, delivery: Delivery) -> None:
        tables.tx.run(
            "UPDATE hub SET generation = ?, cursor = ? WHERE hub_id = ?",
            generation, delivery.seq, self.membership.hub.hub_id,
        )  # fmt: skip

    def _checked(self, delivery: Delivery) -> Statement[WireModel]:
        membership = self.membership
        statement = parse_statement(from_base64(delivery.envelope))
        if (delivery.index is None) != (not statement.kind.is_logged) or (
            delivery.index is not None and delivery.salt is None
        ):
            raise RemoteError(ErrorCode.MALFORMED, "a delivery without its place in the log")
        membership.directory.verify(statement, delivery.index)
        aud = statement.preamble.aud
        brokered = statement.kind.shown_to_third
        if aud != membership.hub.party_id and not brokered:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud names somebody else")
        return statement

    def _incoming(self) -> dict[type[WireModel], Incoming]:
        asking, answering = self.asking, self.answering
        return {
            NoticeBody: lambda tables, item, _: on_notice(tables, self.membership, item),
            RequestBody: answering.on_request,
            HubDecisionBody: lambda tables, item, _: answering.on_hub_decision(tables, item),
            DecisionBody: asking.on_decision,
            ReleaseBody: asking.on_release,
            ReceiptBody: lambda tables, item, _: answering.on_receipt(tables, item),
            DailyStatementBody: self.books.on_statement,
            **self.dispatcher.incoming(),
        }

    def _dispatch(self, tables: NodeTables, statement: Statement[Any], delivery: Delivery) -> None:
        take = self._incoming().get(type(statement.body))
        if take is None:
            raise RemoteError(ErrorCode.UNKNOWN_KIND, "this kind is not for a node")
        take(tables, statement, delivery)

    def _on_sent(self, tables: NodeTables, hub_id: str, sent: Sent) -> None:
        effects: dict[type[WireModel], OnSent] = {
            RequestBody: self.asking.on_request_sent,
            DecisionBody: self.answering.on_decision_sent,
            ReleaseBody: self.releasing.on_sent,
            ProvisionalBody: self.releasing.on_sent,
            **self.dispatcher.sent(),
        }
        effect = effects.get(type(sent.statement.body))
        if effect is not None:
            effect(tables, hub_id, sent)

    def _on_failed(
        self, tables: NodeTables, hub_id: str, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        match statement.body:
            case RequestBody():
                self.asking.on_request_failed(tables, hub_id, statement, error)
            case DecisionBody():
                self.answering.on_decision_failed(tables, statement.expect(DecisionBody))
            case ReleaseBody():
                self.releasing.on_failed(tables, statement.expect(ReleaseBody))
            case body if effect := self.dispatcher.failed().get(type(body)):
                effect(tables, statement, error)
