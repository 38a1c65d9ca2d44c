"""The log's public tree in the database, for a hub of several processes: specs/05-log.md §6.

The same tiles as of hub/log/tile_store.py. Written by the leader alone, in transactions that check
that it is. Every call blocks on the network: call it from a thread.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

from hub.log.tile_store import TileStore
from hub.log.tree import Tiles, grown, hash_reader
from hub.store.tables import HubTables, open_connection
from protocol.errors import ErrorCode, LocalError
from protocol.log import merkle, tiles
from protocol.log.merkle import HASH_BYTES
from protocol.log.tiles import ENTRIES, TILE_WIDTH, Tile

Result = TypeVar("Result")
Body = Callable[[HubTables], Result]


class Database(Protocol):
    """One connection to the hub's database."""

    def read(self, body: Body[Result]) -> Result:
        """Run a body on a snapshot."""
        ...

    def write(self, body: Body[Result]) -> Result:
        """Run a body in a transaction of its own."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


def tiles_of(folder: Path, address: str, check: Callable[[HubTables], None]) -> Tiles:
    """A hub's tiles: in its folder, which a web server may serve as it stands, or in the database
    at an address, that processes share; `check` as of TileRows.
    """
    if not address:
        return TileStore(folder / "log")
    return TileRows(open_connection(address), check)


class TileRows:
    """Tiles as rows. `check` raises LocalError within a transaction unless this process leads."""

    def __init__(self, database: Database, check: Callable[[HubTables], None]) -> None:
        self._database = database
        self._check = check
        self._lock = Lock()  # threads share the connection

    def append(self, size_before: int, entries: Sequence[bytes]) -> int:
        """Write tiles for entries [size_before, ...); the new size.

        Raises LocalError: CONFLICT if other hashes are in their place, or another process leads;
        NOT_FOUND if the tree before `size_before` is not there.
        """
        fresh = [merkle.leaf_hash(entry) for entry in entries]

        def work(tables: HubTables) -> None:
            for row in grown(size_before, fresh, _held(tables)):
                for tile, hashes in row:
                    _put(tables, tile, b"".join(hashes))

        self._write(work)
        return size_before + len(entries)

    def tidy(self) -> None:
        """Nothing is left over: a tile grows where it lies."""

    def read_tile(self, tile: Tile) -> bytes:
        """The bytes of exactly this tile or bundle. Raises LocalError(NOT_FOUND)."""

        def work(tables: HubTables) -> bytes:
            if tile.level != ENTRIES:
                return tiles.encode_hash_tile(_held(tables)(tile)[: tile.width])
            _held(tables)(
                Tile(0, tile.index, tile.width)
            )  # what no checkpoint may cover is not told
            return tiles.encode_entry_bundle(tables.log.leaves(tile.index * TILE_WIDTH, tile.width))

        return self._read(work)

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves, recomputed from the tiles."""
        return self._read(
            lambda tables: merkle.frontier_of(size, hash_reader(_held(tables))).root()
        )

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """The path from leaf `index` to the root of the first `size` leaves."""
        return self._read(
            lambda tables: merkle.inclusion_proof(index, size, hash_reader(_held(tables)))
        )

    def consistency_proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the tree of `new` leaves extends the tree of `old`."""
        return self._read(
            lambda tables: merkle.consistency_proof(old, new, hash_reader(_held(tables)))
        )

    def write_checkpoint(self, note: bytes) -> None:
        """Publish a checkpoint in place of the last one. Raises LocalError(CONFLICT)."""
        self._write(lambda tables: tables.tiles.publish(note))

    def known_checkpoint(self) -> bytes | None:
        """Another process may have published since: there is always a look."""
        return None

    def read_checkpoint(self) -> bytes | None:
        """The published checkpoint, or None before the first."""
        return self._read(lambda tables: tables.tiles.published())

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._database.close()

    def _read(self, body: Body[Result]) -> Result:
        with self._lock:
            return self._database.read(body)

    def _write(self, body: Body[None]) -> None:
        def checked(tables: HubTables) -> None:
            self._check(tables)
            body(tables)

        with self._lock:
            self._database.write(checked)


def _held(tables: HubTables) -> Callable[[Tile], Sequence[bytes]]:
    def held(tile: Tile) -> Sequence[bytes]:
        data = tables.tiles.hashes(tile.level, tile.index)
        if len(data) < tile.width * HASH_BYTES:
            raise LocalError(ErrorCode.NOT_FOUND, f"{tile.path} is not in the database")
        return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]

    return held


def _put(tables: HubTables, tile: Tile, hashes: bytes) -> None:
    """Put a tile; one that has begun goes on as it began."""
    before = tables.tiles.hashes(tile.level, tile.index)
    shorter = min(len(before), len(hashes))
    if before[:shorter] != hashes[:shorter]:
        raise LocalError(ErrorCode.CONFLICT, f"{tile.path} holds other hashes")
    if len(hashes) > len(before):
        tables.tiles.put(tile.level, tile.index, hashes)
