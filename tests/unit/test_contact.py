"""Names, telephone numbers, e-mail addresses and hours, as people really write them."""

import time

import pytest
from pydantic import TypeAdapter, ValidationError

from protocol.contact import (
    Email,
    Hours,
    Phone,
    is_rounded,
    read_email,
    read_hours,
    read_name,
    read_phone,
    require_hours,
    require_name,
    require_phone,
)
from protocol.fields import Name


@pytest.mark.parametrize(
    ("written", "carried"),
    [
        ("(01632) 960-100 ext 12", "(01632) 960-100 ext 12"),
        ("( 01632 ) 960\u2013100 x12", "(01632) 960-100 ext 12"),
        ("01632960100x12", "01632960100 ext 12"),
        ("01632 960100, Ext. 1234", "01632 960100 ext 1234"),
        ("01632 960100 (extension 12)", "01632 960100 ext 12"),
        ("01632 960100 #12", "01632 960100 ext 12"),
        ("+44 (0)1632 960100", "+44 (0)1632 960100"),
        ("+1 (555) 010-0199", "+1 (555) 010-0199"),
        ("(03) 9555 0123", "(03) 9555 0123"),
        ("0800.123.456", "0800.123.456"),
        ("01632/960100", "01632/960100"),
        ("01632 - 960 - 100", "01632-960-100"),
        ("\uff10\uff11\uff16\uff13\uff12 960100", "01632 960100"),
        ("01632\u00a0960100", "01632 960100"),
        ("Tel: 01632 960100", "01632 960100"),
        ("01632 960100 / 07700 900123", "01632 960100 / 07700 900123"),
        ("01632 960100 or 07700 900123", "01632 960100 / 07700 900123"),
        ("01632 960100 ext 3, 07700 900123", "01632 960100 ext 3 / 07700 900123"),
        ("441632960100.0", "441632960100"),
        ("01632 960100\n07700 900123", "01632 960100 / 07700 900123"),
        ("01632 960100\t07700 900123", "01632 960100 / 07700 900123"),
        ("01632 960100,07700 900123", "01632 960100 / 07700 900123"),
        ("020 7946 0018 / 0019", "020 7946 0018 / 0019"),
        ("[01632] 960100", "(01632) 960100"),
        ("tel.01632 960100", "01632 960100"),
        ("T: 01632 960100", "01632 960100"),
        ("999", "999"),
        ("111", "111"),
    ],
)
def test_a_number_is_read_as_people_write_it(written: str, carried: str) -> None:
    found = read_phone(written)
    assert found is not None
    assert (found.number, found.remark) == (carried, False)
    assert TypeAdapter(Phone).validate_python(carried) == carried
    assert require_phone(written) == carried


@pytest.mark.parametrize(
    ("written", "carried"),
    [
        ("07700 900123 (mobile)", "07700 900123"),
        ("07700 900123 - Mon to Wed", "07700 900123"),
        ("01632 960100 9am-5pm", "01632 960100"),
        ("(mornings) 01632 960100", "01632 960100"),
        ("01632 960100 room 101", "01632 960100"),
        ("01632 960100 (ask for room 12)", "01632 960100"),
        ("01632 960100 DOB 01/02/1990", "01632 960100"),
        ("01632 960100 mobile 07700 900123", "01632 960100"),
        ("01632 960100; 07700 900123; 07700 900124", "01632 960100 / 07700 900123"),
    ],
)
def test_a_remark_beside_a_number_costs_the_remark(written: str, carried: str) -> None:
    found = read_phone(written)
    assert found is not None
    assert (found.number, found.remark) == (carried, True)
    with pytest.raises(ValueError, match="a telephone number alone"):
        require_phone(written)


@pytest.mark.parametrize(
    "written", ["", " ", "TBC", "n/a", "-", "12", "4.41632E+11", "ask Jo", "x"]
)
def test_what_is_no_number_is_none(written: str) -> None:
    assert read_phone(written) is None
    assert is_rounded(written) == (written == "4.41632E+11")


@pytest.mark.parametrize(
    "written",
    [
        "01632 960100 - 07700 900123",
        "07700 900123\u00b9",
        "\u2460 01632 960100 \u2461 07700 900123",
        "24/7 01632 960100",
        "01632 960100 9-5",
        "01632 960100 9.00 - 17.30",
        "T01632 960100",
        "O7700 900123",
        "07700 9OO123",
        "07700 900l23",
        "1, 01632 960100",
    ],
)
def test_where_it_is_not_plain_which_digits_are_the_number_there_is_none(written: str) -> None:
    assert read_phone(written) is None


