"""The promise of storage/engine.py: every engine runs this one suite (SQLite now).

Each scenario runs twice: as it is, and on an engine that runs every body once for nothing first.
"""

import asyncio
import socket
import sqlite3
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from protocol.errors import ErrorCode, LocalError
from runtime.secrets import read_secrets, write_secrets
from storage.engine import MOST_VALUES, Engine, NotUniqueError, Schema, Transaction
from storage.sqlite import SqliteEngine, copy_database
from tests.statements import counted_statements
from transport.routes import make_application
from transport.server import run_beside, serve_forever

FIRST = "CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"
LIMIT_SECONDS = 60
SECOND = "ALTER TABLE book ADD COLUMN year INTEGER"
KEYED = (
    "CREATE TABLE page (book TEXT NOT NULL, no INTEGER NOT NULL, said TEXT, PRIMARY KEY (book, no))"
)

Books = Engine[Transaction]


def sqlite(path: Path, *scripts: str, rehearse: bool = False) -> Books:
    return SqliteEngine(path, Schema(scripts or (FIRST,)), lambda tx: tx, rehearse=rehearse)


def add(title: str, *, then: Exception | None = None) -> Callable[[Transaction], None]:
    """Work that writes a row, and may fail after it."""

    def work(tx: Transaction) -> None:
        tx.insert("book", {"title": title})
        if then is not None:
            raise then

    return work


def titles(tx: Transaction) -> list[str]:
    """Work that reads."""
    return [row["title"] for row in tx.rows("SELECT title FROM book ORDER BY id")]


@pytest_asyncio.fixture(params=[False, True], ids=["once", "rehearsed"])
async def engine(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Books]:
    """An engine with two tables."""
    made = sqlite(tmp_path / "x.sqlite", FIRST, KEYED, rehearse=request.param)
    yield made
    await made.close()


async def test_a_write_is_there_for_the_next_reader(engine: Books) -> None:
    await engine.write(add("one"))
    assert await engine.read(titles) == ["one"]


async def test_a_failed_write_leaves_nothing(engine: Books) -> None:
    with pytest.raises(ValueError, match="no"):
        await engine.write(add("one", then=ValueError("no")))
    assert await engine.read(titles) == []
    await engine.write(add("two"))
    assert await engine.read(titles) == ["two"], "the engine still works"


async def test_a_write_survives_the_process(engine: Books, tmp_path: Path) -> None:
    await engine.write(add("one"))
    other = sqlite3.connect(tmp_path / "x.sqlite")
    assert other.execute("SELECT title FROM book").fetchall() == [("one",)]
    other.close()


async def test_many_at_once_wait_for_each_other_and_none_is_lost(engine: Books) -> None:
    await asyncio.gather(*(engine.write(add(str(n))) for n in range(50)))
    assert sorted(await engine.read(titles), key=int) == [str(n) for n in range(50)]


async def test_writes_that_wait_together_are_committed_together(engine: Books) -> None:
    commits: list[str] = []
    connection = engine._file.opened()  # type: ignore[attr-defined]
    connection.set_trace_callback(commits.append)
    await asyncio.gather(*(engine.write(add(str(n))) for n in range(50)))
    connection.set_trace_callback(None)
    assert commits.count("BEGIN IMMEDIATE") <= 3, "one sync of the disk for many"
    assert len(await engine.read(titles)) == 50


async def test_one_that_fails_among_many_undoes_itself_alone(engine: Books) -> None:
    def broken_sql(tx: Transaction) -> None:
        tx.run("INSERT INTO book (title) VALUES ('half')")
        tx.run("INSERT INTO nowhere VALUES (1)")

    outcomes = await asyncio.gather(
        engine.write(add("one")),
        engine.write(add("two", then=ValueError("no"))),
        engine.write(broken_sql),
        engine.write(add("three")),
        return_exceptions=True,
    )
    assert [type(item) for item in outcomes] == [type(None), ValueError, LocalError, type(None)]
    assert await engine.read(titles) == ["one", "three"]


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


async def test_nothing_outside_a_transaction_hears_of_it_before_its_commit(
    engine: Books, tmp_path: Path
) -> None:
    other = sqlite(tmp_path / "x.sqlite", FIRST, KEYED)
    seen = [await other.read(titles)]
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(tx: Transaction) -> None:
        tx.insert("book", {"title": "one"})
        loop.call_soon_threadsafe(began.set)
        time.sleep(0.05)

    writing = asyncio.create_task(engine.write(slow))
    await began.wait()
    seen.append(await other.read(titles))
    await writing
    seen.append(await other.read(titles))
    await other.close()
    assert seen == [[], [], ["one"]]


async def test_a_body_that_runs_twice_writes_once(tmp_path: Path) -> None:
    engine, runs = sqlite(tmp_path / "t.sqlite", rehearse=True), []

    def body(tx: Transaction) -> int:
        runs.append(1)
        tx.insert("book", {"title": "one"})
        return len(titles(tx))

    assert await engine.write(body) == 1
    assert (len(runs), await engine.read(titles)) == (2, ["one"])
    await engine.close()


async def test_a_key_that_is_taken_is_told_and_the_body_goes_on(engine: Books) -> None:
    def work(tx: Transaction) -> bool:
        row = {"book": "a", "no": 1, "said": "first"}
        tx.insert("page", row)
        with pytest.raises(NotUniqueError):
            tx.insert("page", {**row, "said": "second"})
        with pytest.raises(NotUniqueError):
            tx.insert_many("page", [{**row, "no": 2}, row])
        tx.insert("page", {**row, "no": 3})
        return True

    assert await engine.write(work)
    rows = await engine.read(lambda tx: tx.rows("SELECT said FROM page WHERE no IN (1, 3)"))
    assert [row["said"] for row in rows] == ["first", "first"]


