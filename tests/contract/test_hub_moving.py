"""A hub's database goes from one engine to another, whole, however often it is interrupted."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from hub.log import moving
from hub.log.moving import Moved, Place, Told, give_up, move_database
from hub.store.moving import OWN, TABLES, Moving, Page
from hub.store.tables import SCHEMA, HubEngine, HubTables, check_settled, open_database
from protocol.errors import ErrorCode, LocalError
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import leaf_hash, root
from protocol.log.note import NoteSigner, SignatureType
from storage.sqlite import SqliteDatabase
from tests.conftest import seed

ENTRIES = 7
SIGNER = NoteSigner("hub.example/log", SignatureType.ED25519, seed(9))
Content = Mapping[str, list[tuple[Any, ...]]]


def filled(path: Path) -> None:
    """A file with three rows in every table, which are made up by the types of its columns."""
    file = sqlite3.connect(path)
    file.execute("PRAGMA foreign_keys=ON")
    leaves = [f"leaf {number}".encode() for number in range(ENTRIES)]
    values = ", ".join("?" * 8)
    for number, leaf in enumerate(leaves):
        row = (number, leaf, f"s{number}", "request", "a" * 32, f"n{number}", 5, 6)
        file.execute(f"INSERT INTO entry VALUES ({values})", row)  # noqa: S608 - a test's own
    hashes = map_hashes(leaves[:5])
    note = sign_checkpoint(Checkpoint(SIGNER.name, 5, root(hashes)), SIGNER).encode()
    file.execute("INSERT INTO head VALUES (1, 5, ?)", (note,))
    for table in [name for name in TABLES if name not in {"entry", "head"}]:
        _made_up(file, table)
    file.execute("INSERT INTO stub_change SELECT * FROM stub_change WHERE stub_id LIKE '%1'")
    file.commit()
    file.close()


def map_hashes(leaves: Sequence[bytes]) -> list[bytes]:
    return [leaf_hash(leaf) for leaf in leaves]


def _made_up(file: sqlite3.Connection, table: str) -> None:
    columns = file.execute(f"PRAGMA table_info({table})").fetchall()
    allowed = {"state": "approved", "status": "active", "said": "same"}
    allowed |= {"link.state": "match", "upload.state": "waiting"}
    for number in range(3):
        row: list[object] = []
        for _, name, kind, _, _, _ in columns:
            made: Mapping[str, object] = {
                "INTEGER": number, "BLOB": bytes([0, number, 255]), "TEXT": f"{name} é{number}",
            }  # fmt: skip
            refers = {"upload_chunk": "statement_id", "earlier_card": "request_id"}
            value = made[kind]
            if refers.get(table) == name:
                value = f"{name} é{number}"
            value = allowed.get(f"{table}.{name}", allowed.get(name, value))
            is_row = name in {"id", "wave", "account"} and kind == "INTEGER"
            row.append(1 if is_row else value)
        marks = ", ".join("?" * len(row))
        file.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 - our own names
        if columns[0][1] in {"id", "account"}:
            return


def in_file(path: Path) -> Content:
    file = sqlite3.connect(path)
    return {table: sorted(file.execute(f"SELECT * FROM {table}").fetchall()) for table in TABLES}  # noqa: S608


def in_server(address: str) -> Content:
    with psycopg.connect(address) as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608
            for table in TABLES
        }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hub's folder with a database that has rows in every table."""
    engine = SqliteDatabase(tmp_path / "hub.sqlite", SCHEMA, HubTables)
    engine.opened()
    engine.close()
    filled(tmp_path / "hub.sqlite")
    return tmp_path


@pytest_asyncio.fixture
async def file(folder: Path) -> AsyncIterator[HubEngine]:
    made = open_database(folder, "")
    yield made
    await made.close()


@pytest_asyncio.fixture
async def server(tmp_path: Path, hub_database: str) -> AsyncIterator[HubEngine]:
    made = open_database(tmp_path, hub_database)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "ROWS", 2)


class NoTiles:
    """Tiles that nobody looks at: what becomes of them, tests/sim tells."""

    def append(self, size_before: int, entries: Sequence[bytes]) -> int:
        return size_before + len(entries)

    def write_checkpoint(self, note: bytes) -> None:
        """Nowhere."""


async def carried(
    source: HubEngine, target: HubEngine, move_id: str = "1d" * 16, told: Told = lambda *_: None
) -> Moved:
    return await move_database(source, Place(target, NoTiles()), move_id, told)  # type: ignore[arg-type]


def test_every_table_is_carried_or_a_databases_own(folder: Path) -> None:
    file = sqlite3.connect(folder / "hub.sqlite")
    names = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert {name for (name,) in names if not name.startswith("sqlite_")} == {*TABLES, *OWN}


