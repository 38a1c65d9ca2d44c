"""Rows: what is taken, what is refused and why, and that permission is never assumed."""

import io
from collections.abc import Iterator
from datetime import date

import pytest

from node.records.importer.checks import Terms
from node.records.importer.mapping import ColumnMapping, Field, Source, load_mapping
from node.records.importer.reader import read_table
from node.records.importer.rows import ImportedRow, NoPermission, Permission, RowError, parse_rows
from protocol.errors import ErrorCode, RemoteError

TODAY = date(2026, 11, 21)
COLUMNS = {
    Field.LOCAL_ID: "id",
    Field.MOTHER_LOCAL_ID: "mother",
    Field.NHS_NUMBER: "nhs",
    Field.GIVEN: "given",
    Field.DATE_OF_BIRTH: "dob",
    Field.POSTCODE: "pc",
    Field.WORKER: "worker",
    Field.WORKER_PHONE: "phone",
    Field.WORKER_EMAIL: "mail",
    Field.PERMISSION_BASIS: "basis",
    Field.PERMISSION_VALID_UNTIL: "until",
    Field.CONSENT_DATE: "consent",
    Field.VALID_FOR_DAYS: "days",
}
SERVICE = Source(column="service", values={"HV": "health_visiting", "Stop": "", "EH": "early_help"})
MAPPING = ColumnMapping(
    "",
    {name: Source(column=column) for name, column in COLUMNS.items()}
    | {Field.INVOLVEMENT: SERVICE},
)
HEADER = ["service", *COLUMNS.values()]


def run(*rows: dict[str, str], mapping: ColumnMapping = MAPPING) -> list[ImportedRow | RowError]:
    written = [",".join(HEADER)]
    for number, row in enumerate(rows):
        cells = {"service": "HV", "id": f"x{number}"} | row
        written.append(",".join(f'"{cells.get(name, "")}"' for name in HEADER))
    table = read_table(io.BytesIO("\n".join(written).encode()))
    return list(parse_rows(table, mapping, Terms(TODAY)))


def good(row: dict[str, str], mapping: ColumnMapping = MAPPING) -> ImportedRow:
    (found,) = run(row, mapping=mapping)
    assert isinstance(found, ImportedRow)
    return found


def test_a_full_row() -> None:
    row = good(
        {"nhs": "999 300 1015", "given": " Amira  Noor ", "dob": "14/03/2022", "pc": "lx37qd"}
        | {"worker": "H. Whitcombe", "phone": "07700 900100", "mail": "h@health.example"}
        | {"basis": "UK-HSCA-251B", "until": "31/03/2030"}
    )
    assert (row.line, row.local_id, row.involvement) == (2, "x0", "health_visiting")
    assert (row.record.nhs_number, row.record.given) == ("999 300 1015", "Amira Noor")
    assert (row.record.date_of_birth, row.record.postcode) == ("14/03/2022", "lx37qd")
    assert (row.record.family, row.label, row.worker.team) == (None, None, None)
    assert (row.worker.name, row.worker.phone) == ("H. Whitcombe", "07700 900100")
    assert row.worker.email == "h@health.example"
    assert row.permission == Permission("UK-HSCA-251B", date(2030, 3, 31), None)
    assert row.no_permission is None


def test_an_unborn_child_is_the_mothers_and_may_be_due() -> None:
    row = good({"given": "Unborn baby of Sarah", "mother": "m7", "dob": "2027-03-01"})
    assert (row.local_id, row.mother_local_id) == ("x0", "m7")
    assert good({"given": "Zahra", "mother": "m7"}).mother_local_id is None, "born: a person"


