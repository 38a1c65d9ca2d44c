"""What comes from a hub or a witness is read, or refused by RemoteError: nothing else."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from audit.fetch.notes import parse_notes
from protocol import canonical
from protocol.errors import RemoteError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["notes", "seq", "note", "x"]), inner, max_size=3)
    ),
)
NOTES = st.lists(
    st.fixed_dictionaries({"seq": st.integers(-1, 9) | JSON, "note": st.text() | JSON}) | JSON
)


@given(st.binary() | st.builds(canonical.encode, JSON | st.fixed_dictionaries({"notes": NOTES})))
def test_a_page_of_notes_is_read_or_refused(data: bytes) -> None:
    with suppress(RemoteError):
        found = parse_notes(data, 3)
        numbers = [seq for seq, _ in found]
        assert numbers == sorted(set(numbers))
        assert all(seq > 3 for seq in numbers), "so that a hub cannot keep us going for ever"


def test_a_page_of_notes_in_order_is_read() -> None:
    data = b'{"notes":[{"note":"a\\n","seq":4},{"note":"b\\n","seq":9}]}'
    assert parse_notes(data, 3) == [(4, b"a\n"), (9, b"b\n")]
