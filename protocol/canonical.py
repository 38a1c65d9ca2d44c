"""Canonical JSON (RFC 8785, no floats) and its strict parser: specs/01-statements.md §1.

Parsing accepts one encoding only: bytes that do not encode back to themselves are refused, so a
signature over stored bytes and a hash over a value always mean the same thing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NoReturn

import rfc8785

from protocol.errors import ErrorCode, LocalError, RemoteError

_REFUSALS = (TypeError, ValueError, RecursionError, rfc8785.CanonicalizationError)

JsonValue = None | bool | int | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]

MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1


def encode(value: JsonValue) -> bytes:
    """Encode as RFC 8785. Raises LocalError for floats, integers over 2^53-1 or lone surrogates."""
    try:
        return _encode(value)
    except _REFUSALS as error:
        raise LocalError(ErrorCode.MALFORMED, "value has no canonical JSON form") from error


def parse(data: bytes, *, limit: int) -> JsonValue:
    """Parse canonical JSON of at most `limit` bytes. Raises RemoteError and nothing else."""
    value, canonical = _read(data, limit)
    if canonical != data:
        raise RemoteError(ErrorCode.NOT_CANONICAL, "JSON is not in RFC 8785 form")
    return value


def parse_loose(data: bytes, *, limit: int) -> JsonValue:
    """Parse JSON in any layout, still without duplicate keys, floats or deep nesting."""
    return _read(data, limit)[0]


def _read(data: bytes, limit: int) -> tuple[JsonValue, bytes]:
    """The value, and the one encoding that it has."""
    if len(data) > limit:
        raise RemoteError(ErrorCode.TOO_LARGE, f"JSON is over {limit} bytes")
    try:
        value: JsonValue = _DECODER.decode(data.decode("utf-8"))
        return value, _ENCODER.encode(value).encode("utf-8") if _is_plain(data) else _encode(value)
    except _REFUSALS as error:
        raise RemoteError(ErrorCode.MALFORMED, "not JSON of the profile") from error


def _is_plain(data: bytes) -> bool:
    """Whether JSON that was decoded needs no survey: its bytes show that it is not nested too
    deeply and that every key is ASCII; the decoder has seen its numbers.
    """
    shallow = data.count(b"{") + data.count(b"[") <= MAX_DEPTH
    return shallow and data.isascii() and b"\\" not in data


def _encode(value: JsonValue) -> bytes:
    # RFC 8785 sorts keys by UTF-16 code units, Python by code points: the same for ASCII keys.
    text = _ENCODER.encode(value) if _survey(value) else None
    return text.encode("utf-8") if text is not None else rfc8785.dumps(value)


def _survey(value: JsonValue) -> bool:
    """Refuse what the profile has no place for; whether every key is ASCII."""
    plain, level = True, [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[JsonValue] = []
        for item in level:
            if isinstance(item, str):
                continue
            if isinstance(item, dict):
                plain = "".join(item).isascii() and plain
                below += item.values()
            elif isinstance(item, (list, tuple)):
                below += item
            elif isinstance(item, float) or (isinstance(item, int) and abs(item) > MAX_INTEGER):
                raise ValueError("a number that is not an integer within +-(2^53-1)")
        if not below:
            return plain
        level = below
    raise ValueError("nested too deeply")


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise RemoteError(ErrorCode.MALFORMED, "JSON object has a duplicate key")
    return result


def _integer(text: str) -> int:
    # A cap on digits before int(): a million digits would cost quadratic time.
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise RemoteError(ErrorCode.MALFORMED, "JSON integer is outside +-(2^53-1)")
    return int(text)


def _refuse(text: str) -> NoReturn:
    raise RemoteError(ErrorCode.MALFORMED, "JSON holds a number that is not an integer")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse, parse_int=_integer
)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True
)
