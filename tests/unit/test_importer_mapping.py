"""Column mappings: guessing, reading, writing, and refusing what cannot be used."""

import csv
import json
from pathlib import Path

import pytest

from node.records.importer.mapping import (
    ColumnMapping,
    Field,
    Source,
    check_types,
    dump_mapping,
    guess_mapping,
    load_mapping,
)
from protocol.errors import ErrorCode, RemoteError

PEOPLE = Path(__file__).resolve().parents[2] / "demo/people"
NAMES_AND_PLACE = ["local_id", "given", "family", "date_of_birth", "sex", "address", "postcode"]
IDENTITY = [*NAMES_AND_PLACE, "nhs_number"]

HEADERS = {
    "asc": (
        (
            "Local ID,nhs_id,first_name,middle_name,last_name,date_of_birth,gender,address,"
            "post_code,service,worker"
        ),
        [*IDENTITY, "middle", "involvement", "worker"],
    ),
    "housing": (
        "Local ID,NHS,FIRST NAME,MIDDLE,SURNAME,D.O.B.,SEX,PROPERTY,POST CODE",
        [*IDENTITY, "middle"],
    ),
    "police": (
        "Local ID,given,middle,family,dob,sex,address,postcode",
        [*NAMES_AND_PLACE, "middle"],
    ),
    "child": (
        (
            "Local ID,NHSNumber,ChildForenames,ChildSurname,DOB,Sex,HomeAddress,HomePostcode,"
            "Involvement,Allocated worker,Team,Lawful basis,Consent date"
        ),
        [*IDENTITY, "involvement", "worker", "team", "permission_basis", "consent_date"],
    ),
    "health": (
        (
            "Local ID,NHS Number,Forename,Middle names,Surname,Date of birth,Gender,Address line 1,"
            "Postcode,Service,Practitioner,Practitioner phone,Practitioner e-mail"
        ),
        [*IDENTITY, "middle", "involvement", "worker", "worker_phone", "worker_email"],
    ),
}


@pytest.mark.parametrize("agency", HEADERS)
def test_guess_finds_the_columns_of_the_five_exports(agency: str) -> None:
    header, expected = HEADERS[agency]
    guessed = guess_mapping(next(csv.reader([header])))
    assert {str(name) for name in guessed.sources} == set(expected)
    assert all((source.column or "?") in header for source in guessed.sources.values())


def test_guess_of_strange_headers_is_an_incomplete_draft() -> None:
    guessed = guess_mapping(["", "😀", "DOB", "dob", "x" * 1000])
    assert guessed.sources == {Field.DATE_OF_BIRTH: Source(column="DOB")}
    assert guessed.missing() == (Field.LOCAL_ID, Field.INVOLVEMENT)


def test_short_names_are_guessed_where_no_column_says_it_better() -> None:
    short = guess_mapping(["id", "first", "last", "pc"])
    assert set(short.sources) == {Field.LOCAL_ID, Field.GIVEN, Field.FAMILY, Field.POSTCODE}
    better = guess_mapping(["ID", "Client ID", "First", "Forename"])
    assert better.sources[Field.LOCAL_ID].column == "Client ID"
    assert better.sources[Field.GIVEN].column == "Forename"


def test_a_guess_never_sets_a_fixed_value_or_an_end_of_permission() -> None:
    guessed = guess_mapping(HEADERS["health"][0].split(","))
    assert Field.PERMISSION_BASIS not in guessed.sources
    assert all(source.fixed is None for source in guessed.sources.values())


FULL = ColumnMapping(
    "Exports \"quoted\" \\ and 'so on'",
    {
        Field.LOCAL_ID: Source(column="Local ID"),
        Field.FAMILY: Source(column='Sur"name\\ é'),
        Field.INVOLVEMENT: Source(
            column="Service", values={"Health visiting": "health_visiting", "x = y": ""}
        ),
        Field.PERMISSION_BASIS: Source(
            column="Service", values={"Health visiting": "UK-HSCA-251B"}
        ),
        Field.PERMISSION_VALID_UNTIL: Source(fixed="2030-03-31"),
        Field.VALID_FOR_DAYS: Source(fixed="365"),
    },
)


def test_dump_and_load() -> None:
    assert load_mapping(dump_mapping(FULL)) == FULL


