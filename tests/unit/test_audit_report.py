"""The report: what it counts, that it stands alone, and that a spreadsheet cannot be tricked."""

import csv
import io
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from audit.case.case import Case
from audit.cli.main import app
from audit.findings import Finding, FindingCode, Severity
from audit.meanings import MEANINGS
from audit.report.figures import asks, audit_case, code_mix, outcomes_by_basis
from audit.report.report_page import to_html
from audit.report.spreadsheet import findings_csv, guarded
from protocol.messages.bodies import RejectionBody
from tests.unit.audit_log import ANNE, BERT, HUB, NOON, AuditLog, brokered, council

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def log() -> AuditLog:
    """One request all the way, two refused, one that the hub should have refused."""
    log = brokered(council())
    for number, outcome, code in ((1, "refuse", "missing_fact"), (2, "refuse", "missing_fact")):
        request = log.ask(f"{number:032x}", basis="UK-CA89-S47", facts={})
        decision = log.hub_decides(request, outcome, code)
        log.entries.pop()
        body = decision.body.model_copy(update={"field": "enquiry_reference"})
        log.say(HUB, body, ANNE.id)
    log.hub_decides(log.ask("99" * 16, facts={}), "allow")
    log.say(HUB, RejectionBody(statement="0" * 64, kind="request", code="expired"), ANNE.id)
    return log


@pytest.fixture(scope="module")
def case(log: AuditLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return log.write(tmp_path_factory.mktemp("report") / "case")


@pytest.fixture(scope="module")
def page(case: Path) -> str:
    return to_html(audit_case(Case(case), None, []), NOON)


def parsed(page: str) -> ElementTree.Element:
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


def test_the_numbers_are_those_of_the_log(case: Path) -> None:
    audited = audit_case(Case(case), None, [])
    assert asks(audited) == {(ANNE.id, BERT.id): 4}
    assert outcomes_by_basis(audited.history) == {
        "UK-CA89-S17": {"allow": 2},
        "UK-CA89-S47": {"refuse": 2},
    }
    assert audited.history.refusals == {"missing_fact": 2}
    assert audited.history.rejections == {"expired": 1}
    assert code_mix(audited.history) == {ANNE.id: {"UK-CA89-S17": 2, "UK-CA89-S47": 2}}


def test_the_page_has_every_picture_with_title_and_description(page: str) -> None:
    pictures = parsed(page).findall(f".//{SVG}svg")
    titles = {picture.findtext(f"{SVG}title") for picture in pictures}
    assert titles == {
        "Findings by severity and code",
        "Activity over time",
        "Who (rows) asks whom (columns)",
        "Decisions by lawful basis",
        "Refusals by code",
        "Share of kept checkpoints that each witness signed",
    }
    assert all(picture.findtext(f"{SVG}desc") for picture in pictures)
    assert all(picture.get("role") == "img" for picture in pictures)


def activity(page: str) -> ElementTree.Element:
    """The picture of what happened by day."""
    pictures = parsed(page).iter(f"{SVG}svg")
    return next(one for one in pictures if one.findtext(f"{SVG}title") == "Activity over time")


def days_drawn(page: str) -> dict[str, list[tuple[float, float]]]:
    """What stands under the bars, each with the (left, right) of the bars that it stands under."""
    picture = activity(page)
    bars = {
        (float(one.get("x", 0)), float(one.get("x", 0)) + float(one.get("width", 0)))
        for one in picture.iter(f"{SVG}rect")
        if float(one.get("height", 0)) > 12 and one.get("x") is not None
    }
    days: dict[str, list[tuple[float, float]]] = {}
    for one in picture.iter(f"{SVG}text"):
        said, x = str(one.text), float(one.get("x", 0))
        if re.fullmatch(r"\d+ \w+ \d{4}", said):
            days.setdefault(said, []).extend(bar for bar in bars if bar[0] <= x <= bar[1])
    return days


def test_one_day_is_one_bar_with_its_day_under_it(page: str) -> None:
    (day, bars), *others = days_drawn(page).items()
    assert others == []
    assert len(bars) == 1, "one bar, and one label that stands under it"
    labels = [one for one in activity(page).iter(f"{SVG}text") if one.text == day]
    assert len(labels) == 1
    left, right = bars[0]
    assert float(labels[0].get("x", 0)) == pytest.approx((left + right) / 2, abs=0.2)


def test_counts_are_whole_numbers(page: str) -> None:
    ticks = [
        str(one.text)
        for one in activity(page).iter(f"{SVG}text")
        if one.get("text-anchor") == "end"
    ]
    assert len(ticks) >= 2
    assert all(re.fullmatch(r"\d[\d,]*", tick) for tick in ticks), ticks
    assert len(set(ticks)) == len(ticks)


def test_the_page_stands_alone_and_says_its_language(page: str) -> None:
    root = parsed(page)
    assert root.get("lang") == "en-GB"
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "input", "a"}
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"\son\w+=|url\(|@import", page)
    assert "default-src 'none'" in page


