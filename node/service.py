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

from node.answering import Answering
from node.asking import Asking
from node.config import NodeSettings
from node.federation import Federation
from node.links import on_notice
from node.outbox import Outbox, Sent
from node.store import NodeTables
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.messages import (
    DecisionBody,
    HubDecisionBody,
    NoticeBody,
    PollBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
)
from protocol.statement import Statement, parse_statement
from protocol.wire import ANSWER_LIMIT, Delivery, Mailbag, parse_wire

log = structlog.get_logger()
RETRY_SECONDS = 2.0
PAUSE_SECONDS = 0.3


class NodeService:
    """One node at one hub. `instance` tells the hub two running copies apart."""

    def __init__(self, federation: Federation, settings: NodeSettings) -> None:
        self.federation = federation
        self.asking = Asking(federation)
        self.answering = Answering(federation, settings)
        self.outbox = Outbox(federation, self._on_sent, self._on_failed)
        self._settings = settings
        self._instance = secrets.token_hex(16)

    async def run(self) -> None:
        """Poll and act until cancelled; faults are logged by code and tried again."""
        await asyncio.gather(self._forever(self._receive), self._forever(self._advance))

    async def receive(self, wait: int | None = None) -> int:
        """One poll: fetch mail, handle each message once; how many were handled."""
        federation = self.federation
        hub = federation.hub
        body = PollBody(
            generation=hub.generation,
            cursor=hub.cursor,
            wait=self._settings.poll_seconds if wait is None else wait,
            instance=self._instance,
        )
        statement = federation.sign(body, hub.hub_id)
        answer = await federation.post("/v1/polls", statement.envelope.encode())
        bag = parse_wire(Mailbag, answer, limit=ANSWER_LIMIT)
        handled = 0
        for delivery in bag.deliveries:
            if not await self._is_covered(delivery):
                break
            await self._handle(bag.generation, delivery)
            handled += 1
        return handled

    async def advance(self) -> None:
        """Send what waits in the outbox, release what is allowed, send again."""
        refusals = await self.outbox.send()
        if await self.answering.release_allowed():
            refusals += await self.outbox.send()
        await self.outbox.check_logged()
        for error in refusals:
            log.warning("statement_refused", code=error.code.value)

    async def _receive(self) -> None:
        if not await self.receive():
            await asyncio.sleep(PAUSE_SECONDS)

    async def _advance(self) -> None:
        await self.advance()
        await asyncio.sleep(PAUSE_SECONDS)

    async def _forever(self, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
            except PatchworkError as error:
                log.warning("node_waits", code=error.code.value)
                await asyncio.sleep(RETRY_SECONDS)

    async def _is_covered(self, delivery: Delivery) -> bool:
        """Whether a quorum has seen the entry that this message is; looks at the log anew if not.

        An uncovered message stays in the mailbox: the next poll brings it again.
        """
        federation = self.federation
        if delivery.index is not None and delivery.index >= federation.view.size:
            try:
                await federation.sync()
            except RemoteError as error:
                if error.code is not ErrorCode.NO_QUORUM:
                    raise
        return delivery.index is None or delivery.index < federation.view.size

    async def _handle(self, generation: str, delivery: Delivery) -> None:
        """Act on one message and move the cursor, in one transaction. A bad one is set aside."""
        federation = self.federation

        def work(tables: NodeTables) -> None:
            statement = self._checked(delivery)
            if not tables.handled(federation.hub.hub_id, statement.id):
                self._dispatch(tables, statement, delivery)
            move(tables)

        def move(tables: NodeTables) -> None:
            tables.run(
                "UPDATE hub SET generation = ?, cursor = ? WHERE hub_id = ?",
                generation, delivery.seq, federation.hub.hub_id,
            )  # fmt: skip

        try:
            await federation.engine.write(lambda db: work(NodeTables(db)))
        except RemoteError as error:
            log.warning("message_set_aside", seq=delivery.seq, code=error.code.value)
            await federation.engine.write(lambda db: move(NodeTables(db)))
        federation.hub = replace(federation.hub, generation=generation, cursor=delivery.seq)

    def _checked(self, delivery: Delivery) -> Statement[WireModel]:
        federation = self.federation
        statement = parse_statement(from_base64(delivery.envelope))
        if (delivery.index is None) != isinstance(statement.body, NoticeBody) or (
            delivery.index is not None and delivery.salt is None
        ):
            raise RemoteError(ErrorCode.MALFORMED, "a delivery without its place in the log")
        federation.directory.verify(statement, delivery.index)
        aud = statement.preamble.aud
        brokered = isinstance(statement.body, HubDecisionBody)
        if aud != federation.hub.party_id and not brokered:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud names somebody else")
        return statement

    def _dispatch(self, tables: NodeTables, statement: Statement[Any], delivery: Delivery) -> None:
        match statement.body:
            case NoticeBody():
                on_notice(tables, self.federation, statement)
            case RequestBody():
                self.answering.on_request(tables, statement, delivery)
            case HubDecisionBody():
                self.answering.on_hub_decision(tables, statement)
            case DecisionBody():
                self.asking.on_decision(tables, statement, delivery)
            case ReleaseBody():
                self.asking.on_release(tables, statement, delivery)
            case ReceiptBody():
                self.answering.on_receipt(tables, statement)
            case _:
                raise RemoteError(ErrorCode.UNKNOWN_KIND, "this kind is not for a node")

    def _on_sent(self, tables: NodeTables, hub_id: str, sent: Sent) -> None:
        match sent.statement.body:
            case RequestBody():
                self.asking.on_request_sent(tables, hub_id, sent)
            case DecisionBody():
                self.answering.on_decision_sent(tables, hub_id, sent)

    def _on_failed(
        self, tables: NodeTables, hub_id: str, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        match statement.body:
            case RequestBody():
                self.asking.on_request_failed(tables, hub_id, statement, error)
            case DecisionBody():
                self.answering.on_decision_failed(tables, statement.expect(DecisionBody))
            case ReleaseBody():
                self.answering.on_release_failed(tables, statement.expect(ReleaseBody))
