"""What PostgreSQL's engine keeps beside the promise: nothing is lost or done twice when the wire is
cut, a server goes away, or somebody else was quicker; and no password is anywhere.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from protocol.errors import ErrorCode, LocalError
from storage import postgres as engine_module
from storage import postgres_session
from storage.engine import NotUniqueError, Transaction
from storage.postgres_session import check_address
from tests.contract.test_engine import FIRST, KEYED, Books, add, postgres, titles
from tests.cut_wire import Cut, Wire, wired

Wired = tuple[Books, Wire]


@pytest.fixture
def wire(empty_database: str) -> Iterator[tuple[str, Wire]]:
    with TemporaryDirectory() as short, wired(empty_database, Path(short)) as made:
        yield made


@pytest_asyncio.fixture
async def cut(wire: tuple[str, Wire]) -> AsyncIterator[Wired]:
    """An engine at the end of a wire, its tables made."""
    engine = postgres(wire[0], FIRST, KEYED)
    await engine.write(add("first"))
    yield engine, wire[1]
    await engine.close()


def counted(runs: list[int], title: str) -> Callable[[Transaction], int]:
    """A body that says how often it ran."""

    def body(tx: Transaction) -> int:
        runs.append(1)
        tx.insert("book", {"title": title})
        return len(titles(tx))

    return body


@pytest.mark.parametrize("word", [b"INSERT INTO book", b"COMMIT"])
async def test_what_was_cut_off_before_it_counted_is_done_again(cut: Wired, word: bytes) -> None:
    (engine, wire), runs = cut, list[int]()
    wire.cut_at(word, Cut.BEFORE)
    assert await engine.write(counted(runs, "second")) == 2
    assert (wire.cuts, len(runs), await engine.read(titles)) == (1, 2, ["first", "second"])


async def test_what_was_committed_though_nobody_heard_it_is_not_done_again(cut: Wired) -> None:
    (engine, wire), runs = cut, list[int]()
    wire.cut_at(b"COMMIT", Cut.AFTER)
    assert await engine.write(counted(runs, "second")) == 2
    assert (wire.cuts, len(runs), await engine.read(titles)) == (1, 1, ["first", "second"])


async def test_a_session_that_libpq_takes_to_be_sound_and_hears_nothing_is_left(cut: Wired) -> None:
    """Of some errors of its socket libpq thinks that they pass: every later statement fails."""
    (engine, _), runs = cut, list[int]()
    connection = engine.writer._connection  # type: ignore[attr-defined]
    with socket.socket(socket.AF_UNIX) as nowhere:
        os.dup2(nowhere.fileno(), connection.fileno())
    assert await engine.write(counted(runs, "second")) == 2
    assert await engine.read(titles) == ["first", "second"]


async def test_what_was_committed_is_not_done_again_where_its_session_is_not_called_broken(
    cut: Wired,
) -> None:
    (engine, _), runs = cut, list[int]()
    connection = engine.writer._connection  # type: ignore[attr-defined]
    execute = connection.execute

    def unheard(query: str, *values: Any, **how: Any) -> Any:
        done = execute(query, *values, **how)
        if query == "COMMIT":
            raise psycopg.OperationalError("could not receive data: not connected")
        return done

    connection.execute = unheard
    assert await engine.write(counted(runs, "second")) == 2
    assert (len(runs), await engine.read(titles)) == (1, ["first", "second"])


async def test_all_that_were_to_be_committed_together_are_done_again(cut: Wired) -> None:
    engine, wire = cut
    wire.cut_at(b"COMMIT", Cut.BEFORE)
    outcomes = await asyncio.gather(
        *(engine.write(add(str(number))) for number in range(20)),
        engine.write(add("not", then=ValueError("no"))),
        return_exceptions=True,
    )
    assert [type(item) for item in outcomes] == [type(None)] * 20 + [ValueError]
    assert sorted(await engine.read(titles)) == sorted(["first", *map(str, range(20))])


async def test_a_read_that_was_cut_off_is_done_again(cut: Wired) -> None:
    engine, wire = cut
    await engine.read(titles)
    wire.cut_at(b"SELECT title", Cut.AFTER)
    assert await engine.read(titles) == ["first"]
    assert wire.cuts == 1


async def test_a_server_that_ends_the_session_is_asked_anew(cut: Wired) -> None:
    (engine, _), runs = cut, list[int]()

    def body(tx: Transaction) -> None:
        runs.append(1)
        tx.insert("book", {"title": "second"})
        if len(runs) == 1:
            tx.one("SELECT pg_terminate_backend(pg_backend_pid())")

    await engine.write(body)
    assert (len(runs), await engine.read(titles)) == (2, ["first", "second"])


async def test_who_lost_against_another_begins_anew_on_what_that_one_left(
    cut: Wired, empty_database: str
) -> None:
    """Somebody who writes without our lock: an operator at a console."""
    (engine, _), seen = cut, list[str]()

    def body(tx: Transaction) -> None:
        (title,) = titles(tx)
        seen.append(title)
        if len(seen) == 1:
            with psycopg.connect(empty_database) as console:
                console.execute("UPDATE book SET title = 'theirs'")
        tx.run("UPDATE book SET title = ?", f"{title}, ours")

    await engine.write(body)
    assert seen == ["first", "theirs"]
    assert await engine.read(titles) == ["theirs, ours"]


async def test_a_program_that_is_frozen_within_a_transaction_holds_nobody_up(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        postgres_session,
        "_SETTINGS",
        {**postgres_session._SETTINGS, "idle_in_transaction_session_timeout": 100},
    )
    engine, other = [postgres(empty_database, FIRST) for _ in range(2)]
    await engine.write(add("first"))
    loop, frozen, runs = asyncio.get_running_loop(), asyncio.Event(), list[int]()
    thawed = asyncio.Event()

    def body(tx: Transaction) -> None:
        runs.append(1)
        tx.insert("book", {"title": "late"})
        if len(runs) == 1:
            loop.call_soon_threadsafe(frozen.set)
            asyncio.run_coroutine_threadsafe(thawed.wait(), loop).result()

    freezing = asyncio.create_task(engine.write(body))
    await frozen.wait()
    await other.write(add("in time"))
    thawed.set()
    await freezing
    assert await other.read(titles) == ["first", "in time", "late"]
    for made in (engine, other):
        await made.close()


async def test_a_server_that_has_become_a_replica_is_left_for_one_that_takes_writes(
    cut: Wired,
) -> None:
    engine, _ = cut
    session = engine.writer.opened()  # type: ignore[attr-defined]
    session.execute("SET default_transaction_read_only = on")
    await engine.write(add("second"))
    assert await engine.read(titles) == ["first", "second"]
    assert session.closed


async def test_a_server_that_stays_away_is_an_error_of_ours(
    cut: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, wire = cut
    monkeypatch.setattr(engine_module, "AGAIN_SECONDS", 0.2)
    wire.is_down = True
    wire.cut_at(b"BEGIN", Cut.BEFORE)
    with pytest.raises(LocalError, match="cannot be reached") as caught:
        await engine.write(add("second"))
    assert caught.value.code is ErrorCode.STORAGE
    wire.is_down = False
    await engine.write(add("third"))
    assert await engine.read(titles) == ["first", "third"], "and the engine still works"


async def test_who_begins_where_no_server_is_hears_so_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    engine = postgres(f"postgresql://hub@127.0.0.1:{port}/hub")
    with pytest.raises(LocalError, match="cannot be reached"):
        await engine.read(titles)
    await engine.close()


async def test_two_programs_that_make_the_tables_at_once_make_them_once(
    empty_database: str,
) -> None:
    engines = [postgres(empty_database, FIRST, KEYED) for _ in range(4)]
    await asyncio.gather(*(engine.write(add(str(n))) for n, engine in enumerate(engines)))
    assert sorted(await engines[0].read(titles)) == ["0", "1", "2", "3"]
    for engine in engines:
        await engine.close()


async def test_a_key_that_is_taken_is_told_without_the_row(cut: Wired) -> None:
    engine, _ = cut
    row = {"book": "a secret name", "no": 1, "said": "x"}
    await engine.write(lambda tx: tx.insert("page", row))
    with pytest.raises(NotUniqueError) as caught:
        await engine.write(lambda tx: tx.insert("page", row))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_text_is_in_the_order_of_its_bytes(cut: Wired) -> None:
    """As in SQLite, whatever language the server was set up in."""
    engine, _ = cut
    for title in ("é", "b", "A", "a", "B", "_"):
        await engine.write(add(title))
    found = await engine.read(lambda tx: tx.rows("SELECT title FROM book ORDER BY title"))
    assert [row["title"] for row in found] == ["A", "B", "_", "a", "b", "first", "é"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql://hub@there/hub", "begins with postgresql://"),
        ("hub.sqlite", "begins with postgresql://"),
        ("postgresql://hub@there/hub?colour=blue", "is no address"),
        ("postgresql://hub:opensesame@there/hub", "PGPASSFILE"),
        ("postgresql://hub@there/hub?password=opensesame", "PGPASSFILE"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_unquoted(address: str, says: str) -> None:
    with pytest.raises(LocalError, match=says) as caught:
        check_address(address)
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert "opensesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("postgresql://hub@db.example/hub", "verify-full"),
        ("postgresql://hub@10.0.0.9,127.0.0.1/hub", "verify-full"),
        ("postgresql://hub@db.example/hub?sslmode=verify-ca", "verify-ca"),
        ("postgresql://hub@127.0.0.1/hub", None),
        ("postgresql://hub@[::1]/hub", None),
        ("postgresql:///hub?host=/run/postgresql", None),
        ("postgresql:///hub", None),
        ("postgresql:///?service=hub", None),
    ],
)
def test_a_server_elsewhere_is_spoken_to_by_tls(address: str, mode: str | None) -> None:
    said = psycopg.conninfo.conninfo_to_dict(check_address(address))
    assert said.get("sslmode") == mode
