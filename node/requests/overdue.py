"""Requests that nobody answered in time, by the hub's word: specs/06-requests.md §9.

It is reckoned again here, by the charter, this node's own clock and the witnesses'.
"""

from dataclasses import replace

from node.membership.hub import HubMembership
from node.news.asked import tell_asker
from node.requests.told import tell_holder
from node.store.news import NewsKind
from node.store.requests import ReceivedRequest, SentRequest, SentState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.follow import verify_note_by_charter
from protocol.messages.bodies import DecisionBody
from protocol.messages.clock import OverdueBody
from protocol.messages.statement import MAX_SKEW_SECONDS, Statement, parse_statement
from protocol.requests.clock import Steps, clock_of, is_answered
from protocol.wire import Delivery

Request = SentRequest | ReceivedRequest


def clock_at(
    membership: HubMembership, basis: str, asked_at: int, index: int | None
) -> Steps | None:
    """The clock of a request by the charter in force at its entry."""
    return clock_of(membership.directory.charter_at(index).charter, basis, asked_at)


def on_overdue(
    tables: NodeTables,
    membership: HubMembership,
    statement: Statement[OverdueBody],
    delivery: Delivery,
) -> None:
    """Take down that a request of ours, or to us, is overdue. Raises RemoteError unless it is, and
    LocalError(NOT_READY) while our request is on its way: the hub has it before we know.
    """
    body, hub_id = statement.body, membership.hub.hub_id
    if statement.preamble.sender != hub_id:
        raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub says what is overdue")
    sent = tables.sent_requests.get(hub_id, body.request_id)
    received = tables.received_requests.get(hub_id, body.request_id)
    if sent is not None and sent.state is SentState.SENDING:
        raise LocalError(ErrorCode.NOT_READY, "our own request is not known to be logged yet")
    request = sent or received
    if request is None or request.statement_id != body.request:
        raise RemoteError(ErrorCode.NOT_FOUND, "overdue is not on a request that we know")
    if request.overdue is not None:
        raise RemoteError(ErrorCode.CONFLICT, "that was said of this request before")
    _check_due(membership, request, statement)
    if _was_answered(request, body.due, delivery.index):
        raise RemoteError(ErrorCode.NOT_ALLOWED, "the request was answered in time")
    if isinstance(request, SentRequest):
        tables.sent_requests.change(request, replace(request, overdue=statement.id))
        tell_asker(tables, membership, NewsKind.OVERDUE, request)
    else:
        tables.received_requests.change(request, replace(request, overdue=statement.id))
        tell_holder(tables, membership, NewsKind.OVERDUE, request)


def _check_due(
    membership: HubMembership, request: Request, statement: Statement[OverdueBody]
) -> None:
    """Raise RemoteError unless `due` is the end of the request's clock, and has come."""
    due = statement.body.due
    ends = request.clock.overdue_at if request.clock is not None else None
    if due != ends or due >= request.expires:
        raise RemoteError(ErrorCode.NOT_ALLOWED, "that is not when this request is overdue")
    seen_at = verify_note_by_charter(membership.view.note, membership.charter).seen_at
    latest = max(membership.env.clock(), seen_at) + MAX_SKEW_SECONDS
    if statement.preamble.iat < due or latest < due:
        raise RemoteError(ErrorCode.NOT_ALLOWED, "the request is not overdue yet")


def _was_answered(request: Request, due: int, index: int | None) -> bool:
    """Whether an answer in time stands in the log before an entry."""
    decision = request.decision
    if decision is None or (index is not None and decision.index > index):
        return False
    said = parse_statement(decision.envelope).expect(DecisionBody)
    return is_answered(said.body, said.preamble.iat, due)
