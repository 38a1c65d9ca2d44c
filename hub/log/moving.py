"""Carry a hub's database to another engine, or back: docs/operate/README.md.

The hub is stopped. Rows go batch by batch, so that whoever is interrupted goes on where they were;
what arrived is checked by the count of every table and by the root of the log before the old
database is marked as gone. Until then neither may be served, and afterwards the new one alone.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hub.log.tree import Tiles
from hub.store.moving import TABLES, Move, MoveState, Page
from hub.store.tables import HubEngine, HubTables
from protocol.errors import ErrorCode, LocalError
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.merkle import Frontier, leaf_hash

ROWS = 2000
LEAVES = 4096

Told = Callable[[str, int], None]


@dataclass(frozen=True)
class Moved:
    """What arrived: rows of all tables, entries of the log, and the root over them, in hex."""

    rows: int
    entries: int
    root: str


@dataclass(frozen=True)
class Place:
    """A hub's database, and the tiles of its log."""

    engine: HubEngine
    tiles: Tiles


async def move_database(source: HubEngine, to: Place, move_id: str, told: Told) -> Moved:
    """Carry everything; `told` hears of each table how many rows of it came now. `move_id` is new,
    and counts where no move is under way. The tiles are made anew.

    Raises LocalError: CONFLICT where the target holds anything else, or the source was written to;
    NOT_READY for a source without a hub; STORAGE where what arrived is not what was sent.
    """
    target = to.engine
    move_id = await _begin(source, target, move_id)
    held = await source.read(lambda tables: tables.moving.counts())
    for table in TABLES:
        if held[table]:
            told(table, await _carry(source, target, table))
    counts, root = await target.read(lambda tables: tables.moving.counts()), await _root(target)
    if root != await _root(source):
        raise LocalError(ErrorCode.STORAGE, "the log that arrived is not the one that was sent")
    await make_tiles(target, to.tiles)
    published = await target.read(lambda tables: tables.checkpoints.newest())
    if published is not None:
        await asyncio.to_thread(to.tiles.write_checkpoint, published.note)

    def leave(tables: HubTables) -> bool:
        is_whole = tables.moving.counts() == counts
        if is_whole:
            tables.moving.set_move(Move(MoveState.GONE, move_id))
        return is_whole

    if not await source.write(leave):
        detail = "the database that is left was written to meanwhile: stop the hub, then --give-up"
        raise LocalError(ErrorCode.CONFLICT, detail)
    await target.write(lambda tables: tables.moving.set_move(None))
    return Moved(sum(counts.values()), counts["entry"], root)


async def make_tiles(engine: HubEngine, tiles: Tiles) -> None:
    """Make the tiles anew that a database's newest checkpoint is over, where there are none."""
    head, size = (await engine.read(lambda tables: tables.checkpoints.head())).size, 0
    while size < head:
        most = min(LEAVES, head - size)
        leaves = await engine.read(partial(_some_leaves, start=size, most=most))
        size = await asyncio.to_thread(tiles.append, size, leaves)


async def give_up(source: HubEngine) -> None:
    """Stay: the database may be served again. Raises LocalError(CONFLICT) where no move began."""

    def stay(tables: HubTables) -> bool:
        move = tables.moving.move()
        is_leaving = move is not None and move.state is MoveState.LEAVING
        if is_leaving:
            tables.moving.set_move(None)
        return is_leaving

    if not await source.write(stay):
        raise LocalError(ErrorCode.CONFLICT, "no move from this database is under way")


async def _begin(source: HubEngine, target: HubEngine, move_id: str) -> str:
    """Mark both ends, or find them marked; the id of the move."""

    def leave(tables: HubTables) -> str:
        move = tables.moving.move()
        if move is not None and move.state is not MoveState.COMING:
            return move.move_id  # also where it is gone, and only the other end does not know
        if move is not None:
            raise LocalError(ErrorCode.CONFLICT, "the database to be left has not arrived itself")
        if not tables.log.next_index():
            raise LocalError(ErrorCode.NOT_READY, "there is no hub in the database to be left")
        tables.moving.set_move(Move(MoveState.LEAVING, move_id))
        return move_id

    def come(tables: HubTables, move_id: str) -> None:
        coming = Move(MoveState.COMING, move_id)
        move = tables.moving.move()
        if move == coming:
            return
        is_other = move is not None and move.state is not MoveState.COMING
        if is_other or any(tables.moving.counts().values()):
            raise LocalError(ErrorCode.CONFLICT, "the database to go to is not empty")
        tables.moving.set_move(coming)

    # Looked at first: whoever names a wrong one has changed nothing.
    left = await source.read(lambda tables: tables.moving.move())
    await target.write(partial(come, move_id=left.move_id if left else move_id))
    return await source.write(leave)


async def _carry(source: HubEngine, target: HubEngine, table: str) -> int:
    came, last = 0, await target.read(lambda tables: tables.moving.last(table))
    is_last = False
    while not is_last:

        def next_page(tables: HubTables, last: tuple[object, ...] | None = last) -> Page:
            return tables.moving.after(table, last, ROWS)

        page = await source.read(next_page)
        is_last = page.is_last
        if page.rows:
            await target.write(partial(put_page, page=page))
            came, last = came + len(page.rows), page.last
    return came


def put_page(tables: HubTables, page: Page) -> None:
    """Insert rows that were read elsewhere."""
    tables.moving.put(page)


async def _root(engine: HubEngine) -> str:
    """The root over a database's entries, which must be that of its signed head where that is."""
    frontier = Frontier()
    head = await engine.read(lambda tables: tables.checkpoints.head())
    signed = parse_checkpoint(head.note)[1] if head.size else None
    while True:
        leaves = await engine.read(partial(_leaves, start=frontier.size, head=head.size))
        if not leaves:
            return frontier.root().hex()
        frontier = frontier.append([leaf_hash(leaf) for leaf in leaves])
        if signed is not None and frontier.size == signed.size and frontier.root() != signed.root:
            raise LocalError(ErrorCode.STORAGE, "the entries do not give the root that was signed")


def _leaves(tables: HubTables, start: int, head: int) -> list[bytes]:
    """The next leaves, and none across the signed head."""
    return tables.log.leaves(start, min(LEAVES, head - start) if start < head else LEAVES)


def _some_leaves(tables: HubTables, start: int, most: int) -> list[bytes]:
    return tables.log.leaves(start, most)
