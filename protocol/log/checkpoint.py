"""Checkpoints and Ed25519 cosignatures (cosignature/v1): specs/05-log.md §3 and §4.

A checkpoint is what a log says its tree is; a cosignature is what a witness says it saw, and when.
Neither is trusted alone: only `verify_checkpoint`, with keys and a quorum from the charter or the
auditor's policy, gives a `VerifiedCheckpoint`. Times are the witnesses' own clocks.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.merkle import EMPTY_ROOT, HASH_BYTES
from protocol.log.note import (
    MAX_DECIMAL,
    Note,
    NoteSignature,
    NoteSigner,
    SignatureType,
    VerifierKey,
    distinct_keys,
    parse_base64,
    parse_decimal,
    parse_note,
    sign_note,
    verify_note,
)
from protocol.signing import verify_ed25519

TIME_BYTES = 8


@dataclass(frozen=True)
class Checkpoint:
    """A log's name, its number of leaves and the root hash over them."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse values that have no checkpoint text."""
        if not self.origin or "\n" in self.origin or not 0 <= self.size <= MAX_DECIMAL:
            raise LocalError(ErrorCode.MALFORMED, "checkpoint origin or size")
        if len(self.root) != HASH_BYTES:
            raise LocalError(ErrorCode.MALFORMED, "checkpoint root is not 32 bytes")

    def text(self) -> bytes:
        """The three lines that are signed; never an extension line."""
        encoded = base64.b64encode(self.root).decode("ascii")
        return f"{self.origin}\n{self.size}\n{encoded}\n".encode()


@dataclass(frozen=True)
class VerifiedCheckpoint:
    """A checkpoint that its log and a quorum of witnesses signed.

    `cosigners` maps a witness name to its time (Unix seconds), the latest if it signed twice.
    """

    checkpoint: Checkpoint
    cosigners: dict[str, int]

    @property
    def seen_at(self) -> int:
        """When the witnesses signed (Unix seconds)."""
        return witnessed_at(self.cosigners)


def witnessed_at(cosigners: Mapping[str, int]) -> int:
    """The time of a checkpoint: the lower median of its witnesses' times.

    The only rule there is: fewer than half of them can move it neither forward nor back.
    """
    times = sorted(cosigners.values())
    return times[(len(times) - 1) // 2]


def parse_checkpoint_text(text: bytes) -> Checkpoint:
    """Read exactly three lines. Raises RemoteError; extension lines are refused."""
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError as error:
        raise RemoteError(ErrorCode.MALFORMED, "checkpoint is not UTF-8") from error
    if len(lines) != 4 or lines[3] or not lines[0] or min(lines[0]) < " ":
        raise RemoteError(ErrorCode.MALFORMED, "checkpoint is not three lines")
    root = parse_base64(lines[2], "checkpoint root")
    if len(root) != HASH_BYTES:
        raise RemoteError(ErrorCode.MALFORMED, "checkpoint root is not 32 bytes")
    return Checkpoint(lines[0], parse_decimal(lines[1], "checkpoint size"), root)


def parse_checkpoint(note_bytes: bytes) -> tuple[Note, Checkpoint]:
    """Read a signed checkpoint without verifying anything. Raises RemoteError."""
    note = parse_note(note_bytes)
    return note, parse_checkpoint_text(note.text)


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> Note:
    """The log's own signed note; the key's name must be the origin."""
    if signer.name != checkpoint.origin:
        raise LocalError(ErrorCode.CONFIGURATION, "log key name is not the checkpoint's origin")
    return sign_note(checkpoint.text(), signer)


def cosign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner, time: int) -> NoteSignature:
    """A witness's line over the checkpoint at `time`, in Unix seconds."""
    if signer.type is not SignatureType.COSIGNATURE_V1:
        raise LocalError(ErrorCode.CONFIGURATION, "this key is not for cosignatures")
    if not 0 < time <= MAX_DECIMAL:
        raise LocalError(ErrorCode.CONFIGURATION, "clock is outside the range of a cosignature")
    message = cosigned_message(checkpoint.text(), time)
    return signer.sign(message, prefix=time.to_bytes(TIME_BYTES, "big"))


def cosigned_message(text: bytes, time: int) -> bytes:
    """What a cosignature/v1 signs: header line, time line, the whole checkpoint text."""
    return f"cosignature/v1\ntime {time}\n".encode() + text


