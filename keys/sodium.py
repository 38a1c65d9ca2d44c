"""ristretto255 by the system's libsodium through ctypes: the fast path, specs/03-tokens.md §8.

It binds only functions that return a status and closes libsodium's traps: it accepts the identity
as a valid point, ignores an element's top bit (1.0.18), takes scalars of any size, answers -1 for
a bad point and for an identity result alike, and reads 32 bytes whatever it is handed. Its scalar
functions return nothing, so they are not bound: scalars are Python integers. Not trusted with: the
choice of library beyond a fixed list of names. ctypes releases the interpreter lock in a call.
"""

import ctypes

from keys.group import ELEMENT_BYTES, IDENTITY, UNIFORM_BYTES, Group, scalar_bytes
from protocol.errors import ErrorCode, LocalError, RemoteError

LIBRARY_NAMES = ("libsodium.so.23", "libsodium.so.26", "libsodium.dylib")

_PREFIX = "crypto_core_ristretto255_"
_MULTIPLY = "crypto_scalarmult_ristretto255"
# Each function with its number of byte-string arguments; every one returns an int status.
STATUS_FUNCTIONS = {
    f"{_PREFIX}is_valid_point": 1,
    f"{_PREFIX}from_hash": 2,
    f"{_PREFIX}add": 3,
    f"{_PREFIX}sub": 3,
    _MULTIPLY: 3,
    f"{_MULTIPLY}_base": 2,
}


class SodiumGroup(Group):
    """keys.group.Group over a loaded libsodium. Raises LocalError where it lacks a function."""

    name = "libsodium"

    def __init__(self, library: ctypes.CDLL) -> None:
        try:
            for name, arguments in STATUS_FUNCTIONS.items():
                function = getattr(library, name)
                function.argtypes = [ctypes.c_char_p] * arguments
                function.restype = ctypes.c_int
            started = library.sodium_init()
        except AttributeError as error:
            raise LocalError(ErrorCode.NOT_READY, "libsodium has no ristretto255") from error
        if started < 0:
            raise LocalError(ErrorCode.NOT_READY, "libsodium does not start")
        self.library = library

    def from_hash(self, uniform: bytes) -> bytes:
        """See Group."""
        if len(uniform) != UNIFORM_BYTES:
            raise LocalError(ErrorCode.BAD_POINT, "uniform input is not 64 bytes")
        return self._call(f"{_PREFIX}from_hash", uniform)

    def add(self, left: bytes, right: bytes) -> bytes:
        """See Group."""
        return self._call(f"{_PREFIX}add", _sized(left), _sized(right))

    def subtract(self, left: bytes, right: bytes) -> bytes:
        """See Group."""
        return self._call(f"{_PREFIX}sub", _sized(left), _sized(right))

    def multiply(self, scalar: int, element: bytes) -> bytes:
        """See Group."""
        factor = scalar_bytes(scalar)
        # libsodium answers -1 for an identity result: settle those cases before asking it.
        if scalar == 0 or element == IDENTITY:
            if not self._decodes(element):
                raise RemoteError(ErrorCode.BAD_POINT, "element is not a canonical encoding")
            return IDENTITY
        return self._call(_MULTIPLY, factor, _sized(element))

    def multiply_base(self, scalar: int) -> bytes:
        """See Group."""
        factor = scalar_bytes(scalar)
        return IDENTITY if scalar == 0 else self._call(f"{_MULTIPLY}_base", factor)

    def is_valid(self, element: bytes) -> bool:
        """See Group."""
        return element != IDENTITY and self._decodes(element)

    def _decodes(self, element: bytes) -> bool:
        function = getattr(self.library, f"{_PREFIX}is_valid_point")
        return _is_sized(element) and function(element) == 1

    def _call(self, name: str, *arguments: bytes) -> bytes:
        out = ctypes.create_string_buffer(ELEMENT_BYTES)
        if getattr(self.library, name)(out, *arguments) != 0:
            raise RemoteError(ErrorCode.BAD_POINT, "element is not a canonical encoding")
        return out.raw


def load_sodium() -> SodiumGroup:
    """Load the first libsodium of LIBRARY_NAMES. Raises LocalError(NOT_READY) if none is there."""
    for name in LIBRARY_NAMES:
        try:
            return SodiumGroup(ctypes.CDLL(name))
        except OSError:
            continue
    raise LocalError(ErrorCode.NOT_READY, "libsodium is not installed")


def _is_sized(element: bytes) -> bool:
    # C reads 32 bytes from wherever the pointer leads: a short string would be read past its end.
    # libsodium 1.0.18 ignores the top bit, which would give every element a second encoding and
    # the identity one that no comparison with IDENTITY finds.
    return len(element) == ELEMENT_BYTES and element[-1] < 0x80


def _sized(element: bytes) -> bytes:
    if not _is_sized(element):
        raise RemoteError(ErrorCode.BAD_POINT, "element is not 255 bits in 32 bytes")
    return element
