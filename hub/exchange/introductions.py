"""Introductions: who is behind a hint, told to who asks and to who is asked for (specs/06 §12).

One transaction: the request is logged and decided, and whoever the decision names is told at once
who asked. No state is kept beside the log: a request for the contact details follows, or nothing.
"""

from hub.exchange.facts import check_pins, hinted_link, identity_facts
from hub.exchange.handlers import Answer, Parts, decided_as
from hub.log.ledger import Ledger
from hub.matching.candidates import Tokens
from hub.matching.evidence import evidence_for
from hub.store.links import Link
from hub.store.mailboxes import Post
from protocol.matchkeys.score import score_pair
from protocol.messages.bodies import ShownInvolvement
from protocol.messages.introductions import (
    IntroducedService,
    IntroductionDecisionBody,
    IntroductionRequestBody,
)
from protocol.messages.parts import LinkEvidence
from protocol.messages.statement import Statement
from protocol.requests.decide import (
    IdentityFacts,
    Refuse,
    decide_introduction,
    identity_pins,
    introducible,
)
from protocol.requests.refusals import RefusalCode


class Introductions:
    """The part of the hub that introduces services which nobody sees to each other."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables = ledger.tables

    def request(self, statement: Statement[IntroductionRequestBody], _parts: Parts) -> Answer:
        """Log a request, decide, log that too; tell the asker and, unless it is refused, whoever is
        named in the same transaction.
        """
        asker = statement.preamble.sender
        check_pins(self._ledger.directory, statement)
        decided = self._decided(statement)
        logged = self._ledger.append(statement)
        issued, place = self._ledger.issue(decided, asker)
        posts = [Post(asker, issued.envelope.encode(), place)]
        if decided.service is not None:
            told = (statement.envelope, logged), (issued.envelope, place)
            posts += [Post(decided.service.agency_id, item.encode(), at) for item, at in told]
        self._tables.mailboxes.post(posts)
        return Answer(logged)

    def _decided(self, statement: Statement[IntroductionRequestBody]) -> IntroductionDecisionBody:
        body, preamble = statement.body, statement.preamble
        links, asker = self._tables.links, preamble.sender
        link = hinted_link(links, asker, body.stub_id, body.hint_id)
        facts, pinned, _ = identity_facts(self._ledger, statement, link)
        decision = decide_introduction(self._ledger.charter, body, preamble.iat, facts)
        service = None
        if not isinstance(decision, Refuse):
            service = self._service(statement, link, facts)
            decision = decision if service else Refuse(RefusalCode.NOT_AVAILABLE)
        refusal = decision if isinstance(decision, Refuse) else None
        return IntroductionDecisionBody(
            request=statement.id,
            hint_id=body.hint_id,
            outcome=decided_as(decision),
            code=refusal.code.value if refusal else None,
            field=refusal.field if refusal else None,
            service=service,
            facts=identity_pins(decision, pinned),
        )

    def _service(
        self, statement: Statement[IntroductionRequestBody], link: Link | None, facts: IdentityFacts
    ) -> IntroducedService | None:
        """Who is across a link, and what a request to them needs; None where no token agrees."""
        charter = self._ledger.charter
        if link is None:
            return None
        there = link.across(statement.body.stub_id)
        own: Tokens = self._tables.stubs.tokens(statement.body.stub_id)
        other: Tokens = self._tables.stubs.tokens(there.stub_id)
        score = score_pair(charter.policy, own, other)
        found = evidence_for(charter.policy, score, own, other)
        if found is None or there.hint is None:
            return None
        works = introducible(charter, statement.body, statement.preamble.iat, facts)
        epoch = charter.token_key.epoch
        return IntroducedService(
            agency_id=there.agency,
            hint_id=there.hint.hint_id,
            link_id=link.link_id,
            involvements=[ShownInvolvement(id=w.id, type=w.type, label=w.label) for w in works],
            evidence=LinkEvidence(match_key_id=found[0], epoch=epoch, ordinal=found[1]),
        )
