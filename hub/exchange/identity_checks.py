"""Identity checks: request -> decision -> sealed check -> answer (specs/06-requests.md §6).

The asker does not know the other side of an open link. The hub names it only in a decision that
does not refuse, and tells it so at once; names, birth dates and postcodes pass sealed. Each handler
is one transaction.
"""

from hub.exchange.facts import check_pins, identity_facts, told_link
from hub.exchange.handlers import Answer, Parts, check_sealed, decided_as
from hub.log.ledger import Ledger
from hub.matching.candidates import Tokens
from hub.matching.evidence import least_evidence
from hub.store.checks import CheckState, IdentityCheck, NewCheck
from hub.store.links import Link, LinkState
from hub.store.mailboxes import Post
from protocol.errors import ErrorCode, RemoteError
from protocol.matchkeys.score import score_pair
from protocol.messages.parts import LinkEvidence
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityRequestBody,
)
from protocol.messages.statement import Statement
from protocol.requests.decide import Refuse, decide_identity, identity_pins
from protocol.requests.refusals import RefusalCode
from protocol.requests.review import Answer as Opinion
from protocol.requests.review import Said


class IdentityChecks:
    """The part of the hub that brokers identity checks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables = ledger.tables

    def request(self, statement: Statement[IdentityRequestBody], _parts: Parts) -> Answer:
        """Log a request, decide, log that too; tell the asker and, unless it is refused, whoever is
        named in the same transaction.
        """
        body, preamble = statement.body, statement.preamble
        check_pins(self._ledger.directory, statement)
        if self._tables.checks.get(body.check_id) is not None:
            raise RemoteError(ErrorCode.REPLAYED, "check_id was used before")
        decided = self._decided(statement)
        logged = self._ledger.append(statement)
        issued, place = self._ledger.issue(decided, preamble.sender)
        check = NewCheck(
            check_id=body.check_id,
            requester=preamble.sender,
            holder=decided.holder,
            link_id=body.link_id,
            expires=body.expires,
            iat=preamble.iat,
            request=statement.id,
            decision=issued.id,
            outcome=decided.outcome,
        )
        self._tables.checks.add(check)
        posts = [Post(preamble.sender, issued.envelope.encode(), place)]
        if decided.holder is not None:
            told = (statement.envelope, logged), (issued.envelope, place)
            posts += [Post(decided.holder, item.encode(), where) for item, where in told]
        self._tables.mailboxes.post(posts)
        return Answer(logged)

    def _decided(self, statement: Statement[IdentityRequestBody]) -> IdentityDecisionBody:
        """The hub's part. What cannot be named by a type without place is not available."""
        body, preamble = statement.body, statement.preamble
        row = told_link(self._tables.links, body.link_id)
        facts, pinned, holder = identity_facts(self._ledger, statement, row)
        decision = decide_identity(self._ledger.charter, body, preamble.iat, facts)
        evidence = self._evidence(body, preamble.sender)
        if evidence is None and not isinstance(decision, Refuse):
            decision = Refuse(RefusalCode.NOT_AVAILABLE)
        refusal = decision if isinstance(decision, Refuse) else None
        return IdentityDecisionBody(
            request=statement.id,
            check_id=body.check_id,
            outcome=decided_as(decision),
            code=refusal.code.value if refusal else None,
            field=refusal.field if refusal else None,
            holder=None if refusal else holder,
            evidence=None if refusal else evidence,
            facts=identity_pins(decision, pinned),
        )

    def check(self, statement: Statement[IdentityCheckBody], parts: Parts) -> Answer:
        """Forward the sealed details, behind the request and the decision that let them leave: once
        more, for an agency that was not told at once because they are older than that.
        """
        body, preamble = statement.body, statement.preamble
        check_sealed(body.sealed_hash, parts.sealed)
        if parts.proof is None:
            raise RemoteError(ErrorCode.NO_QUORUM, "an identity check carries a proof")
        check = self._open(body.check_id)
        if check.requester != preamble.sender or check.decision != body.decision:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such decision")
        if not check.may_become(CheckState.SENT):
            raise RemoteError(ErrorCode.CONFLICT, "one check goes with one decision")
        if preamble.aud != check.holder:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "the decision names another agency")
        self._check_link(check)
        logged = self._ledger.append(statement)
        self._tables.checks.send(check, statement.id)
        earlier = [self._posted(preamble.aud, name) for name in (check.request, check.decision)]
        envelope = statement.envelope.encode()
        self._tables.mailboxes.post(
            [*earlier, Post(preamble.aud, envelope, logged, parts.sealed, parts.proof)]
        )
        return Answer(logged)

    def answer(self, statement: Statement[IdentityAnswerBody], _parts: Parts) -> Answer:
        """Log what the holder's person found; "same" and "not the same" are its verdict too."""
        body, preamble = statement.body, statement.preamble
        check = self._open(body.check_id)
        if check.holder != preamble.sender or check.sent != body.check:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such check")
        if preamble.aud != check.requester or not check.may_become(CheckState.ANSWERED):
            raise RemoteError(
                ErrorCode.CONFLICT, "the answer was already received, or is to somebody else"
            )
        if body.answer != "refused" and body.decided_by is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "a person must compare the two records")
        link = self._check_link(check)
        logged = self._ledger.append(statement)
        self._tables.checks.answer(check, body.answer, statement.id)
        if body.answer in {"same", "not_same"}:
            links = self._tables.links
            opinion = Opinion(Said(body.answer), links.question(link))
            links.put_answer(link, preamble.sender, opinion, statement.id)
            self._tables.ends.look_at(link.pair)
        self._tables.ends.owe(1)
        self._tables.mailboxes.post([Post(preamble.aud, statement.envelope.encode(), logged)])
        return Answer(logged)

    def _evidence(self, body: IdentityRequestBody, sender: str) -> LinkEvidence | None:
        """An agreeing type for the asker, so that only who holds the same value can open. The one
        that says least: never what else agrees.
        """
        link = told_link(self._tables.links, body.link_id)
        if link is None or link.end(sender, body.stub_id) is None:
            return None
        charter = self._ledger.charter
        stubs = self._tables.stubs
        own: Tokens = stubs.tokens(body.stub_id)
        other: Tokens = stubs.tokens(link.across(body.stub_id).stub_id)
        score = score_pair(charter.policy, own, other)
        found = least_evidence(charter.policy, score, own, other)
        if found is None:
            return None
        return LinkEvidence(match_key_id=found[0], epoch=charter.token_key.epoch, ordinal=found[1])

    def _open(self, check_id: str) -> IdentityCheck:
        check = self._tables.checks.get(check_id)
        if check is None or check.state is CheckState.REFUSED:
            raise RemoteError(ErrorCode.NOT_FOUND, "no open identity check with that id")
        if check.expires <= self._ledger.env.clock():
            raise RemoteError(ErrorCode.TOO_LATE, "the identity check has expired")
        return check

    def _check_link(self, check: IdentityCheck) -> Link:
        link = told_link(self._tables.links, check.link_id)
        if link is None or link.state is LinkState.ENDED:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "the link has ended")
        return link

    def _posted(self, agency: str, statement_id: str) -> Post:
        """A logged statement once more, for somebody who must check it."""
        logged = self._tables.log.logged(statement_id)
        envelope = self._tables.log.envelope(statement_id)
        if logged is None or envelope is None:
            raise RemoteError(ErrorCode.NOT_FOUND, "the statement is no longer at hand")
        return Post(agency, envelope, logged)
