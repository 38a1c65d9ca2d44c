"""RFC 9497 for ristretto255-SHA512: hashing, key derivation, blinding and finalising.

Implements specs/03-tokens.md §3. Mode 1 (VOPRF) is the protocol's mode for ever; mode 0 is here
because the RFC's vectors test the same code with it. Proofs are in keys.dleq, quorums in
keys.threshold. Not trusted with: inventing randomness; seeds and blinds are handed in.
"""

import hashlib
from collections.abc import Sequence
from enum import IntEnum

from keys.group import IDENTITY, ORDER, Group, SecretScalar
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.tokens import MAX_INPUT_BYTES, length_prefixed

_HASH_BYTES = 64
_BLOCK_BYTES = 128


class Mode(IntEnum):
    """The mode byte of the RFC's context string."""

    OPRF = 0
    VOPRF = 1


def context_string(mode: Mode) -> bytes:
    """The RFC's contextString (§3.1)."""
    return b"OPRFV1-" + bytes([mode]) + b"-ristretto255-SHA512"


def expand_message(data: bytes, dst: bytes) -> bytes:
    """expand_message_xmd of RFC 9380 §5.3.1 with SHA-512, for exactly 64 bytes of output."""
    if len(dst) > 255:
        raise LocalError(ErrorCode.TOO_LARGE, "domain separation tag is over 255 bytes")
    suffix = dst + bytes([len(dst)])
    padded = bytes(_BLOCK_BYTES) + data + _HASH_BYTES.to_bytes(2, "big") + b"\x00" + suffix
    first = hashlib.sha512(padded).digest()
    return hashlib.sha512(first + b"\x01" + suffix).digest()


def hash_to_scalar(data: bytes, dst: bytes) -> int:
    """HashToScalar (RFC 9497 §4.1) under the whole domain separation tag `dst`."""
    return int.from_bytes(expand_message(data, dst), "little") % ORDER


def hash_to_group(group: Group, data: bytes, mode: Mode = Mode.VOPRF) -> bytes:
    """HashToGroup (RFC 9497 §4.1). Raises LocalError for an input that hashes to the identity."""
    if len(data) > MAX_INPUT_BYTES:
        raise LocalError(ErrorCode.TOO_LARGE, "OPRF input is over 65535 bytes")
    element = group.from_hash(expand_message(data, b"HashToGroup-" + context_string(mode)))
    if element == IDENTITY:
        raise LocalError(ErrorCode.BAD_POINT, "OPRF input has no usable element")
    return element


def derive_key(seed: bytes, info: bytes, mode: Mode = Mode.VOPRF) -> SecretScalar:
    """The private half of DeriveKeyPair (RFC 9497 §3.2.1) from a 32-byte seed: tests and vectors.

    A real token key is never derived: it is generated in shares, by keys.dkg.
    """
    if len(seed) != 32:
        raise LocalError(ErrorCode.MALFORMED, "seed is not 32 bytes")
    data = seed + length_prefixed(info)
    for counter in range(256):
        value = hash_to_scalar(data + bytes([counter]), b"DeriveKeyPair" + context_string(mode))
        if value:
            return SecretScalar(value)
    raise LocalError(ErrorCode.BAD_SCALAR, "seed gives no key")


def blind(
    group: Group, inputs: Sequence[bytes], blinds: Sequence[SecretScalar], mode: Mode = Mode.VOPRF
) -> list[bytes]:
    """Blind (RFC 9497 §3.3.1) a batch: one fresh non-zero blind an input."""
    _require_blinds(inputs, blinds)
    return [
        group.multiply(factor.value, hash_to_group(group, data, mode))
        for data, factor in zip(inputs, blinds, strict=True)
    ]


def blind_evaluate(group: Group, key: SecretScalar, points: Sequence[bytes]) -> list[bytes]:
    """BlindEvaluate with the whole key, without a proof: what a quorum's sum must equal."""
    if key.value == 0:
        raise LocalError(ErrorCode.BAD_SCALAR, "key is zero")
    return [group.multiply(key.value, point) for point in points]


def finalise(
    group: Group,
    inputs: Sequence[bytes],
    blinds: Sequence[SecretScalar],
    evaluated: Sequence[bytes],
) -> list[bytes]:
    """Finalize (RFC 9497 §3.3.1) a batch whose proofs were verified: 64 bytes an input.

    Raises RemoteError where the answers are not as many as the inputs, or not elements.
    """
    _require_blinds(inputs, blinds)
    if len(evaluated) != len(inputs):
        raise RemoteError(ErrorCode.MALFORMED, "there are not as many answers as inputs")
    if IDENTITY in evaluated:
        raise RemoteError(ErrorCode.BAD_POINT, "an answer is the identity")
    inverses = invert_all([factor.value for factor in blinds])
    outputs = []
    for data, inverse, element in zip(inputs, inverses, evaluated, strict=True):
        unblinded = group.multiply(inverse, element)
        outputs.append(hashlib.sha512(length_prefixed(data, unblinded) + b"Finalize").digest())
    return outputs


def invert_all(values: Sequence[int]) -> list[int]:
    """Invert non-zero scalars with one modular inversion (Montgomery's trick)."""
    prefixes, product = [], 1
    for value in values:
        prefixes.append(product)
        product = product * value % ORDER
    if product == 0:
        raise LocalError(ErrorCode.BAD_SCALAR, "zero has no inverse")
    running, inverses = pow(product, -1, ORDER), []
    for prefix, value in zip(reversed(prefixes), reversed(values), strict=True):
        inverses.append(running * prefix % ORDER)
        running = running * value % ORDER
    inverses.reverse()
    return inverses


def _require_blinds(inputs: Sequence[bytes], blinds: Sequence[SecretScalar]) -> None:
    if len(inputs) != len(blinds):
        raise LocalError(ErrorCode.MALFORMED, "there are not as many blinds as inputs")
    if any(factor.value == 0 for factor in blinds):
        raise LocalError(ErrorCode.BAD_SCALAR, "a blind is zero")
