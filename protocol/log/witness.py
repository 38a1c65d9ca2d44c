"""The core of a C2SP witness: the add-checkpoint request and its decision: specs/05-log.md §10.

Bytes and stored state in, an answer and the state to keep out; no I/O and no clock. A request is
trusted only as far as a log key already on file signed it. The caller must read the state, decide
and persist `new_head` as one atomic step, and persist before it answers.
"""

from dataclasses import dataclass, replace

from protocol.errors import ErrorCode, RemoteError
from protocol.log.checkpoint import (
    Checkpoint,
    cosign_checkpoint,
    parse_checkpoint,
    verify_log_signature,
)
from protocol.log.merkle import EMPTY_ROOT, verify_consistency
from protocol.log.note import MAX_NOTE_BYTES, Note, NoteSigner, VerifierKey, parse_decimal
from protocol.log.tlog_proof import encode_hash_lines, parse_hash_lines

MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 4096
TEXT = "text/plain"
TREE_SIZE = "text/x.tlog.size"
MAX_WAIT = 30


@dataclass(frozen=True)
class AddCheckpoint:
    """A parsed request: the size the log thinks we hold, the proof from it, and the new note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


@dataclass(frozen=True)
class WitnessedLog:
    """What a witness keeps of one log: its key, and the last checkpoint it cosigned, if any."""

    key: VerifierKey
    head: Checkpoint | None = None


@dataclass(frozen=True)
class Outcome:
    """The answer. `new_head` (a cosigned note) is to be persisted first.

    `grew`: the log had to sign something new for it. `fork` is a note, signed by the log, whose
    root differs from ours at the same size: proof that it showed two histories. Keep it.
    """

    status: int
    body: bytes
    content_type: str = TEXT
    new_head: Note | None = None
    fork: Note | None = None
    grew: bool = False


def encode_add_checkpoint(old_size: int, proof: tuple[bytes, ...], note: bytes) -> bytes:
    """The request body."""
    lines = [f"old {old_size}", *encode_hash_lines(proof), "", ""]
    return "\n".join(lines).encode("ascii") + note


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read a request body, verifying nothing. Raises RemoteError and nothing else."""
    if len(body) > MAX_REQUEST_BYTES:
        raise RemoteError(ErrorCode.TOO_LARGE, f"request is over {MAX_REQUEST_BYTES} bytes")
    head, _, note_bytes = body.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise RemoteError(ErrorCode.MALFORMED, "request lines are not ASCII") from error
    if not first.startswith("old "):
        raise RemoteError(ErrorCode.MALFORMED, "request has no old size line")
    old_size = parse_decimal(first.removeprefix("old "), "old size")
    proof = parse_hash_lines(lines)
    note, checkpoint = parse_checkpoint(note_bytes)
    return AddCheckpoint(old_size, proof, note, checkpoint)


def refusal(status: int, error: RemoteError) -> Outcome:
    """An answer that names the rule that was broken, and changes nothing."""
    return Outcome(status, f"{error.code}: {error.detail}\n".encode())


def decide_add_checkpoint(
    log: WitnessedLog | None, request: AddCheckpoint, now: int, signer: NoteSigner
) -> Outcome:
    """Decide on a request for the log of its origin (`None`: no such log is witnessed here)."""
    if log is None:
        return Outcome(404, b"unknown origin\n")
    try:
        verify_log_signature(request.note, request.checkpoint, log.key)
    except RemoteError as error:
        return refusal(403, error)
    if request.old_size > request.checkpoint.size:
        return Outcome(400, b"old size is above the checkpoint size\n")
    head = log.head or Checkpoint(log.key.name, 0, EMPTY_ROOT)
    new, own_note = request.checkpoint, Note(request.note.text, request.note.signatures_by(log.key))
    fork = own_note if new.size == head.size and new.root != head.root else None
    if request.old_size != head.size:
        return Outcome(409, f"{head.size}\n".encode(), TREE_SIZE, fork=fork)
    try:
        verify_consistency(request.old_size, new.size, request.proof, head.root, new.root)
    except RemoteError as error:
        return replace(refusal(422, error), fork=fork)
    line = cosign_checkpoint(new, signer, now)
    grew = new.size > head.size
    return Outcome(200, line.line(), new_head=own_note.with_signatures([line]), grew=grew)
