"""The payload file of a case, read alongside the log's entries (specs/08-audit.md §3.1).

The hub wrote these records: each means something only once it has been compared with the leaf of
its index, here or, for those already verified, in audit/verify/signatures.py.
"""

from collections.abc import Iterator
from dataclasses import replace

from audit.case.case import RECORD_LIMIT, Case, Payload, parse_payload
from audit.findings import Finding, FindingCode, broken, missing, rule
from audit.verify.signatures import VerifiedSpan
from protocol.dsse import ENVELOPE_LIMIT, PUBLIC_LEAF_LIMIT
from protocol.errors import RemoteError
from protocol.fields import WireModel
from protocol.log.leaf import NO_SALT, Leaf, LeafKind, parse_leaf, verify_sealed
from protocol.messages.statement import Statement, parse_statement


class PayloadReader:
    """Takes payloads by rising index; whatever else is in the file becomes a finding.

    `spans` says which lines were verified; without it none counts as verified.
    """

    def __init__(self, case: Case, size: int, spans: Iterator[VerifiedSpan] | None = None) -> None:
        self._lines = _lines(case, spans or _unverified(case))
        self._size = size
        self._next: Payload | None = None
        self._last = -1
        self._number = 0
        self.findings: list[Finding] = []

    def take(self, index: int) -> Payload | None:
        """The payload of `index`, if the file has it."""
        while self._next is None or self._next.index < index:
            following = self.following()
            if following is None:
                return None
            self._next = following
        return self._next if self._next.index == index else None

    def following(self) -> Payload | None:
        """The payload that comes next in the file, or None at its end."""
        for line, verified in self._lines:
            self._number += 1
            payload = self._accept(line)
            if payload is not None:
                self._last = payload.index
                return replace(payload, verified=True) if verified else payload
        return None

    def finish(self) -> None:
        """Read what is left: nothing should be."""
        while self.following() is not None:
            pass

    def pass_over(self, span: VerifiedSpan) -> bool:
        """Go on behind a span that leaves nothing to look at; False if this is not one."""
        if not span.whole or span.first <= self._last:
            return False
        self._number += len(span.lines)
        self._last = span.last
        return True

    def _accept(self, line: bytes) -> Payload | None:
        try:
            payload = parse_payload(line)
        except RemoteError as error:
            detail = f"payloads.jsonl, line {self._number}: {error.code}"
            self.findings.append(broken(FindingCode.PAYLOAD_MALFORMED, None, detail))
            return None
        if self._last < payload.index < self._size:
            return payload
        detail = f"payloads.jsonl, line {self._number}: the index is not the next in this log"
        self.findings.append(broken(FindingCode.PAYLOAD_ORDER, payload.index, detail))
        return None


def readable_leaf(entry: bytes | None) -> Leaf | None:
    """The leaf of an entry, if it has one."""
    try:
        return parse_leaf(entry) if entry is not None else None
    except RemoteError:
        return None


def logged_envelope(
    index: int, entry: bytes, leaf: Leaf, payload: Payload | None
) -> tuple[bytes | None, Finding | None]:
    """The envelope that was logged at `index`, if we have it, and what is wrong, if anything."""
    detail = "salt and envelope are not those that the leaf commits to"
    if leaf.kind is not LeafKind.SEALED:
        if payload is None or (payload.salt, payload.envelope) == (NO_SALT, leaf.body):
            return leaf.body, None
        detail = "the payload is not the envelope of the open leaf, without a salt"
        return leaf.body, broken(FindingCode.PAYLOAD_DIFFERS, index, detail)
    if payload is None:
        detail = "no payload for a sealed leaf"
        return None, missing(FindingCode.PAYLOAD_MISSING, index, detail)
    if payload.verified:
        return payload.envelope, None
    try:
        verify_sealed(entry, payload.salt, payload.envelope)
    except RemoteError:
        return None, broken(FindingCode.PAYLOAD_DIFFERS, index, detail)
    return payload.envelope, None


def read_statement(
    index: int, envelope: bytes, *, sealed: bool
) -> tuple[Statement[WireModel] | None, Finding | None]:
    """The statement in an envelope, or the finding that it is none."""
    try:
        limit = ENVELOPE_LIMIT if sealed else PUBLIC_LEAF_LIMIT
        return parse_statement(envelope, limit=limit), None
    except RemoteError as error:
        detail = f"not a statement in its canonical encoding: {error.code}"
        return None, rule(FindingCode.STATEMENT_MALFORMED, index, detail)


def _unverified(case: Case) -> Iterator[VerifiedSpan]:
    return (VerifiedSpan(span, b"", -1, -1) for span in case.payload_spans())


def _lines(case: Case, spans: Iterator[VerifiedSpan]) -> Iterator[tuple[bytes, int]]:
    """Every line with its mark. Nothing after a line over the limit can be told apart."""
    for checked in spans:
        for place, line in enumerate(case.payload_lines(checked.span)):
            yield line, checked.lines[place] if place < len(checked.lines) else 0
            if len(line) > RECORD_LIMIT:
                return
