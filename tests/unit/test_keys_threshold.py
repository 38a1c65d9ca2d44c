"""Five key holders, any three of which evaluate: the same bytes, and a cheat is named."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, count

import pytest

from keys.dkg import Ceremony, Deal, GroupKey, assemble, deal
from keys.fallback import FallbackGroup
from keys.group import IDENTITY, Group, RandomBytes, SecretScalar
from keys.oprf import blind, finalise
from keys.sodium import load_sodium
from keys.threshold import (
    KeyShare,
    PartialEvaluation,
    Quorum,
    combine,
    make_quorum,
    parse_quorum,
    partial_evaluate,
    verify_partial,
)
from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, LocalError, RemoteError

GROUPS: list[Group] = [load_sodium(), FallbackGroup()]
ORDER = 2**252 + 27742317777372353535851937790883648493
CEREMONY = Ceremony("00" * 16, 1, holders=5, threshold=3)
INPUTS = [b"first value", b"second value", b"third value"]
BLINDS = [SecretScalar(5**100), SecretScalar(7**80), SecretScalar(11**70)]


def stream(label: str) -> RandomBytes:
    """Random bytes that are the same in every run."""
    ticks = count()
    return lambda length: hashlib.shake_256(f"{label} {next(ticks)}".encode()).digest(length)


class Council:
    """Five holders after a ceremony without a dealer, and one agency's blinded batch."""

    def __init__(self, group: Group) -> None:
        self.group = group
        deals: list[Deal] = []
        dealt: list[dict[int, SecretScalar]] = []
        for index in CEREMONY.indices:
            public, shares = deal(group, CEREMONY, index, stream(f"holder {index}"))
            deals.append(public)
            dealt.append(shares)
        self.shares: dict[int, KeyShare] = {}
        for index in CEREMONY.indices:
            mine = {dealer: shares[index] for dealer, shares in enumerate(dealt, start=1)}
            self.shares[index], self.key = assemble(group, CEREMONY, index, deals, mine)
        self.points = blind(group, INPUTS, BLINDS)

    key: GroupKey

    def answer(self, index: int, quorum: Quorum) -> PartialEvaluation:
        rand = stream(f"nonce {index}")
        return partial_evaluate(self.group, self.shares[index], quorum, self.points, rand)

    def verify(self, quorum: Quorum, answer: PartialEvaluation) -> None:
        commitment = self.key.commitment(answer.index)
        verify_partial(self.group, commitment, quorum, self.points, answer)

    def outputs(self, quorum: Quorum) -> list[bytes]:
        answers = [self.answer(index, quorum) for index in quorum.indices]
        for answer in answers:
            self.verify(quorum, answer)
        return finalise(self.group, INPUTS, BLINDS, combine(self.group, quorum, answers))


@pytest.fixture(params=GROUPS, ids=lambda group: group.name, scope="module")
def council(request: pytest.FixtureRequest) -> Council:
    return Council(request.param)


QUORUM = make_quorum([1, 3, 4], 5, 3)


class TestHonestHolders:
    def test_every_quorum_of_three_gives_the_bytes_of_the_whole_key(self, council: Council) -> None:
        # The key in one place, by school-book interpolation from the first three shares: with
        # f of degree 2, f(0) = 3 f(1) - 3 f(2) + f(3). Only a test may do this.
        first, second, third = (council.shares[index].secret.value for index in (1, 2, 3))
        key = (3 * first - 3 * second + third) % ORDER
        assert council.group.multiply_base(key) == council.key.public_key
        hashed = blind(council.group, INPUTS, [SecretScalar(1)] * 3)
        expected = []
        for data, element in zip(INPUTS, hashed, strict=True):
            evaluated = council.group.multiply(key, element)
            framed = bytes([0, len(data)]) + data + b"\x00\x20" + evaluated + b"Finalize"
            expected.append(hashlib.sha512(framed).digest())
        for indices in combinations(range(1, 6), 3):
            assert council.outputs(make_quorum(indices, 5, 3)) == expected, indices

    def test_both_groups_give_the_same_bytes(self) -> None:
        fast, slow = (Council(group) for group in GROUPS)
        assert fast.key == slow.key
        assert fast.answer(3, QUORUM) == slow.answer(3, QUORUM)

    def test_two_holders_alone_get_something_else(self, council: Council) -> None:
        answers = [council.answer(index, Quorum((1, 2))) for index in (1, 2)]
        combined = combine(council.group, Quorum((1, 2)), answers)
        guess = finalise(council.group, INPUTS, BLINDS, combined)
        assert not set(guess) & set(council.outputs(QUORUM))

    def test_a_share_does_not_show(self, council: Council) -> None:
        share = council.shares[2]
        assert str(share.secret.value) not in repr(share)
        assert repr(share) == "KeyShare(index=2)"


