"""Mailboxes by long poll: nodes only ever connect outwards (specs/07-transport.md §5).

At-least-once: a message stays until a later poll's cursor acknowledges it, and never beyond what
was delivered. Each agency has one open poll: a later one ends it. Two copies of one node polling at
once, each on a connection that stands, is an alarm.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from hub.store.mailboxes import Mail
from hub.store.tables import HubEngine, HubTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.governance.directory import Directory
from protocol.messages.bodies import PollBody
from protocol.messages.statement import Statement, check_addressed, check_fresh
from protocol.wire import Delivery, Mailbag, Message
from runtime.environment import Clock
from runtime.logs import log

BATCH = 50
LOOK_AGAIN_SECONDS = 0.2
REMEMBERED_NONCES = 100_000


@dataclass
class _Open:
    """A poll that is being answered. `stands`: whether somebody is still there to be answered."""

    instance: str
    stands: Callable[[], bool]
    cursor: int = 0
    ended: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Have it answered without mail."""
        self.ended = True
        self.woken.set()


class Mailbox:
    """The hub's side of polling. Remembers nonces and instances in memory only: a poll that is
    replayed after a restart within five minutes can deliver nothing that its node does not get.
    """

    def __init__(
        self, engine: HubEngine, clock: Clock, look_again: float = LOOK_AGAIN_SECONDS
    ) -> None:
        self._engine = engine
        self._look_again = look_again
        self._clock = clock
        self._nonces: OrderedDict[str, None] = OrderedDict()
        self._polling: dict[str, _Open] = {}
        self._looking: asyncio.Task[None] | None = None

    async def poll(
        self,
        message: Message,
        verified: Callable[[], None] = lambda: None,
        stands: Callable[[], bool] = lambda: True,
    ) -> Mailbag:
        """Answer a poll, waiting up to its `wait` seconds for something to deliver.

        `verified` is called once its signature is; `stands` says whether its connection does.
        """
        directory = await self._engine.read(lambda tables: tables.directory.current())
        statement = await asyncio.to_thread(self._opened, message, directory)
        verified()
        agency, body = statement.preamble.sender, statement.body
        before = self._polling.get(agency)
        if before is not None:
            if before.instance != body.instance and before.stands():
                log.warning("second_instance", agency=agency)
                raise RemoteError(ErrorCode.SECOND_INSTANCE, "another copy is polling now")
            before.end()
        own = self._polling[agency] = _Open(body.instance, stands)
        try:
            return await self._wait(statement, own)
        finally:
            if self._polling.get(agency) is own:
                del self._polling[agency]

    async def _wait(self, statement: Statement[PollBody], own: _Open) -> Mailbag:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + statement.body.wait

        def deliver(tables: HubTables) -> Mailbag:
            return _delivered(tables, statement)

        bag = await self._engine.write(deliver)
        own.cursor = _cursor(statement.body, bag.generation)
        while not bag.deliveries and not own.ended and loop.time() < deadline:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            with suppress(TimeoutError):
                await asyncio.wait_for(own.woken.wait(), deadline - loop.time())
            if own.ended or not own.woken.is_set():
                break
            own.woken.clear()
            bag = await self._engine.write(deliver)
        return bag

    async def _look(self) -> None:
        """Look for mail once for all that wait, as long as any does, and wake whoever has some or
        whose connection is gone.
        """
        while self._polling:
            await asyncio.sleep(self._look_again)
            polling = dict(self._polling)

            def read(tables: HubTables, polling: Mapping[str, _Open] = polling) -> list[_Open]:
                has_mail = tables.mailboxes.has_mail
                return [one for agency, one in polling.items() if has_mail(agency, one.cursor)]

            for one in polling.values():
                if not one.stands():
                    one.end()
            try:
                found = await self._engine.read(read) if polling else []
            except Exception:  # noqa: BLE001 - each finds out for itself, and says so
                found = [*polling.values()]
            for one in found:
                one.woken.set()

    def _opened(self, message: Message, directory: Directory) -> Statement[PollBody]:
        charter = directory.charter
        statement = directory.open(from_base64(message.envelope)).expect(PollBody)
        check_addressed(
            statement.preamble,
            charter_id=charter.charter_id,
            log_origin=charter.log.origin,
            aud=charter.charter_id,
        )
        check_fresh(statement.preamble, now=self._clock())
        nonce = statement.preamble.nonce
        if nonce in self._nonces:
            raise RemoteError(ErrorCode.REPLAYED, "nonce was used before")
        self._nonces[nonce] = None
        while len(self._nonces) > REMEMBERED_NONCES:
            self._nonces.popitem(last=False)
        return statement


def _delivered(tables: HubTables, statement: Statement[PollBody]) -> Mailbag:
    """Forget what the cursor acknowledges and mark what comes after it as delivered.

    The wait may have been long: whoever was suspended or has new keys meanwhile gets nothing.
    """
    agency, mailboxes = statement.preamble.sender, tables.mailboxes
    generation = mailboxes.generation()
    cursor = _cursor(statement.body, generation)
    if mailboxes.acknowledge(agency, cursor) > cursor:
        raise RemoteError(ErrorCode.BEHIND, "mail up to here was acknowledged before")
    mails = mailboxes.deliver(agency, cursor, BATCH)
    if mails:
        tables.directory.current().verify(statement)
    return Mailbag(generation=generation, deliveries=[_delivery(mail) for mail in mails])


def _cursor(body: PollBody, generation: str) -> int:
    """Where the poll stands; at the beginning of a generation that it does not know."""
    return body.cursor if body.generation == generation else 0


def _delivery(mail: Mail) -> Delivery:
    return Delivery(
        seq=mail.seq,
        index=mail.index,
        salt=mail.salt.hex() if mail.salt is not None else None,
        envelope=to_base64(mail.envelope),
        sealed=to_base64(mail.sealed) if mail.sealed is not None else None,
        proof=to_base64(mail.proof) if mail.proof is not None else None,
    )
