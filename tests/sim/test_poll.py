"""Polling: what it costs the hub's database, and one open poll an agency."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from hub.exchange.mailboxes import BATCH
from hub.server.routes import HubApp
from hub.store.mailboxes import Mailboxes, Post
from protocol.fields import to_base64
from protocol.messages.bodies import NoticeBody, PollBody
from protocol.wire import Mailbag, Message, encode_wire
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_restart import restart_hub
from tests.statements import counted_statements
from transport.server import listening


async def poll(federation: SimFederation, agency: SimNode, bag: Mailbag) -> Mailbag:
    """A poll that acknowledges what came before."""
    cursor = bag.deliveries[-1].seq if bag.deliveries else 0
    body = PollBody(generation=bag.generation, cursor=cursor, wait=0, instance="11" * 16)
    statement = agency.membership.sign(body, agency.membership.hub.hub_id)
    envelope = to_base64(statement.envelope.encode())
    return await federation.services.mailbox.poll(
        Message(envelope=envelope, sealed=None, proof=None)
    )


async def all_delivered(federation: SimFederation, number: int) -> list[int]:
    """So much mail for a new agency: the statements that each poll costs that fetches it."""
    agency = await federation.join(f"Agency {number}", "charity")
    notice = await federation.hub_read(
        lambda tables: federation.ledger(tables).sign(
            NoticeBody(round="00" * 32, links=[]), agency.party_id
        )
    )
    post = Post(agency.party_id, notice.envelope.encode())
    await federation.hub_write(lambda tables: tables.mailboxes.post([post] * number))
    bag, costs, taken = Mailbag(generation="00" * 16, deliveries=[]), [], 0
    while taken < number:
        with counted_statements() as said:
            bag = await poll(federation, agency, bag)
        taken += len(bag.deliveries)
        costs.append(len(said))
    assert taken == number, "each message once"
    return costs


async def test_a_thousand_messages_cost_no_more_than_a_hundred(federation: SimFederation) -> None:
    """A poll's statements do not grow with what waits, nor with what it delivers."""
    await restart_hub(federation)  # on an engine that does not run each body twice
    few, many = [await all_delivered(federation, number) for number in (100, 1000)]
    assert (len(few), len(many)) == (100 // BATCH, 1000 // BATCH)
    assert set(many) == set(few)
    assert sum(many) <= 121


def posted(agency: SimNode, wait: int, instance: str) -> bytes:
    """A poll as it goes over the wire."""
    hub = agency.membership.hub
    body = PollBody(generation=hub.generation, cursor=hub.cursor, wait=wait, instance=instance)
    statement = agency.membership.sign(body, hub.hub_id)
    envelope = to_base64(statement.envelope.encode())
    data = encode_wire(Message(envelope=envelope, sealed=None, proof=None))
    head = f"POST /v1/polls HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


@asynccontextmanager
async def polled(
    port: int, agency: SimNode, wait: int, instance: str
) -> AsyncIterator[asyncio.StreamReader]:
    """A poll on a connection of its own, which ends with this."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(posted(agency, wait, instance))
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()


async def first_line(reader: asyncio.StreamReader) -> bytes:
    """The status line of an answer, which comes long before the poll's own time is over."""
    return await asyncio.wait_for(reader.readline(), 20)


async def test_a_node_that_starts_again_and_again_is_no_second_copy(
    federation: SimFederation, agencies: tuple[SimNode, SimNode]
) -> None:
    """Its connections went down with it: what it asked then is answered to nobody any more."""
    health, _ = agencies
    async with listening(HubApp(federation.services).application(), "127.0.0.1", 0) as port:
        for number in range(20):
            async with polled(port, health, 60, f"{number:032x}"):
                await federation.open_poll(f"{number:032x}")
        async with polled(port, health, 0, "ff" * 16) as reader:
            assert await first_line(reader) == b"HTTP/1.1 200 OK\r\n"
        async with (
            polled(port, health, 60, "aa" * 16),
            polled(port, health, 60, "bb" * 16) as other,
        ):
            assert await first_line(other) == b"HTTP/1.1 409 Conflict\r\n", "both stand: two copies"


async def test_a_later_poll_ends_the_one_before(
    federation: SimFederation, agencies: tuple[SimNode, SimNode]
) -> None:
    """One open poll an agency, however many it makes."""
    health, _ = agencies
    async with (
        listening(HubApp(federation.services).application(), "127.0.0.1", 0) as port,
        AsyncExitStack() as stack,
    ):
        reader = await stack.enter_async_context(polled(port, health, 60, "aa" * 16))
        await federation.open_poll("aa" * 16)
        for _ in range(20):
            later = await stack.enter_async_context(polled(port, health, 60, "aa" * 16))
            assert await first_line(reader) == b"HTTP/1.1 200 OK\r\n"
            reader = later


async def test_all_that_wait_look_for_mail_together_and_who_has_some_is_answered(
    federation: SimFederation, agencies: tuple[SimNode, SimNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many agencies wait, there is one transaction a look."""
    health, care = agencies
    await restart_hub(federation)  # on an engine that does not run each body twice
    for agency in agencies:
        await agency.service.receive(wait=0)
    looks, real, enough = list[Mailboxes](), Mailboxes.has_mail, asyncio.Event()
    loop = asyncio.get_running_loop()

    def has_mail(self: Mailboxes, agency: str, cursor: int) -> bool:
        looks.append(self)
        if len(looks) == 6:
            loop.call_soon_threadsafe(enough.set)
        return real(self, agency, cursor)

    async with (
        listening(HubApp(federation.services).application(), "127.0.0.1", 0) as port,
        polled(port, health, 60, "aa" * 16),
        polled(port, care, 60, "bb" * 16) as answer,
    ):
        await federation.open_poll("aa" * 16)
        await federation.open_poll("bb" * 16)
        monkeypatch.setattr(Mailboxes, "has_mail", has_mail)
        await asyncio.wait_for(enough.wait(), 20)
        assert set(Counter(looks[:6]).values()) == {2}, "both agencies in each look"
        post = Post(care.party_id, b"a message")
        await federation.hub_write(lambda tables: tables.mailboxes.post([post]))
        assert await first_line(answer) == b"HTTP/1.1 200 OK\r\n"
        polling = {one.instance for one in federation.services.mailbox._polling.values()}
        assert polling == {"aa" * 16}, "who has no mail waits on"
