"""What the processes of one hub share: the lead, the tree of tiles, lines of witnesses, uploads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.log.led import LedEngine
from hub.log.tile_rows import TileRows
from hub.log.tile_store import TileStore
from hub.store.lead import NOBODY, Lead
from hub.store.tables import SCHEMA, HubEngine, HubTables, open_connection
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.tiles import ENTRIES, Tile, bundles_for_size, tiles_for_size
from storage.sqlite import SqliteDatabase

SIZES = (1, 3, 255, 256, 257, 512, 700)


async def test_of_two_who_saw_the_same_one_takes_the_lead(hub: HubEngine) -> None:
    taken = [await hub.write(lambda t, who=who: t.leads.take(who, None)) for who in "ab"]  # type: ignore[misc]
    assert taken == [1, None]
    seen = await hub.read(lambda tables: tables.leads.lead())
    assert seen == Lead(1, "a", 0)
    taken = [await hub.write(lambda t, who=who: t.leads.take(who, seen)) for who in "bc"]  # type: ignore[misc]
    assert taken == [2, None]


async def test_a_leader_that_has_spoken_since_keeps_the_lead(hub: HubEngine) -> None:
    await hub.write(lambda tables: tables.leads.take("a", None))
    seen = await hub.read(lambda tables: tables.leads.lead())
    assert await hub.write(lambda tables: tables.leads.beat(1))
    assert await hub.write(lambda tables: tables.leads.take("b", seen)) is None
    assert await hub.read(lambda tables: tables.leads.lead()) == Lead(1, "a", 1)


async def test_who_led_before_writes_nothing_more_as_the_leader(hub: HubEngine) -> None:
    led, late = LedEngine(hub, alone=False), LedEngine(hub, alone=False)
    with pytest.raises(LocalError, match="another process of this hub leads"):
        await led.write(lambda tables: tables.charters.keep("a", b"1"))
    led.epoch = await hub.write(lambda tables: tables.leads.take("a", None))
    await led.write(lambda tables: tables.charters.keep("a", b"1"))
    late.epoch = await hub.write(lambda t: t.leads.take("b", t.leads.lead()))
    with pytest.raises(LocalError, match="leads now") as caught:
        await led.write(lambda tables: tables.charters.keep("b", b"2"))
    assert caught.value.code is ErrorCode.CONFLICT
    assert not await hub.write(lambda tables: tables.leads.beat(1))
    await late.write(lambda tables: tables.charters.keep("c", b"3"))
    kept = await hub.read(lambda tables: tables.charters.documents("abc"))
    assert kept == {"a": b"1", "c": b"3"}
    await hub.write(lambda tables: tables.leads.resign(1))
    assert await hub.read(lambda tables: tables.leads.lead()) == Lead(2, "b", 0)
    await hub.write(lambda tables: tables.leads.resign(2))
    assert await hub.read(lambda tables: tables.leads.lead()) == Lead(2, NOBODY, 0)


async def test_a_head_is_claimed_once_and_has_its_note_afterwards(hub: HubEngine) -> None:
    await hub.write(lambda tables: tables.checkpoints.claim_head(0, 3))
    with pytest.raises(RemoteError) as caught:
        await hub.write(lambda tables: tables.checkpoints.claim_head(0, 4))
    assert caught.value.code is ErrorCode.CONFLICT
    await hub.write(lambda tables: tables.checkpoints.move_head(3, 3, b"signed"))
    assert await hub.read(lambda tables: tables.checkpoints.head()) == (3, b"signed")


async def test_lines_that_were_left_are_taken_once_in_order(hub: HubEngine) -> None:
    for line in (b"1", b"2", b"1"):
        await hub.write(lambda tables, line=line: tables.checkpoints.leave_line(line))  # type: ignore[misc]
    assert await hub.read(lambda tables: tables.checkpoints.are_lines_left())
    assert await hub.write(lambda tables: tables.checkpoints.take_lines()) == [b"1", b"2"]
    assert not await hub.read(lambda tables: tables.checkpoints.are_lines_left())
    assert await hub.write(lambda tables: tables.checkpoints.take_lines()) == []


def leaves(start: int, end: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(start, end)]


def add_entries(tables: HubTables, start: int, end: int) -> None:
    columns = ("idx", "leaf", "statement_id", "kind", "sender", "nonce", "iat", "received_at")
    rows = [
        (number, leaf, f"s{number}", "k", "a", f"n{number}", 1, 1)
        for number, leaf in enumerate(leaves(start, end), start)
    ]
    tables.tx.insert_rows("entry", columns, rows)


@pytest.fixture(params=["sqlite", "postgres"])
def rows(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[TileRows]:
    """The tree in a database."""
    database = (
        SqliteDatabase(tmp_path / "hub.sqlite", SCHEMA, HubTables)
        if request.param == "sqlite"
        else open_connection(request.getfixturevalue("hub_database"))
    )
    made = TileRows(database, lambda _: None)
    yield made
    made.close()


def test_the_tree_in_the_database_is_that_in_the_folder(rows: TileRows, tmp_path: Path) -> None:
    folder, before = TileStore(tmp_path / "log"), 0
    rows._database.write(lambda tables: add_entries(tables, 0, SIZES[-1]))
    for size in SIZES:
        for store in (folder, rows):
            assert store.append(before, leaves(before, size)) == size
        assert rows.root(size) == folder.root(size)
        for tile in (*tiles_for_size(size), *bundles_for_size(size)):
            assert rows.read_tile(tile) == folder.read_tile(tile), tile.path
        assert rows.consistency_proof(before, size) == folder.consistency_proof(before, size)
        assert rows.inclusion_proof(0, size) == folder.inclusion_proof(0, size)
        before = size
    for gone in (Tile(0, 3), Tile(0, 2, 200), Tile(ENTRIES, 2, 200), Tile(2, 0, 1)):
        with pytest.raises(LocalError) as caught:
            rows.read_tile(gone)
        assert caught.value.code is ErrorCode.NOT_FOUND


def test_a_tree_in_the_database_does_not_change_what_it_says(rows: TileRows) -> None:
    rows.append(0, leaves(0, 300))
    rows.append(0, leaves(0, 300))  # as after a crash: the same again
    rows.append(256, leaves(256, 270))  # what is longer already stays
    root = rows.root(300)
    with pytest.raises(LocalError, match="holds other hashes") as caught:
        rows.append(256, [b"another"])
    assert caught.value.code is ErrorCode.CONFLICT
    with pytest.raises(LocalError, match="is not in the database"):
        rows.append(400, [b"behind a gap"])
    assert rows.root(300) == root


def test_who_does_not_lead_makes_no_tiles_and_publishes_nothing(tmp_path: Path) -> None:
    def refuse(_tables: HubTables) -> None:
        raise LocalError(ErrorCode.CONFLICT, "another leads")

    made = TileRows(SqliteDatabase(tmp_path / "x", SCHEMA, HubTables), refuse)
    for write in (lambda: made.append(0, leaves(0, 1)), lambda: made.write_checkpoint(b"note")):
        with pytest.raises(LocalError, match="another leads"):
            write()
    assert made.read_checkpoint() is made.known_checkpoint() is None
    with pytest.raises(LocalError):
        made.read_tile(Tile(0, 0, 1))
    made.close()
