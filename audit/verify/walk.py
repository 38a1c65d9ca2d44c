"""Leaf hashes in, hash tiles and root out: the tree as tlog-tiles lays it (specs/08-audit.md §2).

Every tile that is recomputed is compared with the one in the case; what differs or is absent is
named by its path. Which leaf hashes to believe is audit/verify/tree.py's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.case.case import Case
from audit.findings import Finding, FindingCode, broken, missing
from protocol.errors import ErrorCode, RemoteError
from protocol.log import merkle
from protocol.log.tiles import TILE_WIDTH, Tile


@dataclass
class TileWalk:
    """Leaf hashes in, complete and partial hash tiles out, each compared with the one on disk."""

    case: Case
    rows: list[list[bytes]] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    tiles: int = 0

    def copy(self) -> "TileWalk":
        """A second walk from here on."""
        rows = [list(row) for row in self.rows]
        return TileWalk(self.case, rows, list(self.done), list(self.findings), self.tiles)

    def add(self, hashes: Sequence[bytes], level: int = 0) -> None:
        """Take in the next hashes of a level, at most a tile's worth that fits the open tile."""
        if level == len(self.rows):
            self.rows.append([])
            self.done.append(0)
        row = self.rows[level]
        row.extend(hashes)
        if len(row) == TILE_WIDTH:
            self._compare(Tile(level, self.done[level]), row)
            self.done[level] += 1
            above = merkle.root(row)
            row.clear()
            self.add([above], level + 1)

    def finish(self) -> None:
        """Compare the partial tiles at the right edge."""
        for level, row in enumerate(self.rows):
            if row:
                self._compare(Tile(level, self.done[level], len(row)), row)

    def root(self, more: Sequence[bytes] = ()) -> bytes:
        """The root of the tree so far with `more` leaf hashes after it (less than a tile)."""
        node = list(more)
        for row in self.rows:
            whole = [*row, *node]
            node = [merkle.root(whole)] if whole else []
        return merkle.root(node)

    def prefix_root(self, more: Sequence[bytes]) -> bytes:
        """The root of the tree so far with up to a tile's worth of leaf hashes after it."""
        if len(more) < TILE_WIDTH:
            return self.root(more)
        whole = self.copy()
        whole.add(more)
        return whole.root()

    def _compare(self, tile: Tile, hashes: Sequence[bytes]) -> None:
        self.tiles += 1
        try:
            held = self.case.hashes(tile)
        except RemoteError as error:
            absent = error.code is ErrorCode.NOT_FOUND
            make, code = (
                (missing, FindingCode.TILE_MISSING)
                if absent
                else (broken, FindingCode.TILE_CHANGED)
            )
            self.findings.append(make(code, None, f"{tile.path}: {error.code}"))
            return
        wrong = differences(hashes, held)
        if wrong:
            detail = f"{tile.path}: hash {wrong[0]} is not the recomputed one ({len(wrong)} differ)"
            self.findings.append(broken(FindingCode.TILE_CHANGED, None, detail))


def differences(expected: Sequence[bytes], found: Sequence[bytes]) -> list[int]:
    """The places of `expected` at which `found` has something else, or nothing."""
    if tuple(found[: len(expected)]) == tuple(expected):
        return []
    return [
        place for place, item in enumerate(expected) if place >= len(found) or item != found[place]
    ]
