"""Ed25519: weak keys are refused, other programs accept what we sign, a seed stays hidden."""

import subprocess
from pathlib import Path

import nacl.bindings
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.signing import (
    SecretSeed,
    check_public_key,
    public_key,
    sign_ed25519,
    verify_ed25519,
    verify_signed,
)

# RFC 8032 §7.1, test 3
SEED = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)
MESSAGE = bytes.fromhex("af82")

IDENTITY = b"\x01" + bytes(31)
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: Ed25519 key, DER
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def test_rfc_8032_vector() -> None:
    assert public_key(SecretSeed(SEED)) == PUBLIC
    assert sign_ed25519(SecretSeed(SEED), MESSAGE) == SIGNATURE
    verify_ed25519(PUBLIC, MESSAGE, SIGNATURE)
    check_public_key(PUBLIC)


def test_the_openssl_command_accepts_our_signature(tmp_path: Path) -> None:
    message = b"cosignature/v1\ntime 1790000000\nhub.example/log\n0\n"
    (tmp_path / "key.der").write_bytes(SPKI_PREFIX + PUBLIC)
    (tmp_path / "message").write_bytes(message)
    (tmp_path / "signature").write_bytes(sign_ed25519(SecretSeed(SEED), message))
    command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in message"
    result = subprocess.run(
        [*command.split(), "-sigfile", "signature"], cwd=tmp_path, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("position", [0, 31, 32, 63])
def test_a_flipped_bit_in_the_signature_is_seen(position: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[position] ^= 1
    with pytest.raises(RemoteError) as caught:
        verify_ed25519(PUBLIC, MESSAGE, bytes(changed))
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("key", "signature"),
    [(PUBLIC, SIGNATURE[:63]), (PUBLIC, SIGNATURE + b"\0"), (PUBLIC[:31], SIGNATURE), (b"", b"")],
)
def test_wrong_lengths_never_reach_the_library(key: bytes, signature: bytes) -> None:
    with pytest.raises(RemoteError) as caught:
        verify_ed25519(key, MESSAGE, signature)
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


def test_a_byte_behind_a_signature_is_not_the_first_of_what_was_signed() -> None:
    """Who signed `x` and a message has not signed the message."""
    other = sign_ed25519(SecretSeed(SEED), b"x" + MESSAGE)
    verify_ed25519(PUBLIC, b"x" + MESSAGE, other)
    with pytest.raises(RemoteError) as caught:
        verify_ed25519(PUBLIC, MESSAGE, other + b"x")
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


def test_a_signature_cut_short_never_reaches_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nacl.bindings, "crypto_sign_open", lambda signed, key: b"")
    with pytest.raises(RemoteError) as caught:
        verify_signed(PUBLIC, SIGNATURE[:63])
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


def test_a_signature_with_a_scalar_over_the_group_order_is_refused() -> None:
    scalar = int.from_bytes(SIGNATURE[32:], "little") + GROUP_ORDER
    with pytest.raises(RemoteError):
        verify_ed25519(PUBLIC, MESSAGE, SIGNATURE[:32] + scalar.to_bytes(32, "little"))


def test_a_forgery_under_a_small_order_key_that_openssl_takes_is_refused() -> None:
    """R = identity, S = 0 fits every message under the identity key."""
    forged = IDENTITY + bytes(32)
    Ed25519PublicKey.from_public_bytes(IDENTITY).verify(forged, b"any message at all")
    with pytest.raises(RemoteError) as caught:
        verify_ed25519(IDENTITY, b"any message at all", forged)
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


@pytest.mark.parametrize(
    "key",
    [
        bytes(32),
        IDENTITY,
        IDENTITY[:31] + b"\x80",
        b"\xec" + b"\xff" * 30 + b"\x7f",
        b"\xee" + b"\xff" * 30 + b"\xff",
        b"\x02" + bytes(31),  # not on the curve
        b"\xf0" + b"\xff" * 30 + b"\x7f",  # p + 3: not canonical
        b"",
        bytes(33),
    ],
)
def test_weak_keys_are_refused_at_enrolment(key: bytes) -> None:
    with pytest.raises(RemoteError) as caught:
        check_public_key(key)
    assert caught.value.code is ErrorCode.WEAK_KEY


# The seven y coordinates of points of order 1, 2, 4 and 8, and the non-canonical p and p + 1,
# as other libraries list them.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.mark.parametrize("encoding", SMALL_ORDER)
@pytest.mark.parametrize("sign", [0x00, 0x80])
def test_small_order_keys_are_refused_whatever_the_library_says(
    encoding: str, sign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a libsodium that was built without these checks."""
    monkeypatch.setattr(nacl.bindings, "crypto_core_ed25519_is_valid_point", lambda key: True)
    monkeypatch.setattr(nacl.bindings, "crypto_sign_open", lambda signed, key: b"")
    key = bytearray.fromhex(encoding)
    key[31] |= sign
    with pytest.raises(RemoteError) as caught:
        check_public_key(bytes(key))
    assert caught.value.code is ErrorCode.WEAK_KEY
    with pytest.raises(RemoteError) as caught:
        verify_ed25519(bytes(key), MESSAGE, SIGNATURE)
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


def test_a_seed_shows_nothing_of_itself() -> None:
    seed = SecretSeed(b"\x41" * 32)
    for shown in (repr(seed), str(seed), f"{seed}", repr([seed])):
        assert "AAAA" not in shown
        assert "4141" not in shown


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_our_own_mistake(length: int) -> None:
    with pytest.raises(LocalError):
        SecretSeed(bytes(length))
