"""What a poll is refused, and when it ends: by who holds the right key and asks the wrong thing."""

import asyncio
from typing import Any

from hub.store.mailboxes import Post
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.messages.bodies import NoticeBody, PollBody, ReceiptBody
from protocol.messages.statement import Context, Stamp, make_statement
from protocol.wire import Mailbag, Message
from tests.sim.federation import SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]
E = ErrorCode
INSTANCE = "aa" * 16


def poll(node: SimNode, wait: int = 0, **change: Any) -> Message:
    """A poll as this node signs it, but for what `change` says."""
    charter, hub = node.membership.charter, node.membership.hub
    body = PollBody(
        generation=change.get("generation", hub.generation),
        cursor=change.get("cursor", hub.cursor),
        wait=wait,
        instance=INSTANCE,
    )
    context = Context(
        change.get("charter_id", charter.charter_id),
        charter.version,
        change.get("origin", charter.log.origin),
        node.party_id,
    )
    env = node.membership.env
    stamp = Stamp(
        change.get("aud", charter.charter_id), env.new_id(), change.get("iat", env.clock())
    )
    signed = make_statement(
        context, stamp, change.get("body", body), change.get("key", node.membership.keys.auth)
    )
    return Message(envelope=to_base64(signed.envelope.encode()), sealed=None, proof=None)


async def says(federation: SimFederation, message: Message) -> ErrorCode | Mailbag:
    """How the hub refuses a poll, or the mail that it gives."""
    try:
        return await federation.services.mailbox.poll(message)
    except RemoteError as error:
        return error.code


async def test_a_poll_that_is_for_somebody_else_or_too_old(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    receipt = ReceiptBody(request_id="00" * 16, release="00" * 32, sealed_hash="00" * 32)
    now = federation.clock()
    assert {
        "for another federation": await says(federation, poll(health, charter_id="ab" * 16)),
        "for another log": await says(federation, poll(health, origin="other.example/log")),
        "for a member": await says(federation, poll(health, aud=care.party_id)),
        "of six minutes ago": await says(federation, poll(health, iat=now - 360)),
        "by the key for statements": await says(
            federation, poll(health, key=health.membership.keys.sign)
        ),
        "that is none": await says(
            federation, poll(health, body=receipt, key=health.membership.keys.sign)
        ),
    } == {
        "for another federation": E.WRONG_CHARTER,
        "for another log": E.WRONG_CHARTER,
        "for a member": E.WRONG_RECIPIENT,
        "of six minutes ago": E.EXPIRED,
        "by the key for statements": E.BAD_SIGNATURE,
        "that is none": E.UNKNOWN_KIND,
    }
    assert isinstance(await says(federation, poll(health)), Mailbag)


async def test_a_poll_of_another_generation_acknowledges_nothing_and_begins_anew(
    federation: SimFederation, agencies: Agencies
) -> None:
    del agencies
    charity = await federation.join("Charity", "charity")
    generation = await federation.hub_read(lambda tables: tables.mailboxes.generation())

    def news(tables: HubTables) -> None:
        notice = federation.ledger(tables).sign(
            NoticeBody(round="00" * 32, links=[]), charity.party_id
        )
        tables.mailboxes.post([Post(charity.party_id, notice.envelope.encode())])

    async def given(**change: Any) -> list[int] | ErrorCode:
        bag = await says(federation, poll(charity, **change))
        return bag if isinstance(bag, ErrorCode) else [item.seq for item in bag.deliveries]

    for _ in range(2):
        await federation.hub_write(news)
    first = await given(generation=None, cursor=0)
    assert isinstance(first, list)
    assert len(first) == 2
    for other in (None, "cd" * 16):
        assert await given(generation=other, cursor=first[-1]) == first
    assert await given(generation=generation, cursor=first[0]) == first[1:]
    assert await given(generation=generation, cursor=first[1]) == []
    behind = await given(generation=generation, cursor=first[0])
    assert behind is E.BEHIND, "an old copy of the node stands before what it acknowledged"


async def test_a_poll_that_waits_is_answered_by_mail_and_ends_with_its_connection(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    mailbox = federation.services.mailbox
    async with federation.polling(mailbox.poll(poll(health, wait=60))) as waiting:
        await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        bag = await asyncio.wait_for(waiting, 20)
    assert isinstance(bag, Mailbag)
    assert len(bag.deliveries) == 2
    assert [item.sealed is None for item in bag.deliveries].count(False) == 1
    assert mailbox._polling == {}, "it is not open any more"
    standing = [True]
    cursor = bag.deliveries[-1].seq
    asked = mailbox.poll(poll(health, wait=60, cursor=cursor), stands=lambda: standing[0])
    async with federation.polling(asked) as waiting:
        standing.clear()
        standing.append(False)
        ended = await asyncio.wait_for(waiting, 20)
    assert isinstance(ended, Mailbag)
    assert ended.deliveries == []
