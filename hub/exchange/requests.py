"""Brokered messages: request -> hub decision -> decision -> release or provisional -> receipt.

specs/06-requests.md §2 and §8. Each handler works inside one transaction: it checks, logs and
forwards, or raises and changes nothing. The hub sees codes and hashes; cards and names pass sealed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hub.log.ledger import Ledger
from hub.store.links import Link, LinkState
from hub.store.tables import HubTables, Logged, Post
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.messages.bodies import (
    DecisionBody,
    HubDecisionBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
)
from protocol.messages.log import ProvisionalBody
from protocol.messages.parts import DecisionFacts, Outcome
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.decide import (
    Allow,
    Decision,
    HubFacts,
    LinkFact,
    Refer,
    Refuse,
    allows_break_glass,
    decide_hub,
    in_force,
)
from protocol.requests.sealing import SEALED_LIMIT, sealed_hash
from protocol.wire import Message
from storage.engine import Row

DAY = 86_400
Body = TypeVar("Body", bound=WireModel)
Card = Statement[ReleaseBody] | Statement[ProvisionalBody]
"""What a card leaves by: under a quorum, or without one."""


@dataclass(frozen=True)
class Parts:
    """The sealed part and the proof that came beside a statement."""

    sealed: bytes | None
    proof: bytes | None


def parts_of(message: Message) -> Parts:
    """Decode what came beside the envelope, within limits."""
    sealed = from_base64(message.sealed) if message.sealed is not None else None
    proof = from_base64(message.proof) if message.proof is not None else None
    if max(len(sealed or b""), len(proof or b"")) > SEALED_LIMIT:
        raise RemoteError(ErrorCode.TOO_LARGE, f"sealed part or proof is over {SEALED_LIMIT} bytes")
    return Parts(sealed, proof)


@dataclass(frozen=True)
class Answer:
    """What a handler did: where it was logged, and the hub's decision if one was made."""

    logged: Logged
    decision: Statement[HubDecisionBody] | None = None


