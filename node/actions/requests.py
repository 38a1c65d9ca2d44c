"""Answering requests for contact details: written down, and sent at once."""

from pydantic import ValidationError

from node.requests.answering import Answer
from node.service import NodeService
from node.store.people import Act, Deed
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.requests.disclosure import Disclosure, Override


async def answer_now(service: NodeService, answer: Answer) -> None:
    """Answer, send at once, and release when a quorum has seen the decision."""
    membership = service.membership
    await membership.begin()
    await membership.engine.write(lambda tables: service.answering.answer(tables, answer))
    await service.advance()


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


async def disclose(service: NodeService, request_id: str, person: int) -> Disclosure:
    """What we went by when we decided on a request, for an auditor; `person` (a row's id) opens it.

    Raises LocalError(NOT_FOUND) where nothing was decided, or by a program that did not keep it.
    """
    hub_id, now = service.membership.hub.hub_id, service.membership.env.clock()

    def work(tables: NodeTables) -> Disclosure:
        request = tables.received_requests.get(hub_id, request_id)
        if request is None or request.disclosure is None:
            raise LocalError(ErrorCode.NOT_FOUND, "nothing was kept of a decision on that request")
        tables.people.acted(Act(person, Deed.DISCLOSED, request_id, now))
        return request.disclosure

    return await service.membership.engine.write(work)
