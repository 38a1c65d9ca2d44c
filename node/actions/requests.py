"""Answering requests for contact details: written down, and sent at once."""

from pydantic import ValidationError

from node.records.people import acting
from node.requests.answering import Answer
from node.requests.passing import pass_on
from node.service import NodeService
from node.store.people import Act, Deed
from node.store.requests import ReceivedState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.requests.decide import Decision
from protocol.requests.disclosure import Disclosure, Override


async def answer_now(service: NodeService, answer: Answer) -> Decision:
    """Answer, send at once, and release when a quorum has seen the decision; what was decided, a
    refusal of the rules where nobody may allow it. Raises LocalError, or RemoteError if the hub
    did not take it: then it waits for a person again.
    """
    membership = service.membership
    await membership.begin()
    decision = await membership.engine.write(
        lambda tables: service.answering.answer(tables, answer)
    )
    await service.advance()
    hub_id = membership.hub.hub_id
    request = await membership.engine.read(
        lambda tables: tables.received_requests.get(hub_id, answer.request_id)
    )
    if request is not None and request.state is ReceivedState.ASKS_PERSON:
        raise RemoteError(
            ErrorCode.NOT_ALLOWED,
            "the hub did not take your answer; the request waits for one again, and what you wrote "
            "is kept",
        )
    return decision


async def pass_on_now(service: NodeService, request_id: str, person: int, to: str) -> str:
    """Pass a request on in a person's name (a row's id) to the one colleague of a name; who it is.
    Raises LocalError.
    """
    await service.membership.check_synced()

    def work(tables: NodeTables) -> str:
        colleague = acting(tables, to)
        pass_on(tables, service.membership, request_id, (person, colleague.id))
        return colleague.title

    return await service.membership.engine.write(work)


def read_override(reason: str, role: str) -> Override | None:
    """Why somebody allows a request in spite of an objection, as typed. Raises LocalError."""
    if not reason and not role:
        return None
    try:
        return Override(reason=reason, role=role)
    except ValidationError:
        raise LocalError(
            ErrorCode.NOT_READY, "an objection is overridden with --override REASON and --role ROLE"
        ) from None


async def disclose(
    service: NodeService, request_id: str, person: int, *, with_reason: bool = False
) -> Disclosure:
    """What we went by when we decided on a request, for an auditor; `person` (a row's id) opens it.
    `with_reason`: with what somebody wrote who refused, which may name a client.

    Raises LocalError(NOT_FOUND) where nothing was decided, or by a program that did not keep it.
    """
    hub_id, now = service.membership.hub.hub_id, service.membership.env.clock()

    def work(tables: NodeTables) -> Disclosure:
        request = tables.received_requests.get(hub_id, request_id)
        if request is None or request.disclosure is None:
            raise LocalError(ErrorCode.NOT_FOUND, "nothing was kept of a decision on that request")
        tables.people.acted(Act(person, Deed.DISCLOSED, request_id, now))
        reason = request.reason if with_reason else None
        return request.disclosure.model_copy(update={"reason": reason})

    return await service.membership.engine.write(work)
