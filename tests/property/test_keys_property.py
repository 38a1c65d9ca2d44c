"""Invariants of the token arithmetic, and: parse it or RemoteError, nothing else."""

import contextlib
import copy
import hashlib
import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.batch import pack_points, unpack_points
from keys.dleq import Proof, parse_proof
from keys.fallback import FallbackGroup
from keys.group import SecretScalar, parse_element, parse_scalar
from keys.oprf import blind, finalise, invert_all
from keys.sodium import load_sodium
from keys.threshold import (
    KeyShare,
    PartialEvaluation,
    make_quorum,
    parse_quorum,
    partial_evaluate,
    verify_partial,
)
from keys.transcript import parse_deal, parse_transcript, transcript_value
from protocol.canonical import JsonValue
from protocol.errors import LocalError, RemoteError
from protocol.tokens import token_input

ORDER = 2**252 + 27742317777372353535851937790883648493
FAST, SLOW = load_sodium(), FallbackGroup()
VECTORS = Path(__file__).parents[2] / "specs/vectors/tokens.json"
TRANSCRIPT: dict[str, Any] = json.loads(VECTORS.read_text("utf-8"))["birth"]["transcript"]

scalars = st.one_of(
    st.integers(0, ORDER - 1), st.integers(0, 20), st.integers(ORDER - 20, ORDER - 1)
)
uniform = st.binary(min_size=64, max_size=64)
elements = uniform.map(FAST.from_hash)
nearly_elements = st.one_of(
    st.binary(min_size=0, max_size=64),
    st.integers(0, 2**256 - 1).map(lambda value: value.to_bytes(32, "little")),
    st.integers(0, 2**254).map(lambda value: (2 * value).to_bytes(32, "little")),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=70),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=8,
)
few = settings(max_examples=25, deadline=None)
many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class TestBothGroupsGiveTheSameBytes:
    @few
    @given(uniform)
    def test_hashing(self, data: bytes) -> None:
        assert FAST.from_hash(data) == SLOW.from_hash(data)

    @few
    @given(scalars, elements)
    def test_multiplying(self, scalar: int, element: bytes) -> None:
        assert FAST.multiply(scalar, element) == SLOW.multiply(scalar, element)
        assert FAST.multiply_base(scalar) == SLOW.multiply_base(scalar)

    @few
    @given(elements, elements)
    def test_adding_and_subtracting(self, left: bytes, right: bytes) -> None:
        assert FAST.add(left, right) == SLOW.add(left, right)
        assert FAST.subtract(left, right) == SLOW.subtract(left, right)

    @many
    @given(nearly_elements)
    def test_deciding_what_is_an_element(self, data: bytes) -> None:
        assert FAST.is_valid(data) == SLOW.is_valid(data)


class TestArithmetic:
    @few
    @given(scalars, scalars, elements)
    def test_scalars_distribute(self, one: int, two: int, element: bytes) -> None:
        left = FAST.add(FAST.multiply(one, element), FAST.multiply(two, element))
        assert left == FAST.multiply((one + two) % ORDER, element)

    @given(st.lists(st.integers(1, ORDER - 1), max_size=20))
    def test_one_inversion_inverts_all(self, values: list[int]) -> None:
        inverses = invert_all(values)
        assert len(inverses) == len(values)
        assert all(
            value * inverse % ORDER == 1 for value, inverse in zip(values, inverses, strict=True)
        )

    @given(st.data(), st.integers(1, 16))
    def test_every_quorum_finds_the_constant_term(self, data: st.DataObject, holders: int) -> None:
        threshold = data.draw(st.integers(1, holders))
        polynomial = data.draw(st.lists(scalars, min_size=threshold, max_size=threshold))
        order = data.draw(st.permutations(range(1, holders + 1)))
        quorum = make_quorum(order[:threshold], holders, threshold)
        total = 0
        for at in quorum.indices:
            share = sum(term * at**power for power, term in enumerate(polynomial))
            total += quorum.coefficient(at) * share
        assert total % ORDER == polynomial[0]

    @few
    @given(st.lists(st.binary(max_size=40), min_size=1, max_size=3), st.data())
    def test_no_blind_changes_an_output(self, inputs: list[bytes], data: st.DataObject) -> None:
        factors = st.integers(1, ORDER - 1).map(SecretScalar)
        number = len(inputs)
        blinds = data.draw(st.lists(factors, min_size=number, max_size=number))
        plain = [SecretScalar(1)] * number
        outputs = finalise(FAST, inputs, plain, blind(FAST, inputs, plain))
        assert finalise(FAST, inputs, blinds, blind(FAST, inputs, blinds)) == outputs


