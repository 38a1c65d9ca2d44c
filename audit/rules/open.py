"""Open a case: every payload against its leaf, every statement, every decision made again.

specs/08-audit.md §3. Entries are read once, in order; what is kept is what later entries are
judged by. Once a payload is missing or does not match, later entries may seem to break a rule only
because of that: such findings become `missing`, so that nobody is accused on half the facts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from audit.case.case import Case, Payload
from audit.findings import Finding, FindingCode, Severity, broken, missing, rule
from audit.rules.attention import AttentionCheck
from audit.rules.budgets import BudgetCheck
from audit.rules.chain import Chain
from audit.rules.daily import DailyCheck
from audit.rules.disclosures import DisclosureCheck
from audit.rules.enquiries import EnquiryCheck
from audit.rules.evidence import Evidence, EvidenceCheck
from audit.rules.facts import LoggedFacts
from audit.rules.introductions import Introducing
from audit.rules.quotas import QuotaCheck
from audit.rules.recalls import RecallCheck
from audit.rules.reviews import People
from audit.rules.statements import StatementCheck
from audit.verify.erasures import ErasureCheck
from audit.verify.payloads import PayloadReader, logged_envelope, read_statement, readable_leaf
from audit.verify.signatures import verify_spans
from audit.verify.tree import logged_entries
from audit.verify.verify import Verified
from protocol.fields import WireModel
from protocol.log.leaf import Leaf, LeafKind
from protocol.messages.statement import Statement
from protocol.requests.disclosure import Disclosure
from runtime.progress import Told, nobody, told_of


@dataclass(frozen=True)
class Opened:
    """What opening a case gave, without the findings of `verify_case`."""

    findings: tuple[Finding, ...]
    checked: dict[str, int]


def open_case(
    case: Case,
    verified: Verified,
    jobs: int | None = None,
    disclosures: Sequence[Disclosure] = (),
    told: Told = nobody,
) -> Opened:
    """Check every payload of a verified case, signatures in `jobs` processes (None: one a core).

    Decisions of holders that are in `disclosures` are made again; `told` hears how far it is.
    Raises nothing but LocalError: the rest is found.
    """
    if not case.has_payloads:
        detail = "no payloads were fetched: fetch again with --dir, as an auditor who has joined"
        return Opened((missing(FindingCode.PAYLOADS_MISSING, None, detail),), {})
    opening = _Opening(case, verified, jobs, disclosures)
    opening.run(told)
    return Opened(tuple(opening.findings), opening.checked())


class _Opening:
    """One pass over the entries and payloads of a case."""

    def __init__(
        self, case: Case, verified: Verified, jobs: int | None, disclosures: Sequence[Disclosure]
    ) -> None:
        self._case = case
        self._verified = verified
        spans = verify_spans(case, verified, jobs)
        self._payloads = PayloadReader(case, verified.size, spans)
        self._facts = LoggedFacts()
        self._statements = StatementCheck(verified.directory)
        self._evidence = EvidenceCheck(self._facts, verified.directory)
        self._chain = Chain(self._facts, verified.directory)
        self._disclosures = DisclosureCheck(disclosures, verified.directory, self._chain)
        self._erasures = ErasureCheck(verified.directory)
        self._daily = DailyCheck()
        self._budgets = BudgetCheck(verified.directory)
        self._quotas = QuotaCheck(verified.directory)
        self._people = People(self._facts, verified.directory, self._chain)
        self._introducing = Introducing(self._facts, verified.directory, self._chain)
        self._enquiries = EnquiryCheck(self._facts, verified.directory)
        recalls = RecallCheck(self._facts, verified.directory, self._chain)
        self._steps: dict[str, Callable[[int, Statement[Any]], Iterator[Finding]]] = {
            "request": self._chain.request,
            "hub_decision": self._chain.hub_decision,
            "enquiry": self._enquiries.enquiry,
            "enquiry_decision": self._enquiries.decision,
            "decision": self._disclosures.decision,
            "release": self._chain.release,
            "provisional": self._chain.provisional,
            "receipt": self._chain.receipt,
            "wrong_person": recalls.wrong_person,
            "recall": recalls.recall,
            "recall_done": recalls.recall_done,
            "erasure": self._erasures.erasure,
            "rejection": self._quotas.rejection,
            "daily_statement": self._daily.statement,
            "evaluation_count": self._budgets.evaluation_count,
            "statement_answer": self._daily.answer,
            **self._people.steps(),
            **self._introducing.steps(),
            **AttentionCheck(self._facts, verified.directory).steps(),
        }
        self._gaps = False
        self._incomplete = False
        self._kinds: Counter[str] = Counter()
        self._sealed = 0
        self.findings: list[Finding] = []

    def run(self, told: Told) -> None:
        verified = self._verified
        entries = logged_entries(self._case, verified.size, verified.tree)
        for index, entry in told_of(entries, "Payloads and decisions", verified.size, told):
            if index == verified.lost_at:
                detail = "members and keys are not known from here on, so nothing more is checked"
                self.findings.append(missing(FindingCode.DIRECTORY_LOST, index, detail))
                return
            self._entry(index, entry, self._payloads.take(index))
        self._judge(self._chain.finish(verified.size), half=self._incomplete)
        self._judge(self._disclosures.finish(), half=self._incomplete)
        self._judge(self._people.finish(verified.size), half=self._incomplete)
        self._judge(self._introducing.finish(verified.size), half=self._incomplete)
        self._judge(self._enquiries.finish(verified.size), half=self._incomplete)
        self._judge(self._budgets.finish(self._evidence.token_sets), half=self._incomplete)
        self._payloads.finish()
        self.findings += self._payloads.findings

    def _entry(self, index: int, entry: bytes | None, payload: Payload | None) -> None:
        leaf = readable_leaf(entry)
        self._gaps = self._gaps or leaf is None
        self._note_erasure(index, payload)
        envelope = self._envelope(index, entry, leaf, payload)
        if leaf is None or envelope is None:
            self._incomplete = True
            return
        sealed = leaf.kind is LeafKind.SEALED
        statement = self._statement(index, envelope, sealed=sealed)
        if statement is None:
            return
        evidence = Evidence(payload.evidence if payload else 0, partial(self._case.evidence, index))
        # Public leaves were verified when the directory was built.
        signed = leaf.kind is LeafKind.PUBLIC or (payload is not None and payload.verified)
        faults = self._statements.check(index, statement, leaf.kind, signed=signed)
        self._judge(faults, half=self._gaps)
        # An erasure is judged by what can be read: what is absent never speaks against it.
        half = self._incomplete and leaf.kind is not LeafKind.ERASURE
        self._judge(self._follow(index, statement, evidence), half=half)
        self._erasures.tick(index, statement.preamble.iat)

    def _note_erasure(self, index: int, payload: Payload | None) -> None:
        """What was erased is not missing, and must not be there any more."""
        stage = self._verified.erased.stage(index)
        if stage is None:
            return
        self._facts.erased = self._incomplete = True
        if payload is not None and (payload.evidence or stage == "payload"):
            detail = "erased according to the log, yet handed over"
            self.findings.append(rule(FindingCode.NOT_ERASED, index, detail))

    def checked(self) -> dict[str, int]:
        """How many of each thing were looked at."""
        return {
            "payloads": self._sealed,
            "erasures": self._erasures.erased,
            "signatures": self._statements.signatures,
            "stub_rows": self._evidence.rows,
            "link_items": self._evidence.items,
            "decisions_made_again": self._chain.decided_again
            + self._disclosures.decided_again
            + self._enquiries.decided_again,
            **{f"kind_{kind}": count for kind, count in sorted(self._kinds.items())},
        }

    def _envelope(
        self, index: int, entry: bytes | None, leaf: Leaf | None, payload: Payload | None
    ) -> bytes | None:
        """The envelope that was logged at `index`, if we have it."""
        if entry is None or leaf is None:
            return None
        envelope, fault = logged_envelope(index, entry, leaf, payload)
        if payload is None and self._verified.erased.stage(index) == "payload":
            return None
        self.findings += [fault] if fault else []
        self._sealed += leaf.kind is LeafKind.SEALED and envelope is not None
        return envelope

    def _statement(
        self, index: int, envelope: bytes, *, sealed: bool
    ) -> Statement[WireModel] | None:
        statement, fault = read_statement(index, envelope, sealed=sealed)
        self.findings += [fault] if fault else []
        if statement is not None:
            self._kinds[statement.preamble.kind] += 1
        return statement

    def _follow(
        self, index: int, statement: Statement[Any], evidence: Evidence
    ) -> Iterator[Finding]:
        """What a statement means for, and owes to, those around it."""
        kind = statement.preamble.kind
        if evidence.count and not statement.kind.has_evidence:
            detail = f"said to have {evidence.count} pieces of evidence, but a {kind} has none"
            yield broken(FindingCode.PAYLOAD_DIFFERS, index, detail)
        self._daily.take(index, statement)
        self._quotas.take(statement)
        if kind in self._steps:
            yield from self._steps[kind](index, statement)
        elif self._verified.erased.stage(index) is not None:
            self._evidence.number_only(statement)
        elif kind == "publication":
            yield from self._evidence.publication(index, statement, evidence)
        elif kind == "match_round":
            yield from self._evidence.match_round(index, statement, evidence)
        if statement.kind.is_pinned:
            self._facts.kinds[statement.id] = kind

    def _judge(self, findings: Iterable[Finding], *, half: bool) -> None:
        """Keep findings; on `half` the facts a broken rule may be for want of the other half."""
        for finding in findings:
            if finding.severity is not Severity.RULE:
                self._incomplete = True
                self.findings.append(finding)
            elif half:
                detail = f"{finding.detail} (or only because of what is missing before it)"
                self.findings.append(replace(finding, severity=Severity.MISSING, detail=detail))
            else:
                self.findings.append(finding)
