"""Files of a case's log that its checkpoint has no place for (specs/08-audit.md §2).

A fetch writes none. A narrower tile, as a log that grew leaves behind, is the beginning of the one
that took its place, or it was changed.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from audit.case.case import Case
from audit.findings import Finding, FindingCode, broken
from protocol.errors import RemoteError
from protocol.log.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, Tile, parse_tile_path


def extra_files(case: Case, size: int) -> Iterator[Finding]:
    """A finding for each file that is no tile or bundle of a tree of `size` leaves."""
    log = case.folder / "log"
    for folder, folders, names in os.walk(log):
        folders.sort()
        for name in sorted(names):
            path = (Path(folder) / name).relative_to(log).as_posix()
            fault = None if path == "checkpoint" else _fault(case, path, size)
            if fault is not None:
                yield fault


def _fault(case: Case, path: str, size: int) -> Finding | None:
    try:
        tile = parse_tile_path(path)
    except RemoteError:
        return broken(FindingCode.TILE_EXTRA, None, f"{_shown(path)}: not a file of a log")
    width = _width(tile, size)
    if tile.width > width:
        return broken(FindingCode.TILE_EXTRA, None, f"{path}: the checkpoint ends before it")
    if tile.width < width and not case.begins_alike(tile, Tile(tile.level, tile.index, width)):
        return broken(FindingCode.TILE_CHANGED, None, f"{path}: not the beginning of its successor")
    return None


def _width(tile: Tile, size: int) -> int:
    """How wide a tile at this place is in a tree of `size` leaves; 0 if there is none."""
    row = size if tile.level == ENTRIES else size >> TILE_HEIGHT * tile.level
    return max(0, min(TILE_WIDTH, row - tile.index * TILE_WIDTH))


def _shown(path: str) -> str:
    plain = len(path) <= 100 and all("!" <= letter <= "~" for letter in path)
    return path if plain else "a file with an odd name"