def test_dump_is_the_text_a_person_would_write() -> None:
    mapping = ColumnMapping(
        "T", {Field.INVOLVEMENT: Source(column="S", values={"a": "early_help"})}
    )
    assert dump_mapping(mapping) == (
        'format = 1\ntitle = "T"\n\n[fields.involvement]\ncolumn = "S"\n\n'
        '[fields.involvement.values]\n"a" = "early_help"\n'
    )


@pytest.mark.parametrize("name", ["health", "child"])
def test_demo_mappings_are_complete_and_stable(name: str) -> None:
    mapping = load_mapping((PEOPLE / f"{name}.mapping.toml").read_text("utf-8"))
    assert mapping.missing() == ()
    assert "invented" in mapping.title
    assert load_mapping(dump_mapping(mapping)) == mapping


TEMPLATE = PEOPLE.parents[1] / "hub/members/charter_template.json"
SHIPPED_TYPES = {
    item["code"] for item in json.loads(TEMPLATE.read_text("utf-8"))["involvement_types"]
}
HEAD = 'format = 1\ntitle = "T"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "format = 1"),
        ("format = 2\n[fields]\n", "format = 1"),
        ("format = 1\ncolour = 1\n[fields]\n", "and [fields]"),
        ("not toml", "TOML"),
        ("format = 1\nformat = 1\n", "TOML"),
        ("a=" + "[" * 5_000, "TOML"),
        (HEAD, "[fields]"),
        (HEAD + "fields = 1", "[fields]"),
        ("format = 1\ntitle = 1\n[fields]\n", "title"),
        (
            HEAD + '[fields.shoe_size]\ncolumn = "x"\n',
            "line 3: there is no such field as",
        ),
        (HEAD + "[fields.given]\n", "given needs"),
        (HEAD + "[fields]\ngiven = 1\n", "given needs"),
        (HEAD + '[fields.given]\ncolumn = "x"\nfixed = "y"\n', "given needs"),
        (HEAD + '[fields.given]\ncolumn = "x"\nother = "y"\n', "given needs"),
        (HEAD + "[fields.given]\ncolumn = 1\n", "given needs text"),
        (HEAD + '[fields.given]\ncolumn = ""\n', "line 3: given: say which column has it"),
        (HEAD + '[fields.team]\nfixed = ""\n', "team needs text"),
        (HEAD + '[fields.team]\nfixed = "a\\u0007"\n', "control"),
        (HEAD + '[fields.given]\ncolumn = "x"\nvalues = {}\n', "without values"),
        (HEAD + '[fields.given]\ncolumn = "x"\nvalues = {a = 1}\n', "given needs text"),
        (HEAD + '[fields.involvement]\nfixed = "plumbing"\n', "types of the charter"),
        (HEAD + '[fields.involvement]\ncolumn = "x"\nvalues = {a = "plumbing"}\n', "types of the"),
        (HEAD + '[fields.permission_basis]\nfixed = "we asked"\n', "UK-CONSENT"),
        (HEAD + '[fields.permission_valid_until]\nfixed = "2030-02-31"\n', "not a date"),
        (HEAD + '[fields.valid_for_days]\nfixed = "0"\n', "whole number"),
        (HEAD + '[fields.valid_for_days]\nfixed = "3661"\n', "whole number"),
        (HEAD + "#" * 200_000, "too long"),
    ],
)
def test_unusable_mappings(text: str, words: str) -> None:
    with pytest.raises(RemoteError) as caught:
        check_types(load_mapping(text), SHIPPED_TYPES)
    assert caught.value.code is ErrorCode.BAD_FILE
    assert words in caught.value.detail


@pytest.mark.parametrize("code", sorted(SHIPPED_TYPES))
def test_every_type_of_the_shipped_charter_may_be_mapped_to(code: str) -> None:
    mapping = load_mapping(
        HEAD + f'[fields.involvement]\ncolumn = "x"\nvalues = {{a = "{code}"}}\n'
    )
    check_types(mapping, SHIPPED_TYPES)
    with pytest.raises(RemoteError, match="types of the charter"):
        check_types(mapping, SHIPPED_TYPES - {code})


def test_before_any_charter_is_known_a_type_needs_the_form_of_one() -> None:
    text = HEAD + '[fields.involvement]\nfixed = "{}"\n'
    check_types(load_mapping(text.format("plumbing")), None)
    with pytest.raises(RemoteError, match="such as early_help"):
        load_mapping(text.format("Plumbing"))
