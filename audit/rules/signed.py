"""The signatures of a case, without what the statements say (specs/08-audit.md §2.6).

What the worker processes verified is counted; the rest is looked at here, where faults get names.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from audit.case.case import Case, Payload
from audit.findings import Finding
from audit.outcome import Report
from audit.rules.statements import check_signature
from audit.verify.payloads import PayloadReader, logged_envelope, read_statement, readable_leaf
from audit.verify.signatures import VerifiedSpan, verify_spans
from audit.verify.tree import EntryReader
from audit.verify.verify import Verified, verify_case
from protocol.log.leaf import LeafKind
from protocol.log.tlog_policy import TlogPolicy
from runtime.progress import Told, nobody, told_of


@dataclass(frozen=True)
class Signed:
    """How many payloads match leaf and signature, and what is wrong with the others."""

    signed: int
    findings: tuple[Finding, ...]


def check_signatures(
    case: Case, verified: Verified, jobs: int | None = None, told: Told = nobody
) -> Signed:
    """Check every fetched payload against its leaf and its signer, in `jobs` processes.

    None: one a core. Whether all payloads were fetched is for `open_case` to say.
    """
    return _SignatureCheck(case, verified, jobs).run(told)


def verification(
    case: Case, old_note: bytes | None, policy: TlogPolicy | None, told: Told = nobody
) -> Report:
    """What `patchwork-audit verify` says: the public part, and signatures if payloads are here.
    `told` hears how far it is.
    """
    verified = verify_case(case, old_note, policy, told)
    checked, findings = verified.checked, verified.findings
    if case.has_payloads:
        signed = check_signatures(case, verified, told=told)
        checked = {**checked, "signed_entries": signed.signed}
        findings = (*findings, *signed.findings)
    return Report("The log of this case", checked, findings)


class _SignatureCheck:
    def __init__(self, case: Case, verified: Verified, jobs: int | None) -> None:
        self._verified = verified
        self._entries = EntryReader(case, verified.size, verified.tree)
        self._spans = verify_spans(case, verified, jobs)
        self._reader = PayloadReader(case, verified.size, self._left())
        self._signed = 0
        self._findings: list[Finding] = []

    def run(self, told: Told) -> Signed:
        following = iter(self._reader.following, None)
        for payload in told_of(following, "Signatures", self._verified.size, told):
            self._signed += payload.verified or self._matches(payload)
        return Signed(self._signed, (*self._reader.findings, *self._findings))

    def _left(self) -> Iterator[VerifiedSpan]:
        """The spans that the reader has to go through. It asks when it is done with the last."""
        for span in self._spans:
            if self._reader.pass_over(span):
                self._signed += len(span.lines)
            else:
                yield span

    def _matches(self, payload: Payload) -> bool:
        index, entry = payload.index, self._entries.read(payload.index)
        leaf = readable_leaf(entry)
        if entry is None or leaf is None or index >= self._verified.end:
            return False  # verify_case says why
        envelope, fault = logged_envelope(index, entry, leaf, payload)
        if envelope is None or fault is not None:
            return self._note(fault)
        statement, fault = read_statement(index, envelope, sealed=leaf.kind is LeafKind.SEALED)
        if statement is None or fault is not None or leaf.kind is LeafKind.PUBLIC:
            return self._note(fault)
        return self._note(*check_signature(self._verified.directory, index, statement))

    def _note(self, *faults: Finding | None) -> bool:
        found = [fault for fault in faults if fault is not None]
        self._findings += found
        return not found
