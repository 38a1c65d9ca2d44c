"""The batched proof that one key evaluated every point: RFC 9497 §2.2, specs/03-tokens.md §5.

The generator is always the group's own and the mode byte is always 1. Not trusted with: its
nonce, which is handed in; a nonce used for two different batches gives the key away, so key
holders draw it with `hedged_nonce`.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from keys.batch import MAX_BATCH
from keys.group import (
    IDENTITY,
    ORDER,
    SCALAR_BYTES,
    Group,
    RandomBytes,
    SecretScalar,
    parse_scalar,
    scalar_bytes,
)
from keys.oprf import Mode, context_string, hash_to_scalar
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.tokens import length_prefixed

PROOF_BYTES = 2 * SCALAR_BYTES

_CONTEXT = context_string(Mode.VOPRF)
_NONCE_LABEL = b"patchwork.nonce.v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """A challenge and a response: c || s, 64 bytes on the wire. Both are public."""

    challenge: int
    response: int

    def to_bytes(self) -> bytes:
        """The 64 bytes of the wire."""
        return scalar_bytes(self.challenge) + scalar_bytes(self.response)


def parse_proof(data: bytes) -> Proof:
    """Decode 64 bytes. Raises RemoteError: MALFORMED for the length, BAD_SCALAR for a scalar."""
    if len(data) != PROOF_BYTES:
        raise RemoteError(ErrorCode.MALFORMED, "proof is not 64 bytes")
    return Proof(parse_scalar(data[:SCALAR_BYTES]), parse_scalar(data[SCALAR_BYTES:]))


def prove(
    group: Group,
    key: SecretScalar,
    points: Sequence[bytes],
    evaluated: Sequence[bytes],
    nonce: SecretScalar,
) -> Proof:
    """GenerateProof: every element of `evaluated` is `key` times its point."""
    _require_pairs(points, evaluated)
    if 0 in (key.value, nonce.value):
        raise LocalError(ErrorCode.BAD_SCALAR, "key or nonce is zero")
    public = group.multiply_base(key.value)
    weighted = group.weighted_sum(_weights(public, points, evaluated), points)
    statement = (public, weighted, group.multiply(key.value, weighted))
    first, second = group.multiply_base(nonce.value), group.multiply(nonce.value, weighted)
    challenge = _challenge(statement, first, second)
    return Proof(challenge, (nonce.value - challenge * key.value) % ORDER)


def verify_proof(
    group: Group,
    public: bytes,
    points: Sequence[bytes],
    evaluated: Sequence[bytes],
    proof: Proof,
) -> None:
    """VerifyProof. Raises RemoteError: BAD_PROOF, or BAD_POINT for what is not an element."""
    try:
        _require_pairs(points, evaluated)
    except LocalError as error:
        raise RemoteError(error.code, error.detail) from error
    if public == IDENTITY:
        raise RemoteError(ErrorCode.BAD_POINT, "public commitment is the identity")
    weights = _weights(public, points, evaluated)
    weighted, result = (group.weighted_sum(weights, items) for items in (points, evaluated))
    first = group.add(group.multiply_base(proof.response), group.multiply(proof.challenge, public))
    second = group.add(
        group.multiply(proof.response, weighted), group.multiply(proof.challenge, result)
    )
    if _challenge((public, weighted, result), first, second) != proof.challenge:
        raise RemoteError(ErrorCode.BAD_PROOF, "the proof is not valid for this batch")


def hedged_nonce(secret: SecretScalar, statement: bytes, rand: RandomBytes) -> SecretScalar:
    """Draw a proof's nonce from fresh randomness, the secret and the statement together.

    A machine restored from a snapshot repeats its random bytes: then the same statement gets the
    same proof and another one another nonce, so the secret stays secret.
    """
    data = length_prefixed(_NONCE_LABEL, rand(32), hashlib.sha512(statement).digest())
    digest = hmac.digest(secret.to_bytes(), data, "sha512")
    return SecretScalar(int.from_bytes(digest, "little") % ORDER)


def _weights(public: bytes, points: Sequence[bytes], evaluated: Sequence[bytes]) -> list[int]:
    """The d_i of ComputeComposites, one 64-byte hash a pair."""
    seed = hashlib.sha512(length_prefixed(public, b"Seed-" + _CONTEXT)).digest()
    dst = b"HashToScalar-" + _CONTEXT
    return [
        hash_to_scalar(
            length_prefixed(seed)
            + number.to_bytes(2, "big")
            + length_prefixed(point, element)
            + b"Composite",
            dst,
        )
        for number, (point, element) in enumerate(zip(points, evaluated, strict=True))
    ]


def _challenge(statement: tuple[bytes, bytes, bytes], first: bytes, second: bytes) -> int:
    transcript = length_prefixed(*statement, first, second) + b"Challenge"
    return hash_to_scalar(transcript, b"HashToScalar-" + _CONTEXT)


def _require_pairs(points: Sequence[bytes], evaluated: Sequence[bytes]) -> None:
    if len(points) != len(evaluated):
        raise LocalError(ErrorCode.MALFORMED, "there are not as many elements as points")
    if not 1 <= len(points) <= MAX_BATCH:
        raise LocalError(ErrorCode.TOO_LARGE, f"batch does not hold 1 to {MAX_BATCH} points")
