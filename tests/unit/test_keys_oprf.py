"""Blinding, finalising, proofs and batches: what each refuses, and who is not to be trusted."""

from collections.abc import Callable
from itertools import count

import pytest

from keys.batch import MAX_BATCH, pack_points, require_points, unpack_points, verify_points
from keys.dleq import Proof, hedged_nonce, prove, verify_proof
from keys.fallback import FallbackGroup
from keys.group import IDENTITY, ORDER, Group, SecretScalar
from keys.oprf import blind, blind_evaluate, derive_key, expand_message, finalise, hash_to_group
from keys.sodium import load_sodium
from protocol.errors import ErrorCode, LocalError, RemoteError

GROUPS: list[Group] = [load_sodium(), FallbackGroup()]
GENERATOR = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
KEY, NONCE = SecretScalar(31**40), SecretScalar(37**40)


@pytest.fixture(params=GROUPS, ids=lambda group: group.name)
def group(request: pytest.FixtureRequest) -> Group:
    chosen: Group = request.param
    return chosen


def distinct_points(number: int) -> list[bytes]:
    """Byte strings of the right length for tests that never decode them."""
    return [value.to_bytes(32, "little") for value in range(1, number + 1)]


class TestBlindingAndFinalising:
    def test_the_blind_does_not_change_the_output(self, group: Group) -> None:
        outputs = set()
        for factor in (1, 2, ORDER - 1, 3**150):
            blinds = [SecretScalar(factor)]
            evaluated = blind_evaluate(group, KEY, blind(group, [b"value"], blinds))
            outputs.update(finalise(group, [b"value"], blinds, evaluated))
        assert len(outputs) == 1

    def test_a_zero_blind_would_publish_nothing_and_is_refused(self, group: Group) -> None:
        with pytest.raises(LocalError):
            blind(group, [b"value"], [SecretScalar(0)])
        with pytest.raises(LocalError):
            finalise(group, [b"value"], [SecretScalar(0)], [GENERATOR])

    def test_a_zero_key_evaluates_nothing(self, group: Group) -> None:
        with pytest.raises(LocalError):
            blind_evaluate(group, SecretScalar(0), [GENERATOR])

    def test_inputs_blinds_and_answers_must_be_as_many(self, group: Group) -> None:
        with pytest.raises(LocalError):
            blind(group, [b"one", b"two"], [KEY])
        with pytest.raises(LocalError):
            finalise(group, [b"one"], [KEY, KEY], [GENERATOR])
        with pytest.raises(RemoteError) as caught:
            finalise(group, [b"one"], [KEY], [GENERATOR, GENERATOR])
        assert caught.value.code == ErrorCode.MALFORMED

    @pytest.mark.parametrize("answer", [IDENTITY, b"\x01" + bytes(31), b"short"])
    def test_an_answer_that_is_not_an_element_is_refused(self, group: Group, answer: bytes) -> None:
        with pytest.raises(RemoteError) as caught:
            finalise(group, [b"one"], [KEY], [answer])
        assert caught.value.code == ErrorCode.BAD_POINT

    def test_limits_of_the_hashes(self, group: Group) -> None:
        with pytest.raises(LocalError):
            hash_to_group(group, bytes(65536))
        with pytest.raises(LocalError):
            expand_message(b"", bytes(256))
        with pytest.raises(LocalError):
            derive_key(bytes(31), b"")


