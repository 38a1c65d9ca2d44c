"""Our own counts, as the log has them: what a key holder that was put back reads (05-log.md §16).

The hub is trusted with nothing here but to leave nothing out: each count is ours by its signature.
"""

from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.governance.charter import TokenHolder
from protocol.messages.evaluations import EvaluationCountBody
from protocol.messages.statement import parse_statement
from protocol.wire import ANSWER_LIMIT, ExportRecord, Message, encode_wire, parse_wire
from transport.client import HttpClient

Counted = dict[tuple[int, str], int]
"""Evaluations by day and agency."""


async def counts_in_log(
    http: HttpClient, hub_url: str, own: TokenHolder, question: bytes
) -> Counted:
    """What we have counted in the log since the place that a signed `resync` names.

    Raises RemoteError, UNREACHABLE for an answer that does not end with the question.
    """
    asked = parse_statement(question).id
    message = Message(envelope=to_base64(question), sealed=None, proof=None)
    counted: Counted = {}
    stream = http.stream_records(f"{hub_url}/v1/resyncs", encode_wire(message))
    async for data in stream:
        record = parse_wire(ExportRecord, data, limit=ANSWER_LIMIT)
        statement = parse_statement(from_base64(record.envelope))
        statement.envelope.verify(bytes.fromhex(own.sign))
        if statement.id == asked:
            return counted
        if isinstance(statement.body, EvaluationCountBody):
            for item in statement.body.counts:
                key = (statement.body.day, item.party_id)
                counted[key] = max(item.evaluations, counted.get(key, 0))
    raise RemoteError(ErrorCode.UNREACHABLE, "the hub's answer was cut short")
