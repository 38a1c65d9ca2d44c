"""C2SP tlog-proof: one file that shows a leaf is in the witnessed log: specs/05-log.md §8.

The proof carries no trust of its own. Keys and quorum come from the verifier; the leaf comes from
whoever presents the proof; `extra` is authenticated by nothing and is never used here.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.checkpoint import VerifiedCheckpoint, parse_checkpoint, verify_checkpoint
from protocol.log.merkle import HASH_BYTES, MAX_PROOF_HASHES, leaf_hash, verify_inclusion
from protocol.log.note import MAX_DECIMAL, MAX_NOTE_BYTES, VerifierKey, parse_base64, parse_decimal

MAX_PROOF_BYTES = MAX_NOTE_BYTES + 2**17
_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class TlogProof:
    """Index, inclusion path (sibling of the leaf first) and a cosigned checkpoint, verbatim."""

    index: int
    path: tuple[bytes, ...]
    checkpoint_note: bytes
    extra: bytes = b""

    def __post_init__(self) -> None:
        """Refuse values that have no text."""
        if not 0 <= self.index <= MAX_DECIMAL or len(self.path) > MAX_PROOF_HASHES:
            raise LocalError(ErrorCode.MALFORMED, "proof index or path length")
        if any(len(item) != HASH_BYTES for item in self.path):
            raise LocalError(ErrorCode.MALFORMED, "proof hash is not 32 bytes")

    def encode(self) -> bytes:
        """The text form."""
        lines = [_HEADER]
        if self.extra:
            lines.append("extra " + base64.b64encode(self.extra).decode("ascii"))
        lines.append(f"index {self.index}")
        lines += encode_hash_lines(self.path)
        return "\n".join([*lines, "", ""]).encode() + self.checkpoint_note


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Read the text form, verifying nothing. Raises RemoteError and nothing else."""
    if len(data) > MAX_PROOF_BYTES:
        raise RemoteError(ErrorCode.TOO_LARGE, f"proof is over {MAX_PROOF_BYTES} bytes")
    head, _, note_bytes = data.partition(b"\n\n")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise RemoteError(ErrorCode.MALFORMED, "proof lines are not ASCII") from error
    if header != _HEADER:
        raise RemoteError(ErrorCode.MALFORMED, "not a tlog-proof@v1")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0).removeprefix("extra "), "proof extra")
        if not extra:
            raise RemoteError(ErrorCode.MALFORMED, "proof extra is empty")
    if not lines or not lines[0].startswith("index "):
        raise RemoteError(ErrorCode.MALFORMED, "proof has no index line")
    index = parse_decimal(lines.pop(0).removeprefix("index "), "proof index")
    path = parse_hash_lines(lines)
    parse_checkpoint(note_bytes)
    return TlogProof(index, path, note_bytes, extra)


def verify_tlog_proof(
    proof: TlogProof,
    leaf: bytes,
    log_key: VerifierKey,
    witness_keys: Sequence[VerifierKey],
    quorum: int,
) -> VerifiedCheckpoint:
    """The checkpoint under which `leaf` (its bytes, not its hash) stands at `proof.index`.

    Raises RemoteError: BAD_SIGNATURE, NO_QUORUM or BAD_TREE.
    """
    verified = verify_checkpoint(proof.checkpoint_note, log_key, witness_keys, quorum)
    tree = verified.checkpoint
    verify_inclusion(leaf_hash(leaf), proof.index, tree.size, proof.path, tree.root)
    return verified


def encode_hash_lines(hashes: Sequence[bytes]) -> list[str]:
    """One base64 line a hash, without newlines."""
    return [base64.b64encode(item).decode("ascii") for item in hashes]


def parse_hash_lines(lines: Sequence[str]) -> tuple[bytes, ...]:
    """At most 63 lines of one base64 hash each. Raises RemoteError(MALFORMED)."""
    if len(lines) > MAX_PROOF_HASHES:
        raise RemoteError(ErrorCode.MALFORMED, f"over {MAX_PROOF_HASHES} proof lines")
    hashes = tuple(parse_base64(line, "proof line") for line in lines)
    if any(len(item) != HASH_BYTES for item in hashes):
        raise RemoteError(ErrorCode.MALFORMED, "proof line is not 32 bytes")
    return hashes