def test_nothing_shows_the_person() -> None:
    row = good({"given": "Zyxw", "nhs": "999 300 1015", "worker": "Zyxwworker", "id": "Zyxwid"})
    for shown in (repr(row), str(row), repr(row.record), repr(row.worker)):
        assert "Zyxw" not in shown
        assert "999" not in shown


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, NoPermission.NO_BASIS),
        ({"until": "2030-03-31"}, NoPermission.NO_BASIS),
        ({"consent": "2026-01-01", "days": "365"}, NoPermission.NO_BASIS),
        ({"basis": "UK-CONSENT"}, NoPermission.NO_END),
        ({"basis": "UK-CONSENT", "consent": "2026-01-01"}, NoPermission.NO_END),
        ({"basis": "UK-CONSENT", "days": "365"}, NoPermission.NO_END),
        ({"basis": "UK-CONSENT", "consent": "not known", "days": "365"}, NoPermission.NO_END),
        (
            {"basis": "UK-CONSENT", "consent": "2026-01-01", "days": "365"},
            Permission("UK-CONSENT", date(2027, 1, 1), date(2026, 1, 1)),
        ),
        (
            {"basis": "UK-CONSENT", "consent": "2026-01-01", "days": "365", "until": "2026-12-01"},
            Permission("UK-CONSENT", date(2026, 12, 1), date(2026, 1, 1)),
        ),
        (
            {"basis": "UK-CONSENT", "consent": "2020-01-01", "days": "30", "until": "2030-12-01"},
            Permission("UK-CONSENT", date(2020, 1, 31), date(2020, 1, 1)),
        ),
    ],
)
def test_permission_is_what_the_row_states(
    cells: dict[str, str], expected: Permission | NoPermission
) -> None:
    row = good(cells)
    assert (row.permission or row.no_permission) == expected
    assert (row.permission is None) != (row.no_permission is None)


def test_no_permission_without_any_source_for_it() -> None:
    sources = {Field.LOCAL_ID: Source(column="id"), Field.INVOLVEMENT: SERVICE}
    row = good({"basis": "UK-CONSENT", "until": "2030-01-01"}, ColumnMapping("", sources))
    assert (row.permission, row.no_permission) == (None, NoPermission.NO_BASIS)


@pytest.mark.parametrize(
    "cells",
    [
        {"nhs": "", "dob": "", "pc": ""},
        {"nhs": "not known", "dob": "Unknown", "pc": "N/K"},
        {"dob": "1900-01-01", "pc": "ZZ99 3VZ"},
        {"dob": "2026-11-21"},
        {"pc": "VIC 3056"},
        {"given": "Baby"},
        {"given": "Twin 1"},
        {"given": "Unknown"},
    ],
)
def test_missing_is_not_wrong(cells: dict[str, str]) -> None:
    good(cells)


@pytest.mark.parametrize(
    ("cells", "field", "words"),
    [
        ({"given": "Unborn baby of Sarah"}, "given", "involvement of the mother"),
        ({"given": "UBB Zyxw"}, "given", "after the birth"),
        ({"given": "Baby (unborn)"}, "given", "not yet born"),
        ({"service": "Plumbing"}, "involvement", "not in the value table"),
        ({"service": ""}, "involvement", "no service is stated"),
        ({"service": "Stop"}, "involvement", "no service is stated"),
        ({"id": ""}, "local_id", "local id is missing"),
        ({"id": "x" * 81}, "local_id", "longer than 80"),
        ({"id": "#N/A"}, "local_id", "spreadsheet"),
        ({"id": "unknown"}, "local_id", "local id is missing"),
        ({"id": "1.23E+05"}, "local_id", "shortened"),
        ({"id": "=A2&B2"}, "local_id", "formula"),
        ({"id": "Zo\ufffdZo"}, "local_id", "letter of the text was lost"),
    ],
)
def test_a_row_that_is_nobody_s_or_about_nothing_is_left_out(
    cells: dict[str, str], field: str, words: str
) -> None:
    (found,) = run({"given": "Amira", "mother": "m7"} | cells if field != "given" else cells)
    assert isinstance(found, RowError)
    assert (found.line, found.field) == (2, field)
    assert words in found.reason
    assert "left empty" not in found.reason
    assert all(value not in found.reason for value in cells.values() if len(value) > 3)


