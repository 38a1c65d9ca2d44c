"""The invented people of the demo: counts, rejects, and who matches whom."""

import csv
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from stdnum.gb import nhs

from hub.policies.packs import pack
from node.records.importer.checks import Terms
from node.records.importer.mapping import load_mapping
from node.records.importer.reader import read_table
from node.records.importer.rows import ImportedRow, NoPermission, RowError, RowNote, parse_rows
from protocol.matchkeys.recipes import match_keys
from protocol.matchkeys.score import Outcome, PairScore, evidence_order, score_pair

ENGLAND = pack("england")

PEOPLE = Path(__file__).resolve().parents[2] / "demo/people"
TODAY = date(2026, 11, 21)
Tokens = dict[str, list[bytes]]


def read(agency: str) -> tuple[dict[str, ImportedRow], list[RowError | RowNote]]:
    mapping = load_mapping((PEOPLE / f"{agency}.mapping.toml").read_text("utf-8"))
    with (PEOPLE / f"{agency}.csv").open("rb") as stream:
        rows = list(parse_rows(read_table(stream), mapping, Terms(TODAY)))
    good = {row.local_id: row for row in rows if isinstance(row, ImportedRow)}
    told = [note for row in good.values() for note in row.notes]
    return good, [row for row in rows if isinstance(row, RowError)] + told


@pytest.fixture(scope="module")
def health() -> tuple[dict[str, ImportedRow], list[RowError | RowNote]]:
    return read("health")


@pytest.fixture(scope="module")
def child() -> tuple[dict[str, ImportedRow], list[RowError | RowNote]]:
    return read("child")


def keys(row: ImportedRow) -> Tokens:
    made = match_keys(row.record, ENGLAND.keys)
    return {key_id: [value.encode() for value in values] for key_id, values in made.items()}


def score(a: ImportedRow, b: ImportedRow) -> PairScore:
    return score_pair(ENGLAND, keys(a), keys(b))


def test_health_counts(health: tuple[dict[str, ImportedRow], list[RowError | RowNote]]) -> None:
    good, told = health
    assert len(good) == 451
    # Three planted at the end of the file; four are slips that the invented export came with.
    assert [(item.line, item.field) for item in told] == [
        (232, "postcode"),
        (347, "nhs_number"),
        (404, "postcode"),
        (436, "nhs_number"),
        (450, "nhs_number"),
        (451, "date_of_birth"),
        (452, "postcode"),
    ]
    without = [row for row in good.values() if row.permission is None]
    assert {row.involvement for row in without} == {"drug_and_alcohol"}
    assert {row.no_permission for row in without} == {NoPermission.NO_BASIS}
    assert len(without) == 39
    bases = Counter(row.permission.basis for row in good.values() if row.permission)
    assert bases == {"UK-HSCA-251B": 388, "UK-CONSENT": 24}


def test_child_counts(child: tuple[dict[str, ImportedRow], list[RowError | RowNote]]) -> None:
    good, told = child
    assert (len(good), [item.field for item in told]) == (78, ["postcode"])
    bases = Counter(row.permission.basis if row.permission else "" for row in good.values())
    assert bases == {"UK-CA89-S17": 34, "UK-CONSENT": 30, "UK-CA89-S47": 9, "": 5}
    assert {row.no_permission for row in good.values() if not row.permission} == {
        NoPermission.NO_END
    }


def test_amira_matches_by_score_and_guard(
    health: tuple[dict[str, ImportedRow], list[RowError | RowNote]],
    child: tuple[dict[str, ImportedRow], list[RowError | RowNote]],
) -> None:
    found = score(health[0]["h-0001"], child[0]["c-0001"])
    assert (found.hundredths, found.outcome) == (1188, Outcome.MATCH)
    assert found.disagree == ()
    assert evidence_order(ENGLAND, found.agree)[0] == "given_dob_mi.4"


@pytest.mark.parametrize(
    ("local_id", "hundredths"), [("h-0002", -106), ("h-0003", -40), ("h-0004", 209)]
)
def test_twin_mother_and_newborn_do_not_match(
    health: tuple[dict[str, ImportedRow], list[RowError | RowNote]],
    child: tuple[dict[str, ImportedRow], list[RowError | RowNote]],
    local_id: str,
    hundredths: int,
) -> None:
    found = score(health[0][local_id], child[0]["c-0001"])
    assert (found.hundredths, found.outcome) == (hundredths, Outcome.NONE)


def test_nobody_else_is_linked_to_the_story(
    health: tuple[dict[str, ImportedRow], list[RowError | RowNote]],
    child: tuple[dict[str, ImportedRow], list[RowError | RowNote]],
) -> None:
    theirs = {local_id: keys(row) for local_id, row in child[0].items()}
    ours = {local_id: keys(row) for local_id, row in health[0].items()}
    links = {
        (one, other)
        for one, a in ours.items()
        for other, b in theirs.items()
        if score_pair(ENGLAND, a, b).outcome is not Outcome.NONE
    }
    assert {pair for pair in links if "h-" in pair[0] or "c-" in pair[1]} == {("h-0001", "c-0001")}
    assert len(links) == 45


@pytest.mark.parametrize("agency", ["health", "child"])
def test_every_contact_detail_is_of_the_reserved_kind(agency: str) -> None:
    with (PEOPLE / f"{agency}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        (phone,) = (value for name, value in row.items() if "phone" in name.lower())
        (mail,) = (value for name, value in row.items() if "mail" in name.lower())
        assert re.fullmatch(r"07700 900\d{3}", phone)
        assert mail.endswith(".example")


def test_story_nhs_numbers_are_valid_and_of_the_test_range() -> None:
    with (PEOPLE / "health.csv").open(encoding="utf-8", newline="") as stream:
        story = [row for row in csv.DictReader(stream) if row["Local ID"].startswith("h-000")]
    numbers = [row["NHS Number"] for row in story]
    assert len(set(numbers)) == 4
    assert all(nhs.is_valid(number) and number.startswith("999") for number in numbers)
