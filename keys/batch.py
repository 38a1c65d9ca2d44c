"""A batch of group elements on the wire: specs/03-tokens.md §5.

Elements are laid end to end, 32 bytes each, 1 to 65,535 of them, all different and none of them
the identity: every blind is fresh, so a repeated point betrays a broken random source. Canonical
encoding is checked by the arithmetic itself, which decodes each point anyway. Not trusted with:
who may ask and how often; that is the key holder's meter.
"""

from collections.abc import Sequence

from keys.group import ELEMENT_BYTES, IDENTITY
from protocol.errors import ErrorCode, LocalError, RemoteError

MAX_BATCH = 65_535


def pack_points(points: Sequence[bytes]) -> bytes:
    """Lay elements end to end. Raises LocalError for a batch that breaks a rule above."""
    require_points(points)
    return b"".join(points)


def unpack_points(data: bytes, limit: int = MAX_BATCH) -> list[bytes]:
    """Split a batch of at most `limit` elements. Raises RemoteError and nothing else."""
    if len(data) > limit * ELEMENT_BYTES:
        raise RemoteError(ErrorCode.TOO_LARGE, f"batch is over {limit} points")
    if len(data) % ELEMENT_BYTES:
        raise RemoteError(ErrorCode.MALFORMED, "batch is not a whole number of points")
    points = [data[at : at + ELEMENT_BYTES] for at in range(0, len(data), ELEMENT_BYTES)]
    verify_points(points)
    return points


def require_points(points: Sequence[bytes]) -> None:
    """Check the rules of a batch of our own. Raises LocalError."""
    fault = _fault(points)
    if fault:
        raise LocalError(*fault)


def verify_points(points: Sequence[bytes]) -> None:
    """Check the rules of a batch that came from outside. Raises RemoteError."""
    fault = _fault(points)
    if fault:
        raise RemoteError(*fault)


def _fault(points: Sequence[bytes]) -> tuple[ErrorCode, str] | None:
    if not points:
        return ErrorCode.MALFORMED, "batch is empty"
    if len(points) > MAX_BATCH:
        return ErrorCode.TOO_LARGE, f"batch is over {MAX_BATCH} points"
    for number, point in enumerate(points):
        if len(point) != ELEMENT_BYTES or point == IDENTITY:
            return ErrorCode.BAD_POINT, f"point {number} is the identity or not 32 bytes"
    if len(set(points)) != len(points):
        return ErrorCode.MALFORMED, "batch holds the same point twice"
    return None
