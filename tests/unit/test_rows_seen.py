"""A file that comes again is read where it changed; what a row's hash depends on makes it new."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bench.importing import FIELDS, MAPPING, written
from node.actions.importing import ChosenMapping, Imported, ImportFile, look_at, run_import
from node.records.importer import checks
from node.records.importer.checks import Terms
from node.records.importer.look import Traits
from node.records.importer.mapping import Field, Source
from node.records.importer.row_key import key_of
from node.records.importer.seen import (
    GOOD_SECONDS,
    NEVER,
    SeenRow,
    SeenRows,
    line_of,
    said_in,
)
from node.records.importer.table import Line
from node.store.tables import open_engine

ROWS = 60
NOW, KEY = 1_790_000_000, b"k" * 64
TRAITS = Traits(1, 2, 3, 4, 5, 2**63)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The values that are read, of whatever field."""
    values: list[str] = []
    read = checks.read_value

    def noted(name: Field, text: str, terms: Terms) -> object:
        if name is Field.LOCAL_ID:
            values.append(text)
        return read(name, text, terms)

    monkeypatch.setattr("node.records.importer.rows.read_value", noted)
    return values


async def bring(folder: Path) -> Imported:
    file = ImportFile(folder / "clients.csv", ChosenMapping(MAPPING), folder, agreed=None)
    return await run_import(folder, file, lambda _: None)


async def test_from_the_third_time_on_only_what_changed_is_read(
    tmp_path: Path, looked_at: list[str]
) -> None:
    (tmp_path / "node.toml").touch()
    path = written(tmp_path, ROWS)
    for _ in range(2):
        looked_at.clear()
        await bring(tmp_path)
        assert len(looked_at) == ROWS
    looked_at.clear()
    done = await bring(tmp_path)
    assert (done.report.unchanged, looked_at) == (ROWS, [])

    with path.open(encoding="utf-8", newline="") as there:
        rows = list(csv.reader(there))
    rows[7][1 + FIELDS.index("postcode")] = "LX99 9ZZ"
    with path.open("w", encoding="utf-8", newline="") as there:
        csv.writer(there).writerows([rows[0], *reversed(rows[1:])])
    engine = open_engine(tmp_path)
    (moved, withdrew) = (await engine.read(lambda t: t.records.clients(["p6", "p9"]))).values()
    await engine.write(lambda tables: tables.records.withdraw(withdrew.id, NOW))
    file = ImportFile(path, ChosenMapping(MAPPING), tmp_path, agreed=None)
    shown, _ = await look_at(tmp_path, file, lambda _: None)
    looked_at.clear()
    done = await bring(tmp_path)
    assert shown.report == done.report, "a preview knows the same"
    assert (done.report.changed, done.report.unchanged) == (1, ROWS - 1)
    assert sorted(looked_at) == ["p6", "p9"], "and of whom something changed here"
    here = await engine.read(lambda t: t.records.clients_by_row([moved.id, withdrew.id]))
    assert [client.record.postcode for client in here] == ["LX99 9ZZ", withdrew.record.postcode]
    await engine.close()


def keys() -> Iterator[bytes | None]:
    """Of one file, and of it under another of each thing that reading depends on."""
    terms, header = Terms(date(2026, 11, 30)), ("local_id", "worker")
    yield key_of(MAPPING, header, terms)
    yield key_of(replace(MAPPING, repair_text=True), header, terms)
    yield key_of(replace(MAPPING, title="Other"), header, terms)
    sources = {**MAPPING.sources, Field.SEX: Source("sex", {"1": "M"})}
    yield key_of(replace(MAPPING, sources=sources), header, terms)
    yield key_of(MAPPING, (*header, "more"), terms)
    yield key_of(MAPPING, header, replace(terms, types=("early_help",)))
    yield key_of(MAPPING, header, replace(terms, zone=ZoneInfo("UTC")))
    yield key_of(MAPPING, header, replace(terms, today=date(2027, 1, 1)))


def test_whatever_reading_depends_on_makes_every_row_new() -> None:
    made = list(keys())
    assert None not in made
    assert len(set(made)) == len(made)
    later = replace(Terms(date(2026, 11, 30)), today=date(2026, 12, 1))
    assert key_of(MAPPING, ("local_id", "worker"), later) == made[0], "the next day it is known"


def test_a_row_is_known_by_all_its_cells_for_some_weeks_and_not_before_it_was_seen() -> None:
    said = said_in(Line(2, ("c1", "Erin")))
    empty = SeenRows((), KEY, NOW)
    row = SeenRow(empty.mark(said), 7, 0, 1, NOW, 9, 5, NEVER, b"s" * 16, TRAITS, "early_help")
    other = row._replace(mark=b"o" * 16, client=8, over_from=-5, state=b"\xff" * 16)
    packed = [other.packed(), row.packed()]
    seen = SeenRows(packed, KEY, NOW)
    number = seen.find(seen.mark(said_in(Line(9, ("c1", "Erin")))))
    assert number == 1
    assert SeenRow.of(row.packed()) == row
    assert (seen.client(1), seen.work(1), seen.times(1)) == (7, 9, (5, NEVER))
    assert (tuple(seen.traits(1)), seen.types[1]) == (TRAITS, "early_help")
    assert seen.times(0) == (5, -5)
    assert seen.are_all([1])
    assert not seen.are_all([1, 0])
    assert seen.rests_on(1, b"s" * 16)
    assert seen.rests_on(0, b"\xff" * 16)
    assert not seen.rests_on(1, b"t" * 16)
    for cells in (("c1", "Erin", ""), ("c1Erin", ""), ("c1", "erin"), ("c1", "Erin ")):
        assert seen.find(seen.mark(said_in(Line(2, cells)))) is None
    assert seen.find(SeenRows(packed, b"o" * 64, NOW).mark(said)) is None
    assert SeenRows(packed, KEY, NOW - 1).find(row.mark) is None
    assert SeenRows(packed, KEY, NOW + GOOD_SECONDS).find(row.mark) is None
    assert SeenRows(packed, None, NOW).find(SeenRows(packed, None, NOW).mark(said)) is None


def test_a_line_is_read_back_as_it_stood() -> None:
    for cells in (("a", 'b"c\n\\d', "\udc80é\x00"), ()):
        line = Line(7, cells, span=2)
        assert line_of(7, said_in(line)) == line
        assert b"\n" not in said_in(line), "it is one line of a file"
