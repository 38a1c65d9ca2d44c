"""Evaluation by a quorum of key holders: specs/03-tokens.md §4 and §5.

Each key holder applies its share times its Lagrange coefficient and proves it against its public
commitment; the node verifies every proof, so a cheat is named, and adds. The sum is what the
whole key would have given (RFC 9497 mode 1). Not trusted with: whether the quorum was agreed,
who asks, or how much; the key holder's daemon and the charter decide that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from keys.batch import require_points, verify_points
from keys.dleq import Proof, hedged_nonce, prove, verify_proof
from keys.group import ORDER, Group, RandomBytes, SecretScalar
from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, LocalError, RemoteError

MAX_HOLDERS = 16


@dataclass(frozen=True, slots=True)
class KeyShare:
    """One key holder's share of the token key. Key holders are numbered from 1."""

    index: int
    secret: SecretScalar = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quorum:
    """The key holders that evaluate one batch, ascending. Make it with `make_quorum`."""

    indices: tuple[int, ...]

    def coefficient(self, index: int) -> int:
        """Lagrange's coefficient of one key holder for the polynomial's value at zero."""
        if index not in self.indices:
            raise LocalError(ErrorCode.MALFORMED, f"key holder {index} is not in the quorum")
        numerator = denominator = 1
        for other in self.indices:
            if other != index:
                numerator = numerator * other % ORDER
                denominator = denominator * (other - index) % ORDER
        return numerator * pow(denominator, -1, ORDER) % ORDER


@dataclass(frozen=True, slots=True)
class PartialEvaluation:
    """One key holder's answer: an element a point, in the order of the points, and one proof."""

    index: int
    elements: tuple[bytes, ...]
    proof: Proof


def make_quorum(indices: Sequence[int], holders: int, threshold: int) -> Quorum:
    """The quorum of exactly `threshold` different key holders among 1..`holders`, or LocalError."""
    if not 1 <= threshold <= holders <= MAX_HOLDERS:
        raise LocalError(ErrorCode.MALFORMED, f"not 1 <= threshold <= holders <= {MAX_HOLDERS}")
    if len(indices) != threshold or len(set(indices)) != threshold:
        raise LocalError(ErrorCode.MALFORMED, f"quorum is not {threshold} different key holders")
    if not all(1 <= index <= holders for index in indices):
        raise LocalError(ErrorCode.MALFORMED, f"quorum names a key holder outside 1..{holders}")
    return Quorum(tuple(sorted(indices)))


def parse_quorum(value: JsonValue, holders: int, threshold: int) -> Quorum:
    """Read a quorum from a request: an ascending list of numbers. Raises RemoteError only."""
    if not isinstance(value, list) or not all(type(index) is int for index in value):
        raise RemoteError(ErrorCode.MALFORMED, "quorum is not a list of numbers")
    if value != sorted(value):
        raise RemoteError(ErrorCode.MALFORMED, "quorum is not in ascending order")
    try:
        return make_quorum(value, holders, threshold)
    except LocalError as error:
        raise RemoteError(error.code, error.detail) from error


def partial_evaluate(
    group: Group,
    share: KeyShare,
    quorum: Quorum,
    points: Sequence[bytes],
    rand: RandomBytes,
) -> PartialEvaluation:
    """Evaluate a batch with one share. Raises RemoteError(BAD_POINT) for points that are none."""
    verify_points(points)
    secret = SecretScalar(quorum.coefficient(share.index) * share.secret.value % ORDER)
    elements = tuple(group.multiply(secret.value, point) for point in points)
    nonce = hedged_nonce(secret, b"".join(points), rand)
    return PartialEvaluation(share.index, elements, prove(group, secret, points, elements, nonce))


def verify_partial(
    group: Group,
    commitment: bytes,
    quorum: Quorum,
    points: Sequence[bytes],
    partial: PartialEvaluation,
) -> None:
    """Check one key holder's answer against its commitment K_j of the transcript.

    Raises RemoteError(BAD_PROOF) whose detail names the key holder, whatever is wrong with the
    answer; LocalError where our own points are no batch, so that no key holder is blamed for it.
    """
    require_points(points)
    if partial.index not in quorum.indices:
        raise RemoteError(ErrorCode.BAD_PROOF, f"key holder {partial.index} is not in the quorum")
    public = group.multiply(quorum.coefficient(partial.index), commitment)
    try:
        verify_points(partial.elements)
        verify_proof(group, public, points, partial.elements, partial.proof)
    except RemoteError as error:
        detail = f"key holder {partial.index}: {error.detail}"
        raise RemoteError(ErrorCode.BAD_PROOF, detail) from error


def combine(group: Group, quorum: Quorum, partials: Sequence[PartialEvaluation]) -> list[bytes]:
    """Add up one verified answer of each key holder of the quorum, element by element."""
    if sorted(partial.index for partial in partials) != list(quorum.indices):
        raise LocalError(ErrorCode.NOT_READY, "there is not one answer from each key holder")
    if len({len(partial.elements) for partial in partials}) != 1:
        raise LocalError(ErrorCode.MALFORMED, "answers differ in length: verify them first")
    totals = list(partials[0].elements)
    for partial in partials[1:]:
        totals = [group.add(*pair) for pair in zip(totals, partial.elements, strict=True)]
    return totals