class TestCheats:
    def test_a_holder_with_another_share_is_named(self, council: Council) -> None:
        wrong = KeyShare(3, SecretScalar(council.shares[3].secret.value + 1))
        answer = partial_evaluate(council.group, wrong, QUORUM, council.points, stream("n"))
        self.names(council, answer, 3)

    def test_a_holder_who_answers_with_its_neighbours_share_is_named(
        self, council: Council
    ) -> None:
        self.names(council, replace(council.answer(1, QUORUM), index=4), 4)

    def test_a_holder_who_changes_one_element_is_named(self, council: Council) -> None:
        good = council.answer(3, QUORUM)
        changed = (good.elements[0], council.points[0], good.elements[2])
        self.names(council, replace(good, elements=changed), 3)

    def test_a_holder_who_swaps_two_elements_is_named(self, council: Council) -> None:
        first, second, third = council.answer(3, QUORUM).elements
        swapped = replace(council.answer(3, QUORUM), elements=(second, first, third))
        self.names(council, swapped, 3)

    def test_a_holder_who_leaves_one_element_out_is_named(self, council: Council) -> None:
        good = council.answer(4, QUORUM)
        self.names(council, replace(good, elements=good.elements[:2]), 4)
        self.names(council, replace(good, elements=()), 4)

    @pytest.mark.parametrize("element", [IDENTITY, b"\x01" + bytes(31), b"short"])
    def test_a_holder_who_sends_what_is_no_element_is_named(
        self, council: Council, element: bytes
    ) -> None:
        good = council.answer(4, QUORUM)
        self.names(council, replace(good, elements=(element, *good.elements[1:])), 4)

    def test_an_answer_kept_from_another_quorum_is_named(self, council: Council) -> None:
        self.names(council, council.answer(1, make_quorum([1, 2, 3], 5, 3)), 1)

    def test_an_answer_to_another_batch_is_named(self, council: Council) -> None:
        other = blind(council.group, INPUTS, [SecretScalar(2)] * 3)
        answer = partial_evaluate(
            council.group, council.shares[1], QUORUM, other, stream("another batch")
        )
        self.names(council, answer, 1)

    def test_a_holder_outside_the_quorum_is_named(self, council: Council) -> None:
        self.names(council, replace(council.answer(1, QUORUM), index=5), 5)

    def test_no_holder_is_blamed_for_our_own_broken_batch(self, council: Council) -> None:
        twice = [council.points[0], council.points[0], council.points[1]]
        with pytest.raises(LocalError):
            verify_partial(
                council.group, council.key.commitment(1), QUORUM, twice, council.answer(1, QUORUM)
            )

    def names(self, council: Council, answer: PartialEvaluation, index: int) -> None:
        with pytest.raises(RemoteError, match=f"key holder {index}\\b") as caught:
            council.verify(QUORUM, answer)
        assert caught.value.code == ErrorCode.BAD_PROOF


class TestAskingAHolder:
    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda points: [], ErrorCode.MALFORMED),
            (lambda points: [*points, points[0]], ErrorCode.MALFORMED),
            (lambda points: [*points, IDENTITY], ErrorCode.BAD_POINT),
            (lambda points: [*points, b"\x01" + bytes(31)], ErrorCode.BAD_POINT),
            (lambda points: [*points, b""], ErrorCode.BAD_POINT),
        ],
        ids=["empty", "twice", "identity", "not canonical", "no bytes"],
    )
    def test_a_broken_batch_is_refused(
        self, council: Council, spoil: Callable[[list[bytes]], list[bytes]], code: ErrorCode
    ) -> None:
        points = spoil(council.points)
        with pytest.raises(RemoteError) as caught:
            partial_evaluate(council.group, council.shares[1], QUORUM, points, stream("n"))
        assert caught.value.code == code

    def test_a_holder_does_not_answer_for_a_quorum_without_it(self, council: Council) -> None:
        with pytest.raises(LocalError, match="key holder 2 is not in the quorum"):
            council.answer(2, QUORUM)


class TestCombining:
    def test_an_answer_missing_or_twice_is_refused(self, council: Council) -> None:
        one, three, four = (council.answer(index, QUORUM) for index in (1, 3, 4))
        for answers in ([one, three], [one, three, three], [one, three, four, four], []):
            with pytest.raises(LocalError) as caught:
                combine(council.group, QUORUM, answers)
            assert caught.value.code == ErrorCode.NOT_READY

    def test_answers_of_unequal_length_are_refused(self, council: Council) -> None:
        one, three, four = (council.answer(index, QUORUM) for index in (1, 3, 4))
        with pytest.raises(LocalError):
            combine(council.group, QUORUM, [one, three, replace(four, elements=four.elements[:1])])


class TestQuorums:
    def test_the_coefficients_are_those_of_the_school_book(self) -> None:
        # At zero, through 1, 3 and 4: (3*4)/((3-1)(4-1)) = 2, (1*4)/((1-3)(4-3)) = -2, 1.
        assert [QUORUM.coefficient(index) for index in (1, 3, 4)] == [2, ORDER - 2, 1]

    def test_the_order_of_the_names_does_not_matter_to_us(self) -> None:
        assert make_quorum([4, 1, 3], 5, 3) == QUORUM

    @pytest.mark.parametrize(
        "value",
        [
            [1, 3],
            [1, 3, 4, 5],
            [1, 3, 3],
            [1, 3, 3, 4],
            [0, 1, 3],
            [1, 3, 6],
            [4, 3, 1],
            [True, 3, 4],
            [-4, 1, 3],
            ["1", 3, 4],
            [[1], 3, 4],
            "134",
            None,
            {},
            7,
        ],
    )
    def test_a_quorum_from_outside_is_exactly_t_ascending_holders(self, value: JsonValue) -> None:
        assert parse_quorum([1, 3, 4], 5, 3) == QUORUM
        with pytest.raises(RemoteError) as caught:
            parse_quorum(value, 5, 3)
        assert caught.value.code == ErrorCode.MALFORMED

    @pytest.mark.parametrize(("holders", "threshold"), [(5, 0), (2, 3), (17, 3)])
    def test_terms_that_make_no_sense_are_refused(self, holders: int, threshold: int) -> None:
        with pytest.raises(LocalError):
            make_quorum([1, 2, 3], holders, threshold)
