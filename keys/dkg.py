"""Distributed key generation (DKG): specs/03-tokens.md §6, Feldman's verifiable sharing, summed.

Each key holder deals a random polynomial to the others; the key is the sum of the constant terms
and is never in one place. Dealt shares come out as values: sealing them to the other key holders,
and signing the transcript (keys.transcript), is the caller's. Not trusted with: inventing
randomness, or choosing who the key holders are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keys.dleq import Proof, hedged_nonce
from keys.group import IDENTITY, ORDER, Group, RandomBytes, SecretScalar, random_scalar
from keys.oprf import hash_to_scalar
from keys.threshold import MAX_HOLDERS, KeyShare
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.tokens import length_prefixed

MIN_THRESHOLD = 2
MAX_EPOCH = 2**40

_LABEL = b"patchwork.birth.v1"
_HEX16 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What all key holders agree on before they deal. LocalError for terms that make no sense."""

    charter_id: str
    epoch: int
    holders: int
    threshold: int

    def __post_init__(self) -> None:
        """Check the terms."""
        if not _HEX16.fullmatch(self.charter_id):
            raise LocalError(ErrorCode.MALFORMED, "charter id is not 32 lower-case hex digits")
        if not 0 <= self.epoch <= MAX_EPOCH:
            raise LocalError(ErrorCode.MALFORMED, "epoch is not between 0 and 2^40")
        if not MIN_THRESHOLD <= self.threshold <= self.holders <= MAX_HOLDERS:
            raise LocalError(ErrorCode.MALFORMED, f"not 2 <= threshold <= holders <= {MAX_HOLDERS}")

    @property
    def indices(self) -> range:
        """The key holders' numbers, from 1."""
        return range(1, self.holders + 1)


@dataclass(frozen=True, slots=True)
class Deal:
    """What one dealer tells everybody: its polynomial in the exponent, lowest term first."""

    index: int
    commitments: tuple[bytes, ...]
    proof: Proof


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What is public about a generated key: the key and each key holder's commitment K_j."""

    public_key: bytes
    commitments: tuple[bytes, ...]

    def commitment(self, index: int) -> bytes:
        """K_j of the key holder with this number."""
        if not 1 <= index <= len(self.commitments):
            raise LocalError(ErrorCode.MALFORMED, f"there is no key holder {index}")
        return self.commitments[index - 1]


def deal(
    group: Group, ceremony: Ceremony, index: int, rand: RandomBytes
) -> tuple[Deal, dict[int, SecretScalar]]:
    """Deal a fresh polynomial: the public part, and a secret share by each key holder's number.

    The dealer keeps the share under its own number. Nothing else of the polynomial survives.
    """
    if index not in ceremony.indices:
        raise LocalError(ErrorCode.MALFORMED, f"there is no key holder {index}")
    polynomial = [random_scalar(rand) for _ in range(ceremony.threshold)]
    commitments = tuple(group.multiply_base(term.value) for term in polynomial)
    statement = _statement(ceremony, index, commitments)
    nonce = hedged_nonce(polynomial[0], statement, rand)
    challenge = _challenge(statement, group.multiply_base(nonce.value))
    response = (nonce.value - challenge * polynomial[0].value) % ORDER
    shares = {at: SecretScalar(_evaluate(polynomial, at)) for at in ceremony.indices}
    return Deal(index, commitments, Proof(challenge, response)), shares


def verify_deal(group: Group, ceremony: Ceremony, dealt: Deal) -> None:
    """Check a dealer's public part. Raises RemoteError naming the dealer.

    BAD_SHARE for a wrong degree or an invalid commitment, BAD_PROOF for the proof of possession.
    """
    who = f"key holder {dealt.index}"
    if dealt.index not in ceremony.indices:
        raise RemoteError(ErrorCode.BAD_SHARE, f"{who} is not one of {ceremony.holders}")
    if len(dealt.commitments) != ceremony.threshold:
        raise RemoteError(ErrorCode.BAD_SHARE, f"{who} dealt a polynomial of the wrong degree")
    if not all(group.is_valid(commitment) for commitment in dealt.commitments):
        raise RemoteError(ErrorCode.BAD_SHARE, f"{who} made a commitment that is not valid")
    proof = dealt.proof
    revealed = group.add(
        group.multiply_base(proof.response),
        group.multiply(proof.challenge, dealt.commitments[0]),
    )
    statement = _statement(ceremony, dealt.index, dealt.commitments)
    if _challenge(statement, revealed) != proof.challenge:
        raise RemoteError(ErrorCode.BAD_PROOF, f"{who} does not prove that it knows its secret")


