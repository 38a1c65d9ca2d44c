"""The group the token key lives in: ristretto255 (RFC 9496), specs/03-tokens.md §3.

Elements are their 32-byte encodings; scalars are integers below ORDER, and a secret one travels
inside SecretScalar, whose repr is empty. Two implementations give the same bytes: keys.sodium
(fast) and keys.fallback; keys.groups chooses. Not trusted with: constant time. Python's integers
leak by timing to whoever shares the machine; the elliptic-curve steps themselves are constant-time
in libsodium.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from protocol.errors import ErrorCode, LocalError, RemoteError

RandomBytes = Callable[[int], bytes]

ORDER = 2**252 + 27742317777372353535851937790883648493
ELEMENT_BYTES = 32
SCALAR_BYTES = 32
UNIFORM_BYTES = 64
IDENTITY = bytes(ELEMENT_BYTES)
WRONG_LENGTH = "the random source gave a wrong length"


class Group(Protocol):
    """What both implementations promise.

    An element that is not a canonical encoding raises RemoteError(BAD_POINT): such bytes can only
    come from outside. A scalar outside 0..ORDER-1 raises LocalError(BAD_SCALAR). The identity is
    allowed inside sums and refused by `is_valid` and `parse_element`.
    """

    name: str

    def from_hash(self, uniform: bytes) -> bytes:
        """Map 64 uniform bytes to an element (RFC 9496 §4.3.4)."""
        ...

    def add(self, left: bytes, right: bytes) -> bytes:
        """The sum of two elements."""
        ...

    def subtract(self, left: bytes, right: bytes) -> bytes:
        """The difference of two elements."""
        ...

    def multiply(self, scalar: int, element: bytes) -> bytes:
        """The element, scalar times; the identity where the scalar is zero."""
        ...

    def multiply_base(self, scalar: int) -> bytes:
        """The generator, scalar times."""
        ...

    def weighted_sum(self, weights: Sequence[int], elements: Sequence[bytes]) -> bytes:
        """The sum of elements, each as many times as its weight says: public ones alone, the time
        it takes may depend on them.
        """
        total = IDENTITY
        for weight, element in zip(weights, elements, strict=True):
            total = self.add(total, self.multiply(weight, element))
        return total

    def is_valid(self, element: bytes) -> bool:
        """Whether these are the 32 canonical bytes of an element other than the identity."""
        ...


@dataclass(frozen=True, slots=True)
class SecretScalar:
    """A scalar nobody may print: a key share, a blind, a proof's nonce. Zero is allowed here."""

    value: int = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a value outside 0..ORDER-1 (LocalError)."""
        scalar_bytes(self.value)

    def to_bytes(self) -> bytes:
        """The 32 little-endian bytes, for sealing."""
        return scalar_bytes(self.value)


def scalar_bytes(value: int) -> bytes:
    """Encode a scalar in 32 little-endian bytes. Raises LocalError outside 0..ORDER-1."""
    if not 0 <= value < ORDER:
        raise LocalError(ErrorCode.BAD_SCALAR, "scalar is outside the group order")
    return value.to_bytes(SCALAR_BYTES, "little")


def parse_scalar(data: bytes) -> int:
    """Decode a scalar from outside. Raises RemoteError(BAD_SCALAR) unless 32 bytes below ORDER."""
    value = int.from_bytes(data, "little")
    if len(data) != SCALAR_BYTES or value >= ORDER:
        raise RemoteError(ErrorCode.BAD_SCALAR, "scalar is not 32 bytes below the group order")
    return value


def parse_element(group: Group, data: bytes) -> bytes:
    """Check an element from outside. Raises RemoteError(BAD_POINT); the identity is refused."""
    if not group.is_valid(data):
        raise RemoteError(ErrorCode.BAD_POINT, "element is not canonical, or is the identity")
    return data


def random_scalar(rand: RandomBytes) -> SecretScalar:
    """Draw a scalar from 1..ORDER-1 by reducing 64 random bytes (RFC 9497 §4.7.2)."""
    value = 0
    while value == 0:
        data = rand(UNIFORM_BYTES)
        if len(data) != UNIFORM_BYTES:
            raise LocalError(ErrorCode.BAD_SCALAR, WRONG_LENGTH)
        value = int.from_bytes(data, "little") % ORDER
    return SecretScalar(value)


def uniform_scalars(uniform: bytes) -> list[SecretScalar]:
    """The scalars that random bytes give, one for each 64 of them, as `random_scalar` makes them;
    zero is left in, for whoever may not have it to refuse. Raises LocalError for a part of 64.
    """
    if len(uniform) % UNIFORM_BYTES:
        raise LocalError(ErrorCode.BAD_SCALAR, WRONG_LENGTH)
    starts = range(0, len(uniform), UNIFORM_BYTES)
    values = (int.from_bytes(uniform[at : at + UNIFORM_BYTES], "little") % ORDER for at in starts)
    return [SecretScalar(value) for value in values]
