"""Whatever is found and whatever agencies are called: the page is well-formed, the CSV is text."""

import csv
import io
from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.case.case import Case
from audit.findings import Finding, FindingCode, Severity
from audit.outcome import Report
from audit.report.figures import Audited, audit_case
from audit.report.report_page import to_html
from audit.report.spreadsheet import findings_csv
from tests.unit.audit_log import NOON, brokered, council
from web.pictures import Caption
from web.rows import grid_picture, rows_picture

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
FINDINGS = st.lists(
    st.builds(
        Finding,
        st.sampled_from(Severity),
        st.sampled_from(FindingCode),
        st.none() | st.integers(0, 2**40),
        ANY_TEXT,
    ),
    max_size=30,
)
_CASE: list[Audited] = []


def audited(folder: Path) -> Audited:
    """One case, made once."""
    if not _CASE:
        case = brokered(council()).write(folder / "case")
        _CASE.append(audit_case(Case(case), None, []))
    return _CASE[0]


@settings(max_examples=60, deadline=None)
@given(findings=FINDINGS, origin=ANY_TEXT)
def test_a_report_of_any_findings_is_well_formed(
    tmp_path_factory: object, findings: list[Finding], origin: str
) -> None:
    made = audited(tmp_path_factory.mktemp("property"))  # type: ignore[attr-defined]
    report = Report("any", {origin: 1}, findings)
    page = to_html(
        Audited(report, made.verified, made.history, made.seen, origin, origin, made.name), NOON
    )
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n").encode())  # noqa: S314
    page.encode()
    assert {item.tag.rpartition("}")[2] for item in root.iter()} & {"script", "iframe"} == set()
    assert len(root.findall(".//h1")) == 1


@given(findings=FINDINGS)
def test_no_cell_of_a_csv_begins_a_formula(findings: list[Finding]) -> None:
    rows = list(csv.reader(io.StringIO(findings_csv(findings), newline="")))
    assert len(rows) == len(findings) + 1
    for row in rows:
        assert len(row) == 5
        for cell in row:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(
    names=st.lists(ANY_TEXT, max_size=8),
    values=st.lists(st.integers(0, 10**9), min_size=8, max_size=8),
    title=ANY_TEXT,
)
def test_pictures_of_anything_are_well_formed(
    names: list[str], values: list[int], title: str
) -> None:
    cells = {(at, (at * 3) % len(names)): values[at] for at in range(len(names))}
    rows = rows_picture(Caption(title, title), names, {"a": values, title: values})
    for picture in (rows, grid_picture(Caption(title, title), names, cells)):
        root = ElementTree.fromstring(picture.encode())  # noqa: S314
        assert root.find("{http://www.w3.org/2000/svg}title") is not None
