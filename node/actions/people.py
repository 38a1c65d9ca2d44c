"""What commands and API do when people decide: write it down, and send it at once."""

from contextlib import suppress
from typing import Any

from node.identity_checks.answering import Comparison
from node.identity_checks.asking import Inquiry
from node.links.review import Opinion
from node.requests.without_quorum import LEFT_NOTHING, Urgent
from node.service import NodeService
from node.store.tables import NodeTables
from node.views import review as screens
from protocol.errors import ErrorCode, RemoteError


async def say_now(service: NodeService, opinion: Opinion) -> None:
    """Give an answer about a link and send it. Raises LocalError, or RemoteError if refused."""
    desk, federation = service.desk, service.federation
    await federation.follow()
    await federation.engine.write(lambda db: desk.reviewing.say(NodeTables(db), opinion))
    await service.advance()
    sql = "SELECT error FROM review WHERE hub_id = ? AND link_id = ?"
    row = await federation.engine.read(
        lambda db: NodeTables(db).one(sql, federation.hub.hub_id, opinion.link_id)
    )
    if row is not None and row["error"]:
        raise RemoteError(ErrorCode(row["error"]), "the hub did not take your answer; look again")


async def check_now(service: NodeService, inquiry: Inquiry) -> str:
    """Ask for an identity check and send the request; its id."""
    desk, federation = service.desk, service.federation
    await federation.follow()
    check_id = await federation.engine.write(lambda db: desk.asking.ask(NodeTables(db), inquiry))
    await service.advance()
    return check_id


async def answer_now(service: NodeService, comparison: Comparison) -> None:
    """Answer an identity check and send the answer."""
    desk, federation = service.desk, service.federation
    await federation.follow()
    await federation.engine.write(lambda db: desk.answering.answer(NodeTables(db), comparison))
    await service.advance()


async def recall_now(service: NodeService, request_id: str, practitioner: int) -> None:
    """Say "wrong person" and send it; what follows from it too."""
    desk, federation = service.desk, service.federation
    await federation.follow()
    await federation.engine.write(
        lambda db: desk.recalls.say(NodeTables(db), request_id, practitioner)
    )
    await service.advance()
    await service.advance()


async def may_let_go(service: NodeService, request_id: str) -> None:
    """Whether a card may be let go without a quorum now. Raises LocalError."""
    federation, unwitnessed = service.federation, service.desk.unwitnessed
    witnessed = await federation.follow()
    await federation.engine.read(
        lambda db: unwitnessed.check(NodeTables(db), request_id, witnessed=witnessed)
    )


async def let_go_now(service: NodeService, urgent: Urgent) -> None:
    """Let a card go without a quorum. Raises LocalError, or RemoteError unless the hub takes it:
    UNREACHABLE if it did not answer.
    """
    federation, unwitnessed = service.federation, service.desk.unwitnessed
    witnessed = await federation.follow()
    gone = await federation.engine.write(
        lambda db: unwitnessed.let_go(NodeTables(db), urgent, witnessed=witnessed)
    )
    if not gone:
        raise RemoteError(ErrorCode.NOT_ALLOWED, LEFT_NOTHING)
    with suppress(RemoteError):  # what it means for this card is in the outbox
        await service.outbox.send()
    await federation.engine.read(
        lambda db: unwitnessed.check_gone(NodeTables(db), urgent.request_id)
    )


async def queue_now(service: NodeService) -> dict[str, Any]:
    """What waits for people, for scripts and screens."""
    federation = service.federation
    return await federation.engine.read(
        lambda db: screens.queue_value(NodeTables(db), federation, service.desk)
    )
