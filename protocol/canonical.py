"""Canonical JSON (RFC 8785, no floats) and its strict parser: specs/01-statements.md §1.

Parsing accepts one encoding only: bytes that do not encode back to themselves are refused, so a
signature over stored bytes and a hash over a value always mean the same thing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from types import NoneType
from typing import Any, NoReturn

import orjson
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


def object_of(parts: Mapping[str, bytes]) -> bytes:
    """The encoding of an object whose values are encoded already; its keys are our own words."""
    said = (b'"%b":%b' % (key.encode("ascii"), parts[key]) for key in sorted(parts))
    return b"{%b}" % b",".join(said)


def list_of(parts: Iterable[bytes]) -> bytes:
    """The encoding of a list of values that are encoded already."""
    return b"[%b]" % b",".join(parts)


def parse(data: bytes, *, limit: int) -> JsonValue:
    """Parse canonical JSON of at most `limit` bytes. Raises RemoteError and nothing else."""
    if len(data) <= limit and (value := _quickly(data)) is not None:
        return value
    value, canonical = _read(data, limit)  # null, or what is to be refused: this says why
    if canonical != data:
        raise RemoteError(ErrorCode.NOT_CANONICAL, "JSON is not in RFC 8785 form")
    return value


def parse_loose(data: bytes, *, limit: int) -> JsonValue:
    """Parse JSON in any layout, still without duplicate keys, floats or deep nesting."""
    return _read(data, limit)[0]


def _quickly(data: bytes) -> JsonValue:
    """The value that is encoded so; None if there is none. Whatever the other parser lets pass,
    such as a key twice or a float, is not what comes out again.
    """
    try:
        value: JsonValue = orjson.loads(data)
        return value if _encode(value) == data else None
    except _REFUSALS:
        return None


def _read(data: bytes, limit: int) -> tuple[JsonValue, bytes]:
    """The value, and the one encoding that it has."""
    if len(data) > limit:
        raise RemoteError(ErrorCode.TOO_LARGE, f"JSON is over {limit} bytes")
    try:
        value: JsonValue = _DECODER.decode(data.decode("utf-8"))
        return value, _encode(value)
    except _REFUSALS as error:
        raise RemoteError(ErrorCode.MALFORMED, "not JSON of the profile") from error


def _encode(value: JsonValue) -> bytes:
    # RFC 8785 sorts keys by UTF-16 code units, orjson by code points: the same for ASCII keys.
    if _survey(value):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return rfc8785.dumps(value)


def _survey(value: JsonValue) -> bool:
    """Refuse what the profile has no place for; whether every key is ASCII, and no kind of its own.

    By levels and types, since a chunk has ten thousand values and few of these.
    """
    plain, level = True, [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for kind in {*map(type, level)}:
            if issubclass(kind, (str, NoneType)):
                continue
            some: list[Any] = [item for item in level if type(item) is kind]
            plain = plain and (not issubclass(kind, dict) or _are_keys_plain(some))
            plain = plain and (kind is tuple or not issubclass(kind, tuple))
            below += _inside(kind, some)
        if not below:
            return plain
        level = below
    raise ValueError("nested too deeply")


def _are_keys_plain(objects: list[dict[str, Any]]) -> bool:
    keys = [*chain.from_iterable(objects)]
    return "".join(keys).isascii() and {*map(type, keys)} <= {str}


def _inside(kind: type, some: list[Any]) -> Iterable[JsonValue]:
    """What values of one kind hold. Raises ValueError for what the profile has no place for."""
    if issubclass(kind, dict):
        return chain.from_iterable(map(dict.values, some))
    if issubclass(kind, (list, tuple)):
        return chain.from_iterable(some)
    if issubclass(kind, int) and -MAX_INTEGER <= min(some) <= max(some) <= MAX_INTEGER:
        return ()
    raise ValueError("neither text, list, object nor integer within +-(2^53-1)")


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
