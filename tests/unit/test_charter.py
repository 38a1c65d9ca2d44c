"""The charter: the template becomes one, and a document that contradicts itself does not."""

import copy
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import nacl.bindings
import pytest

from hub.policies.packs import pack
from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.charter import Charter, parse_charter
from protocol.log.note import SignatureType, VerifierKey
from tests.conftest import Council, key

ENGLAND = pack("england")

TEMPLATE = Path(__file__).parents[2] / "hub" / "members" / "charter_template.json"


def parse(value: object) -> Charter:
    data = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return parse_charter(data.encode())


def changed(council: Council, path: str, new: object) -> dict[str, Any]:
    """The sample charter with the value at a dotted path replaced."""
    value = copy.deepcopy(council.charter_value)
    *parents, last = path.split(".")
    place: Any = value
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    place[int(last) if isinstance(place, list) else last] = new
    return value


def vkey(name: str, type_: SignatureType, number: int) -> str:
    return VerifierKey(name, type_, bytes.fromhex(key(number))).text


def test_the_template_with_a_made_up_token_key_is_a_charter(council: Council) -> None:
    template = json.loads(TEMPLATE.read_text("utf-8"))
    value = {**council.charter_value, **template, "match_policy": ENGLAND.to_json()}
    charter = parse(value)
    assert charter.policy == ENGLAND
    assert {basis.code for basis in charter.lawful_bases} >= {"UK-CA89-S17", "UK-CA89-S47"}
    assert "duty_desk" not in template, "whom to call is never invented"


def test_a_charter_whose_policy_was_read_travels_to_another_process(council: Council) -> None:
    charter = parse(council.charter_value)
    keys = charter.policy.keys
    there = pickle.loads(pickle.dumps(charter))  # noqa: S301 - our own bytes
    assert there == charter
    assert there.policy.keys == keys


def test_the_template_promises_what_the_design_says() -> None:
    template = json.loads(TEMPLATE.read_text("utf-8"))
    bases = {basis["code"]: basis for basis in template["lawful_bases"]}
    assert bases["UK-CA04-16LA"]["in_force"] == "pending"
    assert all(basis["must_record"] for basis in bases.values())
    types = {kind["code"]: kind for kind in template["involvement_types"]}
    sensitive = {code for code, kind in types.items() if kind["openness"] == "sensitive"}
    assert sensitive == {"adult_mental_health", "talking_therapies", "drug_and_alcohol"}
    assert not [code for code in sensitive if "hint_from" in types[code]], "off unless switched on"
    assert not [code for code in sensitive if types[code]["visible_to"]]
    assert types["child_protection"]["openness"] == "always_findable"
    references = [
        (code, rule["field"])
        for code, basis in bases.items()
        for rule in basis["must_record"]
        if "reference" in rule["field"] and rule["type"] != "committed"
    ]
    assert not references, "a reference may name a client: it must be committed"
    purposes = {item["code"] for item in template["purposes"]}
    assert {code for basis in bases.values() for code in basis["purposes"]} <= purposes


def test_a_charter_is_named_by_the_hash_of_its_canonical_bytes(council: Council) -> None:
    data = json.dumps(
        council.charter_value, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    charter = parse_charter(data)
    assert charter.encode() == data
    assert charter.document_hash == hashlib.sha256(data).hexdigest()


def test_look_ups_find_what_is_there_and_nothing_else(council: Council) -> None:
    charter = council.charter()
    basis, kind = charter.lawful_basis("UK-CONSENT"), charter.involvement_type("health_visiting")
    assert basis is not None
    assert basis.permission_class == "consent"
    assert kind is not None
    assert kind.openness == "open"
    assert charter.lawful_basis("uk-consent") is None
    assert charter.involvement_type("gardening") is None


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("involvement_types.0.visible_to", ["health_provider", "gardeners"]),
        ("lawful_bases.0.requester_classes", ["gardeners"]),
        ("lawful_bases.0.holder_classes", ["gardeners"]),
        ("classes", []),
        ("quorum", 2),
        ("quorum", 0),
        ("witnesses", []),
        ("token_key.threshold", 4),
        ("token_key.threshold", 0),
        ("token_key.holders", []),
        ("involvement_types.0.openness", "secret"),
        ("involvement_types.0.basis", "UK-CA89-S47"),
        ("involvement_types.1.basis", "UK-NO-SUCH-BASIS"),
        ("confirm_months", 0),
        ("confirm_months", 121),
        ("lawful_bases.0.in_force", "soon"),
        ("lawful_bases.0.must_record.0.type", "text"),
        ("lawful_bases.0.code", "uk-ca89-s17"),
        ("version", 0),
        ("request_lifetime_days", 0),
        ("request_lifetime_days", 91),
        ("retention_days", 29),
        ("quotas.stubs_per_token", 0),
        ("duty_desk.phone", "0800 HELP"),
        ("token_key.holders.0.url", "file:///etc/passwd"),
        ("hub.name", "Ex\u0430mple Council"),
        ("log.origin", "hub+example/log"),
        ("predecessor", "abc"),
        ("match_policy.upper", -101),
        ("match_policy.strong_id", "shoe_size.1"),
    ],
)
def test_a_charter_that_contradicts_itself_is_refused(
    council: Council, path: str, new: object
) -> None:
    value = changed(council, path, new)
    if path == "witnesses":
        value["quorum"] = 2
    with pytest.raises(RemoteError) as caught:
        parse(value)
    assert caught.value.code is ErrorCode.MALFORMED


