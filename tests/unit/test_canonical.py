"""Canonical JSON: RFC 8785 as written by hand from the RFC, and everything that is refused."""

import math
import time

import pytest

from protocol import canonical
from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, LocalError, RemoteError

LIMIT = 1 << 20
BIGGEST = 9_007_199_254_740_991

# The sorting example of RFC 8785 §3.2.3: UTF-16 code units, so the emoji stands before U+FB33.
RFC_SORTED = (
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With '
    'Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With '
    'Dagesh"}'
)
RFC_VALUE: dict[str, JsonValue] = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\U0001f600": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-1, "-1"),
        (BIGGEST, "9007199254740991"),
        (-BIGGEST, "-9007199254740991"),
        ("", '""'),
        ([], "[]"),
        ({}, "{}"),
        ([1, [2], {"b": None, "a": [True]}], '[1,[2],{"a":[true],"b":null}]'),
        ('"\\/', '"\\"\\\\/"'),
        ("\b\t\n\f\r", '"\\b\\t\\n\\f\\r"'),
        ("\x00\x0f\x1f", '"\\u0000\\u000f\\u001f"'),
        ("\x7f\u2028\u2029é", '"\x7f\u2028\u2029é"'),
        ({"b": 1, "B": 2, "": 3, "aa": 4, "a": 5}, '{"":3,"B":2,"a":5,"aa":4,"b":1}'),
        (RFC_VALUE, RFC_SORTED),
    ],
)
def test_rfc_8785_as_written_by_hand(value: JsonValue, expected: str) -> None:
    data = expected.encode()
    assert canonical.encode(value) == data
    assert canonical.parse(data, limit=LIMIT) == value


@pytest.mark.parametrize(
    "value",
    [1.0, 0.5, math.nan, math.inf, BIGGEST + 1, -BIGGEST - 1, "\ud800", {"\udfff": 1}, [1.0]],
)
def test_a_value_outside_the_profile_is_our_own_fault(value: JsonValue) -> None:
    with pytest.raises(LocalError) as caught:
        canonical.encode(value)
    assert caught.value.code is ErrorCode.MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "nul",
        "'a'",
        "[1,]",
        '{"a":1,}',
        "{a:1}",
        "1 2",
        "// x\n1",
        "01",
        "+1",
        ".5",
        "1.",
        "1.0",
        "1e2",
        "1E400",
        "-",
        "NaN",
        "Infinity",
        "-Infinity",
        "9007199254740992",
        "-9007199254740992",
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '{"\\ud800":1}',
        '"\\x41"',
        '"\n"',
        '"\x00"',
        '{"a":1,"a":1}',
        '{"a":1,"\\u0061":2}',
        '[{"x":{"a":1,"a":1}}]',
        "\ufeff1",
    ],
)
def test_what_is_not_json_of_the_profile_is_malformed(text: str) -> None:
    with pytest.raises(RemoteError) as caught:
        canonical.parse(text.encode(), limit=LIMIT)
    assert caught.value.code is ErrorCode.MALFORMED


@pytest.mark.parametrize("data", [b"\xff", b'"\xed\xa0\x80"', b'"\xc0\xaf"', "1".encode("utf-16")])
def test_what_is_not_utf8_is_malformed(data: bytes) -> None:
    with pytest.raises(RemoteError) as caught:
        canonical.parse(data, limit=LIMIT)
    assert caught.value.code is ErrorCode.MALFORMED


@pytest.mark.parametrize(
    "text", [" 1", "1\n", "[1, 2]", '{"b":1,"a":2}', '"\\/"', '"\\u0061"', '"\\u000A"', "-0"]
)
def test_another_encoding_of_a_value_is_not_canonical(text: str) -> None:
    with pytest.raises(RemoteError) as caught:
        canonical.parse(text.encode(), limit=LIMIT)
    assert caught.value.code is ErrorCode.NOT_CANONICAL
    canonical.parse_loose(text.encode(), limit=LIMIT)


@pytest.mark.parametrize("text", ["9007199254740992", "-9007199254740992", '{"a":1,"a":1}', "1.0"])
def test_a_looser_layout_is_no_looser_in_anything_else(text: str) -> None:
    with pytest.raises(RemoteError) as caught:
        canonical.parse_loose(f" [ {text} ] ".encode(), limit=LIMIT)
    assert caught.value.code is ErrorCode.MALFORMED


def test_sixteen_levels_are_read_and_seventeen_are_not() -> None:
    def nested(levels: int) -> bytes:
        return b"[" * levels + b"1" + b"]" * levels

    assert canonical.encode(canonical.parse(nested(16), limit=LIMIT)) == nested(16)
    for levels in (17, 1000, 100_000):
        with pytest.raises(RemoteError) as caught:
            canonical.parse(nested(levels), limit=LIMIT)
        assert caught.value.code is ErrorCode.MALFORMED


def test_the_limit_is_in_bytes_and_looked_at_first() -> None:
    assert canonical.parse('"é"'.encode(), limit=4) == "é"
    with pytest.raises(RemoteError) as caught:
        canonical.parse('"é"'.encode(), limit=3)
    assert caught.value.code is ErrorCode.TOO_LARGE
    with pytest.raises(RemoteError) as caught:
        canonical.parse(b"\xff" * 5, limit=4)
    assert caught.value.code is ErrorCode.TOO_LARGE


def test_a_number_of_a_million_digits_costs_nothing() -> None:
    started = time.monotonic()
    with pytest.raises(RemoteError):
        canonical.parse(b"9" * (LIMIT - 1), limit=LIMIT)
    assert time.monotonic() - started < 1
