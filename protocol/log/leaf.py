"""The three leaf formats of the request log: specs/05-log.md §7.

A leaf never holds personal data or a party's id. A sealed leaf is a salted commitment: without
its salt it says nothing about its envelope, and with salt and envelope erased it still holds its
place in the tree. Envelopes are bytes here: who signed them is protocol.statement's business.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.tiles import MAX_ENTRY_BYTES

SALT_BYTES = 32
NO_SALT = bytes(SALT_BYTES)
"""What stands for the salt where a leaf has none: public and erasure leaves."""
COMMITMENT_BYTES = 32
_COMMITMENT_PREFIX = b"patchwork.leaf.v1\n"
_HEADER_BYTES = 2
SEALED_LEAF_BYTES = _HEADER_BYTES + COMMITMENT_BYTES


class LeafKind(Enum):
    """What follows the two header bytes (format version 01, kind)."""

    SEALED = b"\x01\x01"
    PUBLIC = b"\x01\x02"
    ERASURE = b"\x01\x03"


@dataclass(frozen=True)
class Leaf:
    """A parsed leaf: `body` is the 32-byte commitment if sealed, else the envelope."""

    kind: LeafKind
    body: bytes

    def encode(self) -> bytes:
        """The leaf bytes."""
        return self.kind.value + self.body


def sealed_leaf(salt: bytes, envelope: bytes) -> bytes:
    """01 01 || SHA-256("patchwork.leaf.v1\\n" || salt || envelope); the salt is 32 random bytes."""
    if len(salt) != SALT_BYTES:
        raise LocalError(ErrorCode.MALFORMED, f"salt is not {SALT_BYTES} bytes")
    if not envelope:
        raise LocalError(ErrorCode.MALFORMED, "envelope is empty")
    return Leaf(LeafKind.SEALED, _commitment(salt, envelope)).encode()


def public_leaf(envelope: bytes) -> bytes:
    """01 02 || envelope: keys, roles and document hashes only."""
    return _open_leaf(LeafKind.PUBLIC, envelope)


def erasure_leaf(envelope: bytes) -> bytes:
    """01 03 || envelope: which index was erased, under which rule, by which role, when."""
    return _open_leaf(LeafKind.ERASURE, envelope)


def parse_leaf(data: bytes) -> Leaf:
    """Read a leaf. Raises RemoteError: MALFORMED, TOO_LARGE or UNKNOWN_KIND."""
    if len(data) > MAX_ENTRY_BYTES:
        raise RemoteError(ErrorCode.TOO_LARGE, f"leaf is over {MAX_ENTRY_BYTES} bytes")
    try:
        kind = LeafKind(data[:_HEADER_BYTES])
    except ValueError as error:
        raise RemoteError(ErrorCode.UNKNOWN_KIND, "leaf header") from error
    body = data[_HEADER_BYTES:]
    if not body or (kind is LeafKind.SEALED and len(body) != COMMITMENT_BYTES):
        raise RemoteError(ErrorCode.MALFORMED, "leaf has the wrong length for its kind")
    return Leaf(kind, body)


def verify_sealed(leaf: bytes, salt: bytes, envelope: bytes) -> None:
    """Raise RemoteError(BAD_TREE) unless the sealed leaf commits to this salt and envelope."""
    parsed = parse_leaf(leaf)
    if parsed.kind is not LeafKind.SEALED or len(salt) != SALT_BYTES:
        raise RemoteError(ErrorCode.BAD_TREE, "not a sealed leaf, or not a salt")
    if not hmac.compare_digest(parsed.body, _commitment(salt, envelope)):
        raise RemoteError(ErrorCode.BAD_TREE, "the envelope is not the one that was logged")


def _open_leaf(kind: LeafKind, envelope: bytes) -> bytes:
    if not 0 < len(envelope) <= MAX_ENTRY_BYTES - _HEADER_BYTES:
        raise LocalError(ErrorCode.TOO_LARGE, "envelope is empty or too large for a log entry")
    return Leaf(kind, envelope).encode()


def _commitment(salt: bytes, envelope: bytes) -> bytes:
    return hashlib.sha256(_COMMITMENT_PREFIX + salt + envelope).digest()
