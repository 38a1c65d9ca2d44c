"""Entry bundles over HTTP: a bundle that was filled meanwhile is cut to the tree at hand."""

from pathlib import Path

import pytest

from hub.log.tile_store import TileStore
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.leaf import sealed_leaf
from protocol.log.tiles import parse_tile_path
from transport.logsync import fetch_entries

LEAVES = [sealed_leaf(bytes([n % 256]) * 32, b"%d" % n) for n in range(300)]


class Served:
    """A log's static files; what was asked for is written down."""

    def __init__(self, folder: Path, *appends: int) -> None:
        self._tiles = TileStore(folder)
        self.asked: list[str] = []
        start = 0
        for size in appends:
            start = self._tiles.append(start, LEAVES[start:size])

    async def get(self, url: str) -> bytes:
        path = url.removeprefix("https://log.example/")
        self.asked.append(path)
        try:
            return self._tiles.read_tile(parse_tile_path(path))
        except LocalError as error:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such tile") from error


@pytest.mark.parametrize(("start", "end"), [(0, 100), (40, 100), (100, 256), (90, 300), (300, 300)])
async def test_entries_of_a_tree_that_has_grown_since(start: int, end: int, tmp_path: Path) -> None:
    served = Served(tmp_path, 300)  # no bundle of 100 was ever written
    entries = await fetch_entries(served, "https://log.example", start, end)  # type: ignore[arg-type]
    assert entries == LEAVES[start:end]


async def test_a_full_bundle_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    served = Served(tmp_path, 100)
    with pytest.raises(RemoteError) as caught:
        await fetch_entries(served, "https://log.example", 0, 300)  # type: ignore[arg-type]
    assert caught.value.code is ErrorCode.NOT_FOUND
