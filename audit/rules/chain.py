"""From request to receipt: order, parties, and the decision made again.

specs/08-audit.md §3.4 and §3.5. The hub's part is decided at the request's index, from facts
logged before it, by protocol.decide.decide_hub; what the hub logged is only compared with that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from audit.findings import Finding, FindingCode, rule
from audit.rules.facts import LoggedFacts
from protocol.governance.directory import Directory
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
from protocol.messages.statement import MAX_SKEW_SECONDS, Preamble, Statement
from protocol.requests.answers import lacks_person, lacks_reason
from protocol.requests.decide import Allow, Decision, Refer, Refuse, allows_break_glass, decide_hub
from protocol.requests.renewals import CardBefore, NotRenewed, may_follow

AnyRelease = Statement[ReleaseBody] | Statement[ProvisionalBody]
_OUTCOMES = {Allow: "allow", Refer: "refer", Refuse: "refuse"}


@dataclass
class Request:
    """A request and how far it has come. `expected` and `pinned` are ours, not the hub's.

    `release` to `gone` are of the card that left last (`by_holder`: that recalled it; `gone`: the
    asker stated it), `earlier` the releases before it.
    """

    index: int
    statement_id: str
    requester: str
    answerer: str
    link_id: str
    involvement_id: str
    basis: str
    expires: int
    expected: Decision
    pinned: DecisionFacts
    hub_decision: str | None = None
    hub_outcome: str = ""
    decision: str | None = None
    decision_index: int = 0
    by_person: bool = False
    outcome: str = ""
    release: str | None = None
    released_hash: str = ""
    received: bool = False
    keep_until: int | None = None
    renewed_at: int | None = None
    earlier: set[str] = field(default_factory=set)
    recall: str | None = None
    by_holder: bool = False
    gone: bool = False
    wrong_person: str | None = None


class Chain:
    """Follows every request through the log."""

    def __init__(self, facts: LoggedFacts, directory: Directory) -> None:
        self._facts = facts
        self._directory = directory
        self._requests: dict[str, Request] = {}
        self.decided_again = 0

    def request(self, index: int, statement: Statement[RequestBody]) -> Iterator[Finding]:
        """Decide the hub's part of a request, and check what it pins."""
        body, preamble = statement.body, statement.preamble
        facts, pinned = self._facts.hub_facts(self._directory, index, statement)
        charter = self._directory.charter_at(index).charter
        expected = decide_hub(charter, body, preamble.iat, facts)
        self._facts.count_request(preamble.sender, preamble.iat)
        pins = body.pins.model_dump()
        wrong = [name for name in pins if self._facts.kinds.get(pins[name]) != _PINNED[name]]
        if wrong:
            detail = f"pins what was not logged before it: {', '.join(wrong)}"
            yield rule(FindingCode.PIN_UNFOUNDED, index, detail)
        if body.request_id in self._requests:
            detail = f"request id {body.request_id} was used before"
            yield rule(FindingCode.REQUEST_ID_REUSED, index, detail)
            return
        self._requests[body.request_id] = Request(
            index=index,
            statement_id=statement.id,
            requester=preamble.sender,
            answerer=preamble.aud,
            link_id=body.link_id,
            involvement_id=body.involvement_id,
            basis=body.basis,
            expires=body.expires,
            expected=expected,
            pinned=pinned,
        )

    def hub_decision(self, index: int, statement: Statement[HubDecisionBody]) -> Iterator[Finding]:
        """Compare what the hub logged with what was decided again."""
        body = statement.body
        request = self._requests.get(body.request_id)
        if request is None or request.statement_id != body.request or request.hub_decision:
            yield broken_chain(index, "hub_decision", body.request_id)
            return
        request.hub_decision, request.hub_outcome = statement.id, body.outcome
        yield from check_parties(index, statement.preamble, None, request.requester)
        self.decided_again += 1
        logged, ours = (body.outcome, body.code, body.field), as_logged(request.expected)
        if logged != ours:
            detail = f"logged {words(logged)}, decided again {words(ours)}"
            yield rule(FindingCode.DECISION_DIFFERS, index, detail)
        theirs, own = body.facts.model_dump(), request.pinned.model_dump()
        wrong = [name for name in own if own[name] != theirs[name]]
        if wrong:
            detail = f"not the facts in the log: {', '.join(wrong)}"
            yield rule(FindingCode.FACTS_DIFFER, index, detail)

    def decision(self, index: int, statement: Statement[DecisionBody]) -> Iterator[Finding]:
        """The answering agency's decision: on this request, once, never milder than the hub's."""
        body, preamble = statement.body, statement.preamble
        request = self._requests.get(body.request_id)
        expected = (request.statement_id, request.hub_decision) if request else None
        if request is None or (body.request, body.hub_decision) != expected:
            yield broken_chain(index, "decision", body.request_id)
            return
        yield from check_parties(index, preamble, request.answerer, request.requester)
        if request.outcome in {"allow", "refuse"}:
            yield broken_chain(index, "second decision", body.request_id)
        if request.hub_outcome == "refuse" and body.outcome != "refuse":
            detail = f"{body.outcome}, though the hub refused"
            yield rule(FindingCode.HOLDER_TOO_PERMISSIVE, index, detail)
        elif body.outcome == "allow":
            if request.hub_outcome == "refer" and body.decided_by is None:
                yield rule(FindingCode.PERSON_NEEDED, index, "the hub referred this to a person")
            yield from self._in_force(index, preamble, request)
        yield from self._answered(index, body, request)
        yield from in_time(index, preamble, request)
        request.decision, request.outcome = statement.id, body.outcome
        request.decision_index, request.by_person = index, body.decided_by is not None

    def _answered(self, index: int, body: DecisionBody, request: Request) -> Iterator[Finding]:
        """What the charter wants of an answer: a person, or a reason in writing."""
        basis = self._directory.charter_at(index).charter.lawful_basis(request.basis)
        member = self._directory.member(request.requester, index)
        if lacks_person(body, basis, member.body.member_class if member else None):
            detail = f"basis {request.basis}: the charter lets no rule allow this"
            yield rule(FindingCode.PERSON_NEEDED, index, detail)
        if lacks_reason(body, basis):
            detail = f"basis {request.basis}: a refusal has its reason in writing"
            yield rule(FindingCode.REASON_MISSING, index, detail)

    def release(self, index: int, statement: Statement[ReleaseBody]) -> Iterator[Finding]:
        """A release: by the answering agency, on a witnessed decision that allows it; another one
        where that renews a card that is gone.
        """
        request = self._allowed(statement)
        if request is None:
            yield _undecided(index, statement.body.request_id)
            return
        size = statement.body.tree_size
        if not request.decision_index < size <= index:
            detail = f"tree size {size} is not between decision and release"
            yield rule(FindingCode.RELEASE_TREE_SIZE, index, detail)
        yield from self._card(index, statement, request)

    def provisional(self, index: int, statement: Statement[ProvisionalBody]) -> Iterator[Finding]:
        """A card without a quorum: as a release, on a basis for it, by a person, only if needed."""
        request = self._allowed(statement)
        if request is None:
            yield _undecided(index, statement.body.request_id)
            return
        basis = self._directory.charter_at(index).charter.lawful_basis(request.basis)
        if not allows_break_glass(basis) or not request.by_person:
            detail = f"basis {request.basis}: on this decision a card may leave with a quorum only"
            yield rule(FindingCode.PROVISIONAL_NOT_ALLOWED, index, detail)
        if statement.body.tree_size > request.decision_index:
            detail = "the sender itself had seen the decision with a quorum"
            yield rule(FindingCode.PROVISIONAL_WITH_QUORUM, index, detail)
        yield from self._card(index, statement, request)

    def _allowed(self, statement: AnyRelease) -> Request | None:
        """The request that a card answers, if the decision that it names allows that."""
        request = self._requests.get(statement.body.request_id)
        if request is None or request.outcome != "allow":
            return None
        return request if statement.body.decision == request.decision else None

    def _card(self, index: int, statement: AnyRelease, request: Request) -> Iterator[Finding]:
        """What holds for a card however it leaves; takes it down."""
        body, preamble = statement.body, statement.preamble
        yield from check_parties(index, preamble, request.answerer, request.requester)
        if body.seal_key not in seal_keys(
            self._directory, request.requester, (body.tree_size, index)
        ):
            detail = "sealed to a key that the log does not hold for the asker"
            yield rule(FindingCode.SEAL_KEY, index, detail)
        yield from self._in_force(index, preamble, request)
        yield from self._kept(index, statement, request)
        if request.release is None:
            yield from in_time(index, preamble, request)
        else:
            yield from _renews(index, statement, request)
            request.earlier.add(request.release)
            request.renewed_at = preamble.iat
            request.received = request.by_holder = request.gone = False
            request.recall = None
        request.release, request.released_hash = statement.id, body.sealed_hash
        request.keep_until = body.keep_until

    def receipt(self, index: int, statement: Statement[ReceiptBody]) -> Iterator[Finding]:
        """A receipt: by the requester, once, for the card that was released."""
        body = statement.body
        request = self._requests.get(body.request_id)
        expected = (request.release, request.released_hash) if request else None
        if request is None or (body.release, body.sealed_hash) != expected:
            detail = f"request {body.request_id}: no such release before it"
            yield rule(FindingCode.RECEIPT_WITHOUT_RELEASE, index, detail)
            return
        yield from check_parties(index, statement.preamble, request.requester, request.answerer)
        if request.received:
            yield broken_chain(index, "second receipt", body.request_id)
        request.received = True

    def find(self, request_id: str) -> Request | None:
        """A request of the log so far."""
        return self._requests.get(request_id)

    def finish(self, size: int) -> Iterator[Finding]:
        """Requests without the hub's part. The very last entry's may come with the next batch."""
        for request in self._requests.values():
            if request.hub_decision is None and request.index != size - 1:
                detail = "the hub logged this request but no decision on it"
                yield rule(FindingCode.REQUEST_UNDECIDED, request.index, detail)

    def _kept(self, index: int, statement: AnyRelease, request: Request) -> Iterator[Finding]:
        """Until when a card may be kept; one of an earlier program does not say."""
        until, iat = statement.body.keep_until, statement.preamble.iat
        if until is None:
            return
        charter = self._directory.charter_at(index).charter
        ends = self._facts.in_force_until(charter, _place(request), iat)
        if not may_be_kept(charter, until, iat) or (ends is not None and until > ends):
            detail = "the card may be kept for longer than its permission or the charter lets it"
            yield rule(FindingCode.CARD_KEPT_TOO_LONG, index, detail)

    def _in_force(self, index: int, preamble: Preamble, request: Request) -> Iterator[Finding]:
        charter = self._directory.charter_at(index).charter
        if self._facts.in_force_until(charter, _place(request), preamble.iat) is None:
            detail = f"{preamble.kind}: the link or permission was no longer in force"
            yield rule(FindingCode.NOT_IN_FORCE, index, detail)


