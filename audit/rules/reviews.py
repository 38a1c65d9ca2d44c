"""What people said of links: verdicts and identity checks.

specs/08-audit.md §3.7. Identity requests are decided again like requests. Whether a token set
changed is not logged, so a verdict is held against the hub only while neither end published anew.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from audit.findings import Finding, FindingCode, rule
from audit.rules.chain import (
    Chain,
    as_logged,
    broken_chain,
    check_parties,
    in_time,
    seal_keys,
    words,
)
from audit.rules.facts import LoggedFacts
from protocol.governance.directory import Directory
from protocol.messages.parts import DecisionFacts
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityPins,
    IdentityRequestBody,
    VerdictBody,
)
from protocol.messages.statement import Preamble, Statement
from protocol.requests.decide import Decision, Refuse, decide_identity, identity_pins
from protocol.requests.refusals import RefusalCode

Step = Callable[[int, Statement[Any]], Iterator[Finding]]


@dataclass
class Check:
    """An identity check and how far it has come. `expected` and `pinned` are ours."""

    index: int
    statement_id: str
    requester: str
    answerer: str | None
    link_id: str
    expires: int
    expected: Decision
    pinned: DecisionFacts
    decision: str | None = None
    decision_index: int = 0
    sent: str | None = None
    answered: bool = False


class People:
    """Follows what people said through the log."""

    def __init__(self, facts: LoggedFacts, directory: Directory, chain: Chain) -> None:
        self._facts = facts
        self._directory = directory
        self._chain = chain
        self._checks: dict[str, Check] = {}

    def steps(self) -> dict[str, Step]:
        """Which step takes which kind."""
        return {
            "verdict": self.verdict,
            "identity_request": self.identity_request,
            "identity_decision": self.identity_decision,
            "identity_check": self.identity_check,
            "identity_answer": self.identity_answer,
        }

    def verdict(self, index: int, statement: Statement[VerdictBody]) -> Iterator[Finding]:
        """An answer about a link, by one of its ends."""
        body, sender = statement.body, statement.preamble.sender
        pins = {"match_round": body.round, "publication": body.publication}
        yield from check_pins(self._facts, index, pins)
        link = self._facts.links.get(body.link_id)
        if link is None or (sender, body.stub_id) not in link.ends:
            detail = f"link {body.link_id}: the answer is not by one of its ends"
            yield rule(FindingCode.VERDICT_UNFOUNDED, index, detail)
            return
        self._facts.say(body.link_id, sender, body.answer)

    def identity_request(
        self, index: int, statement: Statement[IdentityRequestBody]
    ) -> Iterator[Finding]:
        """Decide the hub's part of an identity request."""
        body, preamble = statement.body, statement.preamble
        facts, pinned, other = self._facts.identity_facts(
            self._directory, index, statement, body.link_id
        )
        charter = self._directory.charter_at(index).charter
        expected = decide_identity(charter, body, preamble.iat, facts)
        self._facts.count_check(preamble)
        yield from check_pins(self._facts, index, identity_pinned(body.pins))
        if body.check_id in self._checks:
            yield rule(
                FindingCode.REQUEST_ID_REUSED, index, f"check id {body.check_id} was used before"
            )
            return
        self._checks[body.check_id] = Check(
            index=index,
            statement_id=statement.id,
            requester=preamble.sender,
            answerer=None if isinstance(expected, Refuse) else other,
            link_id=body.link_id,
            expires=body.expires,
            expected=expected,
            pinned=pinned,
        )

    def identity_decision(
        self, index: int, statement: Statement[IdentityDecisionBody]
    ) -> Iterator[Finding]:
        """Compare what the hub logged with what was decided again."""
        body = statement.body
        check = self._checks.get(body.check_id)
        if check is None or check.statement_id != body.request or check.decision:
            yield broken_chain(index, "identity_decision", body.check_id)
            return
        check.decision, check.decision_index = statement.id, index
        yield from check_parties(index, statement.preamble, None, check.requester)
        if (body.outcome, body.code) == ("refuse", RefusalCode.NOT_AVAILABLE):
            # It may rest on tokens and on what a side was told, which are not in the log.
            check.expected, check.answerer = Refuse(RefusalCode.NOT_AVAILABLE), None
        self._chain.decided_again += 1
        logged, ours = (body.outcome, body.code, body.field), as_logged(check.expected)
        if logged != ours or body.holder != check.answerer:
            detail = f"logged {words(logged)}, decided again {words(ours)}"
            if logged == ours:
                detail = "names another agency than the one at the other end"
            yield rule(FindingCode.DECISION_DIFFERS, index, detail)
        own = identity_pins(check.expected, check.pinned).model_dump()
        theirs = body.facts.model_dump()
        wrong = [name for name in own if own[name] != theirs[name]]
        if wrong:
            detail = f"not the facts in the log: {', '.join(wrong)}"
            yield rule(FindingCode.FACTS_DIFFER, index, detail)

    def identity_check(
        self, index: int, statement: Statement[IdentityCheckBody]
    ) -> Iterator[Finding]:
        """The sealed details: to the agency that was named, once, on a witnessed decision."""
        body, preamble = statement.body, statement.preamble
        check = self._checks.get(body.check_id)
        if check is None or check.decision != body.decision or check.answerer is None or check.sent:
            yield broken_chain(index, "identity_check", body.check_id)
            return
        yield from check_parties(index, preamble, check.requester, check.answerer)
        if not check.decision_index < body.tree_size <= index:
            detail = f"tree size {body.tree_size} is not between decision and check"
            yield rule(FindingCode.RELEASE_TREE_SIZE, index, detail)
        if body.seal_key not in seal_keys(self._directory, check.answerer, (body.tree_size, index)):
            detail = "sealed to a key that the log does not hold for the other agency"
            yield rule(FindingCode.SEAL_KEY, index, detail)
        yield from self._open(index, preamble, check)
        check.sent = statement.id

    def identity_answer(
        self, index: int, statement: Statement[IdentityAnswerBody]
    ) -> Iterator[Finding]:
        """The answer: by the agency that got the details, once, by a person unless refused."""
        body, preamble = statement.body, statement.preamble
        check = self._checks.get(body.check_id)
        if check is None or check.sent != body.check or check.answerer is None or check.answered:
            yield broken_chain(index, "identity_answer", body.check_id)
            return
        check.answered = True
        yield from check_parties(index, preamble, check.answerer, check.requester)
        if body.answer != "refused" and body.decided_by is None:
            yield rule(FindingCode.PERSON_NEEDED, index, "only a person may compare two records")
        yield from self._open(index, preamble, check)
        if body.answer in {"same", "not_same"}:
            self._facts.say(check.link_id, preamble.sender, body.answer)

    def finish(self, size: int) -> Iterator[Finding]:
        """Identity requests without the hub's part."""
        for check in self._checks.values():
            if check.decision is None and check.index != size - 1:
                detail = "the hub logged this identity request but no decision on it"
                yield rule(FindingCode.REQUEST_UNDECIDED, check.index, detail)

    def _open(self, index: int, preamble: Preamble, check: Check) -> Iterator[Finding]:
        link = self._facts.links.get(check.link_id)
        if link is None or link.state == "ended":
            detail = f"{preamble.kind}: the link had ended"
            yield rule(FindingCode.NOT_IN_FORCE, index, detail)
        yield from in_time(index, preamble, check)


def check_pins(facts: LoggedFacts, index: int, pins: dict[str, str]) -> Iterator[Finding]:
    """Whether pins, by kind, name statements of the kind that were logged before."""
    wrong = [kind for kind, pin in pins.items() if facts.kinds.get(pin) != kind]
    if wrong:
        detail = f"pins what was not logged before it: {', '.join(wrong)}"
        yield rule(FindingCode.PIN_UNFOUNDED, index, detail)


def identity_pinned(pins: IdentityPins) -> dict[str, str]:
    """Pins by the kind of statement that each must name."""
    return {
        "match_round": pins.round,
        "publication": pins.publication,
        "member": pins.requester_membership,
        "charter": pins.charter,
    }
