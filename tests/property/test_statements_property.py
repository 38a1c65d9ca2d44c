"""Any bytes at all: every reader gives a value or RemoteError, and nothing else."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol import canonical, wire
from protocol.dsse import parse_envelope, payload_type
from protocol.errors import RemoteError
from protocol.fields import WireModel
from protocol.governance.charter import parse_charter
from protocol.governance.directory import Directory, apply_public_leaf, needed_document
from protocol.messages import bodies as messages
from protocol.messages.kinds import KINDS, Leaf
from protocol.messages.statement import parse_statement
from protocol.requests import sealing
from protocol.signing import SecretSeed, public_key, sign_ed25519
from protocol.wire import encode_wire, parse_wire
from tests.conftest import VECTORS
from transport.problems import parse_problem

STATEMENTS = json.loads((VECTORS / "statements.json").read_text("utf-8"))
CHARTER = json.loads((VECTORS / "decisions.json").read_text("utf-8"))["charter"]
SEALED = json.loads((VECTORS / "sealing.json").read_text("utf-8"))["cases"]
ENVELOPES = [case["envelope"].encode() for case in STATEMENTS["valid"]]
PAYLOADS = [json.loads(case["payload"]) for case in STATEMENTS["valid"]]
DOCUMENT = json.dumps(CHARTER, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
WRAPPERS: list[type[WireModel]] = [
    wire.Message,
    wire.Submitted,
    wire.UploadState,
    wire.Delivery,
    wire.Mailbag,
    wire.ExportRecord,
    wire.Invitation,
    messages.RowsChunk,
    messages.TokensChunk,
    sealing.SealedRequest,
    sealing.ContactCard,
    sealing.SealedCheck,
    sealing.IdentityDetails,
    sealing.Opening,
]
WRAPPED = [item["bytes"].encode() for item in STATEMENTS["wrappers"]] + [
    case["plaintext"].encode() for case in SEALED
]
LIMIT = 1 << 21
DEEP = b"[" * 100_000
LONG_NUMBER = b'{"iat":' + b"9" * 100_000 + b"}"

keys = st.text(max_size=8) | st.sampled_from(["body", "kind", "facts", "keys", "signatures"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["a0" * 16, "b0" * 32, "receipt", "1e999", "\u202e", "A" * 300])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
Reader = Callable[[bytes], object]


def readers_only_refuse(read: Reader, data: bytes) -> None:
    try:
        read(data)
    except RemoteError:
        return


def every_reader() -> list[Reader]:
    def wrapper(model: type[WireModel]) -> Reader:
        return lambda data: parse_wire(model, data, limit=LIMIT)

    return [
        lambda data: canonical.parse(data, limit=LIMIT),
        lambda data: canonical.parse_loose(data, limit=LIMIT),
        parse_envelope,
        parse_statement,
        parse_charter,
        needed_document,
        lambda data: apply_public_leaf(Directory(), 0, data, {}),
        *(wrapper(model) for model in WRAPPERS),
    ]


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path]
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            found += paths(item, (*path, key))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = replaced(value[path[0]], path[1:], new)
    return copied


def dumps(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def enveloped(kind: str, payload: bytes) -> bytes:
    signature = {"keyid": "00" * 8, "sig": base64.b64encode(bytes(64)).decode()}
    return dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type(kind),
            "signatures": [signature],
        }
    )


def test_the_valid_inputs_are_valid() -> None:
    """Else the tests below would mutate rubbish."""
    assert {parse_statement(data).preamble.kind for data in ENVELOPES} == KINDS.keys()
    assert parse_charter(DOCUMENT).version == 1
    for data in WRAPPED:
        fits = []
        for model in WRAPPERS:
            try:
                fits.append(parse_wire(model, data))
            except RemoteError:
                continue
        assert [encode_wire(value) for value in fits] == [data]
    for payload, envelope in zip(PAYLOADS, ENVELOPES, strict=True):
        assert parse_statement(enveloped(payload["kind"], dumps(payload))).preamble == (
            parse_statement(envelope).preamble
        )


@given(st.binary(max_size=400))
@example(b"")
@example(b"\xff\xfe")
@example(b"\xed\xa0\x80")
@example(b'"\\ud800"')
@example(DEEP)
@example(b'{"a":' * 50_000)
@example(LONG_NUMBER)
@example(b"-" * 1000)
@example(b"1" + b"0" * 5000)
@example(b'{"payload":"' + b"A" * 30_000 + b'"}')
def test_any_bytes(data: bytes) -> None:
    for read in every_reader():
        readers_only_refuse(read, data)


@given(values)
@example({"__class__": 1, "model_config": {}})
@example([[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]])
@example({"\ud800": "\udfff"})
def test_any_json(value: object) -> None:
    data = dumps(value)
    for read in every_reader():
        readers_only_refuse(read, data)


@given(st.data())
def test_statements_with_bytes_changed(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from([*ENVELOPES, *WRAPPED, DOCUMENT]))
    at = data.draw(st.integers(0, len(good) - 1))
    cut = data.draw(st.integers(0, 8))
    changed = good[:at] + data.draw(st.binary(max_size=8)) + good[at + cut :]
    for read in every_reader():
        readers_only_refuse(read, changed)


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: str(payload["kind"]))
@settings(max_examples=settings().max_examples // 4)
@given(data=st.data())
def test_statements_with_one_value_changed(payload: dict[str, Any], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(payload)))
    changed = dumps(replaced(payload, path, data.draw(values)))
    readers_only_refuse(parse_statement, enveloped(str(payload["kind"]), changed))


@given(data=st.data())
def test_charters_with_one_value_changed(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(CHARTER)))
    readers_only_refuse(parse_charter, dumps(replaced(CHARTER, path, data.draw(values))))


@given(data=st.data())
def test_wrappers_with_one_value_changed(data: st.DataObject) -> None:
    good = json.loads(data.draw(st.sampled_from(WRAPPED)))
    path = data.draw(st.sampled_from(paths(good)))
    changed = dumps(replaced(good, path, data.draw(values)))
    for model in WRAPPERS:
        try:
            value = parse_wire(model, changed)
        except RemoteError:
            continue
        assert encode_wire(value) == changed


@given(data=st.data())
def test_a_public_leaf_with_one_value_changed_and_signed_again(data: st.DataObject) -> None:
    """A hub that signs anything: the replay takes it or says what is wrong with it."""
    payload = data.draw(
        st.sampled_from([item for item in PAYLOADS if KINDS[item["kind"]].leaf is Leaf.PUBLIC])
    )
    path = data.draw(st.sampled_from(paths(payload["body"])))
    body = replaced(payload["body"], path, data.draw(values | scalars))
    kind = str(payload["kind"])
    hub = SecretSeed(b"\x07" * 32)
    raw = dumps({**payload, "body": body})
    pae = b"DSSEv1 %d %b %d %b" % (
        len(payload_type(kind)),
        payload_type(kind).encode(),
        len(raw),
        raw,
    )
    envelope = json.loads(enveloped(kind, raw))
    key_id = json.loads(ENVELOPES[0])["signatures"][0]["keyid"]
    signature = base64.b64encode(sign_ed25519(hub, pae)).decode()
    envelope["signatures"] = [{"keyid": key_id, "sig": signature}]
    documents = {json.loads(STATEMENTS["valid"][0]["payload"])["body"]["document_hash"]: DOCUMENT}
    founded = apply_public_leaf(Directory(), 0, ENVELOPES[0], documents)
    assert founded.key_for(founded.charter.charter_id, kind) == public_key(hub)
    readers_only_refuse(
        lambda leaf: apply_public_leaf(founded, 1, leaf, documents), dumps(envelope)
    )


def in_profile(value: object, depth: int = 0) -> bool:
    """Whether RFC 8785 without floats, 16 levels deep, can hold a value."""
    if depth > 16 or isinstance(value, float):
        return False
    if isinstance(value, int):
        return abs(value) < 2**53
    if isinstance(value, str):
        return value.isascii() or value.encode("utf-8", "replace").decode() == value
    if isinstance(value, list):
        return all(in_profile(item, depth + 1) for item in value)
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
        return all(in_profile(item, depth + 1) for item in inner)
    return True


@given(values)
def test_a_value_of_the_profile_goes_round_and_has_one_encoding(value: Any) -> None:
    if not in_profile(value):
        return
    data = canonical.encode(value)
    assert canonical.parse(data, limit=LIMIT) == value
    assert json.loads(data) == value
    assert b"\n" not in data
    for other in (data + b" ", b" " + data, json.dumps(value, indent=1).encode()):
        if other != data:
            with pytest.raises(RemoteError):
                canonical.parse(other, limit=LIMIT)


@given(st.integers(100, 599), values)
def test_any_problem_answer(status: int, value: object) -> None:
    for body in (dumps(value), dumps({"code": value, "detail": value})):
        assert parse_problem(status, body).code
