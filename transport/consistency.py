"""Prove that two checkpoints are of one log, from the hub's public tiles: specs/05-log.md §5.

The hub is trusted with nothing: what its tiles say is checked against both roots.
"""

from collections.abc import Mapping

from protocol.errors import ErrorCode, RemoteError
from protocol.log.checkpoint import Checkpoint
from protocol.log.merkle import HASH_BYTES, HashReader, consistency_proof, root, verify_consistency
from protocol.log.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, locate_hash, parse_hash_tile
from transport.client import HttpClient

MAX_TILES = 64


async def check_consistent(
    http: HttpClient, base_url: str, first: Checkpoint, second: Checkpoint
) -> None:
    """Raise RemoteError(BAD_TREE) unless one of two checkpoints extends the other.

    UNREACHABLE or NOT_FOUND if the hub does not serve what that takes.
    """
    old, new = sorted((first, second), key=lambda item: item.size)
    wanted: set[Tile] = set()

    def note_down(level: int, index: int) -> bytes:
        wanted.add(locate_hash(level, index)[0].full)
        return bytes(HASH_BYTES)

    consistency_proof(old.size, new.size, note_down)
    if len(wanted) > MAX_TILES:
        raise RemoteError(ErrorCode.TOO_LARGE, "the proof takes too many tiles")
    held = {tile: await _tile(http, base_url, tile, new.size) for tile in sorted(wanted)}
    proof = consistency_proof(old.size, new.size, _reader(held))
    verify_consistency(old.size, new.size, proof, old.root, new.root)


async def _tile(http: HttpClient, base_url: str, full: Tile, size: int) -> tuple[bytes, ...]:
    """A hash tile of the tree of `size` leaves, as wide as it is there, or full since."""
    there = (size >> (TILE_HEIGHT * full.level)) - full.index * TILE_WIDTH
    width = min(TILE_WIDTH, there)
    try:
        tile = Tile(full.level, full.index, width)
        return parse_hash_tile(await http.get(f"{base_url}/{tile.path}"), width)
    except RemoteError as error:
        if error.code is not ErrorCode.NOT_FOUND or width == TILE_WIDTH:
            raise
        return parse_hash_tile(await http.get(f"{base_url}/{full.path}"), TILE_WIDTH)


def _reader(held: Mapping[Tile, tuple[bytes, ...]]) -> HashReader:
    def read_hash(level: int, index: int) -> bytes:
        tile, start, count = locate_hash(level, index)
        return root(held[tile.full][start : start + count])

    return read_hash
