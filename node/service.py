"""A running node at one hub: poll, handle, send, release (specs/07-transport.md §5).

Every message is checked against the log before it is acted on: its sender's key comes from the
node's own view, which must already cover the message's place in the log.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from node.config import NodeSettings
from node.dispatch import Dispatcher
from node.membership.charter import CharterWatch
from node.membership.hub import HubMembership
from node.membership.outbox import Outbox
from node.oversight.gossip import check_gossip
from node.oversight.monitor import Monitor
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.fields import from_base64
from protocol.messages.bodies import PollBody
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
        membership.shared_postcodes = frozenset(settings.shared_postcodes)
        self.dispatcher = Dispatcher(membership, settings)
        self.asking = self.dispatcher.asking
        self.answering = self.dispatcher.answering
        self.releasing = self.dispatcher.releasing
        self.journal = self.dispatcher.journal
        self.outbox = Outbox(membership, self.dispatcher.on_sent, self.dispatcher.on_failed)
        self.charters = CharterWatch(membership)
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
        if await self.dispatcher.advance():
            refusals += await self.outbox.send()
        await self.outbox.check_logged()
        await self.journal.answer()
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
        return not witnessed and await asyncio.to_thread(self.dispatcher.verifies, delivery)

    async def _handle(self, generation: str, delivery: Delivery) -> None:
        """Act on one message and move the cursor, in one transaction. A bad one is set aside."""
        membership, take, set_aside = (
            self.membership,
            self.dispatcher.take,
            self.dispatcher.set_aside,
        )
        try:
            if delivery.proof is not None:
                await check_gossip(membership, from_base64(delivery.proof))
            await membership.engine.write(lambda tables: take(tables, generation, delivery))
        except RemoteError as error:
            if error.code is ErrorCode.UNREACHABLE:
                raise  # it stays in the mailbox
            log.warning("message_set_aside", seq=delivery.seq, code=error.code.value)
            await membership.engine.write(lambda tables: set_aside(tables, generation, delivery))
        membership.hub = replace(membership.hub, generation=generation, cursor=delivery.seq)
