"""Asking: request, what comes back, and opening the card (specs/06-requests.md §2).

A card is opened only with a proof, signed by a quorum of witnesses, that the holder's decision is
in the log. Then a receipt goes out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from node.alarms import AlarmCode, clear_alarm, raise_alarm
from node.links.review import latest_publication
from node.links.secrets import evidence_secret
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.membership.proofs import logged_decision, verify_logged
from node.news.asked import tell_asker
from node.requests.facts import practitioner_name, request_facts
from node.requests.grounds import Ground, with_recorded
from node.requests.overdue import clock_at
from node.requests.reasons import opened_reason
from node.requests.sealed import Recipient, named_part, open_part, seal_for
from node.store.links import Link
from node.store.news import NewsKind
from node.store.outbox import Outgoing
from node.store.requests import SentRequest, SentState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.governance.retention import may_be_kept
from protocol.messages.bodies import (
    DecisionBody,
    HubDecisionBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
)
from protocol.messages.log import ProvisionalBody
from protocol.messages.parts import LinkProof, RequestPins, RequestPractitioner
from protocol.messages.statement import Statement
from protocol.requests.sealing import ContactCard, SealedRequest
from protocol.tokens import link_proof
from protocol.wire import Delivery

DAY = 86_400
# What the holder's decision makes of a request of ours.
OUTCOMES = {
    "allow": SentState.ALLOWED,
    "refer": SentState.WAITING,
    "refuse": SentState.REFUSED,
}
Card = Statement[ReleaseBody] | Statement[ProvisionalBody]
"""What a card comes with: under a quorum, or without one."""


@dataclass(frozen=True)
class ContactRequest:
    """What a practitioner wants to ask: about whom, of which agency (`holder`), over which link and
    about which involvement there, on what basis.

    `facts` are in the clear, as typed; those that the charter marks `committed` leave only sealed.
    `needed_by` None: as long as it can be answered. `draft` is what it was kept as until the hub
    takes it.
    """

    local_id: str
    link_id: str
    involvement_id: str
    holder: str
    practitioner: int
    role: str
    purpose: str
    basis: str
    facts: Mapping[str, str]
    needed_by: int | None = None
    draft: int = 0


class Asking:
    """The asking side of requests at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def ask(self, tables: NodeTables, wanted: ContactRequest) -> str:
        """Put a request into the outbox; its id. Raises LocalError or RemoteError.

        Whether it may be asked is the hub's decision, so that refusals are logged too: nothing
        is held back here that the hub would refuse, but for a consent that we do not have.
        """
        membership = self._membership
        membership.check_bound()
        hub_id, now = membership.hub.hub_id, membership.env.clock()
        client, link = self._link(tables, wanted)
        request_id, holder = membership.env.new_id(), wanted.holder
        name = practitioner_name(tables, wanted.practitioner)
        member = membership.directory.member(holder)
        ground = Ground(wanted.basis, wanted.purpose, member.body.member_class if member else None)
        values, consent = with_recorded(tables, membership, client, ground, wanted.facts)
        facts, openings = request_facts(membership, wanted.basis, values)
        recipient = Recipient("request", holder, request_id)
        plain = SealedRequest(practitioner=name, openings=openings)
        sealed = seal_for(membership, recipient, plain)

        fresh_id = membership.env.new_id()
        person = tables.people.id_at(hub_id, wanted.practitioner, fresh_id)
        expires = now + membership.charter.request_lifetime_days * DAY
        needed_by = wanted.needed_by or expires
        body = RequestBody(
            request_id=request_id,
            link_id=link.link_id,
            stub_id=link.stub_id,
            involvement_id=wanted.involvement_id,
            practitioner=RequestPractitioner(id=person, role=wanted.role),
            purpose=wanted.purpose,
            basis=wanted.basis,
            facts=facts,
            needed_by=needed_by,
            expires=expires,
            pins=self._pins(tables, link),
            link_proof=self._proof(tables, link, request_id),
            sealed_hash=sealed.hash,
        )
        tables.sent_requests.add(
            SentRequest(
                hub_id,
                request_id,
                client,
                holder,
                link.link_id,
                now,
                expires,
                practitioner=wanted.practitioner,
                consent=consent,
                needed_by=needed_by,
            )
        )
        if wanted.draft:
            tables.drafts.sent(wanted.draft, request_id)
        tables.outbox.enqueue(Outgoing(hub_id, holder, body, sealed=sealed.data))
        return request_id

    def on_request_sent(self, tables: NodeTables, sent: Sent) -> None:
        """Take the hub's decision on our request."""
        body = sent.statement.expect(RequestBody).body
        decision = sent.decision.expect(HubDecisionBody).body if sent.decision else None
        if decision is None or decision.request != sent.statement.id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "the hub decided another request")
        request = tables.sent_requests.get(self._membership.hub.hub_id, body.request_id)
        if request is None:
            return
        after = replace(request, statement_id=sent.statement.id)
        if request.state is SentState.SENDING:  # else it was stopped meanwhile, and stays so
            refused = decision.outcome == "refuse"
            state = SentState.REFUSED if refused else SentState.WAITING
            if not refused:
                tables.drafts.taken(request.hub_id, request.request_id)
            after = replace(after, state=state, code=decision.code, field=decision.field)
        if decision.outcome != "refuse":
            index, asked_at = sent.accepted.index, sent.statement.preamble.iat
            after = replace(after, clock=clock_at(self._membership, body.basis, asked_at, index))
        tables.sent_requests.change(request, after)
        if after.state is SentState.REFUSED:
            tell_asker(tables, self._membership, NewsKind.ANSWERED, request)

    def on_request_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take the request at all."""
        body = statement.expect(RequestBody).body
        request = tables.sent_requests.get(self._membership.hub.hub_id, body.request_id)
        if request is not None and request.state is SentState.SENDING:
            failed = replace(request, state=SentState.FAILED, code=error.code.value)
            tables.sent_requests.change(request, failed)
            tell_asker(tables, self._membership, NewsKind.ANSWERED, request)

    def on_decision(
        self, tables: NodeTables, statement: Statement[DecisionBody], delivery: Delivery
    ) -> None:
        """The holder decided: keep the decision with its place in the log."""
        body = statement.body
        request = self._sent(tables, body.request_id, statement.preamble.sender)
        if body.request != request.statement_id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "decision is on another request")
        if request.state is not SentState.WAITING:
            raise RemoteError(ErrorCode.CONFLICT, "the request does not wait for a decision")
        after = replace(
            request,
            state=OUTCOMES[body.outcome],
            code=body.code,
            decision=logged_decision(statement, delivery),
            reason=opened_reason(self._membership, statement, delivery),
        )
        tables.sent_requests.change(request, after)
        if after.state is SentState.REFUSED:
            tell_asker(tables, self._membership, NewsKind.ANSWERED, request)

    def on_release(
        self, tables: NodeTables, statement: Statement[ReleaseBody], delivery: Delivery
    ) -> None:
        """Check the proof of the decision, open the card, and send a receipt."""
        request = self.allowed(tables, statement)
        if request is None or request.decision is None:
            return
        if delivery.proof is None:
            raise RemoteError(ErrorCode.NO_QUORUM, "a release without a proof stays closed")
        decision, proof = request.decision, from_base64(delivery.proof)
        place = (decision.index, decision.salt)
        verify_logged(self._membership.charter, proof, place, decision.envelope)
        self.open_card(tables, request, statement, delivery)

    def allowed(self, tables: NodeTables, statement: Card) -> SentRequest | None:
        """Our request that this card answers, by the holder's decision, or whose card it renews;
        None if it is open.
        """
        body = statement.body
        request = self._sent(tables, body.request_id, statement.preamble.sender)
        if request.state is SentState.OPENED:
            return None
        if not _awaits(request, body):
            raise RemoteError(ErrorCode.NOT_ALLOWED, "no decision we know of allows this release")
        return request

    def open_card(
        self, tables: NodeTables, request: SentRequest, statement: Card, delivery: Delivery
    ) -> None:
        """Open the card that a statement names, keep it, and send a receipt."""
        body, now = statement.body, self._membership.env.clock()
        if delivery.sealed is None:
            raise RemoteError(ErrorCode.NOT_OPENED, "a release comes with its card")
        until, signed_at = body.keep_until, statement.preamble.iat
        if until is None or until <= now:
            raise RemoteError(ErrorCode.NOT_OPENED, "a card says until when it may be kept")
        if not may_be_kept(self._membership.charter, until, signed_at):
            raise RemoteError(
                ErrorCode.NOT_OPENED, "a card is kept longer than the charter lets it"
            )
        if request.keep_until is not None and until > request.keep_until:
            raise RemoteError(
                ErrorCode.NOT_OPENED, "a card is kept longer than the one that it renews"
            )
        sealed = named_part(delivery.sealed, body.sealed_hash)
        card = open_part(self._membership, statement, body.request_id, sealed, ContactCard)
        renews = request.state is SentState.RECALLED
        opened = replace(
            request.without_former(),
            state=SentState.OPENED,
            card=card,
            release_id=statement.id,
            keep_until=until,
            renewed_at=now if renews else None,
        )
        tables.sent_requests.change(request, opened)
        # The card before may have been recalled before it could be opened.
        clear_alarm(tables, request.hub_id, AlarmCode.CARD_CLOSED, now, place=body.request_id)
        tell_asker(tables, self._membership, NewsKind.ANSWERED, opened)
        receipt = ReceiptBody(
            request_id=body.request_id, release=statement.id, sealed_hash=body.sealed_hash
        )
        tables.outbox.enqueue(Outgoing(request.hub_id, statement.preamble.sender, receipt))

    def on_closed(self, tables: NodeTables, statement: Statement[Any]) -> None:
        """A card by the holder of our request was set aside: nothing else will come, so tell."""
        body, hub_id = statement.body, self._membership.hub.hub_id
        if not isinstance(body, ReleaseBody | ProvisionalBody):
            return
        request = tables.sent_requests.get(hub_id, body.request_id)
        if (
            request is None
            or request.holder != statement.preamble.sender
            or not _awaits(request, body)
        ):
            return
        closed = replace(request, state=SentState.CLOSED)
        if request.may_be_renewed:
            closed = replace(closed.without_former(), release_id=statement.id)
        tables.sent_requests.change(request, closed)
        tell_asker(tables, self._membership, NewsKind.ANSWERED, closed)
        now = self._membership.env.clock()
        raise_alarm(tables, hub_id, AlarmCode.CARD_CLOSED, now, place=body.request_id)

    def _sent(self, tables: NodeTables, request_id: str, holder: str) -> SentRequest:
        request = tables.sent_requests.get(self._membership.hub.hub_id, request_id)
        if request is None or request.holder != holder:
            raise RemoteError(ErrorCode.NOT_FOUND, "we made no such request to them")
        return request

    def _link(self, tables: NodeTables, wanted: ContactRequest) -> tuple[int, Link]:
        hub_id = self._membership.hub.hub_id
        client = tables.records.client(wanted.local_id)
        stub = tables.stubs.of_client(hub_id, client.id) if client else None
        if client is None or stub is None:
            raise LocalError(ErrorCode.NOT_READY, "this client is not published; publish first")
        known = tables.links.get(hub_id, wanted.link_id)
        links = [*([known] if known else []), *tables.hints.links_of(hub_id, stub.stub_id)]
        found = (
            one
            for one in links
            if one.link_id == wanted.link_id
            and wanted.involvement_id in {item.id for item in one.involvements}
        )
        link = next(found, None)
        # Another agency may use the same id for an involvement: it takes all of them to be the one.
        if link is None or (link.stub_id, link.agency_id) != (stub.stub_id, wanted.holder):
            raise LocalError(
                ErrorCode.NOT_FOUND, "the team has changed meanwhile: see patchwork-node team"
            )
        if tables.reviews.is_denied(hub_id, link.link_id):
            raise LocalError(
                ErrorCode.NOT_ALLOWED, "your organisation says this is not the same person"
            )
        return client.id, link

    def _proof(self, tables: NodeTables, link: Link, request_id: str) -> LinkProof:
        """That we hold the value that the hub named for a link."""
        evidence, secret = evidence_secret(tables, self._membership, link)
        key, charter_id = evidence.match_key_id, self._membership.charter.charter_id
        proof = link_proof(secret, charter_id, evidence.epoch, key, request_id)
        return LinkProof(match_key_id=key, epoch=evidence.epoch, proof=proof.hex())

    def _pins(self, tables: NodeTables, link: Link) -> RequestPins:
        membership = self._membership
        holder = membership.directory.active(str(link.agency_id))
        if holder is None:
            raise LocalError(ErrorCode.NOT_READY, "the other organisation has left; sync first")
        return RequestPins(
            round=link.round_id,
            publication=latest_publication(tables, membership.hub.hub_id),
            requester_membership=membership.me().statement_id,
            holder_membership=holder.statement_id,
            charter=membership.directory.charter_at(None).statement_id,
        )


def _awaits(request: SentRequest, body: ReleaseBody | ProvisionalBody) -> bool:
    """Whether the card of a request of ours may come by this: its holder allowed that, and we have
    had none or it renews the one that we had.
    """
    decided = request.decision is not None and request.decision.id == body.decision
    renews = request.may_be_renewed and isinstance(body, ReleaseBody)
    return decided and (renews or request.state is SentState.ALLOWED)