@pytest.mark.parametrize(
    ("cells", "field", "words"),
    [
        ({"nhs": "999 300 1016"}, "nhs_number", "check digit"),
        ({"nhs": "999 300 101"}, "nhs_number", "not ten digits"),
        ({"nhs": "Zyxw"}, "nhs_number", "not ten digits"),
        ({"nhs": "9.99012E+09"}, "nhs_number", "spreadsheet has shortened"),
        ({"nhs": "#REF!"}, "nhs_number", "spreadsheet"),
        ({"dob": "2019-02-31"}, "date_of_birth", "not a date"),
        ({"dob": "14/03/22"}, "date_of_birth", "four digits"),
        ({"dob": "2026-11-22"}, "date_of_birth", "in the future"),
        ({"dob": "1895-01-01"}, "date_of_birth", "130 years"),
        ({"dob": "1753-01-01"}, "date_of_birth", "where it has no date"),
        ({"dob": "00/00/0000"}, "date_of_birth", "where it has no date"),
        ({"dob": "1900-01-01"}, "date_of_birth", "where it has no date"),
        ({"dob": "00/06/1987"}, "date_of_birth", "part of a date"),
        ({"dob": "31951"}, "date_of_birth", "number of a day"),
        ({"pc": "LX3 7Q"}, "postcode", "no postcode"),
        ({"pc": "LX4 2BO"}, "postcode", "no postcode"),
        ({"pc": "SE10"}, "postcode", "part of a postcode"),
        ({"given": "12345"}, "given", "no letters"),
        ({"given": "#NAME?"}, "given", "spreadsheet"),
        ({"given": "=B2"}, "given", "formula"),
        ({"given": "M\ufffdller"}, "given", "letter of the text was lost"),
        ({"mother": "1E+05"}, "mother_local_id", "shortened"),
    ],
)
def test_a_field_that_cannot_be_used_costs_the_field_and_not_the_client(
    cells: dict[str, str], field: str, words: str
) -> None:
    row = good({"dob": "2022-03-14", "nhs": "999 300 1015"} | cells)
    assert [(note.line, note.field) for note in row.notes] == [(2, field)]
    assert words in row.notes[0].reason
    assert getattr(row.record, field, None) is None
    assert all(value not in row.notes[0].reason for value in cells.values())


@pytest.mark.parametrize(
    ("cells", "field", "words"),
    [
        ({"basis": "we asked"}, "permission_basis", "such as UK-CONSENT"),
        ({"basis": "UK-" + "X" * 30}, "permission_basis", "such as UK-CONSENT"),
        ({"until": "soon"}, "permission_valid_until", "not a date"),
        ({"until": "#N/A"}, "permission_valid_until", "spreadsheet"),
        ({"consent": "soon"}, "consent_date", "not a date"),
        ({"consent": "2026-11-22"}, "consent_date", "in the future"),
        ({"days": "0"}, "valid_for_days", "whole number"),
        ({"days": "1.5"}, "valid_for_days", "whole number"),
        ({"days": "٣٦٥"}, "valid_for_days", "whole number"),
    ],
)
def test_a_permission_of_which_anything_cannot_be_read_is_none(
    cells: dict[str, str], field: str, words: str
) -> None:
    stated = {"basis": "UK-CONSENT", "until": "2030-01-01", "consent": "2026-01-01", "days": "99"}
    row = good(stated | cells)
    assert (row.permission, row.no_permission) == (None, NoPermission.UNREADABLE)
    assert [note.field for note in row.notes] == [field]
    assert words in row.notes[0].reason


def test_every_fault_of_a_row_is_told_and_the_next_row_still_read() -> None:
    first, second = run({"nhs": "1", "pc": "SE1"}, {"nhs": "999 300 1015"})
    assert isinstance(first, ImportedRow)
    assert isinstance(second, ImportedRow)
    assert [note.field for note in first.notes] == ["nhs_number", "postcode"]
    assert second.notes == ()


@pytest.mark.parametrize(
    "said", ["0000000000", "9999999999", "-", "0", "nan", "TBC", "n/a", "NULL"]
)
@pytest.mark.parametrize("column", ["nhs", "pc", "dob", "mail", "phone"])
def test_what_says_nothing_is_missing_in_every_field(column: str, said: str) -> None:
    """0 in a date is told, because no person writes it; the numbers are no postcode either."""
    row = good({column: said})
    assert (row.record.nhs_number, row.record.postcode, row.record.date_of_birth) == (None,) * 3
    if column in {"nhs", "mail"} and said not in {"9999999999"}:
        assert row.notes == ()


