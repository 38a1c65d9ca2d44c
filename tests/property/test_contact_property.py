"""Whatever people write: what is read of it can be sent, and reads the same again."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from protocol.contact import Email, Phone, read_email, read_name, read_phone
from protocol.fields import Name

NUMBERS = st.text(alphabet="0123456789 ()+-./,;xX#extor\u2013\u00a0", max_size=40)


@given(st.one_of(st.text(max_size=60), NUMBERS))
def test_what_is_read_can_be_sent_and_reads_the_same_again(text: str) -> None:
    found = read_phone(text)
    if found is not None:
        assert TypeAdapter(Phone).validate_python(found.number) == found.number
        again = read_phone(found.number)
        assert again is not None
        assert (again.number, again.remark) == (found.number, False)
    for read, kind in ((read_name, Name), (read_email, Email)):
        kept = read(text)
        if kept is not None:
            assert TypeAdapter(kind).validate_python(kept) == kept
            assert read(kept) == kept


@given(NUMBERS)
def test_no_digit_is_made_up_or_moved(text: str) -> None:
    found = read_phone(text)
    if found is not None:
        written = iter(letter for letter in text if letter.isdigit())
        assert all(digit in written for digit in found.number if digit.isdigit())
