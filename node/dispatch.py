"""Which part of a node takes which statement, at one hub.

From others, of ours that the hub has logged, and of ours that it refused. Every message is checked
against the log before it is acted on: its sender's key comes from the node's own view.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from node.config import NodeSettings
from node.identity_checks.comparing import IdentityAnswering
from node.identity_checks.initiating import IdentityAsking
from node.links.review import Reviewing
from node.links.team import on_notice, on_rounds
from node.membership.hub import HubMembership
from node.membership.outbox import OnFailed, OnSent, Sent
from node.membership.proofs import keep_received
from node.oversight.journal import Journal, enter_received
from node.requests.answering import Answering
from node.requests.asking import Asking
from node.requests.attention import Attention
from node.requests.enquiring import Enquiring
from node.requests.introductions import Introductions
from node.requests.keeping import Keeping
from node.requests.overdue import on_overdue
from node.requests.recall import Recalls
from node.requests.releasing import Releasing
from node.requests.without_quorum import Unwitnessed
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.messages.attention import AttentionBody, AttentionNoticeBody
from protocol.messages.bodies import (
    DecisionBody,
    HubDecisionBody,
    NoticeBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
    RoundsBody,
)
from protocol.messages.clock import OverdueBody
from protocol.messages.enquiries import EnquiryBody
from protocol.messages.introductions import (
    HintsBody,
    IntroductionDecisionBody,
    IntroductionRequestBody,
)
from protocol.messages.log import DailyStatementBody, ProvisionalBody
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityRequestBody,
    QuestionsHeldBody,
    RecallBody,
    RecallDoneBody,
    ReviewBody,
    VerdictBody,
    WrongPersonBody,
)
from protocol.messages.statement import Statement, parse_statement
from protocol.wire import Delivery

Incoming = Callable[[NodeTables, Statement[Any], Delivery], None]


class Dispatcher:
    """The parts of one node at one hub, and who takes what."""

    def __init__(self, membership: HubMembership, settings: NodeSettings) -> None:
        self._membership = membership
        self.asking = Asking(membership)
        self.enquiring = Enquiring(membership)
        self.answering = Answering(membership, settings)
        self.releasing = Releasing(membership, self.answering, settings)
        self.unwitnessed = Unwitnessed(membership, self.asking, self.releasing)
        self.reviewing = Reviewing(membership)
        self.attention = Attention(membership)
        self.recalls = Recalls(membership)
        self.keeping = Keeping(membership, self.answering, self.recalls)
        self.identity_asking = IdentityAsking(membership)
        self.identity_answering = IdentityAnswering(membership)
        self.introductions = Introductions(membership)
        self.journal = Journal(membership)
        self._incoming = self._takers()
        self._sent = self._takers_of_sent()
        self._failed = self._takers_of_failed()

    def take(self, tables: NodeTables, delivery: Delivery) -> None:
        """Act on a message, once. Raises RemoteError for a bad one, or one out of turn."""
        statement = self._checked(delivery)
        if not tables.hubs.mark_handled(self._membership.hub.hub_id, statement.id):
            return
        try:
            self._dispatch(tables, statement, delivery)
        except LocalError as error:
            if error.code is not ErrorCode.CONFLICT:
                raise
            # A state that does not allow it: who sent it is out of turn, not we out of order.
            raise RemoteError(ErrorCode.CONFLICT, "the message is out of turn") from error
        self._keep(tables, statement, delivery)

    def keep(self, tables: NodeTables, delivery: Delivery) -> Statement[WireModel] | None:
        """Enter a message that is not acted on: it must be in the log all the same.

        The statement, if the sender's key verifies it.
        """
        if not self.verifies(delivery):
            return None
        statement = parse_statement(from_base64(delivery.envelope))
        self._keep(tables, statement, delivery)
        return statement

    def refuse(self, tables: NodeTables, delivery: Delivery) -> None:
        """Be done with a message that is not acted on, and never will be."""
        statement = self.keep(tables, delivery)
        if statement is not None:
            self.asking.on_closed(tables, statement)

    def rests_on(self, delivery: Delivery) -> int | None:
        """The index in the log of what a message is, or of the entry that it tells of: of two the
        later one, since nobody signs that of a delivery.
        """
        found = [delivery.index] if delivery.index is not None else []
        with suppress(RemoteError):
            body = parse_statement(from_base64(delivery.envelope)).body
            if isinstance(body, AttentionNoticeBody):
                found.append(body.index)
        return max(found, default=None)

    def verifies(self, delivery: Delivery) -> bool:
        """Whether a message is one that the sender's key in our view verifies."""
        try:
            self._checked(delivery)
        except RemoteError:
            return False
        return True

    def on_sent(self, tables: NodeTables, sent: Sent) -> None:
        """Take the effects of a statement of ours that the hub has logged."""
        take = self._sent.get(type(sent.statement.body))
        if take is not None:
            take(tables, sent)

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """Take the effects of a statement of ours that the hub refused."""
        take = self._failed.get(type(statement.body))
        if take is not None:
            take(tables, statement, error)

    async def advance(self) -> int:
        """Let go of what is under a quorum: cards and identity details; have deleted, and delete,
        what is not to be kept any more. How many statements that makes.

        Forgets identity checks that nobody answered in time.
        """
        released = await self.releasing.release_allowed()
        engine = self._membership.engine
        now, hub_id = self._membership.env.clock(), self._membership.hub.hub_id
        late = await engine.read(
            lambda tables: (
                tables.sent_checks.is_any_late(hub_id, now)
                or tables.received_checks.is_any_late(hub_id, now)
            )
        )
        if late:
            await engine.write(self._forget)
        released += await self.identity_asking.send_allowed()
        return released + await self.keeping.step()

    def _checked(self, delivery: Delivery) -> Statement[WireModel]:
        membership = self._membership
        statement = parse_statement(from_base64(delivery.envelope))
        if (delivery.index is None) != (not statement.kind.is_logged) or (
            delivery.index is not None and delivery.salt is None
        ):
            raise RemoteError(ErrorCode.MALFORMED, "a delivery without its place in the log")
        membership.directory.verify(statement, delivery.index)
        aud = statement.preamble.aud
        to_a_third = statement.kind.shown_to_third
        if aud != membership.hub.party_id and not to_a_third:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud names somebody else")
        return statement

    def _dispatch(self, tables: NodeTables, statement: Statement[Any], delivery: Delivery) -> None:
        take = self._incoming.get(type(statement.body))
        if take is None:
            raise RemoteError(ErrorCode.UNKNOWN_KIND, "this kind is not for a node")
        take(tables, statement, delivery)

    def _keep(
        self, tables: NodeTables, statement: Statement[WireModel], delivery: Delivery
    ) -> None:
        """Enter it in the journal, and look for it in the log."""
        keep_received(tables, self._membership, delivery, statement.id)
        enter_received(tables, self._membership, statement, delivery.index)

    def _takers(self) -> dict[type[WireModel], Incoming]:
        """Who takes what comes from the hub."""
        answering, checks, recalls = self.answering, self.identity_answering, self.recalls
        introductions = self.introductions
        return {
            NoticeBody: lambda tables, item, _: on_notice(tables, self._membership, item),
            RoundsBody: lambda tables, item, _: on_rounds(tables, self._membership, item),
            AttentionNoticeBody: lambda tables, item, _: self.attention.on_notice(tables, item),
            RequestBody: answering.on_request,
            HubDecisionBody: lambda tables, item, _: answering.on_hub_decision(tables, item),
            DecisionBody: self.asking.on_decision,
            OverdueBody: lambda tables, item, delivery: on_overdue(
                tables, self._membership, item, delivery
            ),
            ReleaseBody: self.asking.on_release,
            ReceiptBody: lambda tables, item, _: answering.on_receipt(tables, item),
            DailyStatementBody: self.journal.on_statement,
            ReviewBody: lambda tables, item, _: self.reviewing.on_review(tables, item),
            QuestionsHeldBody: lambda tables, item, _: self.reviewing.on_held(tables, item),
            WrongPersonBody: lambda tables, item, _: recalls.on_wrong_person(tables, item),
            RecallBody: recalls.on_recall,
            RecallDoneBody: lambda tables, item, _: recalls.on_recall_done(tables, item),
            IdentityRequestBody: lambda tables, item, _: checks.on_request(tables, item),
            IdentityDecisionBody: self._on_identity_decision,
            IdentityCheckBody: checks.on_check,
            IdentityAnswerBody: lambda tables, item, _: self.identity_asking.on_answer(
                tables, item
            ),
            ProvisionalBody: self.unwitnessed.on_provisional,
            HintsBody: lambda tables, item, _: introductions.on_hints(tables, item),
            IntroductionRequestBody: lambda tables, item, _: introductions.on_request(tables, item),
            IntroductionDecisionBody: lambda tables, item, _: introductions.on_decision(
                tables, item
            ),
        }

    def _takers_of_sent(self) -> dict[type[WireModel], OnSent]:
        return {
            RequestBody: self.asking.on_request_sent,
            EnquiryBody: self.enquiring.on_sent,
            AttentionBody: self.attention.on_sent,
            DecisionBody: self.answering.on_decision_sent,
            ReleaseBody: self.releasing.on_sent,
            ProvisionalBody: self.releasing.on_sent,
            VerdictBody: self.reviewing.on_verdict_sent,
            WrongPersonBody: self.recalls.on_said,
            IdentityRequestBody: self.identity_asking.on_request_sent,
            IdentityCheckBody: self.identity_asking.on_check_sent,
            IntroductionRequestBody: self.introductions.on_sent,
        }

    def _takers_of_failed(self) -> dict[type[WireModel], OnFailed]:
        return {
            RequestBody: self.asking.on_request_failed,
            EnquiryBody: self.enquiring.on_failed,
            AttentionBody: self.attention.on_failed,
            DecisionBody: self.answering.on_decision_failed,
            ReleaseBody: self.releasing.on_failed,
            ProvisionalBody: self.unwitnessed.on_failed,
            VerdictBody: self.reviewing.on_verdict_failed,
            IdentityRequestBody: self.identity_asking.on_failed,
            IdentityCheckBody: self.identity_asking.on_failed,
            IdentityAnswerBody: self.identity_answering.on_answer_failed,
            IntroductionRequestBody: self.introductions.on_failed,
        }

    def _forget(self, tables: NodeTables) -> None:
        self.identity_asking.forget_expired(tables)
        self.identity_answering.forget_expired(tables)

    def _on_identity_decision(
        self, tables: NodeTables, statement: Statement[IdentityDecisionBody], delivery: Delivery
    ) -> None:
        """The hub's decision goes to the asker first, and with the details to the other side."""
        if statement.preamble.sender != self._membership.hub.hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub decides identity requests")
        ours = statement.preamble.aud == self._membership.hub.party_id
        take = self.identity_asking.on_decision if ours else self.identity_answering.on_decision
        take(tables, statement, delivery)
