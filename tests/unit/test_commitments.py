"""Salted commitments: binding to value and salt, and no opening for anything else."""

import hashlib

import pytest

from protocol.canonical import JsonValue
from protocol.commitments import commit, verify_commitment
from protocol.errors import ErrorCode, RemoteError

SALT = bytes(range(32))


def test_a_commitment_is_the_hash_that_the_specification_says() -> None:
    expected = hashlib.sha256(b"patchwork.commit.v1\n" + SALT + b'{"a":[1,null],"b":"\xc3\xa9"}')
    assert commit(SALT, {"b": "é", "a": [1, None]}) == expected.hexdigest()


def test_the_right_opening_fits_whatever_the_order_of_keys() -> None:
    verify_commitment(commit(SALT, {"a": 1, "b": 2}), SALT, {"b": 2, "a": 1})


@pytest.mark.parametrize("value", ["yes ", "Yes", "", None, True, ["yes"], {"yes": 1}])
def test_another_value_does_not_open(value: JsonValue) -> None:
    with pytest.raises(RemoteError) as caught:
        verify_commitment(commit(SALT, "yes"), SALT, value)
    assert caught.value.code is ErrorCode.BAD_PROOF


@pytest.mark.parametrize("salt", [b"", SALT[:31], SALT + b"\x00", bytes(32)])
def test_another_salt_does_not_open(salt: bytes) -> None:
    with pytest.raises(RemoteError) as caught:
        verify_commitment(commit(SALT, "yes"), salt, "yes")
    assert caught.value.code is ErrorCode.BAD_PROOF


def test_a_short_salt_does_not_open_even_its_own_commitment() -> None:
    with pytest.raises(RemoteError):
        verify_commitment(commit(b"short", "yes"), b"short", "yes")


def test_two_salts_hide_that_two_values_are_one() -> None:
    assert commit(SALT, "yes") != commit(bytes(32), "yes")
