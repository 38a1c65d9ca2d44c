"""A card without a quorum: life or death, while witnesses are away (specs/06-requests.md §8).

At the holder's a person lets it go; at the asker's it opens without a proof. Both sides' leads for
information governance are told at once, and the log must show all of it once a quorum is back.
"""

from dataclasses import dataclass, replace

from node.alarms import AlarmCode, clear_alarm, raise_alarm
from node.membership.hub import HubMembership
from node.membership.succession import LOST
from node.requests.asking import Asking
from node.requests.releasing import Releasing
from node.store.governance import UnwitnessedCard
from node.store.outbox import OutboxItem, OutboxState
from node.store.requests import ReceivedRequest, ReceivedState, SentRequest
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.messages.bodies import DecisionBody, RequestBody
from protocol.messages.log import ProvisionalBody
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.decide import allows_break_glass
from protocol.wire import Delivery

LEFT_NOTHING = (
    "no card has left, because of the permission, the link or the sharing agreement, or because "
    "witnesses have signed, and then it leaves by itself. See patchwork-node inbox; use the duty "
    "line"
)
ON_ITS_WAY = (
    "the hub has not answered yet; if it does within five minutes the card leaves, and else it "
    "does not. Use the duty line meanwhile, and see patchwork-node inbox"
)


@dataclass(frozen=True)
class Urgent:
    """An allowed request whose card a person lets go now, and who does (a row's id)."""

    request_id: str
    practitioner: int


class Unwitnessed:
    """Cards that leave or come without a quorum, at one hub."""

    def __init__(self, membership: HubMembership, asking: Asking, releasing: Releasing) -> None:
        self._membership = membership
        self._asking = asking
        self._releasing = releasing

    def check(self, tables: NodeTables, request_id: str, *, witnessed: bool) -> ReceivedRequest:
        """The request with that id, if its card may be let go now. Raises LocalError.

        `witnessed` says that the newest checkpoint has a quorum: then the decision will be under
        one in a moment.
        """
        membership = self._membership
        request = tables.received_requests.get(membership.hub.hub_id, request_id)
        if request is not None and _is_on_its_way(tables, request):
            raise LocalError(ErrorCode.CONFLICT, ON_ITS_WAY)
        if request is None or request.state is not ReceivedState.ALLOWED:
            raise LocalError(ErrorCode.NOT_FOUND, "no allowed request with that id has a card here")
        if request.expires <= membership.env.clock():
            raise LocalError(ErrorCode.TOO_LATE, "the request has expired; they can ask again")
        membership.check_bound()
        if not may_go(membership, request):
            raise LocalError(
                ErrorCode.NOT_ALLOWED,
                "only what a person allowed on a lawful basis for life or death may leave before "
                "witnesses have signed; use the duty line",
            )
        if _is_witnessed(membership, request):
            raise LocalError(
                ErrorCode.CONFLICT, "the witnesses have signed: the card leaves by itself"
            )
        if witnessed:
            raise LocalError(
                ErrorCode.CONFLICT, "witnesses are signing: the card leaves by itself in a moment"
            )
        return request

    def let_go(self, tables: NodeTables, urgent: Urgent, *, witnessed: bool) -> bool:
        """Put the card into the outbox and tell our lead; whether it goes (link and permission
        must still be in force). Raises LocalError.
        """
        request = self.check(tables, urgent.request_id, witnessed=witnessed)
        gone = self._releasing.let_go(tables, request, ProvisionalBody, None).gone
        if gone:
            self._tell(tables, request.request_id, request.requester, urgent.practitioner)
        return gone

    def check_gone(self, tables: NodeTables, request_id: str) -> None:
        """Raise RemoteError unless the hub has taken the card that was let go."""
        sent = _last_sent(tables, self._membership.hub.hub_id, request_id)
        if sent is None or sent.error == LOST:
            raise RemoteError(ErrorCode.NOT_ALLOWED, LEFT_NOTHING)
        if sent.state is OutboxState.FAILED:
            raise RemoteError(ErrorCode(sent.error or ""), LEFT_NOTHING)
        if sent.state is OutboxState.PENDING:
            raise RemoteError(ErrorCode.UNREACHABLE, ON_ITS_WAY)

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take it: nothing has left. With a quorum the card goes as ever."""
        hub_id = self._membership.hub.hub_id
        request_id = statement.expect(ProvisionalBody).body.request_id
        late = error.code is ErrorCode.TOO_LATE
        request = tables.received_requests.get(hub_id, request_id)
        if request is not None and request.state is ReceivedState.RELEASED:
            state = ReceivedState.STOPPED if late else ReceivedState.ALLOWED
            tables.received_requests.change(request, replace(request, state=state))
        tables.governance.forget_card(hub_id, request_id)
        now = self._membership.env.clock()
        clear_alarm(tables, hub_id, AlarmCode.CARD_UNWITNESSED, now, place=request_id)

    def on_provisional(
        self, tables: NodeTables, statement: Statement[ProvisionalBody], delivery: Delivery
    ) -> None:
        """Open a card that has no proof, if our own request was for life or death."""
        request = self._asking.allowed(tables, statement)
        if request is None:
            return
        if not allows_break_glass(self._membership.charter.lawful_basis(_basis(tables, request))):
            raise RemoteError(ErrorCode.NOT_ALLOWED, "we did not ask on a basis that allows this")
        self._asking.open_card(tables, request, statement, delivery)
        self._tell(tables, request.request_id, request.holder, None)

    def _tell(
        self, tables: NodeTables, request_id: str, other: str, practitioner: int | None
    ) -> None:
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        we_asked = practitioner is None
        card = UnwitnessedCard(hub_id, request_id, we_asked, other, practitioner, now)
        tables.governance.put_card(card)
        raise_alarm(tables, hub_id, AlarmCode.CARD_UNWITNESSED, now, place=request_id)


def is_shown(tables: NodeTables, membership: HubMembership, request: ReceivedRequest) -> bool:
    """Whether a screen is to say that a received request's card may be let go now."""
    if request.state is not ReceivedState.ALLOWED or request.expires <= membership.env.clock():
        return False
    watched = tables.alarms.watched(membership.hub.hub_id)
    if watched is None or watched.no_quorum_since is None:
        return False
    return not _is_witnessed(membership, request) and may_go(membership, request)


def may_go(membership: HubMembership, request: ReceivedRequest) -> bool:
    """Whether a received request's basis lets its card go, and a person allowed it."""
    basis = membership.charter.lawful_basis(request.basis)
    if request.decision is None or not allows_break_glass(basis):
        return False
    decision = parse_statement(request.decision.envelope).expect(DecisionBody).body
    return decision.decided_by is not None


def _is_witnessed(membership: HubMembership, request: ReceivedRequest) -> bool:
    """Whether a quorum has signed a log that holds our decision."""
    return request.decision is not None and request.decision.index < membership.view.size


def _last_sent(tables: NodeTables, hub_id: str, request_id: str) -> OutboxItem | None:
    """The last card that was let go for a request, in our outbox."""
    sent = tables.outbox.about(hub_id, ProvisionalBody, request_id)
    return sent[-1] if sent else None


def _is_on_its_way(tables: NodeTables, request: ReceivedRequest) -> bool:
    sent = _last_sent(tables, request.hub_id, request.request_id)
    return sent is not None and sent.state is OutboxState.PENDING


def _basis(tables: NodeTables, request: SentRequest) -> str:
    """The lawful basis of a request of ours, as we put it into the outbox."""
    for item in tables.outbox.about(request.hub_id, RequestBody, request.request_id):
        if isinstance(item.body, RequestBody):
            return item.body.basis
    return ""