class TestProofs:
    points = (GENERATOR, load_sodium().multiply_base(2), load_sodium().multiply_base(3))

    def proof(self, group: Group) -> tuple[bytes, list[bytes], Proof]:
        evaluated = blind_evaluate(group, KEY, self.points)
        public = group.multiply_base(KEY.value)
        return public, evaluated, prove(group, KEY, self.points, evaluated, NONCE)

    def test_one_wrong_element_among_right_ones_is_found(self, group: Group) -> None:
        public, evaluated, _ = self.proof(group)
        evaluated[1] = group.multiply(KEY.value + 1, self.points[1])
        dishonest = prove(group, KEY, self.points, evaluated, NONCE)
        with pytest.raises(RemoteError) as caught:
            verify_proof(group, public, self.points, evaluated, dishonest)
        assert caught.value.code == ErrorCode.BAD_PROOF

    def test_errors_that_cancel_out_in_a_plain_sum_are_found(self, group: Group) -> None:
        public, evaluated, _ = self.proof(group)
        evaluated[0] = group.add(evaluated[0], GENERATOR)
        evaluated[1] = group.subtract(evaluated[1], GENERATOR)
        dishonest = prove(group, KEY, self.points, evaluated, NONCE)
        with pytest.raises(RemoteError):
            verify_proof(group, public, self.points, evaluated, dishonest)

    def test_the_order_of_the_batch_is_part_of_the_proof(self, group: Group) -> None:
        public, evaluated, proof = self.proof(group)
        verify_proof(group, public, self.points, evaluated, proof)
        with pytest.raises(RemoteError):
            verify_proof(group, public, self.points[::-1], evaluated[::-1], proof)

    def test_another_public_key_does_not_fit(self, group: Group) -> None:
        _, evaluated, proof = self.proof(group)
        with pytest.raises(RemoteError):
            verify_proof(group, group.multiply_base(KEY.value + 1), self.points, evaluated, proof)
        with pytest.raises(RemoteError) as caught:
            verify_proof(group, IDENTITY, self.points, evaluated, proof)
        assert caught.value.code == ErrorCode.BAD_POINT

    def test_batches_of_no_or_unequal_length_are_refused(self, group: Group) -> None:
        public, evaluated, proof = self.proof(group)
        for points, answers in (((), ()), (self.points, evaluated[:2])):
            with pytest.raises(LocalError):
                prove(group, KEY, points, answers, NONCE)
            with pytest.raises(RemoteError):
                verify_proof(group, public, points, answers, proof)

    def test_a_batch_over_the_limit_is_refused_before_any_work(self, group: Group) -> None:
        points = distinct_points(MAX_BATCH + 1)
        with pytest.raises(LocalError) as caught:
            prove(group, KEY, points, points, NONCE)
        assert caught.value.code == ErrorCode.TOO_LARGE

    def test_zero_is_no_key_and_no_nonce(self, group: Group) -> None:
        for key, nonce in ((SecretScalar(0), NONCE), (KEY, SecretScalar(0))):
            with pytest.raises(LocalError):
                prove(group, key, [GENERATOR], [GENERATOR], nonce)

    def test_a_machine_that_repeats_its_random_bytes_does_not_repeat_a_nonce(self) -> None:
        def restored(length: int) -> bytes:
            return b"\x07" * length

        first = hedged_nonce(KEY, b"monday's points", restored)
        assert first == hedged_nonce(KEY, b"monday's points", restored)
        assert first != hedged_nonce(KEY, b"tuesday's points", restored)
        assert first != hedged_nonce(NONCE, b"monday's points", restored)
        ticks = count()
        fresh = [
            hedged_nonce(KEY, b"monday's points", lambda length: bytes([next(ticks)]) * length)
            for _ in range(2)
        ]
        assert fresh[0] != fresh[1]


class TestBatches:
    def test_points_lie_end_to_end(self) -> None:
        points = distinct_points(3)
        assert pack_points(points) == points[0] + points[1] + points[2]
        assert unpack_points(points[0] + points[1] + points[2]) == points

    def test_the_largest_batch_passes_and_one_more_does_not(self) -> None:
        largest = distinct_points(MAX_BATCH)
        assert unpack_points(pack_points(largest)) == largest
        for check in (require_points, verify_points):
            self.refuses(check, distinct_points(MAX_BATCH + 1), ErrorCode.TOO_LARGE)
        with pytest.raises(RemoteError) as caught:
            unpack_points(bytes(32 * (MAX_BATCH + 1)))
        assert caught.value.code == ErrorCode.TOO_LARGE

    def test_a_lower_limit_is_kept(self) -> None:
        data = pack_points(distinct_points(3))
        assert len(unpack_points(data, 3)) == 3
        with pytest.raises(RemoteError) as caught:
            unpack_points(data, 2)
        assert caught.value.code == ErrorCode.TOO_LARGE

    @pytest.mark.parametrize(
        ("points", "code"),
        [
            ([], ErrorCode.MALFORMED),
            ([GENERATOR, GENERATOR], ErrorCode.MALFORMED),
            ([GENERATOR, IDENTITY], ErrorCode.BAD_POINT),
            ([GENERATOR, GENERATOR[:31]], ErrorCode.BAD_POINT),
        ],
        ids=["empty", "twice", "identity", "short"],
    )
    def test_broken_batches_are_refused_both_ways(
        self, points: list[bytes], code: ErrorCode
    ) -> None:
        for check in (require_points, verify_points, pack_points):
            self.refuses(check, points, code)

    def refuses(
        self, check: Callable[[list[bytes]], object], points: list[bytes], code: ErrorCode
    ) -> None:
        family = RemoteError if check is verify_points else LocalError
        with pytest.raises(family) as caught:
            check(points)
        assert caught.value.code == code
