"""Introductions: whom the hub named to whom, decided again (specs/08-audit.md §3.18).

Hints are not logged: which link is behind one only an answer that allows says. A refusal is held
against what the hub may say without knowing more than the asker.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from audit.findings import Finding, FindingCode, rule
from audit.rules.chain import Chain, as_logged, broken_chain, check_parties, words
from audit.rules.facts import LoggedFacts
from audit.rules.reviews import check_pins, identity_pinned
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.messages.introductions import IntroductionDecisionBody, IntroductionRequestBody
from protocol.messages.parts import DecisionFacts
from protocol.messages.statement import Statement
from protocol.requests.decide import (
    IdentityFacts,
    Refuse,
    check_grounds,
    decide_introduction,
    identity_pins,
    introducible,
)
from protocol.requests.refusals import RefusalCode

Step = Callable[[int, Statement[Any]], Iterator[Finding]]


@dataclass(frozen=True)
class _Asked:
    """A request that the next entry must answer, and how many its sender had made that day."""

    index: int
    statement: Statement[IntroductionRequestBody]
    made: int


_DecidedOn = tuple[IdentityFacts, DecisionFacts, str | None]


class Introducing:
    """Follows introductions through the log."""

    def __init__(self, facts: LoggedFacts, directory: Directory, chain: Chain) -> None:
        self._facts = facts
        self._directory = directory
        self._chain = chain
        self._open: _Asked | None = None

    def steps(self) -> dict[str, Step]:
        """Which step takes which kind."""
        return {"introduction_request": self.request, "introduction_decision": self.decision}

    def request(
        self, index: int, statement: Statement[IntroductionRequestBody]
    ) -> Iterator[Finding]:
        """A request to be introduced. The hub answers it at once."""
        yield from self.finish(index)
        facts, _, _ = self._facts.identity_facts(self._directory, index, statement, "")
        self._open = _Asked(index, statement, facts.checks_today)
        self._facts.count_check(statement.preamble)
        yield from check_pins(self._facts, index, identity_pinned(statement.body.pins))

    def decision(
        self, index: int, statement: Statement[IntroductionDecisionBody]
    ) -> Iterator[Finding]:
        """Compare what the hub logged with what is decided again, over the link that it names."""
        body, asked, self._open = statement.body, self._open, None
        follows = asked is not None and asked.index == index - 1
        if asked is None or not follows or asked.statement.id != body.request:
            yield broken_chain(index, "introduction_decision", body.request)
            return
        yield from check_parties(index, statement.preamble, None, asked.statement.preamble.sender)
        self._chain.decided_again += 1
        if body.outcome == "refuse":
            yield from self._refused(asked, index, body)
        else:
            yield from self._introduced(asked, index, body)

    def finish(self, size: int) -> Iterator[Finding]:
        """A request without the hub's answer. The last entry's may come with the next batch."""
        if self._open is not None and self._open.index != size - 1:
            detail = "the hub logged this request to be introduced but no decision on it"
            yield rule(FindingCode.REQUEST_UNDECIDED, self._open.index, detail)
            self._open = None

    def _refused(
        self, asked: _Asked, index: int, body: IntroductionDecisionBody
    ) -> Iterator[Finding]:
        """Not available stands: it may rest on what a side was told. Whose class the basis leaves
        out nobody sees, so that one class of the charter is enough.
        """
        charter = self._directory.charter_at(asked.index).charter
        facts, pinned, _ = self._decided_on(asked, "")
        named = body.service is not None
        logged = (body.outcome, body.code, body.field)
        if body.code != RefusalCode.NOT_AVAILABLE:
            grounds = [as_logged(item) for item in _refusals(charter, asked, facts) if item]
            named = named or logged not in grounds
        if named:
            detail = f"logged {words(logged)}, which nothing in the log gives"
            yield rule(FindingCode.DECISION_DIFFERS, index, detail)
        own = identity_pins(Refuse(RefusalCode.NOT_AVAILABLE), pinned)
        yield from _same_facts(index, own.model_dump(), body)

    def _introduced(
        self, asked: _Asked, index: int, body: IntroductionDecisionBody
    ) -> Iterator[Finding]:
        link_id = body.service.link_id if body.service else ""
        facts, pinned, other = self._decided_on(asked, link_id)
        charter, iat = self._directory.charter_at(asked.index).charter, asked.statement.preamble.iat
        request, service = asked.statement.body, body.service
        expected = decide_introduction(charter, request, iat, facts)
        logged, ours = (body.outcome, body.code, body.field), as_logged(expected)
        if logged != ours or service is None:
            detail = f"logged {words(logged)}, decided again {words(ours)}"
            yield rule(FindingCode.DECISION_DIFFERS, index, detail)
            return
        works = [
            (item.id, item.type, item.label) for item in introducible(charter, request, iat, facts)
        ]
        told = [(item.id, item.type, item.label) for item in service.involvements]
        if service.agency_id != other or told != works:
            detail = "names another agency or other work than is at the other end"
            yield rule(FindingCode.DECISION_DIFFERS, index, detail)
        yield from _same_facts(index, pinned.model_dump(), body)

    def _decided_on(self, asked: _Asked, link_id: str) -> _DecidedOn:
        facts, pinned, other = self._facts.identity_facts(
            self._directory, asked.index, asked.statement, link_id
        )
        return replace(facts, checks_today=asked.made), pinned, other


def _refusals(charter: Charter, asked: _Asked, facts: IdentityFacts) -> Iterator[Refuse | None]:
    """What the rules say of grounds, for a holder of each class."""
    quota = (asked.made, charter.quotas.identity_checks_per_day)
    for item in charter.classes:
        holder = facts.requester and facts.requester.model_copy(update={"member_class": item.code})
        yield check_grounds(charter, asked.statement.body, replace(facts, holder=holder), quota)


def _same_facts(
    index: int, own: dict[str, Any], body: IntroductionDecisionBody
) -> Iterator[Finding]:
    theirs = body.facts.model_dump()
    wrong = [name for name in own if own[name] != theirs[name]]
    if wrong:
        detail = f"not the facts in the log: {', '.join(wrong)}"
        yield rule(FindingCode.FACTS_DIFFER, index, detail)
