"""Bind the auditor to a secret number: draw it, keep it, log what binds to it.

specs/08-audit.md §6. The number is in the auditor's folder (mode 0600) before anything is sent, and
goes to nobody until the sample is drawn.
"""

from pathlib import Path

from audit.fetch.export import Exporter
from audit.report.sampling import NUMBER_BYTES, commitment_to
from protocol.errors import ErrorCode, LocalError
from protocol.fields import from_base64, to_base64
from protocol.messages.audit import SampleCommitmentBody
from protocol.messages.bodies import AcceptedBody
from protocol.messages.statement import Context, Stamp, make_statement, parse_statement
from protocol.wire import Message, Submitted, encode_wire, parse_wire
from runtime.secrets import read_secrets, write_secrets
from transport.client import HttpClient

_NAME = "number"


async def commit(
    http: HttpClient, url: str, exporter: Exporter, count: int, folder: Path
) -> tuple[str, int]:
    """Log a new commitment to a sample of `count`; the number's file and the entry's index.

    Raises LocalError(NOT_READY) if this log does not name us its auditor, RemoteError if the hub
    refuses or its answer is not signed by it.
    """
    exporter.check()
    number = exporter.env.random(NUMBER_BYTES)
    commitment = commitment_to(number)
    name = f"sample-{commitment[:16]}.json"
    write_secrets(folder / name, {_NAME: number})
    directory = exporter.verified.directory
    charter = directory.charter
    context = Context(
        charter.charter_id, charter.version, charter.log.origin, exporter.membership.party_id
    )
    stamp = Stamp(charter.charter_id, exporter.env.new_id(), exporter.env.clock())
    body = SampleCommitmentBody(commitment=commitment, count=count)
    statement = make_statement(context, stamp, body, exporter.keys.sign)
    message = Message(envelope=to_base64(statement.envelope.encode()), sealed=None, proof=None)
    answer = await http.post(f"{url.rstrip('/')}/v1/statements", encode_wire(message))
    submitted = parse_wire(Submitted, answer)
    accepted = parse_statement(from_base64(submitted.accepted)).expect(AcceptedBody)
    directory.verify(accepted)
    return name, accepted.body.index


def read_number(path: Path) -> bytes:
    """The secret number in a file that `commit` wrote. Raises LocalError."""
    values = read_secrets(path)
    number = values.get(_NAME, b"")
    if len(number) != NUMBER_BYTES:
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name} does not hold a sample's number")
    return number


def parse_number(text: str) -> bytes:
    """A number as a worksheet shows it: 64 hex digits. Raises LocalError."""
    try:
        number = bytes.fromhex(text)
    except ValueError:
        number = b""
    if len(number) != NUMBER_BYTES:
        raise LocalError(ErrorCode.CONFIGURATION, "a number is 64 hex digits")
    return number
