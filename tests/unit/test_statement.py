"""Statements: what the preamble binds, how long it is fresh, and that details hold no values."""

import json
from typing import Any

import pytest

from protocol import canonical
from protocol.dsse import sign
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.bodies import ReceiptBody, ReleaseBody
from protocol.messages.kinds import KINDS, Leaf, SigningKey, kind_of
from protocol.messages.statement import (
    Context,
    Preamble,
    Stamp,
    check_addressed,
    check_fresh,
    make_statement,
    parse_statement,
)
from tests.conftest import VECTORS, seed

ORIGIN, HUB, A, B = "hub.example/log", "000102030405060708090a0b0c0d0e0f", "a0" * 16, "b0" * 16
NOW = 1_790_000_700
MARK = "Jane Marked"


def vector(kind: str) -> dict[str, str]:
    cases = json.loads((VECTORS / "statements.json").read_text("utf-8"))["valid"]
    found: dict[str, str] = next(case for case in cases if case["kind"] == kind)
    return found


def preamble(**changes: object) -> Preamble:
    value = json.loads(vector("receipt")["payload"])
    del value["body"]
    return Preamble.model_validate({**value, **changes})


def signed(kind: str, change: dict[str, object], body: dict[str, object]) -> bytes:
    """The vector of a kind with fields changed, signed properly."""
    payload: dict[str, Any] = json.loads(vector(kind)["payload"])
    payload = {**payload, **change, "body": {**payload["body"], **body}}
    return sign(kind, canonical.encode(payload), seed(3)).encode()


def refusal(data: bytes) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        parse_statement(data)
    return caught.value


def test_a_statement_that_we_make_is_the_one_of_the_vectors() -> None:
    expected = vector("receipt")
    stamp = Stamp(aud=B, nonce=f"{13:032x}", iat=NOW)
    body = ReceiptBody.model_validate(json.loads(expected["payload"])["body"])
    made = make_statement(Context(HUB, 1, ORIGIN, A), stamp, body, seed(3))
    assert made.envelope.encode().decode() == expected["envelope"]
    assert made.id == expected["statement_id"]
    assert parse_statement(made.envelope.encode()) == made


def test_every_field_of_the_preamble_changes_the_id() -> None:
    ids = {parse_statement(vector("receipt")["envelope"].encode()).id}
    changes: dict[str, object] = {
        "charter_id": "ff" * 16,
        "charter_version": 2,
        "log_origin": "other.example/log",
        "aud": A,
        "sender": B,
        "nonce": "ff" * 16,
        "iat": NOW + 1,
    }
    for name, value in changes.items():
        ids.add(parse_statement(signed("receipt", {name: value}, {})).id)
    assert len(ids) == 1 + len(changes)
    assert changes.keys() | {"protocol", "kind"} == Preamble.model_fields.keys()


def test_a_statement_is_for_one_federation_one_log_and_one_recipient() -> None:
    check_addressed(preamble(), charter_id=HUB, log_origin=ORIGIN, aud=B)
    for changes, code in (
        ({"charter_id": "ff" * 16}, ErrorCode.WRONG_CHARTER),
        ({"log_origin": "other.example/log"}, ErrorCode.WRONG_CHARTER),
        ({"aud": A}, ErrorCode.WRONG_RECIPIENT),
    ):
        with pytest.raises(RemoteError) as caught:
            check_addressed(preamble(**changes), charter_id=HUB, log_origin=ORIGIN, aud=B)
        assert caught.value.code is code


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_statement_is_fresh_for_five_minutes_either_way(seconds: int) -> None:
    check_fresh(preamble(), now=NOW + seconds)


@pytest.mark.parametrize("seconds", [-301, 301, -(10**9), 10**9])
def test_a_statement_from_the_past_or_the_future_is_refused(seconds: int) -> None:
    with pytest.raises(RemoteError) as caught:
        check_fresh(preamble(), now=NOW + seconds)
    assert caught.value.code is ErrorCode.EXPIRED


def test_a_receipt_is_not_taken_for_a_release() -> None:
    statement = parse_statement(vector("receipt")["envelope"].encode())
    assert statement.expect(ReceiptBody).body == statement.body
    with pytest.raises(RemoteError) as caught:
        statement.expect(ReleaseBody)
    assert caught.value.code is ErrorCode.UNKNOWN_KIND


def test_kinds_and_bodies_are_one_to_one() -> None:
    assert len({kind.body for kind in KINDS.values()}) == len(KINDS)
    assert all(kind_of(kind.body) == name for name, kind in KINDS.items())


def test_what_is_not_signed_with_the_sign_key_is_never_logged() -> None:
    others = [kind for kind in KINDS.values() if kind.signing_key is not SigningKey.SIGN]
    assert len(others) == 3
    assert all(kind.leaf is Leaf.NONE for kind in others)


def test_what_moves_something_goes_from_agency_to_agency_within_a_conversation() -> None:
    moving = [kind for kind in KINDS.values() if kind.needs_active_recipient]
    assert len(moving) == 5
    assert all(kind.between_agencies and kind.conversation for kind in moving)


def test_a_missing_field_is_named_and_an_extra_one_is_not() -> None:
    """Names of ours help; what the sender calls a field is the sender's text."""
    error = refusal(signed("receipt", {}, {MARK: None}))
    assert error.code is ErrorCode.UNKNOWN_FIELD
    assert "extra_forbidden" in error.detail
    assert "Marked" not in error.detail
    payload = json.loads(vector("receipt")["payload"])
    del payload["body"]["release"]
    error = refusal(sign("receipt", canonical.encode(payload), seed(3)).encode())
    assert (error.code, error.detail) == (ErrorCode.UNKNOWN_FIELD, "receipt: release: missing")


@pytest.mark.parametrize(
    ("kind", "change", "body"),
    [
        ("receipt", {"aud": MARK}, {}),
        ("receipt", {"log_origin": MARK}, {}),
        ("receipt", {}, {"release": MARK}),
        ("request", {}, {"purpose": MARK}),
        ("request", {}, {"facts": {"views": MARK * 20}}),
        ("request", {}, {"practitioner": {"id": "7a" * 16, "role": MARK}}),
        ("decision", {}, {"outcome": MARK}),
        ("enrolment", {}, {"name": MARK + "\t"}),
        ("request", {}, {"facts": {MARK: "sought"}}),
    ],
)
def test_a_refusal_never_holds_a_value(
    kind: str, change: dict[str, object], body: dict[str, object]
) -> None:
    error = refusal(signed(kind, change, body))
    assert error.code is ErrorCode.MALFORMED
    assert "Marked" not in str(error)
    assert "Marked" not in error.detail
