"""The tree, recomputed from the fetched entries and compared tile by tile (specs/08-audit.md §2).

Two sources tell what the leaves are: the entry bundles and the level-0 hash tiles. Where they
differ, the one that gives the signed root is right and the other was changed; that is how a changed
byte is named by bundle and entry. The root here is the checkpoint's claim: audit/verify/verify.py
checks who signed it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from audit.case.case import Bundle, Case
from audit.findings import Finding, FindingCode, broken, missing
from audit.verify.walk import TileWalk, differences
from protocol.errors import ErrorCode, RemoteError
from protocol.log import merkle
from protocol.log.checkpoint import Checkpoint
from protocol.log.merkle import leaf_hash
from protocol.log.tiles import ENTRIES, TILE_WIDTH, Tile, bundles_for_size
from runtime.progress import Told, nobody, told_of


@dataclass(frozen=True)
class TreeReport:
    """What the tree check found. `doubtful` are entries that nobody may read on as logged.

    `first` is the hash of leaf 0, `old_root` the root at the old size; None if not known.
    """

    findings: tuple[Finding, ...]
    doubtful: frozenset[int]
    first: bytes | None
    old_root: bytes | None
    bundles: int
    tiles: int


@dataclass
class _Block:
    """256 leaves (fewer at the right edge) as the two sources have them."""

    tile: Tile
    bundle: Bundle | None
    held: tuple[bytes, ...] | None

    @cached_property
    def own(self) -> tuple[bytes, ...]:
        """Leaf hashes of the entries that could be read."""
        return tuple(map(leaf_hash, self.bundle.entries)) if self.bundle else ()


class _TreeCheck:
    """One pass over the bundles of a case."""

    def __init__(self, case: Case, checkpoint: Checkpoint, old_size: int | None) -> None:
        self._case = case
        self._checkpoint = checkpoint
        self._old_size = old_size
        self._by_bundles = TileWalk(case)
        self._by_tiles: TileWalk | None = None
        self._noted: list[Finding] = []
        self._changed: list[Finding] = []
        self._doubtful: set[int] = set()
        self._damaged: set[int] = set()
        self._firsts: list[bytes | None] = [None, None]
        self._old_roots: list[bytes | None] = [None, None]
        self._bundles = 0

    def run(self, told: Told) -> TreeReport:
        size = self._checkpoint.size
        if self._old_size == 0:
            self._old_roots = [merkle.EMPTY_ROOT] * 2
        for tile in told_of(bundles_for_size(size), "Tree", -(-size // TILE_WIDTH), told):
            block = _Block(tile, *_sources(self._case, tile))
            self._bundles += 1
            self._name_faults(block)
            if not self._take(block):
                detail = f"{tile.path} and its hash tile are both unreadable: stopped here"
                self._noted.append(missing(FindingCode.TREE_UNFINISHED, None, detail))
                return self._report(self._by_bundles, [*self._changed], side=0)
        return self._judge()

    def _take(self, block: _Block) -> bool:
        own, held, width = block.own, block.held, block.tile.width
        first = own if len(own) == width else held
        second = held if held is not None else first
        if first is None or second is None:
            return False
        if self._by_tiles is None and first != second:
            self._by_tiles = self._by_bundles.copy()
        start = block.tile.index * TILE_WIDTH
        for side, (walk, hashes) in enumerate(
            ((self._by_bundles, first), (self._by_tiles or self._by_bundles, second))
        ):
            if start == 0:
                self._firsts[side] = hashes[0]
            if self._old_size is not None and start < self._old_size <= start + width:
                self._old_roots[side] = walk.prefix_root(hashes[: self._old_size - start])
        self._by_bundles.add(first)
        if self._by_tiles is not None:
            self._by_tiles.add(second)
        return True

    def _name_faults(self, block: _Block) -> None:
        tile, start = block.tile, block.tile.index * TILE_WIDTH
        if block.bundle is None:
            self._noted.append(missing(FindingCode.BUNDLE_MISSING, start, tile.path))
            return
        wrong = differences(block.held, block.own) if block.held is not None else []
        doubtful = {start + place for place in wrong}
        if not block.bundle.whole:
            # Damaged for certain, whichever source gives the root: it is no bundle of that width.
            index, place = (min(doubtful), f" at entry {min(doubtful)}") if wrong else (None, "")
            detail = f"{tile.path}: not a bundle of {tile.width} entries{place}"
            self._noted.append(broken(FindingCode.ENTRY_CHANGED, index, detail))
            self._damaged |= doubtful
        elif wrong:
            index = min(doubtful)
            detail = f"{tile.path}: entry {index} is not what its hash says ({len(wrong)} differ)"
            self._changed.append(broken(FindingCode.ENTRY_CHANGED, index, detail))
            self._doubtful |= doubtful

    def _judge(self) -> TreeReport:
        signed = self._checkpoint.root
        bundles, tiles = self._by_bundles, self._by_tiles
        bundles.finish()
        if bundles.root() == signed:
            self._doubtful.clear()
            return self._report(bundles, [], side=0)
        if tiles is not None:
            tiles.finish()
            if tiles.root() == signed:
                return self._report(tiles, self._changed, side=1)
        detail = "neither entries nor hash tiles give the root of the checkpoint"
        root = broken(FindingCode.ROOT_DIFFERS, None, detail)
        return self._report(bundles, [*self._changed, root], side=0)

    def _report(self, walk: TileWalk, more: Sequence[Finding], side: int) -> TreeReport:
        return TreeReport(
            (*self._noted, *more, *walk.findings),
            frozenset(self._doubtful | self._damaged),
            self._firsts[side],
            self._old_roots[side],
            self._bundles,
            walk.tiles,
        )


def check_tree(
    case: Case, checkpoint: Checkpoint, old_size: int | None = None, told: Told = nobody
) -> TreeReport:
    """Recompute the tree of `checkpoint.size` leaves and compare root and every hash tile."""
    return _TreeCheck(case, checkpoint, old_size).run(told)


class EntryReader:
    """The entries of a checked case, by index; the bundle read last stays at hand."""

    def __init__(self, case: Case, size: int, tree: TreeReport) -> None:
        self._case = case
        self._size = size
        self._tree = tree
        self._number = -1
        self._entries: tuple[bytes, ...] = ()

    def read(self, index: int) -> bytes | None:
        """The entry; None where it is absent or not what was logged."""
        number, place = divmod(index, TILE_WIDTH)
        if not 0 <= index < self._size or number >= self._tree.bundles:
            return None
        if number != self._number:
            tile = Tile(ENTRIES, number, min(TILE_WIDTH, self._size - number * TILE_WIDTH))
            bundle, _ = _sources(self._case, tile, hashes=False)
            self._number, self._entries = number, bundle.entries if bundle else ()
        usable = place < len(self._entries) and index not in self._tree.doubtful
        return self._entries[place] if usable else None


def logged_entries(case: Case, size: int, tree: TreeReport) -> Iterator[tuple[int, bytes | None]]:
    """Every index as far as the tree was checked, with its entry as EntryReader reads it."""
    reader = EntryReader(case, size, tree)
    for index in range(min(size, tree.bundles * TILE_WIDTH)):
        yield index, reader.read(index)


def _sources(
    case: Case, tile: Tile, *, hashes: bool = True
) -> tuple[Bundle | None, tuple[bytes, ...] | None]:
    bundle = held = None
    try:
        bundle = case.bundle(tile)
    except RemoteError as error:
        bundle = None if error.code is ErrorCode.NOT_FOUND else Bundle((), whole=False)
    if hashes:
        try:
            held = case.hashes(Tile(0, tile.index, tile.width))
        except RemoteError:
            held = None
    return bundle, held