def verify_share(group: Group, dealt: Deal, receiver: int, share: SecretScalar) -> None:
    """Check a share that `receiver` got. Raises RemoteError(BAD_SHARE) naming the dealer."""
    if group.multiply_base(share.value) != _in_exponent(group, dealt.commitments, receiver):
        detail = f"key holder {dealt.index} dealt key holder {receiver} a wrong share"
        raise RemoteError(ErrorCode.BAD_SHARE, detail)


def group_key(group: Group, ceremony: Ceremony, deals: Sequence[Deal]) -> GroupKey:
    """Add up everybody's deal, after checking each: the same result for whoever does it.

    Raises RemoteError for a dealer that is missing, deals twice or fails `verify_deal`.
    """
    _require_each_once(ceremony, [dealt.index for dealt in deals])
    for dealt in deals:
        verify_deal(group, ceremony, dealt)
    summed = list(deals[0].commitments)
    for dealt in deals[1:]:
        summed = [group.add(*pair) for pair in zip(summed, dealt.commitments, strict=True)]
    commitments = tuple(_in_exponent(group, summed, at) for at in ceremony.indices)
    if IDENTITY in (*summed, *commitments):
        raise RemoteError(ErrorCode.BAD_SHARE, "the deals cancel out: run the ceremony again")
    return GroupKey(summed[0], commitments)


def assemble(
    group: Group,
    ceremony: Ceremony,
    index: int,
    deals: Sequence[Deal],
    shares: Mapping[int, SecretScalar],
) -> tuple[KeyShare, GroupKey]:
    """Make key holder `index`'s share of the key from everybody's deals and the shares dealt to it.

    `shares` is keyed by dealer, our own among them. Checks everything again and raises
    RemoteError naming the key holder at fault.
    """
    if index not in ceremony.indices:
        raise LocalError(ErrorCode.MALFORMED, f"there is no key holder {index}")
    key = group_key(group, ceremony, deals)
    _require_each_once(ceremony, list(shares))
    for dealt in deals:
        verify_share(group, dealt, index, shares[dealt.index])
    secret = sum(share.value for share in shares.values()) % ORDER
    return KeyShare(index, SecretScalar(secret)), key


def _require_each_once(ceremony: Ceremony, dealers: Sequence[int]) -> None:
    for index in ceremony.indices:
        if dealers.count(index) != 1:
            fault = "dealt more than once" if index in dealers else "did not deal"
            raise RemoteError(ErrorCode.BAD_SHARE, f"key holder {index} {fault}")
    if len(dealers) != ceremony.holders:
        raise RemoteError(ErrorCode.BAD_SHARE, "a deal comes from somebody who is not a key holder")


def _evaluate(polynomial: Sequence[SecretScalar], at: int) -> int:
    value = 0
    for term in reversed(polynomial):
        value = (value * at + term.value) % ORDER
    return value


def _in_exponent(group: Group, commitments: Sequence[bytes], at: int) -> bytes:
    total = IDENTITY
    for commitment in reversed(commitments):
        total = group.add(group.multiply(at, total), commitment)
    return total


def _statement(ceremony: Ceremony, index: int, commitments: Sequence[bytes]) -> bytes:
    numbers = (ceremony.epoch, index, ceremony.holders, ceremony.threshold)
    terms = [str(number).encode() for number in numbers]
    return length_prefixed(_LABEL, ceremony.charter_id.encode(), *terms, *commitments)


def _challenge(statement: bytes, revealed: bytes) -> int:
    return hash_to_scalar(statement + length_prefixed(revealed), b"HashToScalar-" + _LABEL)
