"""Canonical JSON (RFC 8785, no floats) and its strict parser: specs/01-statements.md §1.

Parsing accepts one encoding only: bytes that do not encode back to themselves are refused, so a
signature over stored bytes and a hash over a value always mean the same thing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NoReturn

import rfc8785

from protocol.errors import ErrorCode, LocalError, RemoteError

_PARSE_ERRORS = (TypeError, ValueError, RecursionError)

JsonValue = None | bool | int | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]

MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1


def encode(value: JsonValue) -> bytes:
    """Encode as RFC 8785. Raises LocalError for floats, integers over 2^53-1 or lone surrogates."""
    try:
        _refuse_others(value, 0)
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, *_PARSE_ERRORS) as error:
        raise LocalError(ErrorCode.MALFORMED, "value has no canonical JSON form") from error


def parse(data: bytes, *, limit: int) -> JsonValue:
    """Parse canonical JSON of at most `limit` bytes. Raises RemoteError and nothing else."""
    value = parse_loose(data, limit=limit)
    try:
        canonical = encode(value)
    except LocalError as error:
        raise RemoteError(ErrorCode.MALFORMED, "JSON holds a value outside the profile") from error
    if canonical != data:
        raise RemoteError(ErrorCode.NOT_CANONICAL, "JSON is not in RFC 8785 form")
    return value


def parse_loose(data: bytes, *, limit: int) -> JsonValue:
    """Parse JSON in any layout, still without duplicate keys, floats or deep nesting."""
    if len(data) > limit:
        raise RemoteError(ErrorCode.TOO_LARGE, f"JSON is over {limit} bytes")
    try:
        value: JsonValue = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_refuse,
            parse_constant=_refuse,
            parse_int=_integer,
        )
        _refuse_others(value, 0)
    except RemoteError:
        raise
    except _PARSE_ERRORS as error:
        raise RemoteError(ErrorCode.MALFORMED, "not JSON of the profile") from error
    return value


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


def _refuse_others(value: JsonValue, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, float):
        raise TypeError("float")
    if isinstance(value, str):
        value.encode("utf-8")  # refuses lone surrogates
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_others(key, depth + 1)
            _refuse_others(item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_others(item, depth + 1)
