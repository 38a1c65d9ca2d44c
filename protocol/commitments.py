"""Salted commitments and their disclosure: specs/01-statements.md §7.

A commitment is SHA-256("patchwork.commit.v1\\n" || 32-byte salt || canonical JSON value). Salts
are drawn by the caller. An erased salt leaves nothing to guess against.
"""

import hashlib
import hmac

from protocol import canonical
from protocol.errors import ErrorCode, RemoteError

_DOMAIN = b"patchwork.commit.v1\n"


def commit(salt: bytes, value: canonical.JsonValue) -> str:
    """Hex commitment to a JSON value under a 32-byte salt."""
    return commit_encoded(salt, canonical.encode(value))


def commit_encoded(salt: bytes, encoded: bytes) -> str:
    """As `commit`, of a value's canonical bytes."""
    return hashlib.sha256(_DOMAIN + salt + encoded).hexdigest()


def verify_commitment(commitment: str, salt: bytes, value: canonical.JsonValue) -> None:
    """Raise RemoteError(BAD_PROOF) unless salt and value open the commitment."""
    if len(salt) != 32 or not hmac.compare_digest(commitment, commit(salt, value)):
        raise RemoteError(ErrorCode.BAD_PROOF, "a disclosed value does not match its commitment")
