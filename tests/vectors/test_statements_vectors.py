"""specs/vectors/statements.json: made by other implementations, read, refused and made by ours."""

import base64
import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError

from protocol import commitments, dsse, wire
from protocol.canonical import encode
from protocol.dsse import parse_envelope
from protocol.errors import RemoteError
from protocol.fields import WireModel
from protocol.governance.charter import parse_charter
from protocol.governance.fingerprint import WORDS, fingerprint_words
from protocol.log.merkle import leaf_hash
from protocol.messages import bodies as messages
from protocol.messages.bodies import CharterBody
from protocol.messages.key_record import KeyRecord
from protocol.messages.kinds import KINDS
from protocol.messages.statement import parse_statement
from protocol.signing import SecretSeed
from transport.problems import parse_problem

SPECS = Path(__file__).parents[2] / "specs"
VECTORS: dict[str, Any] = json.loads((SPECS / "vectors/statements.json").read_text("utf-8"))
SEEDS = {name: bytes.fromhex(text) for name, text in VECTORS["seeds"].items()}
VALID: dict[str, dict[str, str]] = {case["kind"]: case for case in VECTORS["valid"]}
WRAPPERS: dict[str, type[WireModel]] = {
    model.__name__: model
    for model in (
        wire.Message,
        wire.Submitted,
        wire.UploadState,
        wire.Mailbag,
        wire.ExportRecord,
        wire.Invitation,
        messages.RowsChunk,
        messages.TokensChunk,
    )
}

each_valid = pytest.mark.parametrize("case", VECTORS["valid"], ids=lambda case: case["kind"])


