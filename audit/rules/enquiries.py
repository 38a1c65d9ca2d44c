"""Enquiries about people who are no clients: decided again, and their budgets counted again.

specs/08-audit.md §3.16. What a stub publishes by one is judged in audit/rules/evidence.py.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from audit.findings import Finding, FindingCode, rule
from audit.rules.chain import as_logged, broken_chain, check_parties, words
from audit.rules.facts import LoggedFacts
from protocol.governance.directory import Directory
from protocol.messages.enquiries import EnquiryBody, EnquiryDecisionBody
from protocol.messages.statement import Statement
from protocol.requests.decide import Allow, Refuse
from protocol.requests.enquiries import DAY, EnquiryFacts, decide_enquiry


@dataclass
class Made:
    """An enquiry, with what we decide on it, and whether the hub has."""

    index: int
    statement: Statement[EnquiryBody]
    expected: Allow | Refuse
    decided: bool = False


class EnquiryCheck:
    """Follows enquiries through the log."""

    def __init__(self, facts: LoggedFacts, directory: Directory) -> None:
        self._facts = facts
        self._directory = directory
        self._made: dict[str, Made] = {}
        self._days: defaultdict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
        self.decided_again = 0

    def enquiry(self, index: int, statement: Statement[EnquiryBody]) -> Iterator[Finding]:
        """Decide on an enquiry by what the log has before it."""
        body, preamble = statement.body, statement.preamble
        agency, day = (preamble.sender,), preamble.iat // DAY
        person = (preamble.sender, body.practitioner.id)
        member = self._directory.active(preamble.sender, index)
        facts = EnquiryFacts(
            sender=member.body if member else None,
            by_person_today=self._since(person, day),
            by_agency_today=self._since(agency, day),
        )
        charter = self._directory.charter_at(index).charter
        expected = decide_enquiry(charter, body, preamble.iat, facts)
        for who in (agency, person):
            self._days[who][day] += 1
        if body.enquiry_id in self._made:
            detail = f"enquiry id {body.enquiry_id} was used before"
            yield rule(FindingCode.REQUEST_ID_REUSED, index, detail)
            return
        self._made[body.enquiry_id] = Made(index, statement, expected)

    def decision(self, index: int, statement: Statement[EnquiryDecisionBody]) -> Iterator[Finding]:
        """Compare what the hub logged with what was decided again, and go by the latter."""
        body = statement.body
        made = self._made.get(body.enquiry_id)
        if made is None or made.decided or made.statement.id != body.enquiry:
            yield broken_chain(index, "enquiry_decision", body.enquiry_id)
            return
        made.decided = True
        sender, enquiry = made.statement.preamble.sender, made.statement.body
        yield from check_parties(index, statement.preamble, None, sender)
        self.decided_again += 1
        logged, ours = (body.outcome, body.code, body.field), as_logged(made.expected)
        if logged != ours:
            detail = f"logged {words(logged)}, decided again {words(ours)}"
            yield rule(FindingCode.DECISION_DIFFERS, index, detail)
        if isinstance(made.expected, Allow):
            self._facts.allow_enquiry(sender, enquiry.stub_id, enquiry.until)

    def finish(self, size: int) -> Iterator[Finding]:
        """Enquiries that the hub never decided on; the last entry may be one."""
        for made in self._made.values():
            if not made.decided and made.index != size - 1:
                detail = f"no decision on enquiry {made.statement.body.enquiry_id}"
                yield rule(FindingCode.REQUEST_UNDECIDED, made.index, detail)

    def _since(self, who: tuple[str, ...], day: int) -> int:
        return sum(count for at, count in self._days[who].items() if at >= day)
