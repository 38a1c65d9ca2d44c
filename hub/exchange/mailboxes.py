"""Mailboxes by long poll: nodes only ever connect outwards (specs/07-transport.md §5).

At-least-once: a message stays until a later poll's cursor acknowledges it, and never beyond what
was delivered. Two copies of one node polling at once is an alarm.
"""

import asyncio
from collections import Counter, OrderedDict

import structlog

from hub.log.ledger import Ledger
from hub.store.tables import HubEngine
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64
from protocol.messages.bodies import PollBody
from protocol.messages.statement import Statement, check_addressed, check_fresh, parse_statement
from protocol.wire import Mailbag, Message

BATCH = 50
LOOK_AGAIN_SECONDS = 0.2
REMEMBERED_NONCES = 100_000

log = structlog.get_logger()


class Mailbox:
    """The hub's side of polling. Remembers nonces and instances in memory only: a poll that is
    replayed after a restart within five minutes can deliver nothing that its node does not get.
    """

    def __init__(self, engine: HubEngine, ledger: Ledger) -> None:
        self._engine = engine
        self._ledger = ledger
        self._nonces: OrderedDict[str, None] = OrderedDict()
        self._polling: dict[str, str] = {}
        self._waiting: Counter[str] = Counter()

    async def poll(self, message: Message) -> Mailbag:
        """Answer a poll, waiting up to its `wait` seconds for something to deliver."""
        statement = parse_statement(from_base64(message.envelope)).expect(PollBody)
        await asyncio.to_thread(self._check, statement)
        agency, body = statement.preamble.sender, statement.body
        if self._polling.get(agency, body.instance) != body.instance:
            log.warning("second_instance", agency=agency)
            raise RemoteError(ErrorCode.SECOND_INSTANCE, "another copy is polling now")
        self._polling[agency] = body.instance
        self._waiting[agency] += 1
        try:
            return await self._wait(statement)
        finally:
            self._waiting[agency] -= 1
            if not self._waiting[agency]:
                del self._waiting[agency], self._polling[agency]

    async def _wait(self, statement: Statement[PollBody]) -> Mailbag:
        agency, body = statement.preamble.sender, statement.body
        deadline = asyncio.get_running_loop().time() + body.wait
        generation = await self._engine.read(lambda tables: tables.generation())
        cursor = body.cursor if body.generation == generation else 0
        await self._engine.write(lambda tables: tables.acknowledge(agency, cursor))
        while not await self._engine.read(lambda tables: tables.has_post(agency, cursor)):
            if asyncio.get_running_loop().time() >= deadline:
                return Mailbag(generation=generation, deliveries=[])
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        # The wait may have been long: whoever was suspended or has new keys meanwhile gets nothing.
        await asyncio.to_thread(self._ledger.directory.verify, statement)
        deliveries = await self._engine.write(
            lambda tables: list(tables.deliveries(agency, cursor, BATCH))
        )
        return Mailbag(generation=generation, deliveries=deliveries)

    def _check(self, statement: Statement[PollBody]) -> None:
        charter = self._ledger.charter
        self._ledger.directory.verify(statement)
        check_addressed(
            statement.preamble,
            charter_id=charter.charter_id,
            log_origin=charter.log.origin,
            aud=charter.charter_id,
        )
        check_fresh(statement.preamble, now=self._ledger.env.clock())
        nonce = statement.preamble.nonce
        if nonce in self._nonces:
            raise RemoteError(ErrorCode.REPLAYED, "nonce was used before")
        self._nonces[nonce] = None
        while len(self._nonces) > REMEMBERED_NONCES:
            self._nonces.popitem(last=False)
