"""Workbooks: read as they are, nothing worked out, nothing unpacked that is too large."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from node.records.importer import workbook
from node.records.importer.checks import Terms
from node.records.importer.reader import Table, read_table
from node.records.importer.rows import ImportedRow, RowError, parse_rows
from protocol.errors import RemoteError
from tests.unit.test_importer_lines import MAPPING
from tests.unit.test_importer_rows import TODAY

HEADER = ["id", "first", "last", "dob", "nhs", "addr", "pc"]


def book(*rows: Sequence[object], formats: dict[str, str] | None = None) -> bytes:
    made = Workbook()
    sheet = made.worksheets[0]
    for row in rows:
        sheet.append(row)
    for cell, shown_as in (formats or {}).items():
        sheet[cell].number_format = shown_as
    second = made.create_sheet("Tenants")
    second.append(HEADER)
    second.append(["T1", "Tam", "Orr", None, None, None, "LX4 2BD"])
    kept = io.BytesIO()
    made.save(kept)
    return kept.getvalue()


def table(data: bytes, sheet: str | None = None) -> Table:
    return read_table(io.BytesIO(data), sheet=sheet)


def read(data: bytes, sheet: str | None = None) -> list[ImportedRow | RowError]:
    return list(parse_rows(table(data, sheet), MAPPING, Terms(TODAY)))


def rewritten(data: bytes, change: Callable[[str, str], str]) -> bytes:
    """The same workbook with its parts changed as text."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(kept, "w") as new:
        for item in old.infolist():
            new.writestr(item.filename, change(item.filename, old.read(item).decode()))
    return kept.getvalue()


def shared(data: bytes) -> bytes:
    """The same workbook with its texts in a part of their own, as spreadsheets keep them."""
    texts: list[str] = []

    def moved(name: str, text: str) -> str:
        def number(found: re.Match[str]) -> str:
            texts.append(found[1])
            return f't="s"><v>{len(texts) - 1}</v></c>'

        del name
        return re.sub(r't="inlineStr"><is><t>(.*?)</t></is></c>', number, text)

    kept = io.BytesIO(rewritten(data, moved))
    said = "".join(f"<si><t>{text}</t></si>" for text in texts)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'

    def listed(name: str, text: str) -> str:
        return text.replace("</Types>", override) if name == "[Content_Types].xml" else text

    kept = io.BytesIO(rewritten(kept.getvalue(), listed))
    with zipfile.ZipFile(kept, "a") as archive:
        space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{space}">{said}</sst>')
    return kept.getvalue()


def test_texts_that_cells_share_are_theirs() -> None:
    first, second = read(shared(book(HEADER, ["A1", "Ann", "Lee"], ["A2", "Ann", "Orr"])))
    assert isinstance(first, ImportedRow)
    assert isinstance(second, ImportedRow)
    assert (first.record.given, second.record.given) == ("Ann", "Ann")
    assert (first.record.family, second.record.family) == ("Lee", "Orr")


def test_cells_are_what_they_are_and_not_how_they_look() -> None:
    row = [123, "Zoë", "Orr", datetime(1987, 6, 23), 9990123454, "9 Elm Rd", "LX4 2BD"]  # noqa: DTZ001 - as a sheet has it
    shown = {"A2": "00000", "D2": "dd/mm/yy", "E2": "000 000 0000"}
    (found,) = read(book(HEADER, row, formats=shown))
    assert isinstance(found, ImportedRow)
    assert (found.line, found.local_id, found.record.given) == (2, "00123", "Zoë")
    assert (found.record.date_of_birth, found.record.nhs_number) == ("1987-06-23", "9990123454")
    assert found.notes == ()


def test_the_first_sheet_or_a_named_one() -> None:
    data = book(HEADER, ["A1", "Ann", "Lee"])
    assert (table(data).sheet, table(data, "Tenants").sheet) == ("Sheet", "Tenants")
    assert [getattr(row, "local_id", "") for row in read(data, "Tenants")] == ["T1"]
    with pytest.raises(RemoteError) as caught:
        read(data, "Nowhere")
    assert "no sheet of that name" in caught.value.detail
    with pytest.raises(RemoteError) as caught:
        read(b"id,first\n1,Ann\n", "Tenants")
    assert "no workbook" in caught.value.detail


def test_titles_blank_rows_and_totals_are_what_they_are_in_text() -> None:
    found = table(book(["Tenants in May"], [], HEADER, ["A1", "Ann", "Lee"], [], ["Total", 1]))
    rows = list(parse_rows(found, MAPPING, Terms(TODAY)))
    assert [(row.line, type(row)) for row in rows] == [(4, ImportedRow), (6, RowError)]
    assert (found.reading.lines, found.reading.titles, found.reading.blank) == (6, 2, 1)
    assert found.reading.adds_up


