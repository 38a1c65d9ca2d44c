"""How a tree of tiles grows and is read, wherever its tiles lie: specs/05-log.md §6. Pure."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Protocol

from protocol.log import merkle, tiles
from protocol.log.tiles import TILE_WIDTH, Tile

Chunk = tuple[Tile, Sequence[bytes]]
"""A tile, and its hashes or entries."""
Held = Callable[[Tile], Sequence[bytes]]
"""At least as many hashes of a tile as it is wide. Raises LocalError(NOT_FOUND)."""


class Tiles(Protocol):
    """The public tree, wherever it lies: hub/log/tile_store.py says what each call promises. Every
    call blocks.
    """

    def append(self, size_before: int, entries: Sequence[bytes]) -> int:
        """Make tiles for entries [size_before, ...); the new size."""
        ...

    def tidy(self) -> None:
        """Delete what is of no use any more."""
        ...

    def read_tile(self, tile: Tile) -> bytes:
        """The bytes of exactly this tile or bundle."""
        ...

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves."""
        ...

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """The path from a leaf to the root of the first `size` leaves."""
        ...

    def consistency_proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the larger tree extends the smaller."""
        ...

    def write_checkpoint(self, note: bytes) -> None:
        """Publish a checkpoint in place of the last one."""
        ...

    def read_checkpoint(self) -> bytes | None:
        """The published checkpoint, or None before the first."""
        ...

    def known_checkpoint(self) -> bytes | None:
        """The same where it is known without a look: of all calls the one that does not block."""
        ...

    def close(self) -> None:
        """Let go of whatever it holds open."""
        ...


def chunks(level: int, first: int, row: Sequence[bytes]) -> list[Chunk]:
    """A row of hashes or entries, the first of which begins tile `first`, as tiles."""
    parts = [row[i : i + TILE_WIDTH] for i in range(0, len(row), TILE_WIDTH)]
    return [(Tile(level, first + n, len(part)), part) for n, part in enumerate(parts)]


def grown(size_before: int, leaf_hashes: Sequence[bytes], held: Held) -> Iterator[list[Chunk]]:
    """The hash tiles that these leaves fill or begin, level by level."""
    level, start, fresh = 0, size_before, leaf_hashes
    while fresh:
        first, opened = divmod(start, TILE_WIDTH)
        before = held(Tile(level, first, opened))[:opened] if opened else ()
        row = chunks(level, first, [*before, *fresh])
        yield row
        fresh = [merkle.root(chunk) for tile, chunk in row if tile.width == TILE_WIDTH]
        level, start = level + 1, first


def hash_reader(held: Held) -> merkle.HashReader:
    """Reads hashes of subtrees out of tiles, each of which it asks for once."""
    read: dict[Tile, Sequence[bytes]] = {}

    def read_hash(level: int, index: int) -> bytes:
        tile, start, count = tiles.locate_hash(level, index)
        hashes = read.get(tile.full, ())
        if len(hashes) < tile.width:
            hashes = read[tile.full] = held(tile)
        return _root(tuple(hashes[start : start + count]))

    return read_hash


@lru_cache(maxsize=256)
def _root(hashes: tuple[bytes, ...]) -> bytes:
    """Proofs of entries that lie near each other go through the same subtrees."""
    return merkle.root(hashes)
