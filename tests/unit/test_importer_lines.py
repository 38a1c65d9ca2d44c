"""Lines and rows: nobody is swallowed, nothing is mixed, and what was read adds up."""

import io

import pytest

from node.records.importer.checks import Terms
from node.records.importer.mapping import load_mapping
from node.records.importer.reader import Reading, read_table
from node.records.importer.rows import ImportedRow, RowError, parse_rows
from protocol.errors import RemoteError
from tests.unit.test_importer_rows import TODAY

MAPPING = load_mapping(
    "format = 1\n"
    + "".join(
        f'[fields.{name}]\ncolumn = "{column}"\n'
        for name, column in (
            ("local_id", "id"),
            ("given", "first"),
            ("family", "last"),
            ("date_of_birth", "dob"),
            ("nhs_number", "nhs"),
            ("address", "addr"),
            ("postcode", "pc"),
        )
    )
    + '[fields.involvement]\nfixed = "housing_tenancy"\n'
)
HEADER = "id,first,last,dob,nhs,addr,pc\n"
ANN = "A3,Ann,Lee,1990-01-02,,9 Elm Rd,LX4 2BD\n"
BOB = "A4,Bob,Ray,1991-01-02,,8 Elm Rd,LX4 2BF\n"
CY = "A5,Cyd,Tam,1992-01-02,,7 Elm Rd,LX4 2BF\n"


def read(text: str) -> tuple[list[str], list[RowError], Reading]:
    """Local ids that were kept, what was left out, and the counts; which always add up."""
    table = read_table(io.BytesIO(text.encode()))
    found = list(parse_rows(table, MAPPING, Terms(TODAY)))
    kept = [row.local_id for row in found if isinstance(row, ImportedRow)]
    left_out = [row for row in found if isinstance(row, RowError)]
    assert table.reading.lines == len(text.splitlines())
    assert table.reading.adds_up
    assert table.reading.rows == len(kept) + len({error.line for error in left_out})
    return kept, left_out, table.reading


@pytest.mark.parametrize(
    "swallowed",
    [
        'A3,Ann,Lee,1990-01-02,,"9 Elm Rd,LX4 2BD\n' + BOB + 'A5,Cyd,Tam,1992-01-02,,7 Elm",LX4\n',
        'A3,"Ann,Lee,1990-01-02,,9 Elm Rd,LX4 2BD\n' + BOB + 'A5,Cyd",Tam,1992-01-02,,7 Elm,LX4\n',
        'A3,Ann,Lee,1990-01-02,,9 Elm Rd,"LX4 2BD\n' + BOB + 'A5,Cyd,Tam,1992-01-02,,7 Elm,LX4"\n',
        '"A3,Ann,Lee,1990-01-02,,9 Elm Rd,LX4 2BD\n' + BOB + 'A5",Cyd,Tam,1992-01-02,,7 Elm,LX4\n',
    ],
    ids=["address", "name", "last column", "first column"],
)  # fmt: skip
def test_whoever_a_stray_quotation_mark_swallows_is_named_by_line(swallowed: str) -> None:
    kept, left_out, _ = read(HEADER + swallowed + ANN.replace("A3", "A9"))
    assert kept == ["A9"], "who stands outside is taken, and nobody is mixed"
    assert [(error.line, error.field) for error in left_out] == [(2, "row"), (3, "row"), (4, "row")]
    assert all("quotation mark" in error.reason for error in left_out)


def test_a_swallowed_row_that_lost_its_last_cells_is_named_with_the_lines() -> None:
    """Too short to look like a row; but no number runs over the end of a line."""
    kept, (error,), _ = read(
        HEADER + 'A3,Ann,Lee,1990-01-02,"\nA4,Bob,Ray",9 Elm Rd,LX4 2BD\n' + CY
    )
    assert kept == ["A5"]
    assert "lines 2 to 3" in error.reason


def test_an_address_on_several_lines_is_one_address() -> None:
    text = (
        HEADER + 'A3,Ann,Lee,1990-01-02,,"Flat 2,\nThe Maltings, Ludham\nNorfolk",LX4 2BD\n' + BOB
    )
    kept, left_out, reading = read(text)
    assert (kept, left_out) == (["A3", "A4"], [])
    assert (reading.rows, reading.continued) == (2, 2)


@pytest.mark.parametrize("text", ['A3,"Ann,Lee\n', 'A3,"An"n,Lee\n' + BOB, BOB + 'A3,Ann,"' + CY])
def test_marks_that_do_not_pair_up_are_refused_with_the_lines(text: str) -> None:
    with pytest.raises(RemoteError) as caught:
        read(HEADER + text)
    assert "line" in caught.value.detail
    assert "quotation marks" in caught.value.detail
    assert "Ann" not in caught.value.detail


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("sep=;\r\n" + HEADER.replace(",", ";"), 1),
        ('"sep=;"\r\n' + HEADER.replace(",", ";"), 1),
        ("Housing tenants extract\n" + HEADER, 1),
        ("Housing tenants extract,,,,,,\n\nRun on 3 May\n" + HEADER, 3),
        (HEADER.replace("pc\n", "pc,,,\n"), 0),
    ],
    ids=["sep", "sep quoted", "title", "title, blank, date", "empty columns"],
)
def test_what_stands_around_a_header_is_harmless(text: str, titles: int) -> None:
    rows = ANN + BOB
    if ";" in text:
        rows = rows.replace(",", ";")
    if text.endswith(",,,\n"):
        rows = rows.replace("\n", ",,,\n")
    kept, left_out, reading = read(text + rows)
    assert (kept, left_out, reading.titles) == (["A3", "A4"], [], titles)


def test_trailing_commas_of_rows_are_harmless_and_a_cell_too_many_is_not() -> None:
    kept, left_out, _ = read(HEADER + ANN.replace("\n", ",,\n") + BOB.replace("\n", ",,x\n") + CY)
    assert kept == ["A3", "A5"]
    assert [(error.line, error.field) for error in left_out] == [(3, "row")]


@pytest.mark.parametrize(
    "line",
    [
        "Total,,,,,,\n", "Total,2,,,,,\n", "(3 rows affected),,,,,,\n", HEADER,
        "Report generated on,,,,3,,\n", ",,,,,,LX4 2BD\n", "A5,Cyd,Tam\n",
    ],
)  # fmt: skip
def test_lines_that_are_no_client_s_are_said(line: str) -> None:
    kept, left_out, _ = read(HEADER + ANN + line + BOB)
    assert kept == ["A3", "A4"]
    assert [error.line for error in left_out] == [3]


def test_a_client_of_whom_little_is_known_stays_one() -> None:
    assert read(HEADER + "Total,Ann,,,,,\nEndowment7,,,1990-01-02,,,\n")[0] == [
        "Total",
        "Endowment7",
    ]


def test_one_wrong_byte_is_refused_with_its_line() -> None:
    data = (HEADER + ANN).encode() + BOB.replace("Bob", "Zoë").encode("cp1252") + CY.encode()
    with pytest.raises(RemoteError) as caught:
        list(parse_rows(read_table(io.BytesIO(data)), MAPPING, Terms(TODAY)))
    assert "line 3 has a byte at character 6" in caught.value.detail
