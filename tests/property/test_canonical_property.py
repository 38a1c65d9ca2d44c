"""Canonical JSON beside an implementation of RFC 8785 that is not ours."""

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import canonical
from protocol.canonical import MAX_INTEGER, JsonValue
from protocol.errors import LocalError, RemoteError

text = st.text(max_size=8) | st.text(
    alphabet='\x00\x1f\x7f"\\/\u2028\ue000\ufb33\U0001f600', max_size=6
)
values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


@given(values)
@example({"\U0001f600": 1, "\ufb33": 2})
@example([{"a": {"\U0001f600": 1, "\ufb33": [True]}}])
def test_our_bytes_are_those_of_the_other_implementation_and_are_read_back(
    value: JsonValue,
) -> None:
    data = canonical.encode(value)
    assert data == rfc8785.dumps(value)
    assert canonical.parse(data, limit=len(data)) == value


@given(
    values, st.integers(0, 10_000), st.sampled_from([b"", b" ", b"0", b'"', b"\\u0061", b"\xff"])
)
def test_near_misses_are_refused_or_are_the_one_encoding(
    value: JsonValue, place: int, piece: bytes
) -> None:
    data = canonical.encode(value)
    at = place % (len(data) + 1)
    changed = data[:at] + piece + data[at + (place & 1) :]
    try:
        parsed = canonical.parse(changed, limit=1 << 20)
    except RemoteError:
        return
    assert rfc8785.dumps(parsed) == changed


@given(st.floats() | st.integers(min_value=MAX_INTEGER + 1) | st.just("\ud800"), st.integers(0, 3))
def test_what_has_no_form_is_refused_at_any_depth(bad: float | str, depth: int) -> None:
    value: object = bad
    for level in range(depth):
        value = [value] if level & 1 else {"a": value}
    with pytest.raises(LocalError):
        canonical.encode(value)  # type: ignore[arg-type]
