"""Brokered messages: request -> hub decision -> decision -> release or provisional -> receipt.

specs/06-requests.md §2 and §8. Each handler works inside one transaction: it checks, logs and
forwards, or raises and changes nothing. The hub sees codes and hashes; cards and names pass sealed.
"""

from collections.abc import Callable
from typing import TypeVar

from hub.exchange.facts import check_pins, request_facts
from hub.exchange.handlers import Answer, Parts, check_sealed, decided_as
from hub.log.ledger import Ledger
from hub.store.links import LinkState
from hub.store.mailboxes import Post
from hub.store.requests import AFTER_DECISION, BrokeredRequest, NewRequest, RequestState
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel
from protocol.governance.retention import may_be_kept
from protocol.messages.bodies import (
    DecisionBody,
    HubDecisionBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
)
from protocol.messages.log import ProvisionalBody
from protocol.messages.parts import DecisionFacts
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.answers import lacks_person, lacks_reason
from protocol.requests.clock import due_of, is_answered
from protocol.requests.decide import (
    Decision,
    Refuse,
    allows_break_glass,
    decide_hub,
)
from protocol.requests.renewals import CardBefore, NotRenewed, may_follow
from protocol.requests.spans import seen_until

Body = TypeVar("Body", bound=WireModel)
_NOT_RENEWED = {
    NotRenewed.WRONG_PERSON: "the card was about the wrong person: no other follows",
    NotRenewed.NOT_GONE: "a card has left: another follows when its holder has recalled it and the "
    "other side has stated that it is gone",
    NotRenewed.KEPT_TOO_LONG: "keep_until is later than that of the card before",
    NotRenewed.TWICE_A_DAY: "this card was renewed today",
}
Card = Statement[ReleaseBody] | Statement[ProvisionalBody]
"""What a card leaves by: under a quorum, or without one."""


