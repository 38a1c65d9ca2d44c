"""Reading a file holds up nobody who writes meanwhile."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import node.actions.importing
from bench.importing import MAPPING, written
from node.actions.importing import ChosenMapping, ImportFile, run_import
from node.store.tables import open_engine
from protocol.errors import ErrorCode, LocalError
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
    assert left_in(tmp_path) <= {".csv", ".toml", ".sqlite"}, "nothing that was read lies there"
