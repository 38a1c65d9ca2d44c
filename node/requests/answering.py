"""Answering: requests from others, and our decisions on them (specs/06-requests.md §2).

`decide_holder` decides from our own facts; a person decides what it refers. What was allowed leaves
by node/requests/releasing.py.
"""

from dataclasses import dataclass, replace

from node.config import ANY, NodeSettings
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.requests.facts import opened_facts, proven_key
from node.requests.grounds import permission_and_consent
from node.requests.objections import check_override, is_overridable, objection_to
from node.requests.overdue import clock_at
from node.requests.passing import waiting
from node.requests.reasons import WrittenReason, check_code, reason_of
from node.requests.sealed import named_part, open_part
from node.requests.told import tell_asked
from node.store.decisions import LoggedDecision
from node.store.links import LinkState
from node.store.outbox import Outgoing
from node.store.records import Involvement
from node.store.requests import Asker, ReceivedRequest, ReceivedState
from node.store.stubs import PublishedStub
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.messages.bodies import DecisionBody, HubDecisionBody, ReceiptBody, RequestBody
from protocol.messages.statement import Statement
from protocol.requests.answers import rule_may_allow
from protocol.requests.decide import (
    Allow,
    Decision,
    HolderFacts,
    Refer,
    Refuse,
    allows_break_glass,
    decide_holder,
)
from protocol.requests.disclosure import Override, disclosure, holder_part
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import SealedRequest
from protocol.wire import Delivery


@dataclass(frozen=True)
class Answer:
    """A person's answer: allow, or refuse with a code. `practitioner` is who decided, `override`
    why they allow it in spite of an objection, `reason` what they write if they refuse.
    """

    request_id: str
    practitioner: int
    refusal: RefusalCode | None = None
    override: Override | None = None
    reason: str = ""


@dataclass(frozen=True)
class _Decider:
    """Who decides, by row and by the id that the log has for them; why in spite of an objection;
    what they wrote.
    """

    practitioner: int
    practitioner_id: str
    override: Override | None
    reason: WrittenReason | None