class TestOneBitIsEnough:
    quorum = make_quorum([1, 2], 3, 2)
    points = tuple(FAST.multiply_base(scalar) for scalar in (11, 22, 33))
    commitment = FAST.multiply_base(4444)

    def answer(self) -> bytes:
        ticks = count()
        good = partial_evaluate(
            FAST,
            KeyShare(1, SecretScalar(4444)),
            self.quorum,
            self.points,
            lambda length: hashlib.shake_256(bytes([next(ticks)])).digest(length),
        )
        return good.proof.to_bytes() + pack_points(good.elements)

    def verify(self, data: bytes) -> None:
        proof, batch = parse_proof(data[:64]), tuple(unpack_points(data[64:]))
        partial = PartialEvaluation(1, batch, proof)
        verify_partial(FAST, self.commitment, self.quorum, self.points, partial)

    @many
    @given(st.integers(0, 8 * 160 - 1))
    def test_a_flipped_bit_of_an_answer_is_refused(self, bit: int) -> None:
        good = self.answer()
        self.verify(good)
        flipped = (int.from_bytes(good, "little") ^ (1 << bit)).to_bytes(len(good), "little")
        with pytest.raises(RemoteError):
            self.verify(flipped)


class TestTokenInput:
    parts = st.tuples(st.integers(0, 10**6), st.text(min_size=1), st.text(min_size=1))

    @given(parts, parts)
    def test_different_parts_make_different_inputs(
        self, one: tuple[int, str, str], two: tuple[int, str, str]
    ) -> None:
        try:
            same = token_input("0f" * 16, *one) == token_input("0f" * 16, *two)
        except LocalError:
            return
        assert same == (one == two)


class TestParseItOrRemoteError:
    @many
    @given(st.binary(max_size=200))
    def test_scalars_proofs_and_batches(self, data: bytes) -> None:
        try:
            assert parse_scalar(data).to_bytes(32, "little") == data
        except RemoteError:
            assert len(data) != 32 or int.from_bytes(data, "little") >= ORDER
        try:
            assert parse_proof(data).to_bytes() == data
        except RemoteError:
            assert len(data) != 64 or data[31] >= 0x10 or data[63] >= 0x10
        with contextlib.suppress(RemoteError):
            assert b"".join(unpack_points(data, 4)) == data

    @many
    @given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=5, unique=True))
    def test_batches_come_back_whole(self, points: list[bytes]) -> None:
        if bytes(32) not in points:
            assert unpack_points(pack_points(points)) == points

    @many
    @given(nearly_elements)
    def test_elements(self, data: bytes) -> None:
        try:
            assert FAST.add(parse_element(FAST, data), bytes(32)) == data
        except RemoteError:
            assert not SLOW.is_valid(data)

    @many
    @given(json_values)
    def test_quorums_deals_and_transcripts(self, value: JsonValue) -> None:
        for parse in (
            lambda: parse_quorum(value, 5, 3),
            lambda: parse_deal(value),
            lambda: parse_transcript(FAST, value),
        ):
            with pytest.raises(RemoteError):
                parse()

    @many
    @given(st.data())
    def test_a_transcript_with_one_part_replaced(self, data: st.DataObject) -> None:
        changed: Any = copy.deepcopy(TRANSCRIPT)
        at: Any = changed
        while True:
            keys = sorted(at) if isinstance(at, dict) else range(len(at))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(at[key], (dict, list)) or data.draw(st.booleans()):
                break
            at = at[key]
        at[key] = data.draw(json_values | st.sampled_from(["00" * 32, "00" * 64, "ff" * 32, 1, 2]))
        try:
            again = transcript_value(parse_transcript(FAST, changed))
        except RemoteError:
            assert json.dumps(changed) != json.dumps(TRANSCRIPT)
        else:
            assert again == changed

    @many
    @given(st.integers(0, ORDER - 1), st.integers(0, ORDER - 1))
    def test_every_proof_comes_back(self, challenge: int, response: int) -> None:
        proof = Proof(challenge, response)
        assert parse_proof(proof.to_bytes()) == proof
