"""Token inputs and link proofs: what is refused, and what must differ."""

import pytest

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.tokens import (
    length_prefixed,
    link_key,
    link_proof,
    split_output,
    token_input,
    verify_link_proof,
)

CHARTER = "000102030405060708090a0b0c0d0e0f"
REQUEST = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
SECRET = bytes(range(32))


def test_a_missing_field_has_no_token() -> None:
    with pytest.raises(LocalError, match="missing field"):
        token_input(CHARTER, 1, "name_pc.1", "")


def test_parts_cannot_slide_into_each_other() -> None:
    assert token_input(CHARTER, 1, "ab", "c") != token_input(CHARTER, 1, "a", "bc")
    assert token_input(CHARTER, 11, "a", "b") != token_input(CHARTER, 1, "1a", "b")


def test_the_whole_input_fits_the_two_byte_length_of_the_rfc() -> None:
    overhead = len(token_input(CHARTER, 1, "nhs.1", "x")) - 1
    longest = "x" * (65535 - overhead)
    assert len(token_input(CHARTER, 1, "nhs.1", longest)) == 65535
    for value in (longest + "x", "x" * 65535, "x" * 65536):
        with pytest.raises(LocalError) as caught:
            token_input(CHARTER, 1, "nhs.1", value)
        assert caught.value.code == ErrorCode.TOO_LARGE


def test_lengths_count_bytes_and_not_characters() -> None:
    assert length_prefixed("é".encode(), b"") == b"\x00\x02\xc3\xa9\x00\x00"


def test_a_value_that_is_not_unicode_is_refused_and_does_not_show() -> None:
    with pytest.raises(LocalError) as caught:
        token_input(CHARTER, 1, "name_pc.1", "Garcia\udc80")
    assert "Garcia" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_token_and_link_secret_share_no_byte_of_the_output() -> None:
    assert split_output(bytes(range(64))) == (bytes(range(16)), bytes(range(32, 64)))
    with pytest.raises(LocalError):
        split_output(bytes(63))


def test_a_link_proof_fits_one_request_of_one_key_in_one_epoch() -> None:
    proof = link_proof(SECRET, CHARTER, 1, "name_pc.1", REQUEST)
    verify_link_proof(proof, link_key(SECRET, CHARTER, 1, "name_pc.1"), REQUEST)
    strangers = [
        (link_key(SECRET, CHARTER, 1, "name_pc.1"), REQUEST[:-1] + "e"),
        (link_key(SECRET, CHARTER, 1, "name_pc.2"), REQUEST),
        (link_key(SECRET, CHARTER, 2, "name_pc.1"), REQUEST),
        (link_key(SECRET, "f" * 32, 1, "name_pc.1"), REQUEST),
        (link_key(SECRET[::-1], CHARTER, 1, "name_pc.1"), REQUEST),
    ]
    for key, request in strangers:
        with pytest.raises(RemoteError) as caught:
            verify_link_proof(proof, key, request)
        assert caught.value.code == ErrorCode.BAD_PROOF


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_link_proof_of_another_length_is_refused(length: int) -> None:
    key = link_key(SECRET, CHARTER, 1, "name_pc.1")
    proof = (link_proof(SECRET, CHARTER, 1, "name_pc.1", REQUEST) + b"\x00")[:length]
    with pytest.raises(RemoteError) as caught:
        verify_link_proof(proof, key, REQUEST)
    assert caught.value.code == ErrorCode.BAD_PROOF


@pytest.mark.parametrize("request_id", ["", "a0", REQUEST.upper(), REQUEST + "\n", "g" * 32])
def test_a_request_id_in_another_form_is_refused(request_id: str) -> None:
    with pytest.raises(LocalError):
        link_proof(SECRET, CHARTER, 1, "name_pc.1", request_id)
    with pytest.raises(RemoteError):
        verify_link_proof(bytes(32), bytes(32), request_id)


def test_a_link_secret_of_another_length_is_refused() -> None:
    with pytest.raises(LocalError):
        link_key(bytes(16), CHARTER, 1, "name_pc.1")
