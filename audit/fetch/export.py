"""Fetch payloads: a signed `export` and the stream that answers it (specs/08-audit.md §1.3).

The hub serves envelopes to an auditor's key alone, and logs that it did. What comes is written as
it comes; audit/rules/open.py compares it with the leaves, offline.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from audit.auditor.identity import Keys, Membership
from audit.case.case import (
    EVIDENCE_LIMIT,
    RECORD_LIMIT,
    Payload,
    encode_payload,
    parse_payload,
    payload_of,
)
from audit.case.files import write_file
from audit.fetch.fetch import Progress
from audit.verify.verify import Verified
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.messages.bodies import ExportBody
from protocol.messages.statement import Context, Stamp, Statement, make_statement
from protocol.wire import ExportRecord, Message, encode_wire, parse_wire
from runtime.environment import Environment
from transport.client import HttpClient

SPAN = 8192
"""Entries an export: each is logged, and each must come within the client's time limit."""


@dataclass(frozen=True)
class Exporter:
    """An auditor that may ask for payloads. `verified` is the log as we fetched it."""

    keys: Keys
    membership: Membership
    verified: Verified
    env: Environment

    def check(self) -> None:
        """Raise LocalError(NOT_READY) unless the fetched log names us as its auditor."""
        member = self.verified.directory.active(self.membership.party_id)
        if member is None or member.body.member_class != "auditor":
            raise LocalError(ErrorCode.NOT_READY, "this log does not name us as its auditor yet")

    def sign(self, start: int, end: int) -> Statement[ExportBody]:
        """An export of the entries in [start, end)."""
        charter = self.verified.directory.charter
        context = Context(
            charter.charter_id, charter.version, charter.log.origin, self.membership.party_id
        )
        nonce = self.env.new_id()
        stamp = Stamp(charter.charter_id, nonce, self.env.clock())
        return make_statement(context, stamp, ExportBody(start=start, end=end), self.keys.sign)


async def fetch_payloads(
    http: HttpClient, url: str, folder: Path, exporter: Exporter, progress: Progress
) -> None:
    """Write `payloads/` of a case, from where an earlier try stopped. Raises RemoteError."""
    exporter.check()
    size = exporter.verified.size
    writer = PayloadWriter(folder / "payloads")
    start = min(writer.resume(), size)
    while start < size:
        end = min(start + SPAN, size)
        envelope = exporter.sign(start, end).envelope.encode()
        message = Message(envelope=to_base64(envelope), sealed=None, proof=None)
        records = http.stream_records(f"{url.rstrip('/')}/v1/exports", encode_wire(message))
        await writer.take(records, start, end)
        start = end
        progress(start, size)


class PayloadWriter:
    """Appends records to `payloads.jsonl`, evidence first: a line means its evidence is there."""

    def __init__(self, folder: Path) -> None:
        self._evidence = folder / "evidence"
        self._lines = folder / "payloads.jsonl"

    def resume(self) -> int:
        """Drop a torn last line; the index after the last whole one."""
        try:
            self._evidence.mkdir(parents=True, exist_ok=True)
            with self._lines.open("a+b") as file:
                file.seek(0)
                last, kept = -1, 0
                while line := file.readline(RECORD_LIMIT + 2):
                    if not line.endswith(b"\n"):
                        break
                    last, kept = parse_payload(line[:-1]).index, kept + len(line)
                file.truncate(kept)
        except OSError as error:
            raise LocalError(ErrorCode.STORAGE, "the payloads cannot be written") from error
        return last + 1

    async def take(self, records: AsyncIterator[bytes], start: int, end: int) -> None:
        """Write the records of [start, end). Raises RemoteError for what is not asked for."""
        least = start
        async for record in records:
            payload = payload_of(parse_wire(ExportRecord, record, limit=RECORD_LIMIT))
            if not least <= payload.index < end:
                raise RemoteError(ErrorCode.MALFORMED, "a payload that was not asked for")
            await self._take_evidence(records, payload)
            self._append(encode_payload(payload))
            least = payload.index + 1

    async def _take_evidence(self, records: AsyncIterator[bytes], payload: Payload) -> None:
        for part in range(payload.evidence):
            data = await anext(records, None)
            if data is None or len(data) > EVIDENCE_LIMIT:
                raise RemoteError(ErrorCode.UNREACHABLE, "the answer ended within a payload")
            write_file(self._evidence / f"{payload.index}.{part}", data)

    def _append(self, line: bytes) -> None:
        try:
            with self._lines.open("ab") as file:
                file.write(line + b"\n")
        except OSError as error:
            raise LocalError(ErrorCode.STORAGE, "the payloads cannot be written") from error
