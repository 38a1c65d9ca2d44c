"""One line that reads as what it is: no character slips through by being among the common ones."""

import pytest

from protocol.fields import plain_text

PRINTED = {chr(code) for code in range(0x20, 0x7F)}


def test_within_ascii_what_is_printed_stands_and_nothing_else() -> None:
    for character in map(chr, range(0x80)):
        text = f"a{character}b"
        if character in PRINTED:
            assert plain_text(text) == text
        else:
            with pytest.raises(ValueError, match="control or direction characters"):
                plain_text(text)


@pytest.mark.parametrize("text", [" a", "a ", "\ta", "a\n", " "])
def test_no_space_stands_at_an_end(text: str) -> None:
    with pytest.raises(ValueError, match="spaces at an end"):
        plain_text(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("a\u202eb", "control or direction"), ("p\u0430ul", "mixes scripts"), ("e\u0301", "not NFC")],
)
def test_a_text_of_other_letters_is_looked_at_one_by_one(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plain_text(text)