def test_the_page_can_be_read_by_its_headings_and_tables(page: str) -> None:
    root = parsed(page)
    levels = [int(item.tag[1]) for item in root.iter() if re.fullmatch("h[1-6]", item.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    for table in root.iter("table"):
        assert table.findtext("caption")
        assert all(cell.get("scope") for cell in table.iter("th"))
    labels = {item.get("aria-labelledby") for item in root.iter("section")}
    assert labels == {item.get("id") for item in root.iter("h2")}


def test_the_page_tells_finding_meaning_and_place(page: str) -> None:
    text = " ".join(parsed(page).itertext())
    assert "Intact, with rule findings." in text
    assert "decision_differs" in text
    assert MEANINGS[FindingCode.DECISION_DIFFERS] in text


def test_an_agency_that_claims_consent_where_others_do_not_is_marked(case: Path) -> None:
    """A forged consent looks like a real one; the mix of codes is where it can show."""
    audited = audit_case(Case(case), None, [])
    like = next(iter(audited.history.asked.values()))
    used = [(ANNE, "UK-CA89-S17", 10), (ANNE, "UK-CONSENT", 1), (BERT, "UK-CONSENT", 9)]
    audited.history.asked = {
        f"{party.letter}{basis}{number}": replace(like, requester=party.id, basis=basis)
        for party, basis, many in used
        for number in range(many)
    }
    table = next(
        item
        for item in parsed(to_html(audited, NOON)).iter("table")
        if item.findtext("caption") == "Lawful bases by asking agency"
    )
    rows = [[cell.text or "" for cell in row] for row in table.findall("tbody/tr")]
    assert [row[1:] for row in rows if row[0] == audited.name(BERT.id)] == [
        ["UK-CONSENT", "9", "100%", "50%", "look at this"]
    ]
    assert [row[1:] for row in rows if row[0] == audited.name(ANNE.id)] == [
        ["UK-CA89-S17", "10", "91%", "50%", "look at this"],
        ["UK-CONSENT", "1", "9%", "50%", "look at this"],
    ]


def test_colours_of_text_and_shapes_have_contrast(page: str) -> None:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
                  for part in parts]  # fmt: skip
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', page)) - {"#ffffff"}
    assert len(used) >= 3
    assert {colour for colour in used if 1.05 / (light(colour) + 0.05) < 4.5} == set()


def test_every_code_has_a_meaning_in_one_sentence() -> None:
    assert MEANINGS.keys() == set(FindingCode)
    for said in MEANINGS.values():
        assert said.endswith(".")
        assert 4 <= len(said.split()) <= 20


def test_the_table_of_codes_in_spec_08_is_the_code() -> None:
    text = (Path(__file__).parents[2] / "specs/08-audit.md").read_text("utf-8")
    table = text.partition("| severity | codes |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == {code.value for code in FindingCode}


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1+2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "|calc",
        "%0a",
        "=cmd|'/C'!A0",
    ],
)
def test_a_cell_that_could_be_a_formula_is_text(cell: str) -> None:
    assert guarded(cell).startswith("'")
    finding = Finding(Severity.RULE, FindingCode.WRONG_KIND, 3, cell)
    (row,) = list(csv.reader(io.StringIO(findings_csv([finding]), newline="")))[1:]
    assert row[4].startswith("'")
    assert row[2] == "3"


def test_the_command_writes_page_csv_and_json(case: Path, tmp_path: Path) -> None:
    html, sheet, data = (tmp_path / name for name in ("r.html", "r.csv", "r.json"))
    code, text = run("report", case, "--html", html, "--csv", sheet, "--json", data)
    assert code == 4
    assert "decision_differs" in text
    report = json.loads(data.read_text("utf-8"))
    assert report["exit_code"] == 4
    rows = list(csv.DictReader(io.StringIO(sheet.read_text("utf-8"))))
    told = [(item["code"], str(item["index"])) for item in report["findings"]]
    assert [(row["code"], row["entry"]) for row in rows] == told
    assert parsed(html.read_text("utf-8")).tag == "html"


def test_a_report_of_a_case_that_is_hardly_one(case: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "genesis").write_bytes((case / "genesis").read_bytes())
    html = tmp_path / "r.html"
    code, _ = run("report", broken, "--html", html)
    assert code == 3
    assert "checkpoint_missing" in "".join(parsed(html.read_text("utf-8")).itertext())
    assert run("report", tmp_path / "nowhere", "--html", html)[0] == 2


def test_records_and_practitioners_are_not_listed(page: str, log: AuditLog) -> None:
    """Not even by their opaque ids: stubs, links, requests, practitioners."""
    for secret in ("a1" * 16, "b1" * 16, "11" * 16, "21" * 16, "31" * 16, "41" * 16):
        assert secret not in page