def verify_log_signature(note: Note, checkpoint: Checkpoint, log_key: VerifierKey) -> None:
    """Raise RemoteError(BAD_SIGNATURE) unless the log of this origin signed the note."""
    if checkpoint.origin != log_key.name:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "checkpoint has another log's origin")
    verify_note(note, [log_key])


def verify_empty_root(checkpoint: Checkpoint) -> None:
    """Raise RemoteError(BAD_TREE) for a tree of no leaves with a root of its own."""
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise RemoteError(ErrorCode.BAD_TREE, "the root of the empty tree is wrong")


@lru_cache(maxsize=256)  # a hub looks at the same lines several times a second
def verify_cosignature(text: bytes, payload: bytes, key: VerifierKey) -> int:
    """The time at which the witness signed `text`. Raises RemoteError(BAD_SIGNATURE), and what was
    refused is looked at again.
    """
    time = int.from_bytes(payload[:TIME_BYTES], "big")
    if not 0 < time <= MAX_DECIMAL:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "cosignature time is out of range")
    verify_ed25519(key.public_key, cosigned_message(text, time), payload[TIME_BYTES:])
    return time


def verify_cosigners(note: Note, witness_keys: Iterable[VerifierKey]) -> dict[str, int]:
    """Name -> latest time of every known witness that signed. One bad line rejects the note."""
    times: dict[str, int] = {}
    for key in distinct_keys(witness_keys):
        if key.type is SignatureType.SUBTREE_V1:
            continue
        if key.type is not SignatureType.COSIGNATURE_V1:
            raise RemoteError(ErrorCode.UNKNOWN_KIND, "not a witness key")
        for line in note.signatures_by(key):
            time = verify_cosignature(note.text, line.payload, key)
            times[key.name] = max(time, times.get(key.name, 0))
    return times


def merge_cosignatures(
    note: Note, lines: Iterable[NoteSignature], witness_keys: Iterable[VerifierKey]
) -> Note:
    """The note with what these witnesses signed: one line of each, the latest by its time.

    Lines by others are left out. Raises RemoteError(BAD_SIGNATURE) for one that does not fit.
    """
    offered = Note(note.text, tuple(lines))
    for key in distinct_keys(witness_keys):
        if key.type is SignatureType.SUBTREE_V1:
            continue
        held = note.signatures_by(key)
        by_time = {
            line: verify_cosignature(note.text, line.payload, key)
            for line in (*held, *offered.signatures_by(key))
        }
        newest = max(by_time, key=by_time.__getitem__, default=None)
        if newest is not None and held != (newest,):
            others = (line for line in note.signatures if line not in held)
            note = Note(note.text, (*others, newest))
    return note


def verify_checkpoint(
    note_bytes: bytes, log_key: VerifierKey, witness_keys: Sequence[VerifierKey], quorum: int
) -> VerifiedCheckpoint:
    """Parse and verify: the log's signature, every known cosignature, and the quorum.

    Raises RemoteError: MALFORMED, TOO_LARGE, BAD_SIGNATURE, BAD_TREE, or NO_QUORUM if fewer than
    `quorum` different witnesses signed. A key used twice, under two names or as log and witness,
    is refused: a v1 cosignature does not say whose it is, so it would count twice.
    """
    return _verified(note_bytes, log_key, tuple(witness_keys), quorum)


@lru_cache(maxsize=64)
def _verified(
    note_bytes: bytes, log_key: VerifierKey, witness_keys: Sequence[VerifierKey], quorum: int
) -> VerifiedCheckpoint:
    """All cards of a batch bring one checkpoint: what was found good is not verified again."""
    _refuse_shared_keys(log_key, witness_keys)
    note, checkpoint = parse_checkpoint(note_bytes)
    verify_log_signature(note, checkpoint, log_key)
    verify_empty_root(checkpoint)
    cosigners = verify_cosigners(note, witness_keys)
    if len(cosigners) < quorum:
        raise RemoteError(
            ErrorCode.NO_QUORUM, f"{len(cosigners)} of the {quorum} witnesses needed have signed"
        )
    return VerifiedCheckpoint(checkpoint, cosigners)


def _refuse_shared_keys(log_key: VerifierKey, witness_keys: Sequence[VerifierKey]) -> None:
    owners: dict[bytes, tuple[str, SignatureType]] = {}
    for key in (log_key, *witness_keys):
        if owners.setdefault(key.public_key, (key.name, key.type)) != (key.name, key.type):
            raise RemoteError(ErrorCode.CONFLICT, "one public key is used for two parties")