class Answering:
    """The answering side of requests at one hub."""

    def __init__(self, membership: HubMembership, settings: NodeSettings) -> None:
        self._membership = membership
        self._settings = settings

    def on_request(
        self, tables: NodeTables, statement: Statement[RequestBody], delivery: Delivery
    ) -> None:
        """Open and keep a request; it waits for the hub's decision on it."""
        membership, body = self._membership, statement.body
        if delivery.sealed is None:
            raise RemoteError(ErrorCode.MALFORMED, "a request comes with its sealed part")
        sealed = named_part(delivery.sealed, body.sealed_hash)
        opened = open_part(membership, statement, body.request_id, sealed, SealedRequest)
        facts = opened_facts(membership, body, opened.openings)
        hub_id = membership.hub.hub_id
        if tables.received_requests.get(hub_id, body.request_id) is not None:
            raise RemoteError(ErrorCode.REPLAYED, "a request with that id was already received")
        request = ReceivedRequest(
            hub_id=hub_id,
            request_id=body.request_id,
            statement_id=statement.id,
            requester=statement.preamble.sender,
            link_id=body.link_id,
            involvement=tables.stubs.involvement_of(hub_id, body.involvement_id),
            purpose=body.purpose,
            basis=body.basis,
            facts=facts,
            asker=Asker(opened.practitioner, body.practitioner.role),
            link_proof=body.link_proof,
            expires=body.expires,
            received_at=membership.env.clock(),
            needed_by=body.needed_by,
            clock=clock_at(membership, body.basis, statement.preamble.iat, delivery.index),
        )
        tables.received_requests.add(request)

    def on_hub_decision(self, tables: NodeTables, statement: Statement[HubDecisionBody]) -> None:
        """The hub's part is here: decide ours, or put it to a person."""
        hub_id, body = self._membership.hub.hub_id, statement.body
        if statement.preamble.sender != hub_id or body.outcome == "refuse":
            raise RemoteError(ErrorCode.NOT_ALLOWED, "not a decision of the hub that we act on")
        request = tables.received_requests.get(hub_id, body.request_id)
        if request is None or request.statement_id != body.request:
            raise RemoteError(ErrorCode.NOT_FOUND, "a decision on a request we do not have")
        if request.state is not ReceivedState.ARRIVED:
            raise RemoteError(ErrorCode.CONFLICT, "the hub has decided that request before")
        decided = replace(request, hub_decision=statement.id, hub_outcome=body.outcome)
        facts = self.facts(tables, decided)
        decision = holder_part(body.outcome, facts)
        if isinstance(decision, Allow) and self._membership.unaccepted():
            decision = Refer()  # no rule allows under a charter that does not bind us
        if isinstance(decision, Refer):
            asks = replace(decided, state=ReceivedState.ASKS_PERSON)
            tables.received_requests.change(request, asks)
            tell_asked(tables, self._membership, asks)
        else:
            self._decide(tables, (request, decided), (decision, facts), None)
            tell_asked(tables, self._membership, decided)

    def answer(self, tables: NodeTables, answer: Answer) -> Decision:
        """A person answers; what is decided. Where the rules refuse, that is their decision and not
        the person's. Raises LocalError; never more permissive than `decide_holder`.
        """
        membership, practitioner = self._membership, answer.practitioner
        check_code(answer.refusal)
        request = waiting(tables, membership, answer.request_id, practitioner)
        facts = self.facts(tables, request)
        limit = decide_holder(facts)
        if isinstance(limit, Refuse):
            self._decide(tables, (request, request), (limit, facts), None)
            return limit
        decision: Decision = Refuse(answer.refusal) if answer.refusal else Allow()
        if isinstance(decision, Allow) and facts.objection:
            check_override(membership, request.basis, answer.override)
        elif answer.override is not None and not facts.objection:
            raise LocalError(
                ErrorCode.CONFLICT, "the client does not object: leave the override out"
            )
        text = reason_of(membership, request, practitioner, answer.reason, decision)
        by = _Decider(
            practitioner,
            tables.people.id_at(membership.hub.hub_id, practitioner, membership.env.new_id()),
            answer.override if isinstance(decision, Allow) else None,
            WrittenReason.of(membership, request, text) if text else None,
        )
        self._decide(tables, (request, request), (decision, facts), by)
        return decision

    def unknown_rules(self) -> list[str]:
        """Lawful bases and classes of our own rules that the charter does not have: they are slips,
        or it has changed.
        """
        rules, agreement = self._settings.answer_rules, self._membership.agreement
        classes = {item.code for item in agreement.charter.classes}
        named = {name for of_basis in rules.values() for name in of_basis} - {ANY}
        bases = [basis for basis in rules if basis != ANY and agreement.basis(basis) is None]
        return sorted(bases) + sorted(named - classes)

    def on_decision_sent(self, tables: NodeTables, sent: Sent) -> None:
        """Our decision is in the log: keep its place, for the proof."""
        body = sent.statement.expect(DecisionBody).body
        request = self._deciding(tables, body)
        if request is not None:
            envelope = sent.statement.envelope.encode()
            place = LoggedDecision(sent.statement.id, sent.accepted.index, sent.salt, envelope)
            allowed = body.outcome == "allow"
            state = ReceivedState.ALLOWED if allowed else ReceivedState.REFUSED
            tables.received_requests.change(request, replace(request, state=state, decision=place))

    def on_decision_failed(
        self, tables: NodeTables, statement: Statement[WireModel], _error: RemoteError
    ) -> None:
        """The hub did not take our decision: a person must look at it again, unless nobody may
        allow it.
        """
        body = statement.expect(DecisionBody).body
        request = self._deciding(tables, body)
        if request is not None:
            by_rule = body.decided_by is None and body.outcome == "refuse"
            state = ReceivedState.STOPPED if by_rule else ReceivedState.ASKS_PERSON
            tables.received_requests.change(request, replace(request, state=state))

    def on_receipt(self, tables: NodeTables, statement: Statement[ReceiptBody]) -> None:
        """The card was opened, even if the hub told us that it had not taken our release."""
        hub_id, request_id = self._membership.hub.hub_id, statement.body.request_id
        request = tables.received_requests.get(hub_id, request_id)
        left = {ReceivedState.RELEASED, ReceivedState.STOPPED}
        known = {*left, ReceivedState.OPENED, ReceivedState.RECALLED}
        if (
            request is None
            or request.requester != statement.preamble.sender
            or request.state not in known
        ):
            raise RemoteError(ErrorCode.NOT_FOUND, "a receipt for nothing we released to them")
        if request.state in left and statement.body.release != request.former_release:
            release_id = request.release_id or statement.body.release
            opened = replace(request, state=ReceivedState.OPENED, release_id=release_id)
            tables.received_requests.change(request, opened)

    def _deciding(self, tables: NodeTables, body: DecisionBody) -> ReceivedRequest | None:
        """The request that a decision of ours is on, unless it was stopped meanwhile."""
        request = tables.received_requests.get(self._membership.hub.hub_id, body.request_id)
        deciding = request is not None and request.state is ReceivedState.DECIDING
        return request if deciding else None

    def _decide(
        self,
        tables: NodeTables,
        request: tuple[ReceivedRequest, ReceivedRequest],
        reached: tuple[Decision, HolderFacts],
        by: _Decider | None,
    ) -> None:
        """Put a decision into the outbox. `request` as it is kept, and as it is now; `reached`: the
        decision, and what it goes by; `by` None: the rules alone decided.
        """
        (before, now), (decision, facts) = request, reached
        refusal = decision if isinstance(decision, Refuse) else None
        salt = self._membership.env.random(32)
        override, reason = (by.override, by.reason) if by is not None else (None, None)
        kept = disclosure(now.request_id, facts, salt, by_person=by is not None, override=override)
        body = DecisionBody(
            request=now.statement_id,
            request_id=now.request_id,
            hub_decision=now.hub_decision or "",
            outcome="refuse" if refusal else "allow",
            code=refusal.code.value if refusal else None,
            decided_by=by.practitioner_id if by is not None else None,
            facts_commitment=kept.commitment,
            reason_commitment=reason.commitment if reason is not None else None,
            sealed_hash=reason.part.hash if reason is not None else None,
        )
        known = None
        if override is not None:
            asked = tables.records.involvement(now.involvement)
            known = objection_to(tables, self._membership, now, asked)
        deciding = replace(
            now,
            state=ReceivedState.DECIDING,
            disclosure=kept,
            overrode=known,
            answered_by=by.practitioner if by is not None else None,
            reason=reason.opening if reason is not None else None,
        )
        tables.received_requests.change(before, deciding)
        sealed = reason.part.data if reason is not None else None
        tables.outbox.enqueue(Outgoing(now.hub_id, now.requester, body, sealed))

    def facts(self, tables: NodeTables, request: ReceivedRequest) -> HolderFacts:
        """What `decide_holder` goes by for a received request, as things are now."""
        asked = tables.records.involvement(request.involvement)
        stands = objection_to(tables, self._membership, request, asked)
        return self._facts(tables, request, asked, objection=stands is not None)

    def _facts(
        self,
        tables: NodeTables,
        request: ReceivedRequest,
        asked: Involvement | None,
        *,
        objection: bool,
    ) -> HolderFacts:
        membership, hub_id = self._membership, request.hub_id
        doubted = tables.reviews.is_denied(hub_id, request.link_id)
        permitted, covered = permission_and_consent(tables, membership, request, asked)
        return HolderFacts(
            permission_in_force=permitted,
            objection=objection,
            link_proven=self._is_link_proven(tables, request, asked, doubted=doubted),
            earlier_requests_from_requester=tables.received_requests.released_to(
                hub_id, request.requester
            ),
            rule=self._rule(tables, request),
            doubted=doubted,
            overridable=is_overridable(self._membership, request.basis),
            consent_covers=covered,
        )

    def still_allows(self, tables: NodeTables, request: ReceivedRequest) -> bool:
        """Whether a card that was allowed may leave as things are now: nothing forbids it, and the
        client has not objected since.
        """
        asked = tables.records.involvement(request.involvement)
        stands = objection_to(tables, self._membership, request, asked)
        facts = self._facts(tables, request, asked, objection=stands is not None)
        if isinstance(decide_holder(facts), Refuse):
            return False
        return stands is None or (request.overrode is not None and stands <= request.overrode)

    def refuse_ended(self, tables: NodeTables, request: ReceivedRequest) -> bool:
        """Refuse a request that waits for a person, if nobody may allow it any more; whether so."""
        facts = self.facts(tables, request)
        decision = decide_holder(facts)
        if not isinstance(decision, Refuse):
            return False
        self._decide(tables, (request, request), (decision, facts), None)
        return True

    def _rule(self, tables: NodeTables, request: ReceivedRequest) -> str:
        """By which rule a request is decided: by a person, if it may do without witnesses, comes
        over a link that we were not told of, or is one that the charter lets no rule allow.
        """
        link = tables.links.get(request.hub_id, request.link_id)
        untold = link is None or link.state is LinkState.ENDED
        membership = self._membership
        basis = membership.charter.lawful_basis(request.basis)
        member = membership.directory.member(request.requester)
        asker = member.body.member_class if member is not None else None
        if untold or asker is None or allows_break_glass(basis) or not rule_may_allow(basis, asker):
            return "ask"
        own = membership.agreement.own_basis(request.basis)
        return self._settings.rule_for(own, asker, tables.answer_rules.get(own, asker))

    def _is_link_proven(
        self,
        tables: NodeTables,
        request: ReceivedRequest,
        asked: Involvement | None,
        *,
        doubted: bool,
    ) -> bool:
        """Whether the asker proved to hold a value that we hold too of the client whom they ask
        about, over the link we know.
        """
        stub = self._stub_asked(tables, request, asked, doubted=doubted) if asked else None
        if stub is None:
            return False
        proof, request_id = request.link_proof, request.request_id
        return bool(proven_key(tables, self._membership, stub.stub_id, proof, request_id))

    def _stub_asked(
        self, tables: NodeTables, request: ReceivedRequest, asked: Involvement, *, doubted: bool
    ) -> PublishedStub | None:
        """The stub of the client whom a request asks about, if it came over a link that is good.

        Of some links we know nothing before the request comes: those to a service that we may not
        see, and those of work of ours that is over (specs/06-requests.md §3.1). Over others the hub
        has introduced the asker to us (§12).
        """
        hub_id, now = request.hub_id, self._membership.env.clock()
        stub = tables.stubs.of_client(hub_id, asked.client)
        introduced = tables.hints.introduced_over(hub_id, request.link_id, request.requester)
        if introduced is not None:
            return stub if stub is not None and stub.stub_id == introduced else None
        link = tables.links.get(hub_id, request.link_id)
        if link is None or (link.state is LinkState.ENDED and asked.is_over(now)):
            # Whom we were told of for this client asks over that link; no other id gets round it.
            told = tables.links.of_stub(hub_id, stub.stub_id) if stub else []
            known = any(item.agency_id == request.requester for item in told)
            return stub if asked.is_over(now) or not known else None
        if link.agency_id != request.requester:
            return None
        if link.state is not LinkState.MATCH and not doubted:
            return None
        linked = tables.stubs.client_of(hub_id, link.stub_id)
        return stub if linked is not None and asked.client == linked.id else None
