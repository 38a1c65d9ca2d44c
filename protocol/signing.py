"""Ed25519 for notes, cosignatures and statements: specs/05-log.md §1.

Verification and signing are libsodium's through PyNaCl; nothing here does curve arithmetic. This
module decides only whether bytes fit a key. It is not trusted with knowing whose key it is, and
it never makes one: seeds come from the caller.
"""

from dataclasses import dataclass, field
from functools import cached_property

import nacl.bindings
import nacl.exceptions

from protocol.errors import ErrorCode, LocalError, RemoteError

SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

# Every encoding of a point of order 1, 2, 4 or 8, with the sign bit cleared. Under such a key
# signatures can be made that fit many messages. The last two are non-canonical (p and p + 1).
_SMALL_ORDER = frozenset(
    bytes.fromhex(encoding)
    for encoding in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


@dataclass(frozen=True, eq=False)
class SecretSeed:
    """A 32-byte Ed25519 seed whose repr and str show nothing of it."""

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse any other length: a short seed is a weak key."""
        if len(self.value) != SEED_BYTES:
            raise LocalError(ErrorCode.CONFIGURATION, f"seed is not {SEED_BYTES} bytes")

    @cached_property
    def pair(self) -> tuple[bytes, bytes]:
        """The public key and libsodium's secret key: to make them costs as much as a signature."""
        public, secret = nacl.bindings.crypto_sign_seed_keypair(self.value)
        return public, secret


def public_key(seed: SecretSeed | bytes) -> bytes:
    """The 32-byte public key of a seed."""
    public, _ = _key_pair(seed)
    return public


def sign_ed25519(seed: SecretSeed | bytes, message: bytes) -> bytes:
    """The 64-byte RFC 8032 signature over `message`."""
    _, secret = _key_pair(seed)
    signed: bytes = nacl.bindings.crypto_sign(message, secret)
    return signed[:SIGNATURE_BYTES]


def verify_ed25519(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Raise RemoteError(BAD_SIGNATURE) unless valid; under a small-order key nothing ever is."""
    if len(signature) != SIGNATURE_BYTES:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "signature has the wrong length")
    verify_signed(public_key, signature + message)


def verify_signed(public_key: bytes, signed: bytes) -> None:
    """The same for a signature with its message behind it: many are checked without a copy."""
    # Lengths first: the binding below hands the buffers to C as they are.
    if len(public_key) != PUBLIC_KEY_BYTES or len(signed) < SIGNATURE_BYTES:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "key or signature has the wrong length")
    if _is_small_order(public_key):
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "signature under a small-order key")
    try:
        nacl.bindings.crypto_sign_open(signed, public_key)
    except nacl.exceptions.BadSignatureError as error:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "Ed25519 signature is not valid") from error


def check_public_key(public_key: bytes) -> None:
    """Raise RemoteError(WEAK_KEY) unless it is a canonical point of the prime-order group.

    Called wherever a key is first met (enrolment, charter, vkey), not for every signature.
    """
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise RemoteError(ErrorCode.WEAK_KEY, f"public key is not {PUBLIC_KEY_BYTES} bytes")
    if _is_small_order(public_key):
        raise RemoteError(ErrorCode.WEAK_KEY, "public key is of small order")
    if not nacl.bindings.crypto_core_ed25519_is_valid_point(public_key):
        raise RemoteError(ErrorCode.WEAK_KEY, "public key is not a canonical point of the group")


def check_seal_key(public_key: bytes) -> None:
    """Raise RemoteError(WEAK_KEY) for an X25519 key of small order: all would share its secret."""
    try:
        nacl.bindings.crypto_scalarmult(b"\x01" * 32, public_key)
    except (RuntimeError, ValueError, nacl.exceptions.CryptoError) as error:
        raise RemoteError(ErrorCode.WEAK_KEY, "seal key is of small order") from error


def _is_small_order(public_key: bytes) -> bool:
    return public_key[:31] + bytes([public_key[31] & 0x7F]) in _SMALL_ORDER


def _key_pair(seed: SecretSeed | bytes) -> tuple[bytes, bytes]:
    return (seed if isinstance(seed, SecretSeed) else SecretSeed(seed)).pair
