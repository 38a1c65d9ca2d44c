"""The promise of storage: every engine runs this one suite (SQLite now, PostgreSQL later)."""

import asyncio
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
import sqlite_utils

from protocol.errors import ErrorCode, LocalError
from runtime.secrets import read_secrets, write_secrets
from storage.sqlite import Engine, Schema, copy_database
from transport.server import run_beside

FIRST = "CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"
LIMIT_SECONDS = 60
SECOND = "ALTER TABLE book ADD COLUMN year INTEGER"


def add(title: str, *, then: Exception | None = None) -> Callable[[sqlite_utils.Database], None]:
    """Work that writes a row, and may fail after it."""

    def work(database: sqlite_utils.Database) -> None:
        database.table("book").insert({"title": title})
        if then is not None:
            raise then

    return work


def titles(database: sqlite_utils.Database) -> list[str]:
    """Work that reads."""
    return [row["title"] for row in database.query("SELECT title FROM book ORDER BY id")]


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine with one table."""
    made = Engine(tmp_path / "x.sqlite", Schema([FIRST]))
    yield made
    await made.close()


async def test_a_write_is_there_for_the_next_reader(engine: Engine) -> None:
    await engine.write(add("one"))
    assert await engine.read(titles) == ["one"]


async def test_a_failed_write_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(ValueError, match="no"):
        await engine.write(add("one", then=ValueError("no")))
    assert await engine.read(titles) == []
    await engine.write(add("two"))
    assert await engine.read(titles) == ["two"], "the engine still works"


async def test_a_write_survives_the_process(engine: Engine, tmp_path: Path) -> None:
    await engine.write(add("one"))
    other = sqlite3.connect(tmp_path / "x.sqlite")
    assert other.execute("SELECT title FROM book").fetchall() == [("one",)]
    other.close()


async def test_many_at_once_wait_for_each_other_and_none_is_lost(engine: Engine) -> None:
    await asyncio.gather(*(engine.write(add(str(n))) for n in range(50)))
    assert sorted(await engine.read(titles), key=int) == [str(n) for n in range(50)]


async def test_writes_that_wait_together_are_committed_together(engine: Engine) -> None:
    commits: list[str] = []
    await engine.read(lambda db: db.conn.set_trace_callback(commits.append))
    await asyncio.gather(*(engine.write(add(str(n))) for n in range(50)))
    await engine.read(lambda db: db.conn.set_trace_callback(None))
    assert commits.count("BEGIN IMMEDIATE") <= 3, "one sync of the disk for many"
    assert len(await engine.read(titles)) == 50


async def test_one_that_fails_among_many_undoes_itself_alone(engine: Engine) -> None:
    def broken_sql(database: sqlite_utils.Database) -> None:
        database.conn.execute("INSERT INTO book (title) VALUES ('half')")
        database.conn.execute("INSERT INTO nowhere VALUES (1)")

    outcomes = await asyncio.gather(
        engine.write(add("one")),
        engine.write(add("two", then=ValueError("no"))),
        engine.write(broken_sql),
        engine.write(add("three")),
        return_exceptions=True,
    )
    assert [type(item) for item in outcomes] == [type(None), ValueError, LocalError, type(None)]
    assert await engine.read(titles) == ["one", "three"]


async def test_a_commit_that_fails_fails_for_all_who_waited(engine: Engine, tmp_path: Path) -> None:
    def disk_gives_out(database: sqlite_utils.Database) -> None:
        database.conn.execute("INSERT INTO book (title) VALUES ('last')")
        database.conn.execute("ROLLBACK")
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


async def test_two_programs_on_one_file_wait_for_each_other(engine: Engine, tmp_path: Path) -> None:
    other = Engine(tmp_path / "x.sqlite", Schema([FIRST]))
    work = [e.write(add(str(n))) for n in range(20) for e in (engine, other)]
    await asyncio.gather(*work)
    assert len(await engine.read(titles)) == 40
    await other.close()


async def test_the_event_loop_runs_while_the_disk_works(engine: Engine) -> None:
    ticked = threading.Event()

    async def tick() -> None:
        for _ in range(10):
            await asyncio.sleep(0.001)
        ticked.set()

    def slow(database: sqlite_utils.Database) -> bool:
        del database
        return ticked.wait(LIMIT_SECONDS)

    ticker = asyncio.create_task(tick())
    assert await engine.write(slow)
    await ticker


async def test_an_older_file_is_brought_up_and_a_newer_one_refused(tmp_path: Path) -> None:
    old = Engine(tmp_path / "m.sqlite", Schema([FIRST]))
    await old.write(add("one"))
    await old.close()
    new = Engine(tmp_path / "m.sqlite", Schema([FIRST, SECOND]))
    assert await new.read(lambda db: list(db.query("SELECT year FROM book"))) == [{"year": None}]
    await new.close()
    again = Engine(tmp_path / "m.sqlite", Schema([FIRST]))
    with pytest.raises(LocalError, match="newer program") as caught:
        await again.read(titles)
    assert caught.value.code is ErrorCode.STORAGE


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n.sqlite").write_bytes(b"not a database at all" * 100)
    engine = Engine(tmp_path / "n.sqlite", Schema([FIRST]))
    with pytest.raises(LocalError):
        await engine.read(titles)


async def test_the_file_is_for_its_owner_alone(engine: Engine, tmp_path: Path) -> None:
    await engine.write(add("one"))
    assert stat.S_IMODE((tmp_path / "x.sqlite").stat().st_mode) == 0o600


def test_secrets_are_written_once_for_their_owner_alone_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_secrets(path, {"sign": b"\x01" * 32})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_secrets(path) == {"sign": b"\x01" * 32}
    with pytest.raises(LocalError, match="there already"):
        write_secrets(path, {"sign": b"\x02" * 32})
    assert read_secrets(path) == {"sign": b"\x01" * 32}
    path.chmod(0o644)
    with pytest.raises(LocalError, match="chmod 600"):
        read_secrets(path)


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": "topsecretxyz"}', "\x00"])
def test_a_broken_secrets_file_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(LocalError) as caught:
        read_secrets(path)
    assert "topsecret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_secrets_that_are_not_there_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="run init first"):
        read_secrets(tmp_path / "keys.json")


async def test_a_busy_or_full_database_is_an_error_of_ours(engine: Engine) -> None:
    def full(database: sqlite_utils.Database) -> None:
        database.conn.execute("PRAGMA max_page_count=3")
        database.conn.executemany("INSERT INTO book (title) VALUES (?)", [("x" * 900,)] * 200)

    with pytest.raises(LocalError) as caught:
        await engine.write(full)
    assert caught.value.code is ErrorCode.STORAGE
    assert await engine.read(titles) == [], "nothing is half done"


async def test_a_loop_that_fails_ends_the_service_loudly() -> None:
    async def serving() -> None:
        await asyncio.Event().wait()

    async def broken() -> None:
        raise RuntimeError("publishing stopped")

    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(run_beside(serving(), [broken()]), LIMIT_SECONDS)
    assert "publishing stopped" in str(caught.value.exceptions)


async def test_a_copy_is_the_whole_database_though_a_program_writes(
    engine: Engine, tmp_path: Path
) -> None:
    target = tmp_path / "copy.sqlite"
    await engine.write(add("one"))
    writing = [engine.write(add(str(n))) for n in range(50)]
    await asyncio.gather(*writing, asyncio.to_thread(copy_database, tmp_path / "x.sqlite", target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    copy = Engine(target, Schema([FIRST]))
    held = await copy.read(titles)
    assert held == (await engine.read(titles))[: len(held)]
    await copy.write(add("of its own"))
    await copy.close()
    assert len(await engine.read(titles)) == 51, "the source is as it was"
    copy_database(tmp_path / "x.sqlite", target)
    again = Engine(target, Schema([FIRST]))
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
