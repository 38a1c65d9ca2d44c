"""Fetch what a log follower lacks and advance its view: specs/05-log.md §9 over HTTP.

The hub is trusted with nothing here: protocol.follow computes the tree and checks the quorum.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from protocol.errors import ErrorCode, RemoteError
from protocol.governance.directory import needed_document
from protocol.governance.follow import (
    BadLeaf,
    LogView,
    PublicLeaf,
    advance,
    log_key,
    verify_note_by_charter,
)
from protocol.governance.succession import SuccessorRefused, check_successor, check_witnessed
from protocol.log.checkpoint import parse_checkpoint, verify_log_signature
from protocol.log.leaf import LeafKind, parse_leaf
from protocol.log.merkle import leaf_hash
from protocol.log.tiles import ENTRIES, TILE_WIDTH, Tile, parse_entry_bundle
from transport.client import HttpClient

MAX_ENTRIES_BEHIND = 5_000_000
NEWEST = 20_000
# What says nothing against a new log: it could not be read to the end, this time.
UNFINISHED = frozenset(
    {ErrorCode.UNREACHABLE, ErrorCode.OVER_QUOTA, ErrorCode.STORAGE, ErrorCode.NOT_FOUND}
)


@dataclass(frozen=True)
class Progress:
    """A new view, with the public leaves and charter documents it came from (to be kept), and the
    hashes of its newest leaves, as far as they are new.
    """

    view: LogView
    public_leaves: tuple[PublicLeaf, ...]
    documents: dict[str, bytes]
    leaves: tuple[bytes, ...]


class Contradiction(RemoteError):
    """The log's own signature stands under something that does not extend what we have seen.

    `note` is what was served, verbatim; with the view's note it is the proof.
    """

    def __init__(self, detail: str, note: bytes) -> None:
        super().__init__(ErrorCode.BAD_TREE, detail)
        self.note = note


class LeafRefused(RemoteError):
    """Witnesses signed a log in which a public leaf breaks the rules, or this program is too old.

    `note` is what was served, verbatim; the code is what is wrong with the leaf.
    """

    def __init__(self, error: BadLeaf, note: bytes) -> None:
        super().__init__(error.code, error.detail)
        self.note = note


async def sync(
    http: HttpClient, base_url: str, view: LogView, note: bytes | None = None
) -> Progress:
    """Fetch checkpoint, entries and charter documents and advance; to `note` if it is given.

    The new view has another genesis if the log was lost and what is served now is its successor.
    Raises RemoteError; Contradiction or LeafRefused where the served checkpoint is proof against
    the hub, and SuccessorRefused where another log is no successor.
    """
    note = note or await http.get(f"{base_url}/checkpoint")
    _, checkpoint = parse_checkpoint(note)
    if view.directory.charters and checkpoint.origin != view.directory.charter.log.origin:
        return await read_successor(http, base_url, view, note)
    return await _extend(http, base_url, view, note)


async def read_successor(http: HttpClient, base_url: str, old: LogView, note: bytes) -> Progress:
    """Read another log than ours to the end and check that it succeeds ours (05-log.md §15).

    Raises RemoteError: NO_QUORUM before anything is fetched, SuccessorRefused if it does not.
    """
    check_witnessed(old, note)
    try:
        _, checkpoint = parse_checkpoint(note)
        first = await fetch_entries(http, base_url, 0, min(checkpoint.size, TILE_WIDTH))
        genesis = leaf_hash(first[0]).hex() if first else ""
        progress = await _extend(http, base_url, LogView(genesis), note)
        check_successor(old, progress.view)
    except RemoteError as error:
        if error.code in UNFINISHED:
            raise
        raise SuccessorRefused(error.detail, note) from error
    return progress


def _check_note(view: LogView, note: bytes) -> None:
    """Raise RemoteError if the note alone speaks against the log, or too few have signed it."""
    parsed, checkpoint = parse_checkpoint(note)
    if view.directory.charters:
        verify_log_signature(parsed, checkpoint, log_key(view.directory.charter))
        if checkpoint.size < view.size:
            raise Contradiction("the log is shorter than what we have seen", note)
        if checkpoint.size == view.size and checkpoint.root != view.frontier.root():
            raise Contradiction("two roots for one size", note)
        # Signatures first: nobody makes us fetch a log that nobody signed.
        verify_note_by_charter(note, view.directory.charter)


async def _extend(http: HttpClient, base_url: str, view: LogView, note: bytes) -> Progress:
    _check_note(view, note)
    try:
        return await read_on(http, base_url, view, note)
    except BadLeaf as error:
        if not view.size:
            raise
        raise LeafRefused(error, note) from error
    except RemoteError as error:
        if error.code is not ErrorCode.BAD_TREE or not view.size:
            raise
        raise Contradiction(error.detail, note) from error


async def read_on(http: HttpClient, base_url: str, view: LogView, note: bytes) -> Progress:
    """Fetch all that `note` covers beyond a view, and advance. Raises what `advance` raises, and
    RemoteError for what was not served. The caller has checked who signed the note.
    """
    _, checkpoint = parse_checkpoint(note)
    if checkpoint.size - view.size > MAX_ENTRIES_BEHIND:
        raise RemoteError(ErrorCode.TOO_LARGE, f"over {MAX_ENTRIES_BEHIND} entries behind")
    entries = await fetch_entries(http, base_url, view.size, checkpoint.size)
    public = tuple(_public_leaves(entries, view.size))
    documents = await fetch_documents(http, base_url, public)
    advanced = await asyncio.to_thread(advance, view, note, entries, documents)
    return Progress(advanced, public, documents, tuple(map(leaf_hash, entries[-NEWEST:])))


def _public_leaves(entries: Sequence[bytes], start: int) -> Iterator[PublicLeaf]:
    """The public leaves; one that cannot be read is `advance`'s to judge, once the tree holds."""
    for index, entry in enumerate(entries, start):
        try:
            leaf = parse_leaf(entry)
            if leaf.kind is LeafKind.PUBLIC:
                needed_document(leaf.body)
        except RemoteError:
            continue
        if leaf.kind is LeafKind.PUBLIC:
            yield PublicLeaf(index, leaf.body)


