"""Polling: what it costs the hub's database, however much mail waits."""

from hub.exchange.mailboxes import BATCH
from hub.store.mailboxes import Post
from protocol.fields import to_base64
from protocol.messages.bodies import NoticeBody, PollBody
from protocol.wire import Mailbag, Message
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_restart import restart_hub
from tests.statements import counted_statements


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
    assert sum(many) <= 120
