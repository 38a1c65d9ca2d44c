"""What commands and API do when people decide: write it down, and send it at once."""

from typing import Any

from node.people import screens
from node.people.answering import Comparison
from node.people.asking import Inquiry
from node.people.review import Opinion
from node.people.unwitnessed import Urgent
from node.service import NodeService
from node.store import NodeTables
from protocol.errors import ErrorCode, RemoteError

LEFT_NOTHING = (
    "no card has left: the permission or the link has ended, or witnesses have signed since, and "
    "then it leaves by itself. See patchwork-node inbox"
)


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
    await federation.follow()
    await federation.engine.read(lambda db: unwitnessed.check(NodeTables(db), request_id))


async def let_go_now(service: NodeService, urgent: Urgent) -> None:
    """Let a card go without a quorum. Raises LocalError or RemoteError if it does not go."""
    desk, federation = service.desk, service.federation
    await federation.follow()
    gone = await federation.engine.write(lambda db: desk.unwitnessed.let_go(NodeTables(db), urgent))
    refusals = await service.outbox.send()
    state = await federation.engine.read(
        lambda db: desk.unwitnessed.state(NodeTables(db), urgent.request_id)
    )
    if not gone or state != "released":
        code = refusals[0].code if refusals else ErrorCode.NOT_ALLOWED
        raise RemoteError(code, LEFT_NOTHING)


async def queue_now(service: NodeService) -> dict[str, Any]:
    """What waits for people, for scripts and screens."""
    federation = service.federation
    return await federation.engine.read(
        lambda db: screens.queue_value(NodeTables(db), federation, service.desk)
    )
