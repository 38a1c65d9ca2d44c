"""The tlog-tiles layout: tile paths, hash tiles and entry bundles: specs/05-log.md §6.

Pure naming and coding. Tiles are public and carry no signature: their content means something
only once the root over them equals that of a verified checkpoint.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.merkle import HASH_BYTES

TILE_HEIGHT = 8
TILE_WIDTH = 256
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 2**16 - 1
ENTRIES = -1
"""The `level` of an entry bundle."""

_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])/(?P<groups>(?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, order=True)
class Tile:
    """One resource of the log: `level` 0 to 63, or ENTRIES; `width` 256 when full."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        """Refuse a tile that has no path."""
        if not ENTRIES <= self.level <= MAX_LEVEL or not 1 <= self.width <= TILE_WIDTH:
            raise LocalError(ErrorCode.MALFORMED, "tile level or width")
        if not 0 <= self.index < 1000**6:
            raise LocalError(ErrorCode.MALFORMED, "tile index")

    @property
    def path(self) -> str:
        """tile/<L>/<N>[.p/<W>], without a leading slash."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"

    @property
    def full(self) -> "Tile":
        """The full tile that takes this one's place once it is filled."""
        return Tile(self.level, self.index)


def parse_tile_path(path: str) -> Tile:
    """Read a path in its one form. Raises RemoteError(MALFORMED)."""
    found = _PATH.fullmatch(path)
    if not found:
        raise RemoteError(ErrorCode.MALFORMED, "not a tile path")
    level = ENTRIES if found["level"] == "entries" else int(found["level"])
    index = int(found["groups"].replace("x", "").replace("/", ""))
    width = int(found["width"] or TILE_WIDTH)
    if width > TILE_WIDTH or Tile(level, index, width).path != path:
        raise RemoteError(ErrorCode.MALFORMED, "tile path is not in its shortest form")
    return Tile(level, index, width)


def tiles_for_size(size: int) -> Iterator[Tile]:
    """Every hash tile of a tree of `size` leaves, level by level, left to right."""
    return new_tiles(0, size)


def bundles_for_size(size: int) -> Iterator[Tile]:
    """Every entry bundle of a tree of `size` leaves."""
    return _row(ENTRIES, 0, size)


def new_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """The hash tiles of the new tree that are not, at that width, tiles of the old one."""
    level = 0
    while new_size:
        yield from _row(level, old_size, new_size)
        level, old_size, new_size = level + 1, old_size >> TILE_HEIGHT, new_size >> TILE_HEIGHT


def new_bundles(old_size: int, new_size: int) -> Iterator[Tile]:
    """The entry bundles of the new tree that are not, at that width, bundles of the old one."""
    return _row(ENTRIES, old_size, new_size)


def locate_hash(level: int, index: int) -> tuple[Tile, int, int]:
    """Where the complete subtree (level, index) is found.

    Answers (tile, start, count): the hash is the Merkle root over `count` hashes of that tile from
    `start`; the tile's width is the least that holds them.
    """
    tile_level, height = divmod(level, TILE_HEIGHT)
    count = 1 << height
    tile_index, start = divmod(index << height, TILE_WIDTH)
    return Tile(tile_level, tile_index, start + count), start, count


def encode_hash_tile(hashes: Sequence[bytes]) -> bytes:
    """The hashes one after the other."""
    if not 1 <= len(hashes) <= TILE_WIDTH or {*map(len, hashes)} != {HASH_BYTES}:
        raise LocalError(ErrorCode.MALFORMED, "tile is not 1 to 256 hashes")
    return b"".join(hashes)


def parse_hash_tile(data: bytes, width: int) -> tuple[bytes, ...]:
    """Exactly `width` hashes. Raises RemoteError(MALFORMED)."""
    if len(data) != width * HASH_BYTES:
        raise RemoteError(ErrorCode.MALFORMED, "hash tile has the wrong length")
    return tuple(data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES))


def encode_entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Each entry after its big-endian 16-bit length."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise LocalError(ErrorCode.MALFORMED, "bundle is not 1 to 256 entries")
    if max(map(len, entries)) > MAX_ENTRY_BYTES:
        raise LocalError(ErrorCode.TOO_LARGE, f"entry is over {MAX_ENTRY_BYTES} bytes")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def parse_entry_bundle(data: bytes, width: int) -> tuple[bytes, ...]:
    """Exactly `width` entries and not a byte more. Raises RemoteError(MALFORMED)."""
    entries: list[bytes] = []
    position, length = 0, len(data)
    while len(entries) < width and position + 2 <= length:
        start = position + 2
        position = start + (data[start - 2] << 8 | data[start - 1])
        entries.append(data[start:position])
    if position != length or len(entries) != width:
        raise RemoteError(ErrorCode.MALFORMED, "entry bundle does not end where it should")
    return tuple(entries)


def _row(level: int, old_size: int, new_size: int) -> Iterator[Tile]:
    if old_size >= new_size:
        return
    for index in range(old_size // TILE_WIDTH, -(-new_size // TILE_WIDTH)):
        yield Tile(level, index, min(TILE_WIDTH, new_size - index * TILE_WIDTH))
