"""A card without a quorum: life or death, while witnesses are away (specs/06-requests.md §8).

At the holder's a person lets it go; at the asker's it opens without a proof. Both sides' leads for
information governance are told at once, and the log must show all of it once a quorum is back.
"""

import json
from dataclasses import dataclass

from node.alarms import AlarmCode, clear_alarm, raise_alarm
from node.membership.hub import HubMembership
from node.membership.succession import LOST
from node.requests.answering import Answering
from node.requests.asking import Asking
from node.requests.releasing import Releasing
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.messages.bodies import DecisionBody, RequestBody
from protocol.messages.log import ProvisionalBody
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.decide import allows_break_glass
from protocol.wire import Delivery
from storage.engine import Row

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

    def __init__(
        self, membership: HubMembership, asking: Asking, answering: Answering, releasing: Releasing
    ) -> None:
        self._membership = membership
        self._asking = asking
        self._answering = answering
        self._releasing = releasing

    def check(self, tables: NodeTables, request_id: str, *, witnessed: bool) -> Row:
        """The row of a request whose card may be let go now. Raises LocalError.

        `witnessed` says that the newest checkpoint has a quorum: then the decision will be under
        one in a moment.
        """
        membership = self._membership
        row = self._answering.received(tables, request_id)
        if row is not None and _on_its_way(tables, row):
            raise LocalError(ErrorCode.CONFLICT, ON_ITS_WAY)
        if row is None or row["state"] != "allowed":
            raise LocalError(ErrorCode.NOT_FOUND, "no allowed request of that id has a card here")
        if row["expires"] <= membership.env.clock():
            raise LocalError(ErrorCode.TOO_LATE, "the request has expired; they can ask again")
        membership.check_bound()
        if not may_go(membership, row):
            raise LocalError(
                ErrorCode.NOT_ALLOWED,
                "only what a person allowed on a lawful basis for life or death may leave before "
                "witnesses have signed; use the duty line",
            )
        if row["decision_index"] < membership.view.size:
            raise LocalError(
                ErrorCode.CONFLICT, "the witnesses have signed: the card leaves by itself"
            )
        if witnessed:
            raise LocalError(
                ErrorCode.CONFLICT, "witnesses are signing: the card leaves by itself in a moment"
            )
        return row

    def let_go(self, tables: NodeTables, urgent: Urgent, *, witnessed: bool) -> bool:
        """Put the card into the outbox and tell our lead; whether it goes (link and permission
        must still be in force). Raises LocalError.
        """
        row = self.check(tables, urgent.request_id, witnessed=witnessed)
        gone = self._releasing.let_go(tables, row, ProvisionalBody, None)
        if gone:
            self._tell(tables, row["request_id"], row["requester"], urgent.practitioner)
        return gone

    def check_gone(self, tables: NodeTables, request_id: str) -> None:
        """Raise RemoteError unless the hub has taken the card that was let go."""
        sent = _last_sent(tables, self._membership.hub.hub_id, request_id)
        if sent is None or sent["error"] == LOST:
            raise RemoteError(ErrorCode.NOT_ALLOWED, LEFT_NOTHING)
        if sent["state"] == "failed":
            raise RemoteError(ErrorCode(sent["error"]), LEFT_NOTHING)
        if sent["state"] == "pending":
            raise RemoteError(ErrorCode.UNREACHABLE, ON_ITS_WAY)

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take it: nothing has left. With a quorum the card goes as ever."""
        hub_id = self._membership.hub.hub_id
        request_id = statement.expect(ProvisionalBody).body.request_id
        state = "stopped" if error.code is ErrorCode.TOO_LATE else "allowed"
        self._answering.set_state(tables, request_id, state)
        sql = "DELETE FROM unwitnessed_card WHERE hub_id = ? AND request_id = ?"
        tables.tx.run(sql, hub_id, request_id)
        now = self._membership.env.clock()
        clear_alarm(tables, hub_id, AlarmCode.CARD_UNWITNESSED, now, place=request_id)

    def on_provisional(
        self, tables: NodeTables, statement: Statement[ProvisionalBody], delivery: Delivery
    ) -> None:
        """Open a card that has no proof, if our own request was for life or death."""
        row = self._asking.allowed(tables, statement)
        if row is None:
            return
        if not allows_break_glass(self._membership.charter.lawful_basis(_basis(tables, row))):
            raise RemoteError(ErrorCode.NOT_ALLOWED, "we did not ask on a basis that allows this")
        self._asking.open_card(tables, row, statement, delivery)
        self._tell(tables, row["request_id"], row["holder"], None)

    def _tell(
        self, tables: NodeTables, request_id: str, other: str, practitioner: int | None
    ) -> None:
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        tables.put(
            "unwitnessed_card",
            {
                "hub_id": hub_id,
                "request_id": request_id,
                "we_asked": int(practitioner is None),
                "other": other,
                "practitioner": practitioner,
                "told_at": now,
                "seen_at": None,
            },
            ("hub_id", "request_id"),
        )
        raise_alarm(tables, hub_id, AlarmCode.CARD_UNWITNESSED, now, place=request_id)


def is_shown(tables: NodeTables, membership: HubMembership, row: Row) -> bool:
    """Whether a screen is to say that a received request's card may be let go now."""
    if row["state"] != "allowed" or row["expires"] <= membership.env.clock():
        return False
    watched = tables.tx.one(
        "SELECT no_quorum_since FROM watched WHERE hub_id = ?", membership.hub.hub_id
    )
    missing = watched is not None and watched["no_quorum_since"] is not None
    return missing and row["decision_index"] >= membership.view.size and may_go(membership, row)


def may_go(membership: HubMembership, row: Row) -> bool:
    """Whether a received request's basis lets its card go, and a person allowed it."""
    basis = membership.charter.lawful_basis(row["basis"])
    if row["decision_envelope"] is None or not allows_break_glass(basis):
        return False
    decision = parse_statement(row["decision_envelope"]).expect(DecisionBody).body
    return decision.decided_by is not None


def _last_sent(tables: NodeTables, hub_id: str, request_id: str) -> Row | None:
    """The last card that was let go for a request, in our outbox."""
    return tables.tx.one(
        "SELECT state, error FROM outbox WHERE hub_id = ? AND kind = 'provisional' "
        "AND json_extract(body, '$.request_id') = ? ORDER BY id DESC LIMIT 1",
        hub_id, request_id,
    )  # fmt: skip


def _on_its_way(tables: NodeTables, row: Row) -> bool:
    sent = _last_sent(tables, row["hub_id"], row["request_id"])
    return sent is not None and sent["state"] == "pending"


def _basis(tables: NodeTables, row: Row) -> str:
    """The lawful basis of a request of ours, as we signed it."""
    sql = (
        "SELECT body FROM outbox WHERE hub_id = ? AND kind = 'request' "
        "AND json_extract(body, '$.request_id') = ?"
    )
    own = tables.tx.one(sql, row["hub_id"], row["request_id"])
    return RequestBody.model_validate(json.loads(own["body"])).basis if own else ""
