"""What SQLite's engine keeps beside the promise: its file, a full disk, and copies of it."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import pytest
import pytest_asyncio

from protocol.errors import ErrorCode, LocalError
from storage.engine import Transaction
from storage.sqlite import copy_database
from tests.contract.test_engine import FIRST, KEYED, Books, add, sqlite, titles


@pytest_asyncio.fixture(params=[False, True], ids=["once", "rehearsed"])
async def engine(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Books]:
    """An engine with two tables."""
    made = sqlite(tmp_path / "x.sqlite", FIRST, KEYED, rehearse=request.param)
    yield made
    await made.close()


async def test_a_commit_that_fails_fails_for_all_who_waited(engine: Books, tmp_path: Path) -> None:
    def disk_gives_out(tx: Transaction) -> None:
        tx.run("INSERT INTO book (title) VALUES ('last')")
        tx.run("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    outcomes = await asyncio.gather(
        engine.write(add("one")),
        engine.write(disk_gives_out),
        engine.write(add("two")),
        return_exceptions=True,
    )
    assert sum(isinstance(item, LocalError) for item in outcomes) >= 1
    kept = await engine.read(titles)
    told = [name for name, item in zip(("one", "two"), outcomes[::2], strict=True) if item is None]
    assert kept == told, "what was said to be written is written, and nothing else"


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n.sqlite").write_bytes(b"not a database at all" * 100)
    engine = sqlite(tmp_path / "n.sqlite", FIRST)
    with pytest.raises(LocalError):
        await engine.read(titles)


async def test_a_disk_that_fails_while_the_write_ahead_file_is_emptied_is_an_error_of_ours(
    engine: Books,
) -> None:
    await engine.write(add("one"))
    database = engine.writer  # type: ignore[attr-defined]
    connection, failing = database._database, Mock()
    failing.execute.side_effect = sqlite3.OperationalError("disk I/O error")
    database._database = failing
    with pytest.raises(LocalError, match="make room, or wait") as caught:
        await engine.settle()
    database._database = connection
    assert caught.value.code is ErrorCode.STORAGE
    assert await engine.settle(), "it goes on"


async def test_a_damaged_file_is_told_from_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    engine = sqlite(path, FIRST)
    for number in range(300):
        await engine.write(add(f"{number:03} " + "x" * 300))
    await engine.check()
    await engine.settle()
    await engine.close()
    data = bytearray(path.read_bytes())
    data[8_192:20_480] = bytes(12_288)  # three pages of zeroes, and the head is whole
    path.write_bytes(bytes(data))
    engine = sqlite(path, FIRST)
    with pytest.raises(LocalError, match=r"n\.sqlite is damaged: keep it") as caught:
        await engine.check()
    assert caught.value.code is ErrorCode.STORAGE
    await engine.close()


async def test_the_file_is_for_its_owner_alone(engine: Books, tmp_path: Path) -> None:
    await engine.write(add("one"))
    assert stat.S_IMODE((tmp_path / "x.sqlite").stat().st_mode) == 0o600


async def test_a_busy_or_full_database_is_an_error_of_ours(engine: Books) -> None:
    def full(tx: Transaction) -> None:
        tx.run("PRAGMA max_page_count=3")
        tx.run_many("INSERT INTO book (title) VALUES (?)", [("x" * 900,)] * 200)

    with pytest.raises(LocalError) as caught:
        await engine.write(full)
    assert caught.value.code is ErrorCode.STORAGE
    assert await engine.read(titles) == [], "nothing is half done"


async def test_a_copy_is_the_whole_database_though_a_program_writes(
    engine: Books, tmp_path: Path
) -> None:
    target = tmp_path / "copy.sqlite"
    await engine.write(add("one"))
    writing = [engine.write(add(str(n))) for n in range(50)]
    await asyncio.gather(*writing, asyncio.to_thread(copy_database, tmp_path / "x.sqlite", target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    copy = sqlite(target, FIRST, KEYED)
    held = await copy.read(titles)
    assert held == (await engine.read(titles))[: len(held)]
    await copy.write(add("of its own"))
    await copy.close()
    assert len(await engine.read(titles)) == 51, "the source is as it was"
    copy_database(tmp_path / "x.sqlite", target)
    again = sqlite(target, FIRST, KEYED)
    assert await again.read(titles) == await engine.read(titles)
    await again.close()


@pytest.mark.parametrize("there", [False, True], ids=["no file", "no database"])
def test_what_cannot_be_copied_is_an_error_of_ours(tmp_path: Path, there: bool) -> None:
    source = tmp_path / "x.sqlite"
    if there:
        source.write_bytes(b"a letter, and no database" * 100)
    with pytest.raises(LocalError) as caught:
        copy_database(source, tmp_path / "copy.sqlite")
    assert caught.value.code is ErrorCode.STORAGE
    assert source.exists() is there, "nothing is made in its place"
