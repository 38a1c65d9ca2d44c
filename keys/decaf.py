"""Sums of many weighted elements by the system's libdecaf: for the proofs, where it is installed.

A sum of n elements under weights of 253 bits by Pippenger's buckets takes some 40 additions an
element where n is large, in place of a multiplication. libsodium adds encoded elements alone, at a
square root each; libdecaf (1.0) has ristretto255 with points in memory. Everything here is public:
points, answers and weights of a proof (specs/03-tokens.md §5), so time may depend on it.
"""

import ctypes
from collections.abc import Sequence

from keys.group import ELEMENT_BYTES, IDENTITY, scalar_bytes
from keys.sodium import SodiumGroup, load_sodium
from protocol.errors import ErrorCode, LocalError, RemoteError

LIBRARY_NAME = "libdecaf.so.0"
FEW = 160
"""Elements up to which multiplying them costs less."""

_POINT_BYTES = 256  # decaf_255_point_s: four field elements of 320 bits, each aligned to 32 bytes
_ALIGNED = 64
_SUCCESS, _YES = -1, 2**64 - 1
_DIGITS = range(256)


class DecafGroup(SodiumGroup):
    """SodiumGroup with faster sums. Raises LocalError where libdecaf lacks a function."""

    name = "libsodium with libdecaf"

    def __init__(self, sodium: ctypes.CDLL, decaf: ctypes.PyDLL) -> None:
        super().__init__(sodium)
        try:
            self._point_add = decaf.decaf_255_point_add
            self._decode, self._encode = decaf.decaf_255_point_decode, decaf.decaf_255_point_encode
        except AttributeError as error:
            raise LocalError(ErrorCode.NOT_READY, "libdecaf has no ristretto255") from error
        self._point_add.argtypes, self._point_add.restype = [ctypes.c_void_p] * 3, None
        self._decode.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64]
        self._decode.restype = ctypes.c_int
        self._encode.argtypes, self._encode.restype = [ctypes.c_char_p, ctypes.c_void_p], None

    def weighted_sum(self, weights: Sequence[int], elements: Sequence[bytes]) -> bytes:
        """See Group."""
        if len(elements) <= FEW:
            return super().weighted_sum(weights, elements)
        add, points = self._point_add, _Points(len(elements))
        for place, element in zip(points.places, elements, strict=True):
            self._load(place, element)
        columns = zip(*map(scalar_bytes, weights), strict=True)
        buckets, sums = _Points(len(_DIGITS)), _Points(2)
        total, running = sums.places
        self._load(total, IDENTITY)
        nothing = ctypes.string_at(total, _POINT_BYTES)
        for digits in reversed(list(columns)):
            for _ in range(8):
                add(total, total, total)
            ctypes.memmove(buckets.places[0], nothing * len(_DIGITS), len(_DIGITS) * _POINT_BYTES)
            ctypes.memmove(running, nothing, _POINT_BYTES)
            for digit, place in zip(digits, points.places, strict=True):
                bucket = buckets.places[digit]
                add(bucket, bucket, place)
            for bucket in reversed(buckets.places[1:]):
                add(running, running, bucket)
                add(total, total, running)
        out = ctypes.create_string_buffer(ELEMENT_BYTES)
        self._encode(out, total)
        return out.raw

    def _load(self, place: int, element: bytes) -> None:
        if len(element) != ELEMENT_BYTES or self._decode(place, element, _YES) != _SUCCESS:
            raise RemoteError(ErrorCode.BAD_POINT, "element is not a canonical encoding")


class _Points:
    """Room for so many points of libdecaf, side by side: the addresses where they begin."""

    def __init__(self, count: int) -> None:
        self._room = ctypes.create_string_buffer(count * _POINT_BYTES + _ALIGNED)
        start = -(-ctypes.addressof(self._room) // _ALIGNED) * _ALIGNED
        self.places = [start + number * _POINT_BYTES for number in range(count)]


def load_decaf() -> DecafGroup:
    """Both libraries. Raises LocalError(NOT_READY) if one of them is not there."""
    sodium = load_sodium()
    try:
        # Additions are short: the interpreter's lock is kept, there would be nothing but waiting.
        return DecafGroup(sodium.library, ctypes.PyDLL(LIBRARY_NAME))
    except OSError as error:
        raise LocalError(ErrorCode.NOT_READY, "libdecaf is not installed") from error
