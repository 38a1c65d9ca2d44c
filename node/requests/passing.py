"""A request that waits for a person: who may answer it, and passing it on to a colleague.

specs/06-requests.md §10. Whose it is says node/requests/whose.py.
"""

from dataclasses import replace

from node.membership.hub import HubMembership
from node.requests.told import tell_holder
from node.requests.whose import is_away, whose_request
from node.store.news import NewsKind
from node.store.outbox import OutboxState
from node.store.people import Act, Deed
from node.store.requests import ReceivedRequest, ReceivedState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.messages.bodies import DecisionBody

NOBODY = (
    "nobody here has this request: who works with the client has left, and nobody is on duty or a "
    "manager; see patchwork-node people add"
)
ANSWERED = {"allow": "allowed", "refuse": "refused"}


def waiting(
    tables: NodeTables, membership: HubMembership, request_id: str, person: int
) -> ReceivedRequest:
    """The request of that id, which this person may answer now. Raises LocalError: it does not wait
    (and who has answered it), it has expired, or others have it (and who).
    """
    request = tables.received_requests.get(membership.hub.hub_id, request_id)
    if request is None or request.state is ReceivedState.ARRIVED:
        raise LocalError(ErrorCode.NOT_FOUND, "no request with that id waits for an answer")
    if request.state is not ReceivedState.ASKS_PERSON:
        raise LocalError(ErrorCode.NOT_FOUND, _answered(tables, request))
    if request.expires <= membership.env.clock():
        raise LocalError(ErrorCode.TOO_LATE, "the request has expired; they can ask again")
    found = whose_request(tables, membership, request)
    if person not in found.may_answer:
        if not found.people:
            raise LocalError(ErrorCode.NOT_ALLOWED, NOBODY)
        raise LocalError(
            ErrorCode.NOT_ALLOWED,
            f"this request is with {names_of(tables, found.people)}: ask them, or have them pass "
            "it on to you",
        )
    return request


def pass_on(
    tables: NodeTables, membership: HubMembership, request_id: str, persons: tuple[int, int]
) -> None:
    """Pass a request on: of `persons` (rows' ids) the first, who may answer it, to the second, who
    has it until it is answered or the clock gives it to the next. Raises LocalError.
    """
    (person, to), now = persons, membership.env.clock()
    request = waiting(tables, membership, request_id, person)
    if to in whose_request(tables, membership, request).people:
        raise LocalError(ErrorCode.CONFLICT, "they have this request already")
    if is_away(tables, to, now):
        raise LocalError(ErrorCode.CONFLICT, "they are away, and nobody covers for them")
    passed = replace(request, passed_to=to, passed_by=person, passed_at=now)
    tables.received_requests.change(request, passed)
    tables.people.acted(Act(person, Deed.PASSED_ON, request_id, now))
    tell_holder(tables, membership, NewsKind.PASSED_ON, passed, to)


def names_of(tables: NodeTables, people: tuple[int, ...]) -> str:
    """These people by name, for others of ours."""
    found = (tables.people.get(person) for person in people)
    return ", ".join(person.title for person in found if person is not None)


def _answered(tables: NodeTables, request: ReceivedRequest) -> str:
    """Who has answered a request, and how: two may want to at once."""
    said = [
        item.body
        for item in tables.outbox.about(request.hub_id, DecisionBody, request.request_id)
        if item.state is not OutboxState.FAILED and isinstance(item.body, DecisionBody)
    ]
    if not said:
        return "this request does not wait for an answer any more: see patchwork-node inbox"
    by = names_of(tables, (request.answered_by,)) if request.answered_by is not None else ""
    code = f" ({said[-1].code})" if said[-1].code else ""
    return f"{by or 'the rules'} {ANSWERED.get(said[-1].outcome, 'answered')} it already{code}"