@pytest.mark.parametrize(
    ("written", "kept"),
    [("9990123454.0", "9990123454"), ('="9990123454"', "9990123454"), ("999-012-3454",) * 2],
)
def test_what_a_spreadsheet_adds_to_a_number_is_no_part_of_it(written: str, kept: str) -> None:
    mapping = ColumnMapping(
        "",
        {
            Field.LOCAL_ID: Source(column="a"),
            Field.NHS_NUMBER: Source(column="b"),
            Field.INVOLVEMENT: Source(fixed="early_help"),
        },
    )
    quoted = written.replace('"', '""')
    table = read_table(io.BytesIO(f'a\tb\n1\t"{quoted}"\n'.encode()))
    (row,) = parse_rows(table, mapping, Terms(TODAY))
    assert isinstance(row, ImportedRow)
    assert (row.record.nhs_number, row.notes) == (kept, ())


def test_a_client_may_have_several_rows() -> None:
    found = run({"id": "a"}, {"id": "b"}, {"id": " a "}, {"id": "A"})
    assert [item.local_id for item in found if isinstance(item, ImportedRow)] == list("abaA")


@pytest.mark.parametrize(
    ("cells", "kept", "field", "words"),
    [
        ({"phone": "(01632) 960-100 x12"}, "(01632) 960-100 ext 12", "", ""),
        ({"phone": "TBC"}, None, "", ""),
        ({"phone": "07700 900123 (mobile)"}, "07700 900123", "worker_phone", "stood beside"),
        ({"phone": "ring me"}, None, "worker_phone", "not a telephone number"),
        ({"phone": "4.41632E+11"}, None, "worker_phone", "spreadsheet has shortened"),
        ({"mail": "Jo <jo@example.org>"}, "jo@example.org", "", ""),
        ({"mail": "n/a"}, None, "", ""),
        ({"mail": "at home"}, None, "worker_email", "not one e-mail address"),
        ({"worker": "A\u202eB"}, "AB", "", ""),
        ({"worker": "Zoe\u0308 Smith"}, "Zo\u00eb Smith", "", ""),
        ({"worker": "\u0410nna Smith"}, None, "worker", "letters that look alike"),
        ({"worker": "x" * 81}, None, "worker", "too long"),
    ],
)
def test_whom_to_call_costs_its_field_and_never_the_client(
    cells: dict[str, str], kept: str | None, field: str, words: str
) -> None:
    row = good(cells)
    worker = {"phone": row.worker.phone, "mail": row.worker.email, "worker": row.worker.name}
    assert [worker[name] for name in cells] == [kept]
    assert [(note.line, note.field) for note in row.notes] == ([(2, field)] if field else [])
    assert all(words in note.reason for note in row.notes)
    assert not any(value in note.reason for note in row.notes for value in cells.values())


def _ragged() -> Iterator[ImportedRow | RowError]:
    sources = {Field.LOCAL_ID: Source(column="a"), Field.INVOLVEMENT: Source(fixed="early_help")}
    table = read_table(io.BytesIO(b"a,b\n1,2\n1,2,3\n4\n5,6\n"))
    return parse_rows(table, ColumnMapping("", sources), Terms(TODAY))


def test_rows_with_another_number_of_fields() -> None:
    found = list(_ragged())
    assert [getattr(item, "field", "good") for item in found] == ["good", "row", "row", "good"]
    assert [item.line for item in found] == [2, 3, 4, 5]


def test_an_involvement_straight_from_a_column_must_be_a_known_type() -> None:
    sources = {Field.LOCAL_ID: Source(column="id"), Field.INVOLVEMENT: Source(column="service")}
    (found,) = run({"service": "HV"}, mapping=ColumnMapping("", sources))
    assert isinstance(found, RowError)
    row = good({"service": "police_contact"}, ColumnMapping("", sources))
    assert row.involvement == "police_contact"


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (ColumnMapping(), "local_id"),
        (ColumnMapping("", {Field.LOCAL_ID: Source(column="id")}), "involvement"),
        (
            load_mapping(
                'format = 1\n[fields.local_id]\ncolumn = "Number"\n'
                '[fields.involvement]\nfixed = "early_help"\n'
            ),
            "no column 'Number'",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_the_header(mapping: ColumnMapping, words: str) -> None:
    with pytest.raises(RemoteError) as caught:
        run({}, mapping=mapping)
    assert caught.value.code is ErrorCode.BAD_FILE
    assert words in caught.value.detail