async def test_all_rows_go_there_and_come_back(
    folder: Path, file: HubEngine, server: HubEngine, hub_database: str
) -> None:
    before = in_file(folder / "hub.sqlite")
    assert min(map(len, before.values())) >= 1
    moved = await carried(file, server)
    assert in_server(hub_database) == before
    leaves = [f"leaf {number}".encode() for number in range(ENTRIES)]
    assert (moved.entries, moved.root) == (ENTRIES, root(map_hashes(leaves)).hex())
    assert moved.rows == sum(map(len, before.values()))
    with pytest.raises(LocalError, match="went on in another database"):
        await check_settled(file)
    await check_settled(server)
    (folder / "back").mkdir()
    back = open_database(folder / "back", "")
    assert await carried(server, back) == moved
    await back.close()
    assert in_file(folder / "back" / "hub.sqlite") == before


async def test_what_the_server_numbers_goes_on_behind_what_came(
    file: HubEngine, server: HubEngine
) -> None:
    await carried(file, server)
    await server.write(lambda tables: tables.checkpoints.archive(9, b"new"))
    found = await server.read(lambda tables: tables.checkpoints.archived(-1, 10))
    assert [item.number for item in found] == [0, 1, 2, 3]


async def test_a_move_that_is_interrupted_again_and_again_arrives_all_the_same(
    folder: Path,
    file: HubEngine,
    server: HubEngine,
    hub_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, put, left = in_file(folder / "hub.sqlite"), Moving.put, [0]

    def dying(self: Moving, page: Page) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        put(self, page)

    monkeypatch.setattr(Moving, "put", dying)
    interrupted = 0
    for _ in range(100):
        left[0] = 8
        try:
            moved = await carried(file, server)
        except KeyboardInterrupt:
            interrupted += 1
            for engine in (file, server):
                with pytest.raises(LocalError, match="move-database again"):
                    await check_settled(engine)
        else:
            break
    assert interrupted > 5
    assert in_server(hub_database) == before
    assert moved.rows == sum(map(len, before.values()))


async def test_a_move_that_is_given_up_leaves_the_hub_where_it_is(
    folder: Path, file: HubEngine, server: HubEngine
) -> None:
    before = in_file(folder / "hub.sqlite")
    with pytest.raises(LocalError, match="no move from this database is under way"):
        await give_up(file)
    await server.write(lambda tables: tables.charters.keep("h", b"of another hub"))
    with pytest.raises(LocalError, match="is not empty"):
        await carried(file, server)
    await check_settled(file)
    await server.write(lambda tables: tables.tx.run("DELETE FROM charter_document"))
    with pytest.raises(ValueError, match="no"):
        await carried(file, server, told=refuse)
    await give_up(file)
    await check_settled(file)
    assert in_file(folder / "hub.sqlite") == before
    with pytest.raises(LocalError, match="is not empty"):
        await carried(file, server, "2e" * 16)


def refuse(_table: str, _rows: int) -> None:
    raise ValueError("no")


async def test_a_hub_that_still_writes_is_found_out(file: HubEngine, server: HubEngine) -> None:
    written = list[str]()

    async def write() -> None:
        await file.write(lambda tables: tables.members.invite("new", 9))

    loop = asyncio.get_running_loop()

    def told(table: str, _rows: int) -> None:
        if table == "token":
            written.append(table)
            waiting.append(loop.create_task(write()))

    waiting = list[asyncio.Task[None]]()
    with pytest.raises(LocalError, match="written to meanwhile") as caught:
        await carried(file, server, told=told)
    assert caught.value.code is ErrorCode.CONFLICT
    assert written == ["token"]
    await asyncio.gather(*waiting)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE entry SET leaf = 'other' WHERE idx = 3", "do not give the root that was signed"),
        ("UPDATE entry SET leaf = 'other' WHERE idx = 6", "is not the one that was sent"),
    ],
)
async def test_a_log_that_arrives_as_another_is_refused(
    file: HubEngine, server: HubEngine, sql: str, says: str
) -> None:
    with pytest.raises(ValueError, match="no"):
        await carried(file, server, told=refuse_late)
    await server.write(lambda tables: tables.tx.run(sql))
    with pytest.raises(LocalError, match=says):
        await carried(file, server)
    with pytest.raises(LocalError, match="under way"):
        await check_settled(server)


def refuse_late(table: str, _rows: int) -> None:
    if table == [*TABLES][-1]:
        raise ValueError("no")


async def test_nothing_is_moved_where_there_is_no_hub(tmp_path: Path, server: HubEngine) -> None:
    empty = open_database(tmp_path, "")
    with pytest.raises(LocalError, match="there is no hub") as caught:
        await carried(empty, server)
    assert caught.value.code is ErrorCode.NOT_READY
    await empty.close()
