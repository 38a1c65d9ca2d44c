"""Envelopes: the pre-authentication encoding, one signature, one encoding, keys from elsewhere."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import dsse
from protocol.errors import ErrorCode, RemoteError
from protocol.signing import SecretSeed, public_key, verify_ed25519

SEED = SecretSeed(b"\x03" * 32)
KEY = public_key(SEED)
OTHERS = Ed25519PrivateKey.from_private_bytes(b"\x03" * 32)


def code_of(data: bytes) -> ErrorCode:
    with pytest.raises(RemoteError) as caught:
        dsse.parse_envelope(data)
    return caught.value.code


def with_fields(**changes: object) -> bytes:
    value: dict[str, Any] = {**json.loads(dsse.sign("receipt", b"{}", SEED).encode()), **changes}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_the_example_of_the_dsse_specification() -> None:
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == expected


def test_lengths_are_in_bytes_not_characters() -> None:
    assert dsse.pae("ö", "é€".encode()) == b"DSSEv1 2 \xc3\xb6 5 \xc3\xa9\xe2\x82\xac"
    assert dsse.pae("", b"") == b"DSSEv1 0  0 "


def test_no_two_pairs_of_type_and_payload_have_one_encoding() -> None:
    assert dsse.pae("a", b"1 b") != dsse.pae("a 3 1", b"b")


def test_what_we_sign_another_library_verifies() -> None:
    envelope = dsse.sign("receipt", b'{"a":1}', SEED)
    signed = b'DSSEv1 38 application/vnd.patchwork.receipt+json 7 {"a":1}'
    OTHERS.public_key().verify(envelope.signature, signed)
    with pytest.raises(InvalidSignature):
        OTHERS.public_key().verify(envelope.signature, signed + b" ")
    assert envelope.statement_id == hashlib.sha256(signed).hexdigest()
    assert envelope.key_id == hashlib.sha256(KEY).hexdigest()[:16]


def test_what_another_library_signs_we_verify() -> None:
    signature = OTHERS.sign(b"DSSEv1 38 application/vnd.patchwork.receipt+json 2 {}")
    dsse.Envelope("receipt", b"{}", hashlib.sha256(KEY).hexdigest()[:16], signature).verify(KEY)


def test_an_envelope_reads_back() -> None:
    envelope = dsse.sign("receipt", b"any bytes \x00\xff", SEED)
    assert dsse.parse_envelope(envelope.encode()) == envelope


def test_a_signature_says_nothing_of_another_kind_or_payload() -> None:
    envelope = dsse.sign("receipt", b"{}", SEED)
    for kind, payload in (("release", b"{}"), ("receipt", b"{ }"), ("receipt2", b"{}")):
        moved = dsse.Envelope(kind, payload, envelope.key_id, envelope.signature)
        with pytest.raises(RemoteError) as caught:
            moved.verify(KEY)
        assert caught.value.code is ErrorCode.BAD_SIGNATURE


def test_a_fitting_signature_under_another_key_id_is_refused() -> None:
    envelope = dsse.sign("receipt", b"{}", SEED)
    moved = dsse.Envelope("receipt", b"{}", "00" * 8, envelope.signature)
    with pytest.raises(RemoteError, match="another key"):
        moved.verify(KEY)


def test_the_limit_holds_to_the_byte() -> None:
    envelope = dsse.sign("receipt", b"x" * 1000, SEED).encode()
    dsse.parse_envelope(envelope, limit=len(envelope))
    with pytest.raises(RemoteError) as caught:
        dsse.parse_envelope(envelope, limit=len(envelope) - 1)
    assert caught.value.code is ErrorCode.TOO_LARGE
    assert code_of(dsse.sign("receipt", b"x" * 16_384, SEED).encode()) is ErrorCode.TOO_LARGE


def test_an_envelope_is_the_three_fields_and_one_signature() -> None:
    one = json.loads(with_fields())["signatures"][0]
    assert code_of(with_fields(signatures=[])) is ErrorCode.MALFORMED
    assert code_of(with_fields(signatures=[one, one])) is ErrorCode.MALFORMED
    assert code_of(with_fields(signatures=one)) is ErrorCode.MALFORMED
    assert code_of(with_fields(signatures=[{**one, "cert": ""}])) is ErrorCode.MALFORMED
    assert code_of(with_fields(extra=1)) is ErrorCode.MALFORMED
    assert code_of(with_fields(payload=None)) is ErrorCode.MALFORMED
    assert code_of(b"[]") is ErrorCode.MALFORMED


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_is_64_bytes(length: int) -> None:
    text = base64.b64encode(bytes(length)).decode()
    one = {"keyid": "00" * 8, "sig": text}
    assert code_of(with_fields(signatures=[one])) is ErrorCode.BAD_SIGNATURE


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "application/json",
        "application/vnd.patchwork.receipt",
        "application/vnd.patchwork+json",
        "Application/vnd.patchwork.receipt+json",
        "text/application/vnd.patchwork.receipt+json",
    ],
)
def test_another_media_type_is_unknown(media_type: str) -> None:
    assert code_of(with_fields(payloadType=media_type)) is ErrorCode.UNKNOWN_KIND


@pytest.mark.parametrize("text", ["e30", "e30=\n", "e31=", "e3 0=", "e30==", "_-A=", "é", "="])
def test_base64_has_one_form(text: str) -> None:
    assert code_of(with_fields(payload=text)) is ErrorCode.MALFORMED


def test_a_signature_is_verified_once_for_a_key_and_anew_for_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    envelope = dsse.sign("receipt", b"{}", SEED)
    forged = replace(envelope, payload=b"[]")
    asked = []

    def verify(*args: bytes) -> None:
        asked.append(args)
        verify_ed25519(*args)

    monkeypatch.setattr(dsse, "verify_ed25519", verify)
    for _ in range(3):
        envelope.verify(KEY)
    assert len(asked) == 1
    for other in (public_key(SecretSeed(b"\x04" * 32)), b""):
        with pytest.raises(RemoteError):
            envelope.verify(other)
        with pytest.raises(RemoteError):
            dsse.parse_envelope(envelope.encode()).verify(other)
    for one in (forged, replace(envelope, payload=b"[]")):
        for _ in range(2):
            with pytest.raises(RemoteError, match="not valid"):
                one.verify(KEY)
    assert len(asked) == 5, "what was refused is looked at again"