async def fetch_entries(http: HttpClient, base_url: str, start: int, end: int) -> Sequence[bytes]:
    """The entries in [start, end), from entry bundles."""
    entries: list[bytes] = []
    for number in range(start // TILE_WIDTH, -(-end // TILE_WIDTH) if end > start else 0):
        first = number * TILE_WIDTH
        bundle = await _bundle(http, base_url, Tile(ENTRIES, number, min(TILE_WIDTH, end - first)))
        entries += bundle[max(0, start - first) :]
    return entries


async def _bundle(http: HttpClient, base_url: str, tile: Tile) -> Sequence[bytes]:
    """A bundle as wide as the tree at hand has it; it may be full since.

    Raises RemoteError: UNREACHABLE for one that was damaged on the way.
    """
    width = tile.width
    try:
        data = await http.get(f"{base_url}/{tile.path}")
    except RemoteError as error:
        if error.code is not ErrorCode.NOT_FOUND or width == TILE_WIDTH:
            raise
        data, width = await http.get(f"{base_url}/{tile.full.path}"), TILE_WIDTH
    try:
        return parse_entry_bundle(data, width)[: tile.width]
    except RemoteError as error:
        raise RemoteError(ErrorCode.UNREACHABLE, "an entry bundle came damaged") from error


async def fetch_documents(
    http: HttpClient, base_url: str, leaves: Sequence[PublicLeaf]
) -> dict[str, bytes]:
    """The charter documents that these public leaves call for, by hash.

    Raises RemoteError: UNREACHABLE for one that was damaged on the way.
    """
    documents: dict[str, bytes] = {}
    for digest in {needed_document(leaf.envelope) for leaf in leaves} - {None}:
        document = await http.get(f"{base_url}/v1/charters/{digest}")
        if hashlib.sha256(document).hexdigest() != digest:
            raise RemoteError(ErrorCode.UNREACHABLE, "a charter document came damaged")
        documents[str(digest)] = document
    return documents
