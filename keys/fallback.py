"""ristretto255 where the system has no libsodium: RFC 9496 over PyNaCl's edwards25519.

The codec and the additions are Python integers; multiplication by a secret goes through PyNaCl's
constant-time edwards25519, which wants a point of the prime-order subgroup: [s]P = [s/8]([8]P).
About nine times slower than keys.sodium, and the same bytes. Not trusted with: constant time in
decoding, encoding and adding, whose operands are public or blinded (specs/03-tokens.md §8).
"""

from typing import NamedTuple

from nacl import bindings

from keys.group import ELEMENT_BYTES, IDENTITY, ORDER, UNIFORM_BYTES, Group, scalar_bytes
from protocol.errors import ErrorCode, LocalError, RemoteError

_P = 2**255 - 19
_LOW_255 = 2**255 - 1
_EIGHTH = pow(8, -1, ORDER)
# The constants of RFC 9496 §4.1, under its names.
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_M1 = pow(2, (_P - 1) // 4, _P)
_SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
_INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578
_ONE_MINUS_D_SQ = (1 - _D * _D) % _P
_D_MINUS_ONE_SQ = (_D - 1) ** 2 % _P


class _Point(NamedTuple):
    """An edwards25519 point in extended coordinates: x = X/Z, y = Y/Z, T = XY/Z."""

    x: int
    y: int
    z: int
    t: int


class FallbackGroup(Group):
    """keys.group.Group by PyNaCl and Python integers."""

    name = "fallback"

    def from_hash(self, uniform: bytes) -> bytes:
        """See Group."""
        if len(uniform) != UNIFORM_BYTES:
            raise LocalError(ErrorCode.BAD_POINT, "uniform input is not 64 bytes")
        halves = (uniform[:32], uniform[32:])
        left, right = (_map(int.from_bytes(half, "little") & _LOW_255) for half in halves)
        return _encode(_add(left, right))

    def add(self, left: bytes, right: bytes) -> bytes:
        """See Group."""
        return _encode(_add(_decode(left), _decode(right)))

    def subtract(self, left: bytes, right: bytes) -> bytes:
        """See Group."""
        x, y, z, t = _decode(right)
        return _encode(_add(_decode(left), _Point(-x, y, z, -t)))

    def multiply(self, scalar: int, element: bytes) -> bytes:
        """See Group."""
        scalar_bytes(scalar)
        point = _decode(element)
        if scalar == 0 or element == IDENTITY:
            return IDENTITY
        for _ in range(3):
            point = _add(point, point)
        factor = scalar_bytes(scalar * _EIGHTH % ORDER)
        result = bindings.crypto_scalarmult_ed25519_noclamp(factor, _compress(point))
        return _encode(_decompress(result))

    def multiply_base(self, scalar: int) -> bytes:
        """See Group."""
        factor = scalar_bytes(scalar)
        if scalar == 0:
            return IDENTITY
        return _encode(_decompress(bindings.crypto_scalarmult_ed25519_base_noclamp(factor)))

    def is_valid(self, element: bytes) -> bool:
        """See Group."""
        try:
            _decode(element)
        except RemoteError:
            return False
        return element != IDENTITY


def _absolute(value: int) -> int:
    value %= _P
    return _P - value if value & 1 else value


def _sqrt_ratio(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1 of RFC 9496 §4.2: whether u/v is a square, and the non-negative root."""
    v3 = v * v * v % _P
    root = u * v3 * pow(u * v3 * v3 * v, (_P - 5) // 8, _P) % _P
    check = v * root * root % _P
    minus_u = -u % _P
    if check in {minus_u, minus_u * _SQRT_M1 % _P}:
        root = root * _SQRT_M1
    return check in {u % _P, minus_u}, _absolute(root)


def _decode(data: bytes) -> _Point:
    s = int.from_bytes(data, "little")
    if len(data) != ELEMENT_BYTES or s >= _P or s & 1:
        raise RemoteError(ErrorCode.BAD_POINT, "element is not a canonical encoding")
    square = s * s % _P
    u1, u2 = 1 - square, 1 + square
    u2_square = u2 * u2 % _P
    v = (-_D * u1 * u1 - u2_square) % _P
    was_square, inverse_root = _sqrt_ratio(1, v * u2_square % _P)
    den_x = inverse_root * u2 % _P
    x = _absolute(2 * s * den_x)
    y = u1 * inverse_root * den_x * v % _P
    t = x * y % _P
    if not was_square or t & 1 or y == 0:
        raise RemoteError(ErrorCode.BAD_POINT, "element is not a canonical encoding")
    return _Point(x, y, 1, t)


def _encode(point: _Point) -> bytes:
    x, y, z, t = point
    u1 = (z + y) * (z - y) % _P
    u2 = x * y % _P
    _, inverse_root = _sqrt_ratio(1, u1 * u2 * u2 % _P)
    den1, den2 = inverse_root * u1 % _P, inverse_root * u2 % _P
    z_inverse = den1 * den2 * t % _P
    if (t * z_inverse % _P) & 1:
        x, y, den2 = y * _SQRT_M1, x * _SQRT_M1, den1 * _INVSQRT_A_MINUS_D
    if (x * z_inverse % _P) & 1:
        y = -y
    return _absolute(den2 * (z - y)).to_bytes(ELEMENT_BYTES, "little")


def _map(t: int) -> _Point:
    """MAP of RFC 9496 §4.3.4: a field element to a point (Elligator 2)."""
    r = _SQRT_M1 * t * t % _P
    u = (r + 1) * _ONE_MINUS_D_SQ % _P
    v = (-1 - r * _D) * (r + _D) % _P
    was_square, s = _sqrt_ratio(u, v)
    c = -1
    if not was_square:
        s, c = -_absolute(s * t), r
    n = c * (r - 1) * _D_MINUS_ONE_SQ - v
    w0, w1 = 2 * s * v % _P, n * _SQRT_AD_MINUS_ONE % _P
    w2, w3 = 1 - s * s, 1 + s * s
    return _Point(w0 * w3 % _P, w2 * w1 % _P, w1 * w3 % _P, w0 * w2 % _P)


def _add(left: _Point, right: _Point) -> _Point:
    """The complete addition of RFC 8032 §5.1.4: it doubles as well."""
    a = (left.y - left.x) * (right.y - right.x) % _P
    b = (left.y + left.x) * (right.y + right.x) % _P
    c = 2 * _D * left.t * right.t % _P
    d = 2 * left.z * right.z % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return _Point(e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _compress(point: _Point) -> bytes:
    z_inverse = pow(point.z, -1, _P)
    x, y = point.x * z_inverse % _P, point.y * z_inverse % _P
    return (y | (x & 1) << 255).to_bytes(ELEMENT_BYTES, "little")


def _decompress(data: bytes) -> _Point:
    packed = int.from_bytes(data, "little")
    y = packed & _LOW_255
    _, x = _sqrt_ratio((y * y - 1) % _P, (_D * y * y + 1) % _P)
    if packed >> 255:
        x = _P - x
    return _Point(x, y, 1, x * y % _P)
