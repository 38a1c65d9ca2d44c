"""The hand-written vectors of specs/09-imports.md hold for this implementation."""

import io
import json
from base64 import b64decode
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from node.records.importer.checks import Terms
from node.records.importer.damage import find_damage
from node.records.importer.dates import Order, read_date
from node.records.importer.local_ids import spreadsheet_form
from node.records.importer.mapping import load_mapping
from node.records.importer.postcodes import read_postcode
from node.records.importer.reader import read_table
from node.records.importer.rows import ImportedRow, RowError, parse_rows
from node.records.strong_keys import left_by
from protocol.matchkeys.records import ClientRecord

ROOT = Path(__file__).resolve().parents[2]
VECTORS: dict[str, Any] = json.loads((ROOT / "specs/vectors/imports.json").read_text("utf-8"))


def test_the_example() -> None:
    example = VECTORS["example"]
    table = read_table(io.BytesIO(b64decode(example["file"])))
    terms = Terms(date.fromisoformat(example["today"]))
    found = list(parse_rows(table, load_mapping(example["mapping"]), terms))
    assert asdict(table.reading) == example["reading"]
    kept = [
        {
            "line": row.line,
            "local_id": row.local_id,
            **{name: getattr(row.record, name) for name in ("given", "family", "date_of_birth")},
            **{name: getattr(row.record, name) for name in ("postcode", "nhs_number")},
            "told": [note.field for note in row.notes],
        }
        for row in found
        if isinstance(row, ImportedRow)
    ]
    assert kept == example["kept"]
    left_out = [
        {"line": row.line, "field": row.field} for row in found if isinstance(row, RowError)
    ]
    assert left_out == example["left_out"]


@pytest.mark.parametrize(("text", "order", "day", "told"), VECTORS["days"])
def test_days(text: str, order: str | None, day: str | None, told: bool) -> None:
    found = read_date(text, Order(order) if order else None, ZoneInfo("Europe/London"))
    assert (found.day.isoformat() if found.day else None) == day
    assert bool(found.why) == told


@pytest.mark.parametrize(("text", "name", "original"), VECTORS["damaged"])
def test_damaged(text: str, name: bool, original: str | bool | None) -> None:
    found = find_damage(text, name=name)
    assert (found.original if found else False) == original
    assert found is None or text not in found.reason


@pytest.mark.parametrize(("text", "taken", "told"), VECTORS["postcodes"])
def test_postcodes(text: str, taken: str | None, told: bool) -> None:
    found = read_postcode(text)
    assert (found.value, bool(found.note)) == (taken, told)


@pytest.mark.parametrize(("one", "other", "alike"), VECTORS["alike"])
def test_ids_that_a_spreadsheet_makes_of_one_another(one: str, other: str, alike: bool) -> None:
    assert (spreadsheet_form(one) == spreadsheet_form(other)) is alike


def test_what_somebody_leaves_who_withdrew() -> None:
    given = VECTORS["withdrawn"]
    record = ClientRecord(**given["record"])
    left = left_by(record, given["local_ids"], bytes.fromhex(given["secret"]))
    assert {item.hex() for item in left} == {hashed for _, hashed in given["left"]}