def test_a_charter_without_witnesses_can_be_read_and_never_has_a_quorum(council: Council) -> None:
    assert parse({**council.charter_value, "witnesses": [], "quorum": 1}).quorum == 1


@pytest.mark.parametrize("field", ["quorum", "duty_desk", "witnesses", "predecessor"])
def test_every_field_must_be_there(council: Council, field: str) -> None:
    value = {name: item for name, item in council.charter_value.items() if name != field}
    with pytest.raises(RemoteError):
        parse(value)


def test_no_field_may_be_added(council: Council) -> None:
    with pytest.raises(RemoteError):
        parse({**council.charter_value, "comment": ""})
    with pytest.raises(RemoteError):
        parse(changed(council, "hub", {**council.charter_value["hub"], "motto": ""}))


def test_one_key_for_two_witnesses_is_refused(council: Council) -> None:
    first = council.charter_value["witnesses"][0]
    with pytest.raises(RemoteError, match="one key is used for two parties"):
        parse({**council.charter_value, "witnesses": [first, first]})
    other = {**first, "name": "w2.example"}
    other["vkey"] = vkey("w2.example", SignatureType.COSIGNATURE_V1, 2)
    with pytest.raises(RemoteError, match="one key is used for two parties"):
        parse({**council.charter_value, "witnesses": [first, other]})


def test_two_witnesses_with_two_keys_are_taken(council: Council) -> None:
    first = council.charter_value["witnesses"][0]
    other = {**first, "name": "w2.example"}
    other["vkey"] = vkey("w2.example", SignatureType.COSIGNATURE_V1, 0x60)
    assert len(parse({**council.charter_value, "witnesses": [first, other]}).witnesses) == 2


def test_the_logs_key_is_no_witness(council: Council) -> None:
    posing = {**council.charter_value["witnesses"][0]}
    posing["vkey"] = vkey("w1.example", SignatureType.COSIGNATURE_V1, 1)
    with pytest.raises(RemoteError):
        parse({**council.charter_value, "witnesses": [posing]})


def test_a_charter_over_one_mebibyte_is_refused_unread(council: Council) -> None:
    with pytest.raises(RemoteError) as caught:
        parse_charter(canonical.encode({**council.charter_value, "x": "x" * (1 << 20)}))
    assert caught.value.code is ErrorCode.TOO_LARGE


EIGHTH = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")


@pytest.mark.parametrize(
    "weak",
    [
        "01" + "00" * 31,
        "02" + "00" * 31,
        nacl.bindings.crypto_core_ed25519_add(bytes.fromhex(key(0x71)), EIGHTH).hex(),
    ],
    ids=["of small order", "on no curve", "with a part of small order"],
)
@pytest.mark.parametrize("whose", ["the hub", "a key holder"])
def test_a_key_under_which_others_can_sign_is_refused_from_whoever_wrote_it(
    council: Council, whose: str, weak: str
) -> None:
    """The founding hub checked its holders' keys; who reads a charter must, too."""
    value = copy.deepcopy(council.charter_value)
    (value["hub"] if whose == "the hub" else value["token_key"]["holders"][0])["sign"] = weak
    with pytest.raises(RemoteError) as caught:
        parse(value)
    assert caught.value.code is ErrorCode.WEAK_KEY