def _place(request: Request) -> tuple[str, str, str]:
    return request.link_id, request.answerer, request.involvement_id


_PINNED = {
    "round": "match_round",
    "publication": "publication",
    "requester_membership": "member",
    "holder_membership": "member",
    "charter": "charter",
}


def seal_keys(directory: Directory, party_id: str, indexes: tuple[int, int]) -> set[str]:
    """A party's seal keys just before these entries: as the other side saw it, and now."""
    members = [directory.member(party_id, index) for index in indexes]
    return {member.body.keys.seal for member in members if member is not None}


def as_logged(decision: Decision) -> tuple[str, str | None, str | None]:
    """A decision's outcome, code and field as a statement carries them."""
    if isinstance(decision, Refuse):
        return "refuse", decision.code.value, decision.field
    return _OUTCOMES[type(decision)], None, None


def words(decision: tuple[str, str | None, str | None]) -> str:
    """Those in words."""
    return " ".join(part for part in decision if part is not None)


def _renews(index: int, statement: AnyRelease, request: Request) -> Iterator[Finding]:
    """Whether a card may leave in the place of the one before it."""
    body = statement.body
    before = CardBefore(
        recalled=request.by_holder,
        gone=request.gone,
        wrong_person=request.wrong_person is not None,
        keep_until=request.keep_until,
        renewed_at=request.renewed_at,
    )
    why = may_follow(before, body.keep_until, statement.preamble.iat)
    if why is NotRenewed.KEPT_TOO_LONG:
        detail = "the card may be kept for longer than the one that it renews"
        yield rule(FindingCode.CARD_KEPT_TOO_LONG, index, detail)
    elif why is not None or isinstance(body, ProvisionalBody):
        yield broken_chain(index, "second release", body.request_id)