def test_a_formula_counts_as_what_the_spreadsheet_last_showed_or_is_said() -> None:
    def cached(name: str, text: str) -> str:
        del name
        return re.sub(r"><f>B3</f><v ?/>", ' t="str"><f>B3</f><v>Ann</v>', text)

    data = book(HEADER, ["A1", "=B3", "Lee"], ["=A2", "Ann", "Orr"], ["A4", '=CONCAT("X")', "Orr"])
    first, second, third = read(rewritten(data, cached))
    assert isinstance(first, ImportedRow)
    assert (first.record.given, first.notes) == ("Ann", ())
    assert isinstance(second, RowError)
    assert (second.line, second.field) == (3, "local_id")
    assert "formula" in second.reason
    assert isinstance(third, ImportedRow)
    assert [(note.line, note.field) for note in third.notes] == [(4, "given")]


def test_errors_and_rounded_numbers_of_cells_are_said() -> None:
    data = book(HEADER, ["A1", "#N/A", "Lee", None, 9.99012345678e17, None, "LX4 2BD"], [1.5e17])
    first, second = read(data)
    assert isinstance(first, ImportedRow)
    assert [(note.field, "spreadsheet" in note.reason) for note in first.notes] == [
        ("given", True),
        ("nhs_number", True),
    ]
    assert isinstance(second, RowError)


@pytest.mark.parametrize("limit", ["MAX_ROWS_UNPACKED", "MAX_TEXTS_UNPACKED", "MAX_REST_UNPACKED"])
def test_a_workbook_that_unpacks_to_too_much_is_refused_unopened(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(workbook, limit, 10)
    monkeypatch.setattr("node.records.importer.bounded.open_bounded", opened)
    with pytest.raises(RemoteError) as caught:
        read(shared(book(HEADER, ["A1", "Ann", "Lee"])))
    assert "unpacks to too much" in caught.value.detail


def test_a_million_styles_in_a_few_kilobytes_are_not_unpacked() -> None:
    """Each of five bytes would be an object of half a kilobyte."""

    def styled(name: str, text: str) -> str:
        many = "<xf/>" * (workbook.MOST_ELEMENTS + 1)
        return text.replace("</cellXfs>", f"{many}</cellXfs>") if "styles" in name else text

    with pytest.raises(RemoteError) as caught:
        read(rewritten(book(HEADER, ["A1", "Ann", "Lee"]), styled))
    assert "unpacks to too much" in caught.value.detail


@pytest.mark.parametrize("kind", ["main", "sharedStrings"])
def test_a_sheet_that_calls_itself_a_part_which_is_read_whole_is_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(_: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr("openpyxl.reader.excel.ExcelReader.read_strings", opened)
    monkeypatch.setattr("openpyxl.reader.excel.ExcelReader.read_workbook", opened)

    def renamed(name: str, text: str) -> str:
        if name != "[Content_Types].xml":
            return text
        return re.sub(
            rf'PartName="[^"]*"(?=[^>]*{kind}\+xml)', 'PartName="/xl/worksheets/sheet1.xml"', text
        )

    with pytest.raises(RemoteError) as caught:
        read(rewritten(shared(book(HEADER, ["A1", "Ann", "Lee"])), renamed))
    assert "damaged" in caught.value.detail


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'

    def armed(name: str, text: str) -> str:
        if name.endswith(("sharedStrings.xml", "sheet1.xml")):
            head, _, rest = text.partition("?>") if text.startswith("<?xml") else ("", "", text)
            return f"{head}?>{bomb}{rest}" if head else bomb + rest
        return text

    with pytest.raises(RemoteError) as caught:
        read(rewritten(book(HEADER, ["A1", "Ann", "Lee"]), armed))
    assert "damaged" in caught.value.detail


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old workbook, or one with a password"),
        (b"PK\x03\x04" + b"\0" * 60, "damaged"),
        (book(HEADER)[:700], "damaged"),
    ],
    ids=["xls", "no zip", "cut off"],
)
def test_what_is_no_workbook_is_refused_with_what_to_do(data: bytes, said: str) -> None:
    with pytest.raises(RemoteError) as caught:
        read(data)
    assert said in caught.value.detail


def test_another_kind_of_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.ods", "w") as archive:
        archive.writestr("content.xml", "<x/>")
    with pytest.raises(RemoteError) as caught:
        read((tmp_path / "x.ods").read_bytes())
    assert "save it as .xlsx" in caught.value.detail


def test_a_day_alone_is_a_day() -> None:
    (found,) = read(book(HEADER, ["A1", "Ann", "Lee", date(1987, 6, 23)]))
    assert isinstance(found, ImportedRow)
    assert found.record.date_of_birth == "1987-06-23"
