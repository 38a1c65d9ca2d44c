"""Token input, token, link secret and link proof: specs/03-tokens.md §1, §2 and §7.

Pure byte arithmetic that a node shares with its counterparts; the evaluation itself is in keys.
Not trusted with: the token key, blinds, or any client field beyond the one value it is handed.
Errors name the part of the input, never its content.
"""

import hmac
import re
from collections.abc import Iterable
from functools import lru_cache

from protocol.errors import ErrorCode, LocalError, RemoteError

TOKEN_BYTES = 16
LINK_SECRET_BYTES = 32
LINK_PROOF_BYTES = 32
OUTPUT_BYTES = 64
MAX_INPUT_BYTES = 0xFFFF

_LINK_LABEL = b"patchwork.link.v1"
_HEX16 = re.compile(r"[0-9a-f]{32}")


def length_prefixed(*parts: bytes) -> bytes:
    """Join parts, each behind its length as two big-endian bytes. LocalError over 65,535 bytes."""
    try:
        return b"".join([len(part).to_bytes(2, "big") + part for part in parts])
    except OverflowError:
        raise LocalError(ErrorCode.TOO_LARGE, "a part is over 65535 bytes") from None


def token_input(charter_id: str, epoch: int, match_key_id: str, value: str) -> bytes:
    """The bytes that go into the VOPRF: at most 65,535 of them.

    `charter_id` is 32 lower-case hex digits, `match_key_id` carries its recipe version. Raises
    LocalError for an empty value: a missing field has no token, so no two blanks ever match.
    """
    return token_inputs(charter_id, epoch, match_key_id, [value])[0]


def token_inputs(
    charter_id: str, epoch: int, match_key_id: str, values: Iterable[str]
) -> list[bytes]:
    """`token_input` of each of some values of one match key."""
    prefix, inputs = _prefix(charter_id, epoch, match_key_id), []
    for value in values:
        if not value:
            raise LocalError(ErrorCode.MALFORMED, "value is empty: a missing field has no token")
        data = _utf8("value", value)
        if len(prefix) + 2 + len(data) > MAX_INPUT_BYTES:
            raise LocalError(ErrorCode.TOO_LARGE, "token input is over 65535 bytes")
        inputs.append(prefix + len(data).to_bytes(2, "big") + data)
    return inputs


def split_output(output: bytes) -> tuple[bytes, bytes]:
    """Split a 64-byte VOPRF output: the token (16 bytes, published), the link secret (32, kept)."""
    if len(output) != OUTPUT_BYTES:
        raise LocalError(ErrorCode.MALFORMED, "VOPRF output is not 64 bytes")
    return output[:TOKEN_BYTES], output[OUTPUT_BYTES - LINK_SECRET_BYTES :]


def link_key(link_secret: bytes, charter_id: str, epoch: int, match_key_id: str) -> bytes:
    """The 32-byte MAC key of one link: HKDF-SHA256 over the link secret, bound to its scope."""
    if len(link_secret) != LINK_SECRET_BYTES:
        raise LocalError(ErrorCode.MALFORMED, "link secret is not 32 bytes")
    info = length_prefixed(_LINK_LABEL, *_scope(charter_id, epoch, match_key_id))
    # RFC 5869 with an empty salt; 32 bytes are one block, so expand is one HMAC.
    extracted = hmac.digest(bytes(32), link_secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def link_proof(
    link_secret: bytes, charter_id: str, epoch: int, match_key_id: str, request_id_hex: str
) -> bytes:
    """The 32 bytes a request carries: only a holder of the same link secret can make them."""
    if not _HEX16.fullmatch(request_id_hex):
        raise LocalError(ErrorCode.MALFORMED, "request id is not 32 lower-case hex digits")
    key = link_key(link_secret, charter_id, epoch, match_key_id)
    return hmac.digest(key, bytes.fromhex(request_id_hex), "sha256")


def verify_link_proof(proof: bytes, key: bytes, request_id_hex: str) -> None:
    """Check a request's link proof against our own `link_key`, in constant time.

    Raises RemoteError: MALFORMED for the request id, BAD_PROOF for any other proof.
    """
    if not _HEX16.fullmatch(request_id_hex):
        raise RemoteError(ErrorCode.MALFORMED, "request id is not 32 lower-case hex digits")
    expected = hmac.digest(key, bytes.fromhex(request_id_hex), "sha256")
    if not hmac.compare_digest(proof, expected):
        raise RemoteError(ErrorCode.BAD_PROOF, "link proof does not match the request")


@lru_cache(maxsize=128)  # a charter's match keys: each is what many inputs begin with
def _prefix(charter_id: str, epoch: int, match_key_id: str) -> bytes:
    return length_prefixed(*_scope(charter_id, epoch, match_key_id))


def _scope(charter_id: str, epoch: int, match_key_id: str) -> tuple[bytes, bytes, bytes]:
    if not _HEX16.fullmatch(charter_id):
        raise LocalError(ErrorCode.MALFORMED, "charter id is not 32 lower-case hex digits")
    if epoch < 0:
        raise LocalError(ErrorCode.MALFORMED, "epoch is negative")
    if not match_key_id:
        raise LocalError(ErrorCode.MALFORMED, "match-key id is empty")
    return charter_id.encode(), str(epoch).encode(), _utf8("match-key id", match_key_id)


def _utf8(name: str, text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # The error itself would carry the value: it must not travel on as a cause.
        raise LocalError(ErrorCode.MALFORMED, f"{name} is not valid Unicode") from None
