"""specs/vectors/sealing.json: sealed by another HPKE (pyhpke), opened by ours, and the reverse."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey, OpenError

from protocol.commitments import verify_commitment
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.requests.sealing import (
    SEALED_LIMIT,
    ContactCard,
    IdentityDetails,
    Opening,
    SealBinding,
    SealedCheck,
    SealedRequest,
    details_key,
    sealed_hash,
)
from protocol.wire import encode_wire, parse_wire
from transport.seal import seal, seal_public_key, unseal

SPECS = Path(__file__).parents[2] / "specs"
VECTORS: dict[str, Any] = json.loads((SPECS / "vectors/sealing.json").read_text("utf-8"))
CASES = {case["name"]: case for case in VECTORS["cases"]}
SUITE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES128_GCM)
ENC_BYTES, TAG_BYTES = 32, 16

each = pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])


def secret_of(case: dict[str, Any]) -> bytes:
    return bytes.fromhex(case["recipient_secret"])


def other_open(sealed: bytes, secret: bytes, info: bytes) -> bytes:
    key = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(secret))
    context = SUITE.create_recipient_context(sealed[:ENC_BYTES], key, info=info)
    opened: bytes = context.open(sealed[ENC_BYTES:])
    return opened


def other_seal(plaintext: bytes, public_key: bytes, info: bytes) -> bytes:
    key = KEMKey.from_pyca_cryptography_key(X25519PublicKey.from_public_bytes(public_key))
    enc, context = SUITE.create_sender_context(key, info=info)
    return bytes(enc) + bytes(context.seal(plaintext))


def test_a_card_has_since_only_where_it_says_so_and_is_read_either_way() -> None:
    before = CASES["release"]["plaintext"].encode()
    after = before.replace(b'"team"', b'"since":1761998400,"team"')
    for data, since in ((before, None), (after, 1_761_998_400)):
        card = parse_wire(ContactCard, data)
        assert (card.since, encode_wire(card)) == (since, data)


@each
def test_info_bytes_are_the_ones_written_by_hand(case: dict[str, Any]) -> None:
    assert SealBinding(**case["binding"]).info().hex() == case["info"]


@each
def test_what_they_sealed_we_open(case: dict[str, Any]) -> None:
    opened = unseal(SealBinding(**case["binding"]), secret_of(case), bytes.fromhex(case["sealed"]))
    assert opened.decode() == case["plaintext"]
    assert sealed_hash(bytes.fromhex(case["sealed"])) == case["sealed_hash"]


@each
def test_what_they_seal_afresh_we_open(case: dict[str, Any]) -> None:
    binding = SealBinding(**case["binding"])
    sealed = other_seal(b"afresh", bytes.fromhex(binding.seal_key), bytes.fromhex(case["info"]))
    assert unseal(binding, secret_of(case), sealed) == b"afresh"


@each
def test_what_we_seal_they_open(case: dict[str, Any]) -> None:
    plaintext = case["plaintext"].encode()
    sealed = seal(SealBinding(**case["binding"]), plaintext)
    assert other_open(sealed, secret_of(case), bytes.fromhex(case["info"])) == plaintext
    assert len(sealed) == ENC_BYTES + len(plaintext) + TAG_BYTES
    with pytest.raises(OpenError):
        other_open(sealed, secret_of(case), bytes.fromhex(case["info"])[:-1])


def test_we_never_seal_twice_to_the_same_bytes() -> None:
    binding = SealBinding(**CASES["release"]["binding"])
    assert seal(binding, b"card") != seal(binding, b"card")


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["name"])
def test_what_was_moved_or_changed_does_not_open(case: dict[str, Any]) -> None:
    good = CASES[case["of"]]
    binding = SealBinding(**{**good["binding"], **case.get("binding", {})})
    secret = bytes.fromhex(case.get("recipient_secret", good["recipient_secret"]))
    sealed = bytes.fromhex(case.get("sealed", good["sealed"]))
    with pytest.raises(RemoteError) as caught:
        unseal(binding, secret, sealed)
    assert caught.value.code is ErrorCode.NOT_OPENED


def test_every_field_of_the_binding_has_a_case_that_changes_it() -> None:
    changed = {field for case in VECTORS["refused"] for field in case.get("binding", {})}
    assert changed == set(SealBinding.__dataclass_fields__)


def test_a_sealed_part_over_the_limit_is_refused_before_any_work() -> None:
    good = CASES["release"]
    with pytest.raises(RemoteError) as caught:
        unseal(SealBinding(**good["binding"]), secret_of(good), bytes(SEALED_LIMIT + 1))
    assert caught.value.code is ErrorCode.TOO_LARGE


@pytest.mark.parametrize("key", ["00" * 32, "01" + "00" * 31])
def test_sealing_to_a_key_of_small_order_is_refused(key: str) -> None:
    binding = SealBinding(**{**CASES["release"]["binding"], "seal_key": key})
    with pytest.raises(RemoteError) as caught:
        seal(binding, b"card")
    assert caught.value.code is ErrorCode.WEAK_KEY


def test_plaintexts_are_a_request_cards_a_check_and_a_reason() -> None:
    models: dict[str, type[WireModel]] = {
        "request": SealedRequest,
        "release": ContactCard,
        "provisional": ContactCard,
        "identity_check": SealedCheck,
        "decision": Opening,
    }
    assert models.keys() == CASES.keys()
    for name, model in models.items():
        text = CASES[name]["plaintext"]
        assert encode_wire(parse_wire(model, text.encode())).decode() == text


def test_the_details_of_a_check_open_with_the_shared_value_and_no_other() -> None:
    case = VECTORS["details"]
    key = details_key(bytes.fromhex(case["link_key"]), case["check_id"])
    assert key.hex() == case["key"]
    opened = SecretBox(key).decrypt(bytes.fromhex(case["box"]))
    assert opened.decode() == case["plaintext"]
    assert parse_wire(IdentityDetails, opened).check_id == case["check_id"]
    carried = parse_wire(SealedCheck, CASES["identity_check"]["plaintext"].encode()).details
    assert from_base64(carried).hex() == case["box"]
    for other in (
        details_key(bytes(32), case["check_id"]),
        details_key(bytes.fromhex(case["link_key"]), "00" * 16),
    ):
        with pytest.raises(CryptoError):
            SecretBox(other).decrypt(bytes.fromhex(case["box"]))


@each
def test_the_seal_key_is_the_public_key_of_the_secret(case: dict[str, Any]) -> None:
    assert seal_public_key(secret_of(case)) == case["binding"]["seal_key"]


def test_the_example_of_spec_06_is_the_release_of_the_vectors() -> None:
    text, case = (SPECS / "06-requests.md").read_text("utf-8"), CASES["release"]
    for value in (case["info"], case["plaintext"], case["sealed"], case["sealed_hash"]):
        assert value in text
    assert all(value in text for value in case["binding"].values())


def test_the_reason_of_spec_06_is_committed_to_and_sealed_as_the_vectors_say() -> None:
    text, case = (SPECS / "06-requests.md").read_text("utf-8"), CASES["decision"]
    for value in (case["plaintext"], case["sealed"], case["sealed_hash"]):
        assert value in text
    decisions = [
        json.loads(item["payload"])["body"]
        for item in json.loads((SPECS / "vectors/statements.json").read_text("utf-8"))["valid"]
        if item["kind"] == "decision"
    ]
    (refused,) = [body for body in decisions if "sealed_hash" in body]
    assert refused["sealed_hash"] == case["sealed_hash"]
    opening = parse_wire(Opening, case["plaintext"].encode())
    verify_commitment(refused["reason_commitment"], bytes.fromhex(opening.salt), opening.value)
