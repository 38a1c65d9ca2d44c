"""Bind the auditor to a secret number: draw it, keep it, log what binds to it.

specs/08-audit.md §6. The number is in the auditor's folder (mode 0600) before anything is sent, and
goes to nobody until the sample is drawn.
"""

from pathlib import Path

from audit.auditor.number import NUMBER_BYTES, commitment_to, keep_number
from audit.fetch.export import Exporter
from protocol.fields import from_base64, to_base64
from protocol.messages.audit import SampleCommitmentBody
from protocol.messages.bodies import AcceptedBody
from protocol.messages.statement import Context, Stamp, make_statement, parse_statement
from protocol.wire import Message, Submitted, encode_wire, parse_wire
from transport.client import HttpClient


async def commit(
    http: HttpClient, url: str, exporter: Exporter, count: int, folder: Path
) -> tuple[str, int]:
    """Log a new commitment to a sample of `count`; the number's file and the entry's index.

    Raises LocalError(NOT_READY) if this log does not name us as its auditor, RemoteError if the
    hub refuses or its answer is not signed by it.
    """
    exporter.check()
    number = exporter.env.random(NUMBER_BYTES)
    name = keep_number(folder, number)
    directory = exporter.verified.directory
    charter = directory.charter
    context = Context(
        charter.charter_id, charter.version, charter.log.origin, exporter.membership.party_id
    )
    stamp = Stamp(charter.charter_id, exporter.env.new_id(), exporter.env.clock())
    body = SampleCommitmentBody(commitment=commitment_to(number), count=count)
    statement = make_statement(context, stamp, body, exporter.keys.sign)
    message = Message(envelope=to_base64(statement.envelope.encode()), sealed=None, proof=None)
    answer = await http.post(f"{url.rstrip('/')}/v1/statements", encode_wire(message))
    submitted = parse_wire(Submitted, answer)
    accepted = parse_statement(from_base64(submitted.accepted)).expect(AcceptedBody)
    directory.verify(accepted)
    return name, accepted.body.index
