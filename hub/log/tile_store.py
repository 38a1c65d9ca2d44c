"""The log's public tree on disk, a plain tlog-tiles folder: specs/05-log.md §6.

Written from entries that are already durable elsewhere, so every step may be repeated after a
crash: the same entries give the same files. It has one writer, knows no keys and signs nothing;
whoever signs a head first compares `root` with what the database says.
Every call blocks on the disk: call it from a thread.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hub.log.tree import Chunk, chunks, grown, hash_reader
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log import merkle, tiles
from protocol.log.tiles import TILE_WIDTH, Tile

SYNCS_AT_ONCE = 12
_CHECKPOINT = "checkpoint"
_MAKING = ".new"


class TileStore:
    """The folder that a web server may serve as it stands."""

    def __init__(self, root: Path) -> None:
        self._folder = root
        self._pool = ThreadPoolExecutor(SYNCS_AT_ONCE, thread_name_prefix="tiles")
        self._settled = False
        self._known: set[Path] = set()
        self._edge: dict[Tile, tuple[bytes, ...]] = {}
        self._outgrown: dict[int, list[Path]] = {}
        self._published: bytes | None = None

    def append(self, size_before: int, entries: Sequence[bytes]) -> int:
        """Write bundles and tiles for entries [size_before, ...); the new size.

        When it returns, everything is on the disk (files and folders synced). Raises LocalError:
        CONFLICT if a tile is already there with other content, NOT_FOUND if the tree before
        `size_before` is not there, TOO_LARGE for an entry over 65,535 bytes.
        """
        if size_before:
            self.read_hash(0, size_before - 1)
        made = self._bundles(size_before, entries)
        rows = [made[0][0]] if made else []
        files = [(tile, tiles.encode_entry_bundle(chunk)) for tile, chunk in made]
        fresh = [merkle.leaf_hash(entry) for entry in entries]
        for row in grown(size_before, fresh, self._held_hashes):
            files += [(tile, tiles.encode_hash_tile(chunk)) for tile, chunk in row]
            made += row
            rows.append(row[0][0])
        self._write_tiles(files)
        # What the next batch begins with need not be read again. A folder has one writer.
        self._edge = {tile.full: tuple(chunk) for tile, chunk in made}
        for tile in rows:
            if tile.width == TILE_WIDTH:  # it may have been partial before
                self._outgrown.setdefault(tile.level, []).append(self._folder / f"{tile.path}.p")
        return size_before + len(entries)

    def tidy(self) -> None:
        """Delete the partial tiles in whose place full ones stand, but for each level's last.

        Who still holds a smaller checkpoint asks for the full one (specs/05-log.md §6). Without
        this every checkpoint would leave some files for ever.
        """
        for level, folders in self._outgrown.items():
            for folder in folders[:-1]:
                shutil.rmtree(folder, ignore_errors=True)
            self._outgrown[level] = folders[-1:]

    def read_hash(self, level: int, index: int) -> bytes:
        """The hash of leaves [index * 2**level, (index + 1) * 2**level), a `merkle.HashReader`.

        Raises LocalError(NOT_FOUND) if those leaves are not in the folder.
        """
        return hash_reader(self._held_hashes)(level, index)

    def read_entries(self, bundle_index: int, width: int = TILE_WIDTH) -> tuple[bytes, ...]:
        """The first `width` entries of a bundle. Raises LocalError(NOT_FOUND or STORAGE)."""
        tile = Tile(tiles.ENTRIES, bundle_index, width)
        edge = self._edge.get(tile.full, ())
        if len(edge) >= width:
            return edge[:width]
        data, held = self._read_at_least(tile)
        return _parsed(tiles.parse_entry_bundle, data, held)[:width]

    def read_tile(self, tile: Tile) -> bytes:
        """The bytes of exactly this tile or bundle. Raises LocalError(NOT_FOUND)."""
        data = _read(self._folder / tile.path)
        if data is None:
            raise LocalError(ErrorCode.NOT_FOUND, f"{tile.path} is not in the folder")
        return data

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves, recomputed from the tiles."""
        return self.frontier(size).root()

    def frontier(self, size: int) -> merkle.Frontier:
        """The compact range of the first `size` leaves."""
        return merkle.frontier_of(size, hash_reader(self._held_hashes))

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """The path from leaf `index` to the root of the first `size` leaves."""
        return merkle.inclusion_proof(index, size, hash_reader(self._held_hashes))

    def consistency_proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the tree of `new` leaves extends the tree of `old`."""
        return merkle.consistency_proof(old, new, hash_reader(self._held_hashes))

    def write_checkpoint(self, note: bytes) -> None:
        """Publish a checkpoint in place of the last one; on the disk when it returns."""
        made = _make_folders(self._folder)
        self._replace([(self._folder / _CHECKPOINT, note)])
        for folder in {self._folder, *made}:
            _sync_folder(folder)
        self._published = note

    def known_checkpoint(self) -> bytes | None:
        """The checkpoint that was published last, by us: nobody else writes into the folder."""
        return self._published

    def read_checkpoint(self) -> bytes | None:
        """The published checkpoint, or None before the first."""
        path = self._folder / _CHECKPOINT
        return path.read_bytes() if path.exists() else None

    def close(self) -> None:
        """Nothing is held open."""

    def _bundles(self, size_before: int, entries: Sequence[bytes]) -> list[Chunk]:
        first, opened = divmod(size_before, TILE_WIDTH)
        held = self.read_entries(first, opened) if opened else ()
        return chunks(tiles.ENTRIES, first, [*held, *entries])

    def _write_tiles(self, files: Sequence[tuple[Tile, bytes]]) -> None:
        """All of them on the disk, or an error and perhaps some of them."""
        settled, self._settled = self._settled, False
        wanted = [(self._folder / tile.path, data) for tile, data in files]
        folders = {path.parent for path, _ in wanted}
        touched = set(folders)
        for folder in folders - self._known:
            touched |= _make_folders(folder)
            if not settled:  # a crash may have come between a rename and its sync
                inside = len(folder.relative_to(self._folder).parts)
                touched.update(folder.parents[:inside])
        self._replace([(path, data) for path, data in wanted if not _holds(path, data)])
        list(self._pool.map(_sync_folder, touched))
        self._known = folders
        self._settled = True

    def _replace(self, files: Sequence[tuple[Path, bytes]]) -> None:
        """Write files in a folder of their own, sync them all, then give them their names."""
        # In one folder: a disk gives the files of each new folder places of their own, slowly.
        making = self._folder / _MAKING
        making.mkdir(parents=True, exist_ok=True)
        temporaries = [making / str(number) for number in range(len(files))]
        descriptors: list[int] = []
        try:
            for temporary, (_, data) in zip(temporaries, files, strict=True):
                # After a crash it may be a tile's other name: never write into what is there.
                temporary.unlink(missing_ok=True)
                descriptors.append(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
                _write(descriptors[-1], data)
            # Side by side: a disk syncs ten files in hardly more time than one.
            if len(descriptors) == 1:
                os.fsync(descriptors[0])
            else:
                list(self._pool.map(os.fsync, descriptors))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        for temporary, (path, _) in zip(temporaries, files, strict=True):
            temporary.replace(path)

    def _held_hashes(self, tile: Tile) -> tuple[bytes, ...]:
        edge = self._edge.get(tile.full, ())
        if len(edge) >= tile.width:
            return edge
        data, width = self._read_at_least(tile)
        return _parsed(tiles.parse_hash_tile, data, width)

    def _read_at_least(self, tile: Tile) -> tuple[bytes, int]:
        """The bytes of a tile, or of a wider one in its place, and the width they have."""
        for width in self._widths(tile):
            data = _read(self._folder / Tile(tile.level, tile.index, width).path)
            if data is not None:
                return data, width
        raise LocalError(ErrorCode.NOT_FOUND, f"{tile.path} is not in the folder")

    def _widths(self, tile: Tile) -> Iterator[int]:
        yield from (tile.width, TILE_WIDTH)
        for path in (self._folder / f"{tile.full.path}.p").glob("[0-9]*"):
            if path.name.isdecimal() and tile.width < int(path.name) < TILE_WIDTH:
                yield int(path.name)


def _read(path: Path) -> bytes | None:
    """A file's bytes, or None: another thread may tidy it away at any moment."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _parsed(
    parse: Callable[[bytes, int], tuple[bytes, ...]], data: bytes, width: int
) -> tuple[bytes, ...]:
    try:
        return parse(data, width)
    except RemoteError as error:  # our own file: our fault, not theirs
        raise LocalError(ErrorCode.STORAGE, "a tile in the folder is damaged") from error


def _make_folders(folder: Path) -> set[Path]:
    """Make a folder; the parents whose listing changed by it."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return {path.parent for path in missing}


def _holds(path: Path, data: bytes) -> bool:
    """Whether a file is there; one that is must hold the same. Raises LocalError(CONFLICT)."""
    if not path.exists():
        return False
    if path.read_bytes() != data:
        raise LocalError(ErrorCode.CONFLICT, f"{path.name} of a tile or bundle holds other content")
    return True


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