class Broker:
    """The brokering part of the hub. `quorum_is_missing` says it of an entry, by its index."""

    def __init__(self, ledger: Ledger, quorum_is_missing: Callable[[int], bool]) -> None:
        self._ledger = ledger
        self._quorum_is_missing = quorum_is_missing

    def request(self, tables: HubTables, statement: Statement[RequestBody], parts: Parts) -> Answer:
        """Log a request, decide the hub's part, log that too, and forward unless refused."""
        body, preamble = statement.body, statement.preamble
        check_sealed(body.sealed_hash, parts.sealed)
        self._check_pins(statement)
        if tables.request(body.request_id) is not None:
            raise RemoteError(ErrorCode.REPLAYED, "request_id was used before")
        facts, pinned = self._facts(tables, statement)
        decision = decide_hub(self._ledger.charter, body, preamble.iat, facts)
        logged = self._ledger.append(tables, statement)
        hub_body = _decision_body(statement, decision, pinned)
        hub_decision, hub_logged = self._ledger.issue(tables, hub_body, preamble.sender)
        tables.add_request(
            {
                "request_id": body.request_id,
                "statement_id": statement.id,
                "requester": preamble.sender,
                "holder": preamble.aud,
                "link_id": body.link_id,
                "involvement_id": body.involvement_id,
                "expires": body.expires,
                "iat": preamble.iat,
                "hub_decision": hub_decision.id,
                "hub_outcome": hub_body.outcome,
            }
        )
        if not isinstance(decision, Refuse):
            holder = preamble.aud
            tables.post(
                [
                    Post(holder, statement.envelope.encode(), logged, sealed=parts.sealed),
                    Post(holder, hub_decision.envelope.encode(), hub_logged),
                ]
            )
        return Answer(logged, hub_decision)

    def decision(
        self, tables: HubTables, statement: Statement[DecisionBody], _parts: Parts
    ) -> Answer:
        """Log the holder's decision and forward it. Final once it allows or refuses."""
        body, preamble = statement.body, statement.preamble
        row = self._open_request(tables, body.request_id, holder=preamble.sender)
        expected = (row["requester"], row["statement_id"], row["hub_decision"])
        if (preamble.aud, body.request, body.hub_decision) != expected:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "decision is not on this request")
        if row["outcome"] in {"allow", "refuse"}:
            raise RemoteError(ErrorCode.CONFLICT, "the request was already decided")
        if body.outcome == "allow":
            if row["hub_outcome"] == "refer" and body.decided_by is None:
                raise RemoteError(ErrorCode.NOT_ALLOWED, "a person must decide this request")
            self._check_still_in_force(tables, row)
        logged = self._ledger.append(tables, statement)
        tables.set_request(body.request_id, "decision", statement.id)
        tables.set_request(body.request_id, "outcome", body.outcome)
        tables.post([Post(preamble.aud, statement.envelope.encode(), logged)])
        return Answer(logged)

    def release(self, tables: HubTables, statement: Statement[ReleaseBody], parts: Parts) -> Answer:
        """Log a release and forward the sealed card with the proof of the decision."""
        if parts.proof is None:
            raise RemoteError(ErrorCode.NO_QUORUM, "a release carries a proof of the decision")
        self._check_release(tables, statement, parts)
        return self._release(tables, statement, parts)

    def provisional(
        self, tables: HubTables, statement: Statement[ProvisionalBody], parts: Parts
    ) -> Answer:
        """Log that a card leaves while the quorum is missing, and forward it. One or the other."""
        row = self._check_release(tables, statement, parts)
        logged = tables.logged(row["decision"])
        if logged is None or not self._quorum_is_missing(logged.index):
            raise RemoteError(ErrorCode.CONFLICT, "a quorum signs, or has signed: release it")
        request = _logged_body(tables, row["statement_id"], RequestBody)
        decision = _logged_body(tables, row["decision"], DecisionBody)
        basis = self._ledger.charter.lawful_basis(request.basis)
        if not allows_break_glass(basis) or decision.decided_by is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "this card leaves under a quorum only")
        return self._release(tables, statement, Parts(parts.sealed, None))

    def _check_release(
        self,
        tables: HubTables,
        statement: Card,
        parts: Parts,
    ) -> Row:
        """What must hold for a card to leave, with a quorum or without: the request's row."""
        body, preamble = statement.body, statement.preamble
        check_sealed(body.sealed_hash, parts.sealed)
        row = self._open_request(tables, body.request_id, holder=preamble.sender)
        if row["outcome"] != "allow" or body.decision != row["decision"] or row["release"]:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "no such decision allows a release now")
        if preamble.aud != row["requester"]:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "release is not to the requester")
        self._check_still_in_force(tables, row)
        return row

    def _release(
        self,
        tables: HubTables,
        statement: Card,
        parts: Parts,
    ) -> Answer:
        logged = self._ledger.append(tables, statement)
        tables.set_request(statement.body.request_id, "release", statement.id)
        envelope = statement.envelope.encode()
        aud = statement.preamble.aud
        tables.post([Post(aud, envelope, logged, parts.sealed, parts.proof)])
        return Answer(logged)

    def receipt(
        self, tables: HubTables, statement: Statement[ReceiptBody], _parts: Parts
    ) -> Answer:
        """Log that the card was opened, and tell the holder."""
        body, preamble = statement.body, statement.preamble
        row = tables.request(body.request_id)
        if row is None or row["requester"] != preamble.sender or row["release"] != body.release:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such release")
        if preamble.aud != row["holder"] or row["receipt"]:
            raise RemoteError(ErrorCode.CONFLICT, "receipt is doubled or to somebody else")
        logged = self._ledger.append(tables, statement)
        tables.set_request(body.request_id, "receipt", statement.id)
        tables.post([Post(preamble.aud, statement.envelope.encode(), logged)])
        return Answer(logged)

    def _facts(
        self, tables: HubTables, statement: Statement[RequestBody]
    ) -> tuple[HubFacts, DecisionFacts]:
        body, preamble = statement.body, statement.preamble
        directory = self._ledger.directory
        row = tables.links.link(body.link_id)
        link = link_fact(row) if row else None
        own = tables.stubs.stub(body.stub_id)
        own = own if own is not None and own.agency == preamble.sender else None
        other_end = link.other_end(preamble.sender, body.stub_id) if link else None
        other = tables.stubs.stub(other_end[1]) if other_end else None
        asked = other.involvements if other else ()
        requester, holder = directory.member(preamble.sender), directory.member(preamble.aud)
        midnight = preamble.iat - preamble.iat % DAY
        facts = HubFacts(
            requester_id=preamble.sender,
            holder_id=preamble.aud,
            requester=requester.body if requester else None,
            holder=holder.body if holder else None,
            link=link,
            involvement=next((item for item in asked if item.id == body.involvement_id), None),
            own_involvements=own.involvements if own else (),
            requests_today=tables.requests_since(preamble.sender, midnight),
        )
        pinned = DecisionFacts(
            charter=directory.charter_at(None).statement_id,
            requester_membership=requester.statement_id if requester else None,
            holder_membership=holder.statement_id if holder else None,
            round=row.round_id if row and other_end else None,
            requester_publication=own.publication if own else None,
            holder_publication=other.publication if other else None,
        )
        return facts, pinned

    def _check_pins(self, statement: Statement[RequestBody]) -> None:
        directory, pins = self._ledger.directory, statement.body.pins
        requester = directory.member(statement.preamble.sender)
        if requester is None or pins.requester_membership != requester.statement_id:
            raise RemoteError(ErrorCode.CONFLICT, "pins name another membership; sync, ask again")
        if pins.charter != directory.charter_at(None).statement_id:
            raise RemoteError(ErrorCode.WRONG_CHARTER, "pins name another charter version")

    def _open_request(self, tables: HubTables, request_id: str, *, holder: str) -> Row:
        row = tables.request(request_id)
        if row is None or row["holder"] != holder or row["hub_outcome"] == "refuse":
            raise RemoteError(ErrorCode.NOT_FOUND, "no open request of that id")
        if row["expires"] <= self._ledger.env.clock():
            raise RemoteError(ErrorCode.TOO_LATE, "the request has expired")
        return row

    def _check_still_in_force(self, tables: HubTables, row: Row) -> None:
        """Both members, link and permission are checked at request, decision and release."""
        directory = self._ledger.directory
        if not (directory.active(row["requester"]) and directory.active(row["holder"])):
            raise RemoteError(ErrorCode.NOT_ALLOWED, "one of the two is not an active member")
        link = tables.links.link(row["link_id"])
        now = self._ledger.env.clock()
        for stub_id in link.pair if link and link.state is LinkState.MATCH else ():
            stub = tables.stubs.stub(stub_id)
            for item in stub.involvements if stub and stub.agency == row["holder"] else ():
                if item.id == row["involvement_id"] and in_force(item, now):
                    return
        raise RemoteError(ErrorCode.NOT_ALLOWED, "link or permission is no longer in force")


def check_sealed(expected: str, sealed: bytes | None) -> None:
    """The sealed part must be the one that the statement names."""
    if sealed is None or sealed_hash(sealed) != expected:
        raise RemoteError(ErrorCode.MALFORMED, "the sealed part is not the one that is named")


def link_fact(link: Link) -> LinkFact:
    """A link as the decisions look at it."""
    first, second = link.ends
    ends = ((first.agency, first.stub_id), (second.agency, second.stub_id))
    return LinkFact(link.state.value, ends)


def decided_as(decision: Decision) -> Outcome:
    """A decision in the word that a statement carries."""
    outcomes: dict[type[Decision], Outcome] = {Allow: "allow", Refer: "refer", Refuse: "refuse"}
    return outcomes[type(decision)]


def _logged_body(tables: HubTables, statement_id: str, kind: type[Body]) -> Body:
    """What a statement of an open request says. Raises RemoteError(NOT_ALLOWED) without it."""
    envelope = tables.envelope(statement_id)
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