class Broker:
    """The brokering part of the hub. `quorum_is_missing` says it of an entry, by its index."""

    def __init__(self, ledger: Ledger, quorum_is_missing: Callable[[int], bool]) -> None:
        self._ledger = ledger
        self._tables = ledger.tables
        self._quorum_is_missing = quorum_is_missing

    def request(self, statement: Statement[RequestBody], parts: Parts) -> Answer:
        """Log a request, decide the hub's part, log that too, and forward unless refused."""
        body, preamble = statement.body, statement.preamble
        check_sealed(body.sealed_hash, parts.sealed)
        check_pins(self._ledger.directory, statement)
        if self._tables.requests.get(body.request_id) is not None:
            raise RemoteError(ErrorCode.REPLAYED, "request_id was used before")
        facts, pinned = request_facts(self._ledger, statement)
        decision = decide_hub(self._ledger.charter, body, preamble.iat, facts)
        logged = self._ledger.append(statement)
        hub_body = _decision_body(statement, decision, pinned)
        hub_decision, hub_logged = self._ledger.issue(hub_body, preamble.sender)
        charter, refused = self._ledger.charter, isinstance(decision, Refuse)
        request = NewRequest(
            request_id=body.request_id,
            statement_id=statement.id,
            requester=preamble.sender,
            holder=preamble.aud,
            link_id=body.link_id,
            involvement_id=body.involvement_id,
            expires=body.expires,
            iat=preamble.iat,
            hub_decision=hub_decision.id,
            hub_outcome=hub_body.outcome,
            due=None if refused else due_of(charter, body.basis, preamble.iat, body.expires),
        )
        self._tables.requests.add(request)
        if not refused:
            holder = preamble.aud
            self._tables.mailboxes.post(
                [
                    Post(holder, statement.envelope.encode(), logged, sealed=parts.sealed),
                    Post(holder, hub_decision.envelope.encode(), hub_logged),
                ]
            )
        return Answer(logged, hub_decision)

    def decision(self, statement: Statement[DecisionBody], parts: Parts) -> Answer:
        """Log the holder's decision and forward it. Final once it allows or refuses."""
        body, preamble = statement.body, statement.preamble
        request = self._asked(body.request_id, holder=preamble.sender)
        self._check_in_time(request)
        expected = (request.requester, request.statement_id, request.hub_decision)
        if (preamble.aud, body.request, body.hub_decision) != expected:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "decision is not on this request")
        if not request.may_become(AFTER_DECISION[body.outcome]):
            raise RemoteError(ErrorCode.CONFLICT, "the request was already decided")
        basis = self._check_answer(body, request)
        sealed = None
        if body.sealed_hash is not None:
            check_sealed(body.sealed_hash, parts.sealed)
            sealed = parts.sealed
        if body.outcome == "allow":
            self._check_still_in_force(request)
        logged = self._ledger.append(statement)
        self._tables.requests.decide(request, body.outcome, statement.id)
        if is_answered(body, preamble.iat, request.due):
            self._tables.requests.stop_clock(request)
        if body.outcome != "refer":
            by_rule = body.decided_by is None
            self._tables.take_up.count_answer(preamble.sender, basis, by_rule=by_rule)
        envelope = statement.envelope.encode()
        self._tables.mailboxes.post([Post(preamble.aud, envelope, logged, sealed=sealed)])
        return Answer(logged)

    def release(self, statement: Statement[ReleaseBody], parts: Parts) -> Answer:
        """Log a release and forward the sealed card with the proof of the decision."""
        if parts.proof is None:
            raise RemoteError(ErrorCode.NO_QUORUM, "a release carries a proof of the decision")
        return self._release(self._check_release(statement, parts), statement, parts)

    def provisional(self, statement: Statement[ProvisionalBody], parts: Parts) -> Answer:
        """Log that a card leaves while the quorum is missing, and forward it. One or the other."""
        request = self._check_release(statement, parts)
        if request.release is not None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "a card is renewed under a quorum only")
        decision_id = request.decision or ""
        logged = self._tables.log.logged(decision_id)
        if logged is None or not self._quorum_is_missing(logged.index):
            raise RemoteError(ErrorCode.CONFLICT, "a quorum signs, or has signed: release it")
        asked = self._logged_body(request.statement_id, RequestBody)
        decision = self._logged_body(decision_id, DecisionBody)
        basis = self._ledger.charter.lawful_basis(asked.basis)
        if not allows_break_glass(basis) or decision.decided_by is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "this card leaves under a quorum only")
        return self._release(request, statement, Parts(parts.sealed, None))

    def receipt(self, statement: Statement[ReceiptBody], _parts: Parts) -> Answer:
        """Log that the card was opened, and tell the holder."""
        body, preamble = statement.body, statement.preamble
        request = self._tables.requests.get(body.request_id)
        known = request is not None and request.requester == preamble.sender
        if request is None or not known or request.release != body.release:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such release")
        if preamble.aud != request.holder or request.receipt is not None:
            raise RemoteError(
                ErrorCode.CONFLICT, "the receipt was already received, or is to somebody else"
            )
        logged = self._ledger.append(statement)
        self._tables.requests.acknowledge(request, statement.id)
        self._tables.mailboxes.post([Post(preamble.aud, statement.envelope.encode(), logged)])
        return Answer(logged)

    def _check_answer(self, body: DecisionBody, request: BrokeredRequest) -> str:
        """A person decides where the hub or the charter says so, and writes down why a refusal
        where the lawful basis wants that. What is written the hub cannot read. The basis's code.
        """
        if body.outcome == "allow" and request.hub_outcome == "refer" and body.decided_by is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "a person must decide this request")
        asked = self._logged_body(request.statement_id, RequestBody)
        basis = self._ledger.charter.lawful_basis(asked.basis)
        member = self._ledger.directory.member(request.requester)
        if lacks_person(body, basis, member.body.member_class if member else None):
            raise RemoteError(ErrorCode.NOT_ALLOWED, "the charter lets no rule allow this request")
        if lacks_reason(body, basis):
            raise RemoteError(
                ErrorCode.NOT_ALLOWED, "on this lawful basis a refusal has its reason in writing"
            )
        return asked.basis

    def _check_release(self, statement: Card, parts: Parts) -> BrokeredRequest:
        """What must hold for a card to leave, with a quorum or without: the request."""
        body, preamble = statement.body, statement.preamble
        check_sealed(body.sealed_hash, parts.sealed)
        request = self._asked(body.request_id, holder=preamble.sender)
        if request.release is None:
            self._check_in_time(request)
        else:
            self._check_renewal(request, body.keep_until, preamble.iat)
        if not request.may_become(RequestState.RELEASED) or body.decision != request.decision:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "no such decision allows a release now")
        if preamble.aud != request.requester:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "release is not to the requester")
        self._check_kept(statement, self._check_still_in_force(request))
        return request

    def _check_renewal(self, request: BrokeredRequest, keep_until: int | None, iat: int) -> None:
        """A card may leave in the place of the one before it, though the request has expired."""
        before = CardBefore(
            recalled=self._tables.log.sender(request.recall or "") == request.holder,
            gone=request.recall_done is not None,
            wrong_person=request.wrong_person is not None,
            keep_until=request.keep_until,
            renewed_at=request.renewed_at,
        )
        why = may_follow(before, keep_until, iat)
        if why is not None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, _NOT_RENEWED[why])

    def _check_kept(self, statement: Card, permission_ends: int) -> None:
        """The card says until when it may be kept, and that is no longer than its permission."""
        until = statement.body.keep_until
        if until is None:
            raise RemoteError(
                ErrorCode.UNKNOWN_FIELD, "keep_until is missing: upgrade the program that releases"
            )
        if until > permission_ends:
            raise RemoteError(
                ErrorCode.NOT_ALLOWED, "keep_until is later than the permission; publish first"
            )
        if not may_be_kept(self._ledger.charter, until, statement.preamble.iat):
            raise RemoteError(
                ErrorCode.NOT_ALLOWED, "keep_until is over, or later than the charter lets it be"
            )

    def _release(self, request: BrokeredRequest, statement: Card, parts: Parts) -> Answer:
        logged, requests = self._ledger.append(statement), self._tables.requests
        until, iat = statement.body.keep_until, statement.preamble.iat
        if request.release is None:
            requests.release(request, statement.id, until)
        else:
            requests.release_again(request, statement.id, until, iat)
        envelope, aud = statement.envelope.encode(), statement.preamble.aud
        self._tables.mailboxes.post([Post(aud, envelope, logged, parts.sealed, parts.proof)])
        return Answer(logged)

    def _asked(self, request_id: str, *, holder: str) -> BrokeredRequest:
        request = self._tables.requests.get(request_id)
        known = request is not None and request.holder == holder
        if request is None or not known or request.state is RequestState.REFUSED:
            raise RemoteError(ErrorCode.NOT_FOUND, "no open request with that id")
        return request

    def _check_in_time(self, request: BrokeredRequest) -> None:
        if request.expires <= self._ledger.env.clock():
            raise RemoteError(ErrorCode.TOO_LATE, "the request has expired")

    def _check_still_in_force(self, request: BrokeredRequest) -> int:
        """Both members, link and permission are checked at request, decision and release; when the
        permission ends.
        """
        directory = self._ledger.directory
        if not all(directory.active(party) for party in request.parties):
            raise RemoteError(ErrorCode.NOT_ALLOWED, "one of the two is not an active member")
        link = self._tables.links.link(request.link_id)
        now = self._ledger.env.clock()
        for stub_id in link.pair if link and link.state is LinkState.MATCH else ():
            stub = self._tables.stubs.stub(stub_id)
            for item in stub.involvements if stub and stub.agency == request.holder else ():
                until = seen_until(self._ledger.charter, item)
                if item.id == request.involvement_id and until > now:
                    return until
        raise RemoteError(ErrorCode.NOT_ALLOWED, "link or permission is no longer in force")

    def _logged_body(self, statement_id: str, kind: type[Body]) -> Body:
        """What a statement of an open request says. Raises RemoteError(NOT_ALLOWED) without it."""
        envelope = self._tables.log.envelope(statement_id)
        if envelope is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "what this rests on is not kept any more")
        return parse_statement(envelope).expect(kind).body


def _decision_body(
    statement: Statement[RequestBody], decision: Decision, facts: DecisionFacts
) -> HubDecisionBody:
    refusal = decision if isinstance(decision, Refuse) else None
    return HubDecisionBody(
        request=statement.id,
        request_id=statement.body.request_id,
        outcome=decided_as(decision),
        code=refusal.code.value if refusal else None,
        field=refusal.field if refusal else None,
        facts=facts,
    )
