"""Sums by libdecaf: the same bytes as libsodium's, and the same refusals."""

import random

import pytest

import keys.decaf
import keys.sodium
from keys.decaf import FEW, load_decaf
from keys.dleq import Proof, prove, verify_proof
from keys.fallback import FallbackGroup
from keys.group import IDENTITY, ORDER, Group, SecretScalar
from keys.groups import default_group
from keys.sodium import load_sodium
from protocol.errors import ErrorCode, LocalError, RemoteError

DECAF, SODIUM = load_decaf(), load_sodium()
MANY = FEW + 1
DRAW = random.Random(5)  # noqa: S311 - the same each time
FACTORS = [DRAW.randrange(1, ORDER) for _ in range(MANY)]
ELEMENTS = [SODIUM.multiply_base(factor) for factor in FACTORS]
WEIGHTS = [DRAW.randrange(ORDER) for _ in range(MANY)]
NONCE = SecretScalar(37**40)
# None is an element: not canonical, a negative root, the top bit set, no square, too short, long.
BAD = [
    b"\x01" + bytes(31),
    b"\xec" + b"\xff" * 30 + b"\x7f",
    ELEMENTS[0][:31] + bytes([ELEMENTS[0][31] | 0x80]),
    b"\x26" + bytes(31),
    ELEMENTS[0][:31],
    ELEMENTS[0] + b"\x00",
]


def expected(weights: list[int], factors: list[int]) -> bytes:
    return SODIUM.multiply_base(sum(w * f for w, f in zip(weights, factors, strict=True)) % ORDER)


@pytest.mark.parametrize("number", [1, FEW, MANY])
def test_a_sum_is_the_generator_times_the_sum_of_products(number: int) -> None:
    weights, factors = WEIGHTS[:number], FACTORS[:number]
    assert DECAF.weighted_sum(weights, ELEMENTS[:number]) == expected(weights, factors)


@pytest.mark.parametrize("weight", [0, 1, 255, 256, 2**248, ORDER - 1])
def test_weights_that_are_all_the_same(weight: int) -> None:
    weights = [weight] * MANY
    assert DECAF.weighted_sum(weights, ELEMENTS) == expected(weights, FACTORS)


def test_one_element_many_times_and_the_identity_among_them() -> None:
    elements = [ELEMENTS[0], ELEMENTS[0], IDENTITY, *ELEMENTS[3:]]
    factors = [FACTORS[0], FACTORS[0], 0, *FACTORS[3:]]
    assert DECAF.weighted_sum(WEIGHTS, elements) == expected(WEIGHTS, factors)


def test_what_comes_to_nothing_is_the_identity() -> None:
    half = MANY // 2
    pairs = [*ELEMENTS[:half], *ELEMENTS[:half], IDENTITY]
    weights = [*WEIGHTS[:half], *((-w) % ORDER for w in WEIGHTS[:half]), 1]
    assert DECAF.weighted_sum(weights, pairs) == IDENTITY


@pytest.mark.parametrize("bad", BAD, ids=lambda item: item[:2].hex() + f"-{len(item)}")
@pytest.mark.parametrize("place", [0, MANY - 1])
@pytest.mark.parametrize("number", [FEW, MANY])
def test_what_is_no_element_is_refused_wherever_it_stands(
    bad: bytes, place: int, number: int
) -> None:
    elements = ELEMENTS[:number]
    elements[min(place, number - 1)] = bad
    with pytest.raises(RemoteError) as caught:
        DECAF.weighted_sum(WEIGHTS[:number], elements)
    assert caught.value.code is ErrorCode.BAD_POINT


@pytest.mark.parametrize("weight", [-1, ORDER])
def test_a_weight_outside_the_order_is_refused(weight: int) -> None:
    with pytest.raises(LocalError) as caught:
        DECAF.weighted_sum([weight, *WEIGHTS[1:]], ELEMENTS)
    assert caught.value.code is ErrorCode.BAD_SCALAR


@pytest.mark.parametrize(("prover", "verifier"), [(DECAF, SODIUM), (SODIUM, DECAF)])
def test_a_proof_by_one_is_verified_by_the_other(prover: Group, verifier: Group) -> None:
    key = SecretScalar(31**40)
    public = SODIUM.multiply_base(key.value)
    evaluated = [SODIUM.multiply(key.value, point) for point in ELEMENTS]
    proof = prove(prover, key, ELEMENTS, evaluated, NONCE)
    verify_proof(verifier, public, ELEMENTS, evaluated, proof)
    wrong = [*evaluated[:-1], SODIUM.add(evaluated[-1], ELEMENTS[0])]
    for answers, said in (
        (wrong, proof),
        (list(reversed(evaluated)), proof),
        (evaluated, Proof(proof.challenge, (proof.response + 1) % ORDER)),
    ):
        with pytest.raises(RemoteError) as caught:
            verify_proof(verifier, public, ELEMENTS, answers, said)
        assert caught.value.code is ErrorCode.BAD_PROOF


def test_the_fastest_that_the_system_has_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_group.__wrapped__().name == "libsodium with libdecaf"
    monkeypatch.setattr(keys.decaf, "LIBRARY_NAME", "libnone.so")
    assert default_group.__wrapped__().name == "libsodium"
    monkeypatch.setattr(keys.sodium, "LIBRARY_NAMES", ("libnone.so",))
    assert isinstance(default_group.__wrapped__(), FallbackGroup)


def test_a_libdecaf_without_ristretto255_is_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys.decaf, "LIBRARY_NAME", "libc.so.6")
    with pytest.raises(LocalError, match="ristretto255"):
        load_decaf()
