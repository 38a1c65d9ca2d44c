"""A file as a whole: the order of its dates, one client twice, one number on two people."""

import io
from datetime import date

import pytest

from node.records.importer.checks import Terms
from node.records.importer.look import Doubt, FileLook
from node.records.importer.mapping import ColumnMapping, load_mapping
from node.records.importer.reader import read_table
from node.records.importer.rows import ImportedRow, parse_rows
from protocol.errors import ErrorCode, RemoteError
from tests.unit.test_importer_lines import HEADER, MAPPING
from tests.unit.test_importer_rows import TODAY

MONTH_FIRST = load_mapping(
    'format = 1\n[fields.local_id]\ncolumn = "id"\n[fields.given]\ncolumn = "first"\n'
    '[fields.date_of_birth]\ncolumn = "dob"\norder = "month_first"\n'
    '[fields.involvement]\nfixed = "early_help"\n'
)


def looked(
    text: str, mapping: ColumnMapping = MAPPING
) -> tuple[list[ImportedRow], list[tuple[Doubt, tuple[int, ...]]]]:
    look = FileLook(mapping)
    table = read_table(io.BytesIO(text.encode()))
    rows = list(parse_rows(table, mapping, Terms(TODAY), look))
    kept = [row for row in rows if isinstance(row, ImportedRow)]
    return kept, [(item.doubt, item.lines) for item in look.warnings()]


def born(*dates: str) -> str:
    rows = [f"A{n},N{n},Fam{n},{day},,{n} Elm Rd,LX4 2BD\n" for n, day in enumerate(dates)]
    return HEADER + "".join(rows)


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (("06/23/1987", "03/04/1990", "07/31/1999", "05/06/2010"), "lines 2 and 4 can only"),
        (("03/04/1990", "06/23/1987", "13/01/1990"), "month first, line 4 only day first"),
        (("03/04/1990", "06/23/1987 00:00"), "line 3 can only be month"),
        (("03-04-1990", "6.23.1987"), "line 3 can only be month"),
    ],
)  # fmt: skip
def test_a_file_of_another_order_is_questioned_as_a_whole(
    dates: tuple[str, ...], said: str
) -> None:
    with pytest.raises(RemoteError) as caught:
        looked(born(*dates))
    assert caught.value.code is ErrorCode.BAD_FILE
    assert said in caught.value.detail
    assert "order =" in caught.value.detail
    assert "1987" not in caught.value.detail


def test_the_order_that_the_mapping_says_is_the_order() -> None:
    rows, _ = looked(born("06/23/1987", "03/04/1990", "1990-06-05", "13/01/1990"), MONTH_FIRST)
    days = [row.record.date_of_birth for row in rows]
    assert days == ["1987-06-23", "1990-03-04", "1990-06-05", None]
    assert [note.line for row in rows for note in row.notes] == [5]


def test_a_date_that_a_program_writes_for_none_says_nothing_of_the_order() -> None:
    rows, _ = looked(born("23/06/1987", "12/30/1899", "12/31/9999 00:00"))
    assert [row.record.date_of_birth for row in rows] == ["23/06/1987", None, None]
    assert [note.line for row in rows for note in row.notes] == [3, 4]


def test_a_mapping_that_most_dates_speak_against_is_refused() -> None:
    with pytest.raises(RemoteError) as caught:
        looked(born("23/06/1987", "06/23/1987", "31/12/1990"), MONTH_FIRST)
    assert "lines 2 and 4 can only be day first, but the mapping says month first" in (
        caught.value.detail
    )


def test_ids_that_a_spreadsheet_cut_are_refused() -> None:
    ids = [f"12345678901234{n}000" for n in range(3)]
    text = HEADER + "".join(f"{one},Ann{n},Lee,,,,\n" for n, one in enumerate(ids))
    with pytest.raises(RemoteError) as caught:
        looked(text)
    assert "a spreadsheet has cut them" in caught.value.detail
    assert len(looked(text.replace("2000", "2001"))[0]) == 3


