"""Mail from one hub: each message is acted on once, or set aside (specs/07-transport.md §5).

A bad message is the sender's fault and final. A message that meets a fault of this program is kept
as it came, and tried again: it may be a recall. What comes after it and does not make sense without
it is kept too, and tried again after it.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile
from typing import Protocol

from node.dispatch import Dispatcher
from node.faults import AT_ONCE
from node.membership.hub import HubMembership
from node.oversight.gossip import check_gossip, is_known
from node.store.hubs import HubRow
from node.store.set_aside import Fault, Item, Kind
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.fields import from_base64
from protocol.wire import ANSWER_LIMIT, Delivery, Mailbag, encode_wire, parse_wire
from runtime.logs import log

# What a message is refused with that makes no sense without one before it.
OUT_OF_TURN = frozenset(
    {ErrorCode.NOT_FOUND, ErrorCode.NOT_ALLOWED, ErrorCode.WRONG_RECIPIENT, ErrorCode.CONFLICT}
)


SOON = 3
"""Seconds within which witnesses mostly sign."""


class Then(Protocol):
    """What else happens to a message in the transaction; `settled`: it is dealt with for good."""

    def __call__(self, tables: NodeTables, *, settled: bool) -> None:
        """Write it."""
        ...


# What the whole mailbox waits for. Any other fault of ours is of one message, which is set aside.
NOT_NOW = frozenset(
    {ErrorCode.UNREACHABLE, ErrorCode.STORAGE, ErrorCode.NOT_READY, ErrorCode.CONFIGURATION}
)


class Mail:
    """Takes in the mail of one hub."""

    def __init__(self, membership: HubMembership, dispatcher: Dispatcher) -> None:
        self._membership = membership
        self._dispatcher = dispatcher

    async def take_in(self, bag: Mailbag) -> int:
        """Act on the messages of a bag in order; how many were dealt with.

        Each transaction moves the cursor too. What witnesses have signed is taken together; from
        the first fault on, each message is a transaction of its own. Raises
        RemoteError(UNREACHABLE) or LocalError: then the message stays in the mailbox.
        """
        hub, dealt_with, together = self._membership.hub, 0, True
        while dealt_with < len(bag.deliveries):
            rest = bag.deliveries[dealt_with:]
            front = await self._front(rest) if together else []
            if front is None or self._membership.hub.genesis != hub.genesis:
                break  # it must wait, or the rest is of a log that was lost
            if len(front) > 1:
                together = await self._take_together(hub, bag.generation, front)
                dealt_with += len(front) if together else 0
            elif await self._take_first(hub, bag.generation, rest[0]):
                dealt_with += 1
                together = bool(front)
            else:
                break
        return dealt_with

    async def _front(self, deliveries: Sequence[Delivery]) -> list[Delivery] | None:
        """Those that can be dealt with together, after a look at the log if that is needed; None if
        the first must wait.
        """
        front = self._witnessed(deliveries)
        if not front and len(deliveries) > 1:
            with suppress(Exception):  # what the first meets it meets again by itself
                if not await self._may_act(deliveries[0]):
                    return None
            front = self._witnessed(deliveries)
        return front

    def _witnessed(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Those in front of which we have seen, under a quorum, the entry, and the checkpoint that
        came with it; no more than are dealt with at once.
        """
        membership = self._membership

        def is_witnessed(delivery: Delivery) -> bool:
            try:
                index = self._dispatcher.rests_on(delivery)
                if index is not None and index >= membership.view.size:
                    return False
                return delivery.proof is None or is_known(membership, from_base64(delivery.proof))
            except Exception:  # noqa: BLE001 - it meets the same by itself, and is set aside
                return False

        return list(takewhile(is_witnessed, deliveries[:AT_ONCE]))

    async def _take_together(self, hub: HubRow, generation: str, front: Sequence[Delivery]) -> bool:
        """Act on all of these in one transaction, or on none; whether so."""

        def act(tables: NodeTables) -> None:
            for delivery in front:
                self._dispatcher.take(tables, delivery)
            tables.hubs.read_up_to(hub, generation, front[-1].seq)

        try:
            await self._membership.engine.write(act)
        except Exception:  # noqa: BLE001 - whose it is shows when each is by itself
            return False
        self._read_up_to(hub, generation, front[-1].seq)  # the bag ends where that log was lost
        return True

    async def _take_first(self, hub: HubRow, generation: str, delivery: Delivery) -> bool:
        """Deal with one message, whatever it meets; whether the next may come."""

        def move_on(tables: NodeTables, *, settled: bool) -> None:
            del settled
            tables.hubs.read_up_to(hub, generation, delivery.seq)

        handled = await self._handle(self._item(delivery), delivery, move_on)
        return handled and self._read_up_to(hub, generation, delivery.seq)

    def _read_up_to(self, hub: HubRow, generation: str, cursor: int) -> bool:
        """Ask for what comes after it from now on; False if its log was lost meanwhile."""
        membership = self._membership
        same = membership.hub.genesis == hub.genesis
        if same:
            membership.hub = replace(membership.hub, generation=generation, cursor=cursor)
        return same

    async def retry(self) -> None:
        """Try again what was set aside, in the order in which it came. Raises PatchworkError."""
        hub_id, faults = self._membership.hub.hub_id, self._membership.faults
        everything = await self._membership.engine.read(lambda tables: tables.set_aside.all(hub_id))
        for item in [kept.item for kept in everything if kept.item.what is Kind.MESSAGE]:

            def put_away(tables: NodeTables, *, settled: bool, item: Item = item) -> None:
                if settled:
                    faults.done(tables, Kind.MESSAGE, [item.item])

            try:
                delivery = parse_wire(Delivery, item.delivery or b"", limit=ANSWER_LIMIT)
                await self._handle(item, delivery, put_away)
            except PatchworkError as error:
                if error.code in NOT_NOW:
                    raise
                log.warning("message_still_set_aside", item=item.item, code=error.code.value)

    async def _handle(self, item: Item, delivery: Delivery, then: Then) -> bool:
        """Deal with one message, whatever it meets; False if it must wait. Raises PatchworkError
        where it is to stay where it is.
        """
        try:
            return await self._act(item, delivery, then)
        except PatchworkError as error:
            if error.code in NOT_NOW:
                raise
            await self._set_aside(item, delivery, error, then)
        except Exception as error:  # noqa: BLE001 - whatever it is, the rest of the mail goes on
            await self._set_aside(item, delivery, error, then)
        return True

    async def _act(self, item: Item, delivery: Delivery, then: Then) -> bool:
        """Act on one message, and do `then` in the same transaction; False if it must wait."""
        membership = self._membership

        def act(tables: NodeTables) -> None:
            self._dispatcher.take(tables, delivery)
            then(tables, settled=True)

        try:
            if not await self._may_act(delivery):
                return False
            if delivery.proof is not None:
                await check_gossip(membership, from_base64(delivery.proof))
            await membership.engine.write(act)
        except RemoteError as error:
            if error.code in {*NOT_NOW, ErrorCode.INTERNAL}:
                raise  # the hub's trouble, not the message's
            await self._refuse(item, delivery, error.code, then)
        return True

    async def _refuse(self, item: Item, delivery: Delivery, code: ErrorCode, then: Then) -> None:
        """Be done with a message that is not acted on, unless one before it was set aside."""
        log.warning("message_set_aside", seq=delivery.seq, code=code.value)

        def refuse(tables: NodeTables) -> None:
            waits = self._waits_for_another(tables, item, code)
            (self._dispatcher.keep if waits else self._dispatcher.refuse)(tables, delivery)
            then(tables, settled=not waits)

        await self._membership.engine.write(refuse)

    async def _set_aside(
        self, item: Item, delivery: Delivery, error: Exception, then: Then
    ) -> None:
        """Keep a message that met a fault of ours, to be tried again."""
        membership = self._membership
        fault = membership.faults.told(Kind.MESSAGE, item.item, error)

        def keep(tables: NodeTables, *, enter: bool) -> None:
            membership.faults.put(tables, item, fault)
            if enter:
                self._dispatcher.keep(tables, delivery)
            then(tables, settled=False)

        try:
            await membership.engine.write(lambda tables: keep(tables, enter=True))
        except PatchworkError:
            raise
        except Exception:  # noqa: BLE001 - the fault is in entering it: that is tried again too
            await membership.engine.write(lambda tables: keep(tables, enter=False))

    def _waits_for_another(self, tables: NodeTables, item: Item, code: ErrorCode) -> bool:
        """Keep a message that is out of turn because what it follows was set aside; whether so.

        That may be a message before it, or a statement of ours that it answers.
        """
        if code not in OUT_OF_TURN:
            return False
        kept = (other.item for other in tables.set_aside.all(item.hub_id))
        before = takewhile(lambda other: (other.what, other.item) != (item.what, item.item), kept)
        if not any(other.what in {Kind.MESSAGE, Kind.STATEMENT} for other in before):
            return False
        tables.set_aside.put(item, Fault(code.value, ""), self._membership.env.clock())
        return True

    async def _may_act(self, delivery: Delivery) -> bool:
        """Whether a quorum has seen the entry that this message is, after a look at the log.

        While the log has no quorum a message that the sender's key in our last view verifies is
        acted on all the same: what moves contact details brings a proof of its own, or is for life
        or death. Any other stays in the mailbox; the next poll brings it again.
        """
        membership, index = self._membership, self._dispatcher.rests_on(delivery)
        if index is None or index < membership.view.size:
            return True
        witnessed = await membership.follow()
        if witnessed and index >= membership.view.size:
            with suppress(RemoteError):  # told at once, and not by asking again and again
                await membership.http.get(f"{membership.hub.url}/v1/proofs/{index}?wait={SOON}")
            witnessed = await membership.follow()
        if index < membership.view.size:
            return True
        return not witnessed and await asyncio.to_thread(self._dispatcher.verifies, delivery)

    def _item(self, delivery: Delivery) -> Item:
        name = hashlib.sha256(delivery.envelope.encode()).hexdigest()[:32]
        hub_id = self._membership.hub.hub_id
        return Item(hub_id, Kind.MESSAGE, name, encode_wire(delivery))
