"""The promise of storage/engine.py: every engine runs this one suite.

Each scenario runs twice: as it is, and on an engine that runs every body once for nothing first.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from protocol.errors import ErrorCode, LocalError
from storage.engine import MOST_VALUES, Engine, NotUniqueError, Schema, Transaction
from storage.postgres import PostgresEngine
from storage.sqlite import SqliteEngine
from tests.statements import counted_statements

FIRST = "CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"
LIMIT_SECONDS = 60
SECOND = "ALTER TABLE book ADD COLUMN year INTEGER"
KEYED = (
    "CREATE TABLE page (book TEXT NOT NULL, no INTEGER NOT NULL, said TEXT, PRIMARY KEY (book, no))"
)

Books = Engine[Transaction]


def sqlite(path: Path, *scripts: str, rehearse: bool = False) -> Books:
    return SqliteEngine(path, Schema(scripts or (FIRST,)), lambda tx: tx, rehearse=rehearse)


def postgres(address: str, *scripts: str, rehearse: bool = False) -> Books:
    return PostgresEngine(address, Schema(scripts or (FIRST,)), lambda tx: tx, rehearse=rehearse)


Opening = Callable[..., Books]


@pytest.fixture(params=["sqlite", "postgres"])
def opening(tmp_path: Path, request: pytest.FixtureRequest) -> Opening:
    """Opens one database, as often as it is called."""
    if request.param == "sqlite":
        return partial(sqlite, tmp_path / "x.sqlite")
    return partial(postgres, request.getfixturevalue("empty_database"))


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
async def engine(opening: Opening, request: pytest.FixtureRequest) -> AsyncIterator[Books]:
    """An engine with two tables."""
    made = opening(FIRST, KEYED, rehearse=request.param)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def other(opening: Opening, engine: Books) -> AsyncIterator[Books]:
    """Another program on the database of `engine`."""
    made = opening(FIRST, KEYED)
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


async def test_a_write_is_there_for_another_program(engine: Books, other: Books) -> None:
    await engine.write(add("one"))
    assert await other.read(titles) == ["one"]


async def test_many_at_once_wait_for_each_other_and_none_is_lost(engine: Books) -> None:
    await asyncio.gather(*(engine.write(add(str(n))) for n in range(50)))
    assert sorted(await engine.read(titles), key=int) == [str(n) for n in range(50)]


async def test_writes_that_wait_together_are_committed_together(
    engine: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []
    write_all = engine.writer.write_all  # type: ignore[attr-defined]

    def counting(bodies: Sequence[Any]) -> Any:
        groups.append(len(bodies))
        return write_all(bodies)

    monkeypatch.setattr(engine.writer, "write_all", counting)  # type: ignore[attr-defined]
    await asyncio.gather(*(engine.write(add(str(n))) for n in range(50)))
    assert len(groups) <= 3, "one sync of the disk for many"
    assert len(await engine.read(titles)) == 50


async def test_who_gives_up_before_their_turn_writes_nothing_and_disturbs_nobody(
    engine: Books,
) -> None:
    """Nor does who gives up when their turn has come: it is written, and nobody hears of it."""
    begun, goes_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        begun.set()
        goes_on.wait(LIMIT_SECONDS)
        tx.insert("book", {"title": "slow"})

    first = asyncio.create_task(engine.write(slow))
    await asyncio.to_thread(begun.wait, LIMIT_SECONDS)
    waiting = [asyncio.create_task(engine.write(add(title))) for title in ("gone", "stays")]
    await asyncio.sleep(0)
    for task in (first, waiting[0]):
        task.cancel()
    goes_on.set()
    outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [type(one) for one in outcomes] == [asyncio.CancelledError] * 2 + [type(None)]
    assert await engine.read(titles) == ["slow", "stays"]


async def test_all_that_were_committed_together_are_told_at_once(
    engine: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, woken = asyncio.get_running_loop(), []
    wake = loop.call_soon_threadsafe

    def counting(*args: Any, **context: Any) -> asyncio.Handle:
        woken.append(args)
        return wake(*args, **context)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counting)
    await asyncio.gather(*(engine.write(add(str(n))) for n in range(50)))
    assert len(woken) <= 3


async def test_a_body_that_runs_out_of_items_is_told_and_so_is_everybody_behind_it(
    engine: Books,
) -> None:
    """No future takes a StopIteration: whoever wrote would wait for ever, and all after them."""

    def ends(tx: Transaction) -> None:
        next(iter(tx.rows("SELECT title FROM book WHERE title = 'none'")))

    async with asyncio.timeout(LIMIT_SECONDS):
        writes = [engine.write(body) for body in (ends, add("one"), add("two"))]
        failed, *others = await asyncio.gather(*writes, return_exceptions=True)
        assert isinstance(failed, RuntimeError)
        assert others == [None, None]
        with pytest.raises(RuntimeError):
            await engine.read(ends)


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


async def test_nothing_outside_a_transaction_hears_of_it_before_its_commit(
    engine: Books, other: Books
) -> None:
    seen = [await other.read(titles)]
    began, read = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(tx: Transaction) -> None:
        tx.insert("book", {"title": "one"})
        loop.call_soon_threadsafe(began.set)
        assert read.wait(LIMIT_SECONDS)

    writing = asyncio.create_task(engine.write(slow))
    await began.wait()
    seen.append(await other.read(titles))
    read.set()
    await writing
    seen.append(await other.read(titles))
    assert seen == [[], [], ["one"]]


async def test_a_body_that_runs_twice_writes_once(opening: Opening) -> None:
    engine, runs = opening(rehearse=True), []

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
        plain = await engine.read(lambda tx: tx.tuples_among(sql, "a", among=range(number)))
        gone = await engine.write(
            lambda tx: tx.run_among(
                "DELETE FROM page WHERE book = ? AND no IN (:among)", "a", among=range(number)
            )
        )
    assert (sorted(row["no"] for row in found), gone) == (list(range(number)), number)
    assert sorted(plain) == [(no,) for no in range(number)]
    assert len(said) <= 10


async def test_two_programs_on_one_database_wait_for_each_other(
    engine: Books, other: Books
) -> None:
    work = [e.write(add(str(n))) for n in range(20) for e in (engine, other)]
    await asyncio.gather(*work)
    assert len(await engine.read(titles)) == 40


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


async def test_an_older_database_is_brought_up_and_a_newer_one_refused(opening: Opening) -> None:
    old = opening(FIRST)
    await old.write(add("one"))
    await old.close()
    new = opening(FIRST, SECOND)
    assert await new.read(lambda tx: tx.rows("SELECT year FROM book")) == [{"year": None}]
    await new.close()
    again = opening(FIRST)
    with pytest.raises(LocalError, match="newer program") as caught:
        await again.read(titles)
    assert caught.value.code is ErrorCode.STORAGE
    await again.close()
