"""Importing a file holds up nobody who writes meanwhile, and may be stopped anywhere."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import node.actions.importing
from bench.importing import MAPPING, written
from node.actions.importing import ChosenMapping, ImportFile, run_import
from node.records.clients import ROWS_A_STEP
from node.store.tables import open_engine
from protocol.errors import ErrorCode, LocalError
from runtime.lock import only_one
from tests.unit.audit_log import make_charter

ROWS = 1200


@pytest.fixture
def file(tmp_path: Path) -> ImportFile:
    (tmp_path / "node.toml").touch()
    return ImportFile(written(tmp_path, ROWS), ChosenMapping(MAPPING), tmp_path, agreed=None)


def left_in(folder: Path) -> set[str]:
    return {path.suffix.partition("-")[0] for path in folder.iterdir() if path.is_file()}


async def stored(folder: Path) -> int:
    engine = open_engine(folder)
    count = await engine.read(lambda tables: tables.records.count())
    await engine.close()
    return count


async def test_others_write_while_a_file_is_read(tmp_path: Path, file: ImportFile) -> None:
    await stored(tmp_path)  # the database is there
    wrote = []

    def write(_: int) -> None:
        (path,) = tmp_path.glob("*.sqlite")
        with closing(sqlite3.connect(path, timeout=0)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
        wrote.append(True)

    done = await run_import(tmp_path, file, write)
    assert done.report.stored == ROWS
    assert len(wrote) >= 3, "at the beginning, and every five hundred lines"


async def test_types_that_changed_while_a_file_was_read_are_asked_about_again(
    tmp_path: Path, file: ImportFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[Any] = iter([[], [("Hub", make_charter())]])
    monkeypatch.setattr(node.actions.importing, "followed_charters", lambda _tables: next(answers))
    with pytest.raises(LocalError, match="import it again") as caught:
        await run_import(tmp_path, file, lambda _: None)
    assert caught.value.code is ErrorCode.CONFLICT
    assert await stored(tmp_path) == 0, "nothing was stored"
    left = left_in(tmp_path) - {".csv", ".toml", ".sqlite", ".lock"}
    assert not left, "nothing that was read lies there"


async def test_others_write_between_two_steps_of_an_import(
    tmp_path: Path, file: ImportFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [0]

    async def write(_: float) -> None:
        with closing(sqlite3.connect(tmp_path / "node.sqlite", timeout=0)) as database:
            database.execute("BEGIN IMMEDIATE")
            seen.extend(database.execute("SELECT COUNT(*) FROM client").fetchone())
            database.execute("ROLLBACK")

    monkeypatch.setattr(asyncio, "sleep", write)
    await run_import(tmp_path, file, lambda _: None)
    seen.append(await stored(tmp_path))
    steps = [after - before for before, after in pairwise(seen)]
    assert sum(steps) == ROWS
    assert max(steps) <= ROWS_A_STEP, "nobody waits for more rows than that"


async def test_two_files_are_not_imported_at_once(tmp_path: Path, file: ImportFile) -> None:
    with only_one(tmp_path, "import"), pytest.raises(LocalError, match="when that has ended"):
        await run_import(tmp_path, file, lambda _: None)
    assert await stored(tmp_path) == 0


def test_killed_between_any_two_steps_and_run_again_it_is_as_if_undisturbed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.sim.import_child", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *killed, whole = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(killed) > 5, "ids, workers, clients and what is missing are more than one step each"
    assert whole["stopped"] == [], "the last was not killed"
    assert [one["again"] == whole["found"] for one in killed] == [True] * len(killed)
    assert len({repr(one["found"]) for one in killed}) > 4, "each was killed at another place"
    began = [one["stopped"] for one in killed]
    assert began == [[]] + [["Records"]] * (len(killed) - 1), "who was stopped is told so"