def named(group: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", VECTORS[group], ids=lambda case: case["name"])


def public(case: dict[str, str]) -> bytes:
    private = Ed25519PrivateKey.from_private_bytes(SEEDS[case["signer"]])
    return private.public_key().public_bytes_raw()


def other_envelope(text: str) -> OtherEnvelope:
    return OtherEnvelope.from_dict(json.loads(text))


def verify_elsewhere(text: str, public_key: bytes) -> None:
    """Verify an envelope with another DSSE library. Raises VerificationError."""
    key = Ed25519PublicKey.from_public_bytes(public_key)
    keyid = hashlib.sha256(public_key).hexdigest()[:16]
    make_key = import_module("securesystemslib.signer").SSlibKey.from_crypto
    other_envelope(text).verify([make_key(key, keyid=keyid)], 1)


def example(spec: str) -> str:
    return (SPECS / spec).read_text("utf-8")


def test_every_kind_has_a_vector() -> None:
    assert VALID.keys() == KINDS.keys()


@each_valid
def test_a_statement_reads_as_what_was_written(case: dict[str, str]) -> None:
    statement = parse_statement(case["envelope"].encode())
    payload = json.loads(case["payload"])
    assert statement.envelope.payload.decode() == case["payload"]
    said = statement.body.model_dump(mode="json", exclude_unset=True)
    assert said == payload.pop("body"), "what an older log does not say stays unsaid"
    assert statement.preamble.model_dump(mode="json") == payload
    assert statement.id == case["statement_id"]
    statement.envelope.verify(public(case))


@each_valid
def test_our_signature_and_encoding_are_the_same_bytes(case: dict[str, str]) -> None:
    made = dsse.sign(case["kind"], case["payload"].encode(), SecretSeed(SEEDS[case["signer"]]))
    assert made.signature.hex() == case["signature"]
    assert made.encode().decode() == case["envelope"]


@each_valid
def test_another_dsse_library_agrees(case: dict[str, str]) -> None:
    other = other_envelope(case["envelope"])
    assert dsse.pae(other.payload_type, other.payload) == other.pae()
    assert hashlib.sha256(other.pae()).hexdigest() == case["statement_id"]
    verify_elsewhere(case["envelope"], public(case))


@named("invalid")
def test_an_invalid_statement_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(RemoteError) as caught:
        parse_statement(case["envelope"].encode())
    assert caught.value.code.value == case["code"]


@named("invalid_signatures")
def test_a_statement_with_a_bad_signature_parses_and_is_refused(case: dict[str, str]) -> None:
    envelope = parse_statement(case["envelope"].encode()).envelope
    with pytest.raises(RemoteError) as caught:
        envelope.verify(bytes.fromhex(case["key"]))
    assert caught.value.code.value == case["code"]


def test_we_refuse_no_signature_that_another_library_takes_but_for_weak_keys() -> None:
    taken = []
    for case in VECTORS["invalid_signatures"]:
        try:
            verify_elsewhere(case["envelope"], bytes.fromhex(case["key"]))
        except VerificationError:
            continue
        taken.append(case["name"].partition(":")[0])
    assert set(taken) <= {"small-order key"}
    assert taken, "an ordinary library takes the small-order signatures; that is why we check"


@pytest.mark.parametrize("case", VECTORS["commitments"])
def test_commitments_open(case: dict[str, Any]) -> None:
    salt = bytes.fromhex(case["salt"])
    assert commitments.commit(salt, case["value"]) == case["commitment"]
    commitments.verify_commitment(case["commitment"], salt, case["value"])


@named("wrappers")
def test_wrappers_read_and_write_as_the_same_bytes(case: dict[str, str]) -> None:
    value = wire.parse_wire(WRAPPERS[case["model"]], case["bytes"].encode())
    assert value.model_dump(mode="json") == json.loads(case["bytes"])
    assert wire.encode_wire(value).decode() == case["bytes"]


def test_publication_chunks_are_the_ones_that_the_manifest_names() -> None:
    chunks = {case["model"]: case["bytes"] for case in VECTORS["wrappers"]}
    manifest = json.loads(VALID["publication"]["payload"])["body"]
    for field, model in (("rows", "RowsChunk"), ("tokens", "TokensChunk")):
        data = chunks[model].encode()
        (ref,) = manifest[field]
        assert (ref["hash"], ref["length"]) == (hashlib.sha256(data).hexdigest(), len(data))
    (row,) = json.loads(chunks["RowsChunk"])["rows"]
    (entry,) = json.loads(chunks["TokensChunk"])["tokens"]
    opened = {"stub_id": entry["stub_id"], "tokens": entry["tokens"]}
    commitments.verify_commitment(row["token_commitment"], bytes.fromhex(entry["salt"]), opened)


def test_the_charter_leaf_names_the_charter_document_and_gives_the_genesis() -> None:
    value = json.loads((SPECS / "vectors/decisions.json").read_text("utf-8"))["charter"]
    charter = parse_charter(encode(value))
    body = parse_statement(VALID["charter"]["envelope"].encode()).expect(CharterBody).body
    assert body.document_hash == charter.document_hash
    assert body.document_length == len(charter.encode())
    leaf = bytes.fromhex(VECTORS["genesis"]["leaf"])
    assert leaf == b"\x01\x02" + VALID["charter"]["envelope"].encode()
    assert leaf_hash(leaf).hex() == VECTORS["genesis"]["fingerprint"]
    assert hashlib.sha256(b"\x00" + leaf).hexdigest() == VECTORS["genesis"]["fingerprint"]


def test_fingerprint_words() -> None:
    case = VECTORS["fingerprint"]
    record = json.dumps(
        {"party_id": case["party_id"], "keys": case["keys"]}, sort_keys=True, separators=(",", ":")
    )
    assert record == case["canonical"]
    digest = hashlib.sha256(record.encode()).digest()
    assert digest.hex() == case["sha256"]
    assert case["words"] == " ".join(WORDS[byte] for byte in digest[:8])
    keys = KeyRecord.model_validate(case["keys"])
    assert fingerprint_words(case["party_id"], keys) == case["words"]


def test_a_problem_is_read_for_its_code() -> None:
    problem = json.loads(VECTORS["problem"])
    error = parse_problem(409, VECTORS["problem"].encode())
    assert (error.code.value, error.detail) == (problem["code"], problem["detail"])
    assert error.text.status == 409
    assert (error.text.title, error.text.what_to_do) == (problem["title"], problem["what_to_do"])


def test_the_example_of_spec_01_is_the_receipt_of_the_vectors() -> None:
    text, receipt = example("01-statements.md"), VALID["receipt"]
    for value in (
        receipt["payload"],
        receipt["statement_id"],
        receipt["envelope"],
        receipt["signature"],
        public(receipt).hex(),
        parse_envelope(receipt["envelope"].encode()).key_id,
        VECTORS["commitments"][0]["commitment"],
    ):
        assert value in text


def test_the_examples_of_spec_02_are_the_genesis_and_the_words_of_the_vectors() -> None:
    text = example("02-charter.md")
    assert VECTORS["genesis"]["fingerprint"] in text
    assert json.loads(VALID["charter"]["payload"])["body"]["document_hash"] in text
    assert VECTORS["fingerprint"]["canonical"] in text
    assert VECTORS["fingerprint"]["sha256"] in text
    assert VECTORS["fingerprint"]["words"] in text


def test_the_word_list_of_spec_02_is_the_one_in_use() -> None:
    block = example("02-charter.md").partition("    acorn ")[2].partition("\n\n")[0]
    assert tuple(("acorn " + block).split()) == WORDS
    assert len(WORDS) == len(set(WORDS)) == 256


def test_the_examples_of_spec_07_are_the_wrappers_of_the_vectors() -> None:
    text = example("07-transport.md")
    shown = [case["name"] for case in VECTORS["wrappers"] if case["bytes"] in text]
    assert "a receipt on its way in" in shown
    assert "an empty mailbox" in shown
    assert VECTORS["problem"] in text
    record = next(item for item in VECTORS["wrappers"] if item["model"] == "ExportRecord")
    assert len(record["bytes"]).to_bytes(4, "big").hex() in text


def test_payloads_of_the_invalid_vectors_are_the_ones_in_their_envelopes() -> None:
    for case in VECTORS["invalid"]:
        if "payload" in case:
            carried = base64.b64decode(json.loads(case["envelope"])["payload"])
            assert carried.decode() == case["payload"]