@pytest.mark.parametrize(
    ("rows", "doubts"),
    [
        ("1,Ann,Lee,1990-01-02,,,\n2,ANN,lee,02/01/1990,,,\n", [(Doubt.ONE_CLIENT_TWICE, (2, 3))]),
        ("1,Ann,Lee,1990-01-02,,,\n2,Ann,Lee,1990-01-03,,,\n", []),
        (
            "1,Ann,Lee,1990-01-02,9990123454,,\n2,Ann,Lee,1990-01-02,9993001015,,\n",
            [],
        ),
        (
            "1,Ann,Lee,1990-01-02,9990123454,,\n2,Bob,Ray,1990-01-03,999 012 3454,,\n",
            [(Doubt.NUMBER_OF_TWO, (2, 3))],
        ),
        (
            "1,Ann,Lee,,9990123454,,\n2,Ann,Lee,,9990123454,,\n",
            [(Doubt.ONE_CLIENT_TWICE, (2, 3))],
        ),
        ("1,Ann,Lee,1990-01-02,,,\n01,Bob,Ray,1991-01-02,,,\n", [(Doubt.IDS_ALIKE, (2, 3))]),
        ("1,Ann,Lee,1990-01-02,,,\n1,Bob,Ray,1991-01-02,,,\n", [(Doubt.ID_OF_TWO, (2, 3))]),
        ("1,Ann,Lee,1990-01-02,,,\n1,Ann,Lee,1990-01-02,,,\n", []),
        ("1,Unknown,Lee,1990-01-02,,,\n2,Unknown,Lee,1990-01-02,,,\n", []),
        ("1,,Lee,1990-01-02,,,\n2,,Lee,1990-01-02,,,\n", []),
        ("1,A,Lee,1990-01-02,,,\n2,A,Lee,1990-01-02,,,\n", []),
    ],
)
def test_one_client_twice_and_one_identifier_on_two_people(
    rows: str, doubts: list[tuple[Doubt, tuple[int, ...]]]
) -> None:
    assert looked(HEADER + rows)[1] == doubts


def test_a_column_of_which_most_cannot_be_used_is_asked_about() -> None:
    text = HEADER + "".join(f"{n},Ann{n}x,Lee,12 Elm Road,,,\n" for n in range(20))
    assert looked(text)[1] == [(Doubt.UNUSABLE, ())]
    assert looked(text.replace("19,Ann19x,Lee,12 Elm Road", "19,Ann19x,Lee,"))[1] == []


def test_a_file_that_passed_through_something_is_asked_about() -> None:
    text = HEADER + "".join(f"{n},RenÃ©e{n}x,Lee,,,,\n" for n in range(20))
    assert looked(text)[1] == [
        (Doubt.DAMAGED, tuple(range(2, 22))),
        (Doubt.UNUSABLE, ()),
    ]


def test_damaged_text_is_repaired_where_the_mapping_says_so() -> None:
    text = HEADER + "1,RenÃ©e,Oâ€™Dwyer,,,,\n2,Zo\ufffd,Orr,,,,\n"
    left, lost = looked(text)[0]
    assert (left.record.given, left.record.family, lost.record.given) == (None, None, None)
    mending = ColumnMapping("", MAPPING.sources, repair_text=True)
    mended, lost = looked(text, mending)[0]
    assert (mended.record.given, mended.record.family) == ("Renée", "O’Dwyer")
    assert [(note.field, "repaired" in note.reason) for note in mended.notes] == [
        ("given", True),
        ("family", True),
    ]
    assert (lost.record.given, [note.field for note in lost.notes]) == (None, ["given"])


def test_an_instant_is_a_day_at_the_agency_s_own_place() -> None:
    (row,), _ = looked(born("1987-06-22T23:00:00Z"))
    assert row.record.date_of_birth == "1987-06-23"
    assert row.notes == ()
    assert date.fromisoformat(row.record.date_of_birth) == date(1987, 6, 23)
