"""Requests to us as one of our people sees them: what waits, and all that an answer needs.

Shows client data to the agency's own people on their own screen; nothing here is logged.
"""

from typing import Any

from node.membership.hub import HubMembership
from node.requests.objections import objection_to
from node.requests.releasing import Releasing
from node.requests.whose import whose_request
from node.store.records import Client
from node.store.requests import ReceivedRequest, ReceivedState
from node.store.tables import NodeTables
from node.views.clock import clock_value
from node.views.objections import override_value
from node.views.whose import answered_value, with_value
from protocol.requests.refusals import RefusalCode

OFFERED = (
    RefusalCode.NOT_THE_SAME_PERSON,
    RefusalCode.NOT_PROPORTIONATE,
    RefusalCode.OBJECTION,
    RefusalCode.EXCLUDED_INFORMATION,
    RefusalCode.PERMISSION_ENDED,
    RefusalCode.NOT_AVAILABLE,
)
"""What a person may refuse with; the others are for what a program finds."""
RECENT = 20


def waiting_value(
    tables: NodeTables, membership: HubMembership, person: int
) -> dict[str, list[dict[str, Any]]]:
    """Requests at one hub: those that wait for somebody (a row's id), those that wait for others
    of their team, and what they answered lately.
    """
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    mine: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for request in tables.received_requests.asking(hub_id, now):
        if person in whose_request(tables, membership, request).may_answer:
            mine.append(_line(tables, membership, request))
        elif is_of_team(tables, request, person):
            others.append(_line(tables, membership, request))
    answered = tables.received_requests.answered_by(hub_id, person, RECENT)
    return {
        "mine": mine,
        "others": others,
        "answered": [_line(tables, membership, request) for request in answered],
    }


def is_of_team(tables: NodeTables, request: ReceivedRequest, person: int) -> bool:
    """Whether somebody is in a team that works or worked with the client."""
    found = tables.people.get(person)
    team = found.team if found is not None else ""
    return bool(team) and team in tables.people.teams_on(request.involvement)


def request_value(
    tables: NodeTables, releasing: Releasing, membership: HubMembership, request: ReceivedRequest
) -> dict[str, Any]:
    """One request whole: who asks about whom and why, who has it, and what would leave."""
    basis = membership.charter.lawful_basis(request.basis)
    rules = {rule.field: (rule.title, rule.type) for rule in basis.must_record} if basis else {}
    found = whose_request(tables, membership, request)
    asked = tables.records.involvement(request.involvement)
    objects = objection_to(tables, membership, request, asked) is not None
    keep_until, card = releasing.would_send(tables, request)
    return {
        **_line(tables, membership, request),
        "basis": basis.title if basis else request.basis,
        "source": basis.source if basis else "",
        "facts": [(*rules.get(key, (key, "")), value) for key, value in request.facts.items()],
        "may_answer": found.may_answer,
        "objects": objects,
        "override": override_value(membership, request.basis) if objects else None,
        "reason_in_writing": basis is not None and basis.reason_in_writing,
        "card": {name: value for name, value in card.model_dump().items() if value},
        "keep_until": keep_until,
        "waits": request.state is ReceivedState.ASKS_PERSON
        and request.expires > membership.env.clock(),
    }


def _line(
    tables: NodeTables, membership: HubMembership, request: ReceivedRequest
) -> dict[str, Any]:
    """What a list shows of a request."""
    member = membership.directory.member(request.requester)
    purposes = {purpose.code: purpose.title for purpose in membership.charter.purposes}
    client = _client(tables, request)
    return {
        "hub": membership.hub.name,
        "request_id": request.request_id,
        "row": client.id if client else None,
        "given": client.record.given if client else None,
        "family": client.record.family if client else None,
        "date_of_birth": client.record.date_of_birth if client else None,
        "agency": member.body.name if member else None,
        "duty_line": member.body.duty_line if member else None,
        "duty_hours": member.body.duty_hours if member else None,
        "practitioner": request.asker.name,
        "role": request.asker.role.replace("_", " "),
        "purpose": purposes.get(request.purpose, request.purpose),
        "needed_by": request.needed_by,
        "received_at": request.received_at,
        "state": request.state.value,
        "refused": request.decision is not None and request.disclosure is None,
        "overdue": request.overdue is not None,
        "clock": clock_value(membership, request, membership.env.clock()),
        "with": with_value(tables, membership, request),
        **answered_value(tables, request),
    }


def _client(tables: NodeTables, request: ReceivedRequest) -> Client | None:
    work = tables.records.involvement(request.involvement)
    found = tables.records.clients_by_row([work.client]) if work is not None else []
    return found[0] if found else None