async def test_put_inserts_or_replaces_what_it_names(engine: Books) -> None:
    def work(tx: Transaction) -> None:
        tx.put("page", {"book": "a", "no": 1, "said": "old"}, ("book", "no"))
        tx.put_many(
            "page",
            [{"book": "a", "no": no, "said": "new"} for no in (1, 2)],
            ("book", "no"),
        )
        tx.put("page", {"book": "a", "no": 2}, ("book", "no"))

    await engine.write(work)
    rows = await engine.read(lambda tx: tx.rows("SELECT no, said FROM page ORDER BY no"))
    assert [tuple(row.values()) for row in rows] == [(1, "new"), (2, "new")]


async def test_update_says_how_many_rows_had_the_key(engine: Books) -> None:
    await engine.write(add("one"))
    changed = await engine.write(lambda tx: tx.update("book", {"title": "two"}, {"title": "one"}))
    again = await engine.write(lambda tx: tx.update("book", {"title": "two"}, {"title": "one"}))
    assert (changed, again, await engine.read(titles)) == (1, 0, ["two"])


async def test_an_id_that_the_database_gives_is_the_rows_own(engine: Books) -> None:
    def work(tx: Transaction) -> tuple[int, int]:
        return tx.insert_for_id("book", {"title": "a"}), tx.insert_for_id("book", {"title": "b"})

    first, second = await engine.write(work)
    row = await engine.read(lambda tx: tx.one("SELECT title FROM book WHERE id = ?", second))
    assert first != second
    assert row == {"title": "b"}


async def test_two_who_swap_from_the_same_value_cannot_both_win(engine: Books) -> None:
    await engine.write(lambda tx: tx.insert("page", {"book": "head", "no": 0, "said": "0"}))

    def swap(value: str) -> Callable[[Transaction], int]:
        sql = "UPDATE page SET said = ? WHERE book = 'head' AND said = ?"
        return lambda tx: tx.run(sql, value, "0")

    won = await asyncio.gather(*(engine.write(swap(str(n))) for n in range(1, 9)))
    assert sum(won) == 1


@pytest.mark.parametrize("number", [0, 1, MOST_VALUES + 1])
async def test_looking_up_many_costs_few_statements(engine: Books, number: int) -> None:
    rows = [{"book": "a", "no": no, "said": str(no)} for no in range(number)]
    sql = "SELECT no FROM page WHERE book = ? AND no IN (:among)"
    with counted_statements() as said:
        await engine.write(lambda tx: tx.insert_many("page", rows))
        found = await engine.read(lambda tx: tx.rows_among(sql, "a", among=range(number)))
        gone = await engine.write(
            lambda tx: tx.run_among(
                "DELETE FROM page WHERE book = ? AND no IN (:among)", "a", among=range(number)
            )
        )
    assert (sorted(row["no"] for row in found), gone) == (list(range(number)), number)
    assert len(said) <= 8


async def test_two_programs_on_one_file_wait_for_each_other(engine: Books, tmp_path: Path) -> None:
    other = sqlite(tmp_path / "x.sqlite", FIRST, KEYED)
    work = [e.write(add(str(n))) for n in range(20) for e in (engine, other)]
    await asyncio.gather(*work)
    assert len(await engine.read(titles)) == 40
    await other.close()


async def test_the_event_loop_runs_while_the_disk_works(engine: Books) -> None:
    ticked = threading.Event()

    async def tick() -> None:
        for _ in range(10):
            await asyncio.sleep(0.001)
        ticked.set()

    def slow(tx: Transaction) -> bool:
        del tx
        return ticked.wait(LIMIT_SECONDS)

    ticker = asyncio.create_task(tick())
    assert await engine.write(slow)
    await ticker


async def test_an_older_file_is_brought_up_and_a_newer_one_refused(tmp_path: Path) -> None:
    old = sqlite(tmp_path / "m.sqlite", FIRST)
    await old.write(add("one"))
    await old.close()
    new = sqlite(tmp_path / "m.sqlite", FIRST, SECOND)
    assert await new.read(lambda tx: tx.rows("SELECT year FROM book")) == [{"year": None}]
    await new.close()
    again = sqlite(tmp_path / "m.sqlite", FIRST)
    with pytest.raises(LocalError, match="newer program") as caught:
        await again.read(titles)
    assert caught.value.code is ErrorCode.STORAGE


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n.sqlite").write_bytes(b"not a database at all" * 100)
    engine = sqlite(tmp_path / "n.sqlite", FIRST)
    with pytest.raises(LocalError):
        await engine.read(titles)


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


async def test_a_busy_or_full_database_is_an_error_of_ours(engine: Books) -> None:
    def full(tx: Transaction) -> None:
        tx.run("PRAGMA max_page_count=3")
        tx.run_many("INSERT INTO book (title) VALUES (?)", [("x" * 900,)] * 200)

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


async def test_a_port_that_is_taken_is_a_sentence() -> None:
    async def follow() -> None:
        await asyncio.Event().wait()

    application = make_application([], body_limit=1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serving = serve_forever(application, "127.0.0.1", port)
        with pytest.raises(LocalError) as caught:
            await asyncio.wait_for(run_beside(serving, [follow()]), LIMIT_SECONDS)
    assert f"cannot listen on 127.0.0.1 port {port}" in caught.value.detail


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