def test_nothing_shows_a_number_that_was_read() -> None:
    assert "01632" not in repr(read_phone("01632 960100"))


@pytest.mark.parametrize("text", ["01632 960100", "000", "+44 1632 960100", " 12 + 3"])
def test_the_wire_takes_what_earlier_logs_hold(text: str) -> None:
    assert TypeAdapter(Phone).validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "12", "(12)", "01632  960100 x12", "(01632 960100", "01632) 960100", "()01632", "ring me",
        "01632 960100 ext", "01632 960100 ext 123456789", "1" * 61, "01632 960100\n", "tel:01632",
    ],
)  # fmt: skip
def test_the_wire_refuses_any_other_form(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Phone).validate_python(text)


@pytest.mark.parametrize(
    ("written", "carried"),
    [
        ("Zoe\u0308 O\u2019Neill-Smith", "Zo\u00eb O\u2019Neill-Smith"),
        (" Amira \t Hassan ", "Amira Hassan"),
        ("Anna \u5b89\u5a1c", "Anna \u5b89\u5a1c"),
        ("\u592a\u7530 \u3055\u304f\u3089 Ota", "\u592a\u7530 \u3055\u304f\u3089 Ota"),
        ("\u0645\u062d\u0645\u062f Smith", "\u0645\u062d\u0645\u062f Smith"),
        ("\u4f50\u3005\u6728", "\u4f50\u3005\u6728"),
        ("\u30b9\u30fc\u30d1\u30fc", "\u30b9\u30fc\u30d1\u30fc"),
        ("A\u202eB", "AB"),
        ("A\u200bB\ufeff", "AB"),
        ("\u0391\u03bb\u03ad\u03be\u03b7\u03c2", "\u0391\u03bb\u03ad\u03be\u03b7\u03c2"),
    ],
)
def test_a_name_is_read_as_people_write_it(written: str, carried: str) -> None:
    assert read_name(written) == carried == require_name(written)
    assert TypeAdapter(Name).validate_python(carried) == carried


@pytest.mark.parametrize(
    "text",
    [
        "\u0410nna",  # a Cyrillic A
        "\u0391nna",  # a Greek one
        "Anna \u0410\u043d\u043d\u0430",
        "\u0645\u062d\u0645\u062f \u5b89\u5a1c",
        "x" * 81,
        "",
        "\u200b",
    ],
)
def test_a_name_that_could_be_taken_for_another_is_none(text: str) -> None:
    assert read_name(text) is None
    with pytest.raises(ValueError, match="at most 80 characters"):
        require_name(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(text)


@pytest.mark.parametrize(
    ("written", "carried"),
    [
        ("jo@example.org", "jo@example.org"),
        ("Jo <jo@example.org>", "jo@example.org"),
        ("mailto:jo@example.org", "jo@example.org"),
        ("jo@example.org.", "jo@example.org"),
        ("j\u00f6rg@example.org", "j\u00f6rg@example.org"),
    ],
)
def test_an_address_is_read_as_people_write_it(written: str, carried: str) -> None:
    assert read_email(written) == carried
    assert TypeAdapter(Email).validate_python(carried) == carried


@pytest.mark.parametrize(
    "text", ["", "n/a", "jo@", "jo @ x", "a@b.example, c@d.example", "x" * 300]
)
def test_what_is_not_one_address_is_none(text: str) -> None:
    assert read_email(text) is None


def test_hours_are_words_of_a_longer_line() -> None:
    hours = "Monday to Friday, 9am to 5pm; at night and on bank holidays the emergency duty team"
    assert len(hours) > 80
    assert read_hours(f" {hours}\n") == hours == require_hours(hours)
    assert TypeAdapter(Hours).validate_python(hours) == hours
    with pytest.raises(ValueError, match="at most 120 characters"):
        require_hours(hours * 2)


@pytest.mark.parametrize(
    "text", ["," * 20_000, "1" * 20_000, "(" * 20_000, "a" * 20_000, "a@" * 9_999]
)
def test_a_cell_of_any_length_is_read_at_once(text: str) -> None:
    began = time.process_time()
    assert (read_phone(text), read_email(text)) == (None, None)
    assert time.process_time() - began < 0.5
