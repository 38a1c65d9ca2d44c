"""What names this agency in the log, as the hub gives it again: specs/05-log.md §16.

The hub is trusted with nothing here: every entry is signed by its sender, and stands in the log
where the hub says, under a quorum of witnesses. That something is left out shows in the hub's own
daily statements, which come with it.
"""

import hashlib
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import Any

from node.membership.hub import HubMembership
from node.membership.proofs import verify_logged
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.messages.bodies import PublicationBody, RowsChunk, StubRow
from protocol.messages.clock import OverdueBody
from protocol.messages.log import ResyncBody
from protocol.messages.statement import Statement, parse_statement
from protocol.wire import ANSWER_LIMIT, ExportRecord, Message, encode_wire, parse_wire


@dataclass(frozen=True)
class Given:
    """An entry that was given again and checked, and the evidence behind it, which is not."""

    index: int
    salt: str
    statement: Statement[Any]
    parts: tuple[bytes, ...]

    @property
    def envelope(self) -> bytes:
        """The signed bytes."""
        return self.statement.envelope.encode()

    def rows(self) -> list[StubRow]:
        """The rows of a publication; none if they were erased. Raises RemoteError."""
        body = self.statement.expect(PublicationBody).body
        if not self.parts:
            return []
        if [hashlib.sha256(part).hexdigest() for part in self.parts] != [
            ref.hash for ref in body.rows
        ]:
            raise RemoteError(ErrorCode.BAD_PROOF, "rows that the publication does not name")
        chunks = (parse_wire(RowsChunk, part, limit=ANSWER_LIMIT) for part in self.parts)
        return [row for chunk in chunks for row in chunk.rows]


async def history(
    membership: HubMembership, question: bytes, known: Collection[int]
) -> AsyncGenerator[Given, None]:
    """What the hub gives on a signed question, in the order of the log. Raises RemoteError.

    The question itself comes last. Entries at the indexes in `known` were checked before.
    """
    asked = parse_statement(question).id
    message = Message(envelope=to_base64(question), sealed=None, proof=None)
    url, last = f"{membership.hub.url}/v1/resyncs", -1
    stream = membership.http.stream_records(url, encode_wire(message))
    async for data in stream:
        record = parse_wire(ExportRecord, data, limit=ANSWER_LIMIT)
        parts = [await anext(stream, b"") for _ in range(record.evidence)]
        statement = parse_statement(from_base64(record.envelope))
        given = Given(record.index, record.salt, statement, tuple(parts))
        if given.index <= last:
            raise RemoteError(ErrorCode.MALFORMED, "entries that are not in the order of the log")
        last = given.index
        _check_ours(membership, given)
        # A question has no effects, and the witnesses may not have seen it yet.
        if given.index not in known and not isinstance(statement.body, ResyncBody):
            await _check_logged(membership, given)
        yield given
        if statement.id == asked:
            return
    raise RemoteError(ErrorCode.UNREACHABLE, "the hub's answer was cut short")


def _check_ours(membership: HubMembership, given: Given) -> None:
    preamble = given.statement.preamble
    # What is said to the asker of a request is said to both sides.
    to_both = isinstance(given.statement.body, OverdueBody)
    if membership.hub.party_id not in {preamble.sender, preamble.aud} and not to_both:
        raise RemoteError(ErrorCode.WRONG_RECIPIENT, "an entry that does not name this agency")
    membership.directory.verify(given.statement, given.index)


async def _check_logged(membership: HubMembership, given: Given) -> None:
    url = f"{membership.hub.url}/v1/proofs/{given.index}?wait=10"
    proof = await membership.http.get(url)
    verify_logged(membership.charter, proof, (given.index, given.salt), given.envelope)