def _undecided(index: int, request_id: str) -> Finding:
    detail = f"request {request_id}: no decision before it allows this"
    return rule(FindingCode.RELEASE_WITHOUT_DECISION, index, detail)


def broken_chain(index: int, step: str, request_id: str) -> Finding:
    """The finding that a step does not follow from the ones before it."""
    detail = f"{step} does not follow from what is logged about request {request_id}"
    return rule(FindingCode.CHAIN_BROKEN, index, detail)


def check_parties(
    index: int, preamble: Preamble, sender: str | None, recipient: str
) -> Iterator[Finding]:
    """Whether a statement is from and to whom it must be (None: anybody)."""
    if sender is not None and preamble.sender != sender:
        detail = f"this {preamble.kind} comes from the wrong party"
        yield rule(FindingCode.WRONG_SENDER, index, detail)
    if preamble.aud != recipient:
        detail = f"this {preamble.kind} is addressed to the wrong party"
        yield rule(FindingCode.WRONG_RECIPIENT, index, detail)


class Expiring(Protocol):
    """Something that was asked for and has an end."""

    index: int
    expires: int


def in_time(index: int, preamble: Preamble, request: Expiring) -> Iterator[Finding]:
    """Whether a step came before what it rests on had expired."""
    if request.expires <= preamble.iat - MAX_SKEW_SECONDS:
        detail = f"{preamble.kind} after the request of entry {request.index} had expired"
        yield rule(FindingCode.AFTER_EXPIRY, index, detail)
