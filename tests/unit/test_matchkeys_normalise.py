"""Normalisation as a clerk would test it: bad input, shared places, newborn children."""

import pytest

from protocol.matchkeys import normalise

NASTY = {
    "nothing": "",
    "spaces": " \t\n\u00a0\u3000",
    "ten thousand letters": "a" * 10_000,
    "ten thousand names": "Ana " * 10_000,
    "ten thousand brackets": "(" * 10_000,
    "ten thousand commas": "a," * 5_000,
    "right to left": "\u202eariM\u202c \u200f\u200e",
    "emoji": "👶🏽👩‍👧",
    "controls": "\x00\x01\x1f\x7f\x85\x9f",
    "lone surrogates": "\ud800\udfff",
    "private use": "\ue000\U0010ffff",
    "only marks": "\u0301\u0302\u0303",
    "marker words alone": "née formerly aka now",
    "particles alone": "de la van der",
    "titles alone": "Mr Mrs Dr Sir",
    "absurd date": "0000-00-00",
    "another": "99/99/9999",
    "digits": "1234567890" * 100,
}  # fmt: skip


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_bad_input_is_clean_or_missing(text: str) -> None:
    names = normalise.person_names(text, text, text)
    place = normalise.place(text, text)
    values = [names.given, *names.others, names.joined, *names.families, *place]
    values += [normalise.birth_date(text), normalise.sex(text), normalise.nhs_number(text)]
    assert all(value is None or (value.isascii() and value.isalnum()) for value in values)
    assert normalise.is_unborn(text) is False
    assert normalise.is_shared_place(text) is False


@pytest.mark.parametrize("absent", ["", "N/A", "N/K", "NK", "TBC", "tba", "Unknown", "Not known",
                                    "N.K.", "None", "-", "XXX", "no surname"])  # fmt: skip
def test_a_placeholder_is_missing_in_every_name_field(absent: str) -> None:
    assert normalise.person_names(absent, absent, absent) == (None, (), None, ())


@pytest.mark.parametrize("newborn", ["Baby", "BABY BOY", "Baby girl 2", "B/O Sarah",
                                     "Baby of Sarah",
                                     "Twin 1", "Twin II", "Twin B", "Infant", "Male infant",
                                     "Newborn", "Unborn", "Unborn baby of Sarah", "UBB", "Boy",
                                     "Baby Hassan", "baby HASSAN-ALI"])  # fmt: skip
def test_a_newborn_without_a_name_has_no_given_name(newborn: str) -> None:
    assert normalise.person_names(newborn, None, "Hassan Ali")[:2] == (None, ())


def test_twins_with_newborn_words_are_not_one_child() -> None:
    one = normalise.person_names("Baby Twin 1 Aisha", None, "Hassan")
    other = normalise.person_names("Baby Twin 2 Amina", None, "Hassan")
    assert (one.given, other.given) == ("aisha", "amina")


@pytest.mark.parametrize("middle", ["Kaur", "Singh", "Begum", "Petrovich", "bin Ali", "Ivanovna"])
def test_a_second_name_that_twins_share_is_no_middle_name(middle: str) -> None:
    assert normalise.given_names("Harpreet", middle) == ("harpreet", (), None)
    assert normalise.given_names(f"Harpreet {middle}", None)[:2] == ("harpreet", ())


def test_brothers_named_after_different_names_of_god_differ() -> None:
    one, other = (normalise.given_names("Abdul", name)[0] for name in ("Rahman", "Karim"))
    assert (one, other) == ("abdulrahman", "abdulkarim")


def test_a_married_name_keeps_both_names_and_joins_neither() -> None:
    for written in ("Smith (née Jones)", "SMITH NEE JONES", "Smith, formerly Jones", "Smith/Jones"):
        assert set(normalise.family_names(written)) >= {"smith"}
        assert "smithjones" not in normalise.family_names(written)


SHARED = ("St Anne's Hostel", "Women's Refuge", "Room 3, Night Shelter, Mill Road", "HMP Harbour",
          "Premier Hotel", "B&B, Sea Road", "Harbour Care Home", "Royal Hospital", "YMCA",
          "Sunny Guest House", "Harbour Rooming House", "REFUGE", "hostels")  # fmt: skip


@pytest.mark.parametrize("address", SHARED)
def test_a_shared_place_gives_no_place_at_all(address: str) -> None:
    assert normalise.is_shared_place(address)
    assert normalise.place(address, "LX3 7QD") == (None, None, None)
    assert normalise.house_and_street(address) == (None, None)


@pytest.mark.parametrize("address", ["14 Hospital Lane", "2 Refuge St", "9 Prison Hill", "Hostelry",
                                     "4 Yoimont Road", "1 Motelle Way"])  # fmt: skip
def test_a_street_named_after_one_is_a_street(address: str) -> None:
    assert not normalise.is_shared_place(address)
    assert normalise.place(address, "LX3 7QD").postcode == "LX37QD"


def test_no_fixed_abode_takes_the_office_postcode_away_too() -> None:
    assert normalise.place("NFA, c/o 1 Council Way", "LX1 1AA") == (None, None, None)
    assert normalise.place("Not known", "LX1 1AA") == (None, None, "LX11AA")


def test_a_century_is_never_guessed() -> None:
    for text in ("14/03/22", "14-3-85", "1 Jan 99", "220314"):
        assert normalise.birth_date(text) is None


def test_a_first_of_january_is_a_birth_date_but_a_weak_one() -> None:
    assert normalise.birth_date("01/01/1990") == "19900101"
    assert normalise.is_weak_birth_date("19900101")
    assert normalise.is_weak_birth_date("19900701")
    assert not normalise.is_weak_birth_date("19900102")
    assert normalise.birth_date("01/01/1900") is None


@pytest.mark.parametrize("name", ["Edd", "Nan", "Na", "Unity", "Dee", "Noel"])
def test_a_name_that_reads_like_a_marker_is_a_name(name: str) -> None:
    assert normalise.given_names(name, None, "Harker").given == name.lower()
    assert not normalise.is_unborn(name)


@pytest.mark.parametrize("text", ["EDD 12/03/2026", "Unborn (EDD 3 May 2026)", "Due 2026-03-01"])
def test_a_day_of_delivery_is_no_name(text: str) -> None:
    assert normalise.is_unborn(text)
    assert normalise.given_names(text, None, "Harker").given is None


@pytest.mark.parametrize("text", ["Child 1", "Baby 2", "Male 3", "Unknown male 1", "Client 12"])
def test_somebody_who_is_only_counted_has_no_name(text: str) -> None:
    assert normalise.given_names(text, None, "Platt").given is None


@pytest.mark.parametrize("address", ["Seaview B & B, 4 Elm Rd", "Bed & Breakfast, 4 Elm Rd",
                                     "Initial Accommodation Centre, 4 Elm Rd",
                                     "Premier Inn, 4 Elm Rd",
                                     "Travelodge Central", "Pitch 4, Oak Travellers Site",
                                     "Hall 3, Student Village", "Mother and Baby Unit, 2 Elm Rd",
                                     "Family Unit, Elm House", "12 Elm Rd HMO"])  # fmt: skip
def test_a_place_under_its_everyday_name_gives_no_place(address: str) -> None:
    assert normalise.place(address, "LX4 2BF") == (None, None, None)


def test_an_instant_is_no_day_until_it_is_known_where() -> None:
    assert normalise.parse_date("1987-06-22T23:00:00Z") is None
    for written in ("1987-06-22 11:00 PM", "22/06/1987 23.00", "1987-06-22T23:00:00.000"):
        assert normalise.birth_date(written) == "19870622"
