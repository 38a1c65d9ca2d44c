"""Whose a request is, and what was written about it, as values for the agency's own people."""

from typing import Any

from node.membership.hub import HubMembership
from node.requests.passing import names_of
from node.requests.whose import whose_request
from node.store.requests import ReceivedRequest, ReceivedState, SentRequest
from node.store.tables import NodeTables
from node.views.clock import moment
from protocol.messages.bodies import DecisionBody
from protocol.messages.statement import parse_statement


def with_value(
    tables: NodeTables, membership: HubMembership, request: ReceivedRequest
) -> dict[str, Any] | None:
    """Who has a request that waits for a person, and until when; None: it does not wait."""
    if request.state is not ReceivedState.ASKS_PERSON:
        return None
    found, now = whose_request(tables, membership, request), membership.env.clock()
    people = [tables.people.get(person) for person in found.people]
    return {
        "step": found.step.value if found.step is not None else None,
        "people": [person.title for person in people if person is not None],
        "until": found.until,
        "until_text": moment(membership, found.until, now) if found.until is not None else None,
        "passed_by": _name(tables, request.passed_by) if found.is_passed else None,
    }


def answered_value(tables: NodeTables, request: ReceivedRequest) -> dict[str, Any]:
    """Who of ours answered a request, and what they wrote; of one that waits again, as a draft."""
    reason = request.reason.value if request.reason is not None else None
    return {"answered_by": _name(tables, request.answered_by), "reason": reason}


def reason_is_closed(request: SentRequest) -> bool:
    """Whether a refusal has a reason in writing that did not open here, or is not here any more."""
    if request.reason is not None or request.decision is None or request.code is None:
        return False
    decision = parse_statement(request.decision.envelope).expect(DecisionBody)
    return decision.body.reason_commitment is not None


def _name(tables: NodeTables, person: int | None) -> str | None:
    return names_of(tables, (person,)) if person is not None else None
