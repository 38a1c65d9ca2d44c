"""The two groups: libsodium's traps are closed, and the fallback behaves the same."""

import ctypes
from collections.abc import Callable, Iterator

import pytest

import keys.sodium
from keys.fallback import FallbackGroup
from keys.group import (
    IDENTITY,
    ORDER,
    Group,
    SecretScalar,
    parse_element,
    parse_scalar,
    random_scalar,
    scalar_bytes,
    uniform_scalars,
)
from keys.groups import default_group
from keys.oprf import blind
from keys.sodium import STATUS_FUNCTIONS, SodiumGroup, load_sodium
from protocol.errors import ErrorCode, LocalError, RemoteError

GENERATOR = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
NOT_CANONICAL = b"\x01" + bytes(31)
GROUPS: list[Group] = [load_sodium(), FallbackGroup()]


@pytest.fixture(params=GROUPS, ids=lambda group: group.name)
def group(request: pytest.FixtureRequest) -> Group:
    chosen: Group = request.param
    return chosen


@pytest.fixture
def libsodium() -> ctypes.CDLL:
    """The bare library, to show that each trap is really there."""
    return ctypes.CDLL("libsodium.so.23")


class TestTrapsOfLibsodium:
    def test_it_calls_the_identity_a_valid_point_and_we_do_not(
        self, libsodium: ctypes.CDLL, group: Group
    ) -> None:
        assert libsodium.crypto_core_ristretto255_is_valid_point(IDENTITY) == 1
        assert not group.is_valid(IDENTITY)
        with pytest.raises(RemoteError) as caught:
            parse_element(group, IDENTITY)
        assert caught.value.code == ErrorCode.BAD_POINT

    def test_it_takes_a_scalar_above_the_order_and_we_do_not(
        self, libsodium: ctypes.CDLL, group: Group
    ) -> None:
        out, one_more = ctypes.create_string_buffer(32), (ORDER + 1).to_bytes(32, "little")
        assert libsodium.crypto_scalarmult_ristretto255_base(out, one_more) == 0
        assert out.raw == GENERATOR
        for scalar in (ORDER, ORDER + 1, 2**256 - 1, -1):
            with pytest.raises(LocalError, match="bad_scalar"):
                group.multiply_base(scalar)
            with pytest.raises(LocalError, match="bad_scalar"):
                group.multiply(scalar, GENERATOR)
        with pytest.raises(RemoteError) as caught:
            parse_scalar(one_more)
        assert caught.value.code == ErrorCode.BAD_SCALAR

    def test_it_answers_minus_one_for_an_identity_result_and_we_give_the_identity(
        self, libsodium: ctypes.CDLL, group: Group
    ) -> None:
        out = ctypes.create_string_buffer(32)
        assert libsodium.crypto_scalarmult_ristretto255(out, bytes(32), GENERATOR) == -1
        assert group.multiply(0, GENERATOR) == IDENTITY
        assert group.multiply(5, IDENTITY) == IDENTITY
        assert group.multiply_base(0) == IDENTITY

    def test_a_bad_point_is_an_error_even_where_the_scalar_is_zero(self, group: Group) -> None:
        for scalar in (0, 1, ORDER - 1):
            with pytest.raises(RemoteError) as caught:
                group.multiply(scalar, NOT_CANONICAL)
            assert caught.value.code == ErrorCode.BAD_POINT

    def test_an_element_with_its_top_bit_set_is_refused(self, group: Group) -> None:
        """libsodium 1.0.18 takes it, so every element, even the identity, has a second name."""
        for element in (GENERATOR, IDENTITY):
            second_name = element[:31] + bytes([element[31] | 0x80])
            assert not group.is_valid(second_name)
            for scalar in (0, 1, 2):
                with pytest.raises(RemoteError):
                    group.multiply(scalar, second_name)
            with pytest.raises(RemoteError):
                group.add(second_name, GENERATOR)
            with pytest.raises(RemoteError):
                group.subtract(GENERATOR, second_name)

    def test_its_scalar_functions_have_no_status_so_none_is_bound(self) -> None:
        assert not [name for name in STATUS_FUNCTIONS if "scalar_" in name]
        assert len(STATUS_FUNCTIONS) == 6

    @pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
    def test_it_would_read_past_a_short_string_and_never_gets_one(
        self, group: Group, length: int
    ) -> None:
        data = GENERATOR[:length] + bytes(max(0, length - 32))
        assert not group.is_valid(data)
        operations: list[Callable[[], bytes]] = [
            lambda: group.add(data, GENERATOR),
            lambda: group.add(GENERATOR, data),
            lambda: group.subtract(GENERATOR, data),
            lambda: group.multiply(2, data),
            lambda: group.multiply(0, data),
        ]
        for wrong in operations:
            with pytest.raises(RemoteError) as caught:
                wrong()
            assert caught.value.code == ErrorCode.BAD_POINT

    @pytest.mark.parametrize("length", [0, 32, 63, 65])
    def test_hashing_takes_exactly_64_bytes(self, group: Group, length: int) -> None:
        with pytest.raises(LocalError):
            group.from_hash(bytes(length))


