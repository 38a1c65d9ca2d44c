"""What commands and API do when people decide: write it down, and send it at once."""

from contextlib import suppress

from node.alarms import FOR_THE_LEAD
from node.identity_checks.comparing import Comparison
from node.identity_checks.initiating import IdentityCheckRequest
from node.links.review import Opinion
from node.requests.without_quorum import LEFT_NOTHING, Urgent
from node.service import NodeService
from node.store.people import Act, Deed
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError


async def say_now(service: NodeService, opinion: Opinion) -> None:
    """Give an answer about a link and send it. Raises LocalError, or RemoteError if refused."""
    dispatcher, membership = service.dispatcher, service.membership
    await membership.begin()
    await membership.engine.write(lambda tables: dispatcher.reviewing.say(tables, opinion))
    await service.advance()
    review = await membership.engine.read(
        lambda tables: tables.reviews.get(membership.hub.hub_id, opinion.link_id)
    )
    if review is not None and review.error:
        raise RemoteError(ErrorCode(review.error), "the hub did not take your answer; look again")


async def check_now(service: NodeService, request: IdentityCheckRequest) -> str:
    """Ask for an identity check and send the request; its id."""
    dispatcher, membership = service.dispatcher, service.membership
    await membership.begin()
    check_id = await membership.engine.write(
        lambda tables: dispatcher.identity_asking.ask(tables, request)
    )
    await service.advance()
    return check_id


async def answer_now(service: NodeService, comparison: Comparison) -> None:
    """Answer an identity check and send the answer."""
    dispatcher, membership = service.dispatcher, service.membership
    await membership.begin()
    await membership.engine.write(
        lambda tables: dispatcher.identity_answering.answer(tables, comparison)
    )
    await service.advance()


async def recall_now(service: NodeService, request_id: str, practitioner: int) -> None:
    """Say "wrong person" and send it; what follows from it too.

    The card goes at once, whatever the hub says: what waits for it is sent when it is there again.
    """
    dispatcher, membership = service.dispatcher, service.membership
    await membership.check_synced()
    with suppress(RemoteError):
        await membership.follow()
    await membership.engine.write(
        lambda tables: dispatcher.recalls.say(tables, request_id, practitioner)
    )
    try:
        await service.advance()
        await service.advance()
    except RemoteError as error:
        said = "the card is deleted here, and patchwork-node serve tells the others later: "
        raise RemoteError(error.code, said + error.detail) from error


async def may_let_go(service: NodeService, request_id: str) -> None:
    """Whether a card may be let go without a quorum now. Raises LocalError."""
    membership, unwitnessed = service.membership, service.dispatcher.unwitnessed
    witnessed = await membership.begin()
    await membership.engine.read(
        lambda tables: unwitnessed.check(tables, request_id, witnessed=witnessed)
    )


async def let_go_now(service: NodeService, urgent: Urgent) -> None:
    """Let a card go without a quorum. Raises LocalError, or RemoteError unless the hub takes it:
    UNREACHABLE if it did not answer.
    """
    membership, unwitnessed = service.membership, service.dispatcher.unwitnessed
    witnessed = await membership.begin()
    gone = await membership.engine.write(
        lambda tables: unwitnessed.let_go(tables, urgent, witnessed=witnessed)
    )
    if not gone:
        raise RemoteError(ErrorCode.NOT_ALLOWED, LEFT_NOTHING)
    with suppress(RemoteError):  # what it means for this card is in the outbox
        await service.outbox.send()
    await membership.engine.read(lambda tables: unwitnessed.check_gone(tables, urgent.request_id))


async def mark_alerts_seen(service: NodeService, person: int) -> int:
    """The lead for information governance (a row's id) has seen the alerts; how many were new."""
    hub_id, now = service.membership.hub.hub_id, service.membership.env.clock()

    def work(tables: NodeTables) -> int:
        held = [
            alarm.id
            for alarm in tables.alarms.open(hub_id)
            if alarm.code in FOR_THE_LEAD and not alarm.acknowledged
        ]
        for number in held:
            tables.alarms.acknowledge(hub_id, number, now)
        count = tables.governance.mark_seen(hub_id, now) + len(held)
        if count:
            tables.people.acted(Act(person, Deed.SAW_ALERTS, str(count), now))
        return count

    return await service.membership.engine.write(work)
