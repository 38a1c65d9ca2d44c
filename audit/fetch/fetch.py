"""Fetch a case: checkpoint, tiles, bundles and charter documents (specs/08-audit.md §1).

Copies and cuts, judges nothing: audit/verify/verify.py does, offline. Writes into `<case>.partial`,
which takes its name when all is there; an interrupted fetch goes on where it stopped, at the size
that it began with, whatever the log has grown to meanwhile.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from audit.case.case import Case
from audit.case.files import write_file
from audit.fetch.notes import fetch_notes
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.directory import needed_document
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.leaf import LeafKind, parse_leaf
from protocol.log.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    bundles_for_size,
    encode_entry_bundle,
    encode_hash_tile,
    parse_entry_bundle,
    parse_hash_tile,
    tiles_for_size,
)
from transport.client import HttpClient

AT_ONCE = 4

Progress = Callable[[int, int], None]
"""(done, total) of the step in hand."""


@dataclass(frozen=True)
class Source:
    """Where a log is served and the genesis fingerprint that the auditor pins."""

    url: str
    genesis: str


class Fetch:
    """One fetch into one new case folder."""

    def __init__(self, http: HttpClient, source: Source, case: Path) -> None:
        self._http = http
        self._url = source.url.rstrip("/")
        self._genesis = source.genesis
        self._case = case
        self.folder = case.with_name(f"{case.name}.partial")

    async def log(self, progress: Progress) -> Case:
        """Everything public. Raises RemoteError; what came so far stays for the next try."""
        await asyncio.to_thread(self._begin)
        size = await self._checkpoint()
        wanted = [*tiles_for_size(size), *bundles_for_size(size)]
        for done, batch in _batches(wanted):
            results = await asyncio.gather(
                *(self._tile(tile) for tile in batch), return_exceptions=True
            )
            for error in filter(None, results):
                raise error
            progress(done + len(batch), len(wanted))
        case = Case(self.folder)
        for digest in sorted(await asyncio.to_thread(_documents, case, size)):
            await self._document(digest)
        await fetch_notes(self._http, self._url, self.folder / "notes")
        return case

    def set_aside(self) -> Path:
        """Keep what turned out to be another log's under another name, out of the way of the next
        try; where.
        """
        aside = self._case.with_name(f"{self._case.name}.another-log")
        shutil.rmtree(aside, ignore_errors=True)  # of the last try
        return self.folder.rename(aside)

    def finish(self) -> None:
        """Give the complete folder its name."""
        self.folder.rename(self._case)

    def _begin(self) -> None:
        if self._case.exists():
            raise LocalError(ErrorCode.CONFLICT, "the case folder already exists: choose a new one")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / "genesis").exists():
                write_file(self.folder / "genesis", f"{self._genesis}\n".encode())
        except OSError as error:
            raise LocalError(ErrorCode.STORAGE, "the case folder cannot be written") from error
        if Case(self.folder).genesis() != self._genesis:
            raise LocalError(ErrorCode.CONFLICT, "the folder holds part of another log's case")

    async def _checkpoint(self) -> int:
        path = self.folder / "log" / "checkpoint"
        if not path.exists():
            note = await self._http.get(f"{self._url}/checkpoint")
            parse_checkpoint(note)
            await asyncio.to_thread(write_file, path, note)
        _, checkpoint = parse_checkpoint(Case(self.folder).note())
        return checkpoint.size

    async def _tile(self, tile: Tile) -> None:
        path = self.folder / "log" / tile.path
        if path.exists():
            return
        try:
            data = await self._http.get(f"{self._url}/{tile.path}")
        except RemoteError as error:
            if error.code is not ErrorCode.NOT_FOUND or tile.width == TILE_WIDTH:
                raise
            data = _cut(await self._http.get(f"{self._url}/{tile.full.path}"), tile)
        _cut(data, tile, width=tile.width)
        await asyncio.to_thread(write_file, path, data)

    async def _document(self, digest: str) -> None:
        path = self.folder / "charters" / f"{digest}.json"
        if path.exists():
            return
        document = await self._http.get(f"{self._url}/v1/charters/{digest}")
        if hashlib.sha256(document).hexdigest() != digest:
            raise RemoteError(ErrorCode.BAD_TREE, "the hub served another charter document")
        await asyncio.to_thread(write_file, path, document)


def _cut(data: bytes, tile: Tile, width: int = TILE_WIDTH) -> bytes:
    """The first `tile.width` items of a tile of `width`. Raises RemoteError if it is none."""
    if tile.level == ENTRIES:
        return encode_entry_bundle(parse_entry_bundle(data, width)[: tile.width])
    return encode_hash_tile(parse_hash_tile(data, width)[: tile.width])


def _batches(tiles: Sequence[Tile]) -> Iterator[tuple[int, Sequence[Tile]]]:
    rest = iter(tiles)
    done = 0
    while batch := list(islice(rest, AT_ONCE)):
        yield done, batch
        done += len(batch)


def _documents(case: Case, size: int) -> set[str]:
    """Hashes of the charter documents that the public leaves call for."""
    wanted = set()
    for tile in bundles_for_size(size):
        for entry in case.bundle(tile).entries:
            try:
                leaf = parse_leaf(entry)
                if leaf.kind is LeafKind.PUBLIC:
                    wanted.add(needed_document(leaf.body))
            except RemoteError:
                continue  # verify names a leaf that cannot be read
    return {digest for digest in wanted if digest is not None}