class TestArithmetic:
    def test_adding_and_subtracting_the_identity_changes_nothing(self, group: Group) -> None:
        assert group.add(GENERATOR, IDENTITY) == GENERATOR
        assert group.add(IDENTITY, GENERATOR) == GENERATOR
        assert group.subtract(GENERATOR, IDENTITY) == GENERATOR
        assert group.subtract(GENERATOR, GENERATOR) == IDENTITY

    def test_the_order_comes_round(self, group: Group) -> None:
        minus_one = group.multiply_base(ORDER - 1)
        assert group.add(minus_one, GENERATOR) == IDENTITY
        assert group.multiply(ORDER - 1, minus_one) == GENERATOR
        assert group.subtract(IDENTITY, GENERATOR) == minus_one

    def test_a_point_that_is_not_canonical_is_refused_by_every_operation(
        self, group: Group
    ) -> None:
        operations: list[Callable[[], bytes]] = [
            lambda: group.add(GENERATOR, NOT_CANONICAL),
            lambda: group.subtract(NOT_CANONICAL, GENERATOR),
            lambda: group.multiply(3, NOT_CANONICAL),
        ]
        for wrong in operations:
            with pytest.raises(RemoteError) as caught:
                wrong()
            assert caught.value.code == ErrorCode.BAD_POINT


class TestScalars:
    def test_a_secret_does_not_show(self) -> None:
        secret = SecretScalar(123456789)
        shown = f"{secret} {secret!r} {[secret]} { ({1: secret}) }"
        assert "123456789" not in shown
        assert secret.to_bytes() == (123456789).to_bytes(32, "little")

    def test_a_secret_outside_the_order_cannot_be_made(self) -> None:
        for value in (-1, ORDER):
            with pytest.raises(LocalError):
                SecretScalar(value)
        with pytest.raises(LocalError):
            scalar_bytes(ORDER)

    def test_drawing_reduces_64_bytes_and_draws_again_for_zero(self) -> None:
        draws = iter([bytes(64), ORDER.to_bytes(64, "little"), (ORDER + 9).to_bytes(64, "little")])
        assert random_scalar(lambda _length: next(draws)).value == 9

    def test_a_random_source_that_gives_too_little_is_refused(self) -> None:
        with pytest.raises(LocalError):
            random_scalar(lambda length: bytes(length - 1))

    def test_many_are_those_that_the_same_bytes_give_one_by_one(self) -> None:
        parts = [(ORDER + 9).to_bytes(64, "little"), bytes(range(64)), b"\xff" * 64]
        draws = iter(parts)
        one_by_one = [random_scalar(lambda _length: next(draws)) for _ in parts]
        assert uniform_scalars(b"".join(parts)) == one_by_one

    def test_a_batch_of_which_too_little_is_random_is_not_blinded(self) -> None:
        with pytest.raises(LocalError):
            uniform_scalars(bytes(range(127)))
        for uniform in (bytes(range(64)), bytes(range(64)) + bytes(64)):  # one short; one is zero
            with pytest.raises(LocalError):
                blind(GROUPS[0], [b"one", b"two"], uniform_scalars(uniform))


class TestChoosingTheGroup:
    @pytest.fixture(autouse=True)
    def fresh_choice(self) -> Iterator[None]:
        default_group.cache_clear()
        yield
        default_group.cache_clear()

    def test_the_fallback_is_taken_where_it_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keys.sodium, "LIBRARY_NAMES", ("libsodium-is-not-here.so",))
        assert default_group().name == "fallback"

    def test_a_library_without_ristretto255_is_refused(self) -> None:
        with pytest.raises(LocalError) as caught:
            SodiumGroup(ctypes.CDLL("libc.so.6"))
        assert caught.value.code == ErrorCode.NOT_READY
