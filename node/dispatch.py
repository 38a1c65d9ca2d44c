"""Everything that people decide at one hub, put together for the running node.

Which handler takes which statement: from others, of ours that the hub has logged, and of ours that
it refused (specs/06-requests.md §5 to §8).
"""

from collections.abc import Callable
from typing import Any

from node.identity_checks.answering import IdentityAnswering
from node.identity_checks.asking import IdentityAsking
from node.links.review import Reviewing
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.requests.answering import Answering
from node.requests.asking import Asking
from node.requests.recall import Recalls
from node.requests.releasing import Releasing
from node.requests.without_quorum import Unwitnessed
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel
from protocol.messages.log import ProvisionalBody
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityRequestBody,
    RecallDoneBody,
    ReviewBody,
    VerdictBody,
    WrongPersonBody,
)
from protocol.messages.statement import Statement
from protocol.wire import Delivery

# Whether any check, asked or received, has run out unanswered: most passes have nothing to write.
_LATE = (
    "SELECT 1 FROM received_check WHERE hub_id = ?1 AND state = 'asks_person' AND expires <= ?2 "
    "UNION SELECT 1 FROM sent_check WHERE hub_id = ?1 AND expires <= ?2 "
    "AND state IN ('sending', 'waiting', 'allowed', 'sending_details', 'compared')"
)

Incoming = Callable[[NodeTables, Statement[Any], Delivery], None]
OnSent = Callable[[NodeTables, str, Sent], None]
OnFailed = Callable[[NodeTables, Statement[WireModel], RemoteError], None]


class Dispatcher:
    """Queue, recalled and unwitnessed cards, and identity checks of one node at one hub."""

    def __init__(
        self, membership: HubMembership, asking: Asking, answering: Answering, releasing: Releasing
    ) -> None:
        self._membership = membership
        self.unwitnessed = Unwitnessed(membership, asking, answering, releasing)
        self.reviewing = Reviewing(membership)
        self.recalls = Recalls(membership)
        self.asking = IdentityAsking(membership)
        self.answering = IdentityAnswering(membership)

    def incoming(self) -> dict[type[WireModel], Incoming]:
        """Who takes what comes from the hub."""
        answering, recalls = self.answering, self.recalls
        return {
            ReviewBody: lambda tables, item, _: self.reviewing.on_review(tables, item),
            WrongPersonBody: lambda tables, item, _: recalls.on_wrong_person(tables, item),
            RecallDoneBody: lambda tables, item, _: recalls.on_recall_done(tables, item),
            IdentityRequestBody: lambda tables, item, _: answering.on_request(tables, item),
            IdentityDecisionBody: self._on_decision,
            IdentityCheckBody: answering.on_check,
            IdentityAnswerBody: lambda tables, item, _: self.asking.on_answer(tables, item),
            ProvisionalBody: self.unwitnessed.on_provisional,
        }

    def sent(self) -> dict[type[WireModel], OnSent]:
        """Who takes what the hub has logged of ours."""
        return {
            VerdictBody: self.reviewing.on_verdict_sent,
            WrongPersonBody: lambda tables, _, sent: self.recalls.on_said(tables, sent),
            IdentityRequestBody: self.asking.on_request_sent,
            IdentityCheckBody: self.asking.on_check_sent,
        }

    def failed(self) -> dict[type[WireModel], OnFailed]:
        """Who takes what the hub refused."""
        return {
            VerdictBody: self.reviewing.on_verdict_failed,
            IdentityRequestBody: self.asking.on_failed,
            IdentityCheckBody: self.asking.on_failed,
            ProvisionalBody: self.unwitnessed.on_failed,
            IdentityAnswerBody: lambda tables, item, _: self.answering.on_answer_failed(
                tables, item
            ),
        }

    async def advance(self) -> int:
        """Send details whose decision is under a quorum, forget what nobody answered; how many
        were sent.
        """
        engine = self._membership.engine
        now, hub_id = self._membership.env.clock(), self._membership.hub.hub_id
        late = await engine.read(lambda tables: tables.tx.one(_LATE, hub_id, now))
        if late is not None:
            await engine.write(self._forget)
        return await self.asking.send_allowed()

    def _forget(self, tables: NodeTables) -> None:
        self.asking.forget_expired(tables)
        self.answering.forget_expired(tables)

    def _on_decision(
        self, tables: NodeTables, statement: Statement[IdentityDecisionBody], delivery: Delivery
    ) -> None:
        """The hub's decision goes to the asker first, and with the details to the other side."""
        if statement.preamble.sender != self._membership.hub.hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub decides identity requests")
        ours = statement.preamble.aud == self._membership.hub.party_id
        take = self.asking.on_decision if ours else self.answering.on_decision
        take(tables, statement, delivery)
