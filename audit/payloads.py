"""The payload file of a case, read alongside the log's entries (specs/08-audit.md §3.1).

The hub wrote these records: each means something only once audit/open.py has compared it with the
leaf of its index.
"""

from audit.case import Case, Payload, parse_payload
from audit.findings import Finding, FindingCode, broken
from protocol.errors import RemoteError


class PayloadReader:
    """Takes payloads by rising index; whatever else is in the file becomes a finding."""

    def __init__(self, case: Case, size: int) -> None:
        self._lines = enumerate(case.payload_lines(), 1)
        self._size = size
        self._next: Payload | None = None
        self._last = -1
        self.findings: list[Finding] = []

    def take(self, index: int) -> Payload | None:
        """The payload of `index`, if the file has it."""
        while self._next is None or self._next.index < index:
            following = next(self._lines, None)
            if following is None:
                return None
            self._accept(*following)
        return self._next if self._next.index == index else None

    def finish(self) -> None:
        """Read what is left: nothing should be."""
        for number, line in self._lines:
            self._accept(number, line)

    def _accept(self, number: int, line: bytes) -> None:
        try:
            payload = parse_payload(line)
        except RemoteError as error:
            detail = f"payloads.jsonl, line {number}: {error.code}"
            self.findings.append(broken(FindingCode.PAYLOAD_MALFORMED, None, detail))
            return
        if not self._last < payload.index < self._size:
            detail = f"payloads.jsonl, line {number}: not a rising index of this log"
            self.findings.append(broken(FindingCode.PAYLOAD_ORDER, payload.index, detail))
            return
        self._next, self._last = payload, payload.index
