"""Publish the log: tiles, signed head, cosignatures, checkpoint (specs/05-log.md §6, §10).

Order of writes: entries are durable before this looks at them; then tiles; then the signed head by
compare-and-swap; then witnesses; then the public checkpoint. One publisher a log. It is the only
part of the hub that holds the log key, and it refuses to sign when the folder and the database
disagree.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from hub.log.tile_store import TileStore
from hub.store import HubTables
from protocol.charter import Charter
from protocol.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    sign_checkpoint,
    verify_cosigners,
)
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.follow import witness_keys
from protocol.note import Note, NoteSigner, parse_signature_lines
from protocol.tlog_proof import TlogProof
from protocol.witness import encode_add_checkpoint
from storage.sqlite import Engine
from transport.client import HttpClient

BATCH = 4096
WITNESS_SECONDS = 5

log = structlog.get_logger()


class Publisher:
    """Keeps tiles and checkpoint in step with the entries.

    `witness_urls` maps a witness's name to where it answers (local configuration); `charter` gives
    the keys that count.
    """

    def __init__(
        self,
        engine: Engine,
        tiles: TileStore,
        signer: NoteSigner,
        charter: Callable[[], Charter],
        witness_urls: Mapping[str, str],
    ) -> None:
        self._engine = engine
        self.tiles = tiles
        self._signer = signer
        self._charter = charter
        self._witness_urls = witness_urls
        self._witnessed_sizes: dict[str, int] = {}
        self._note: Note | None = None
        self._published: bytes | None = None
        self._covered = 0
        self._asked = False
        self._ahead: str | None = None

    async def start(self) -> None:
        """Check that folder and database agree. Raises LocalError(STORAGE) if they do not."""
        size, note = await self._engine.read(lambda db: HubTables(db).head())
        published = await asyncio.to_thread(self.tiles.read_checkpoint)
        if published is not None:
            _, checkpoint = parse_checkpoint(published)
            if checkpoint.size > size:
                raise LocalError(
                    ErrorCode.STORAGE,
                    "the published checkpoint is newer than the database: was a backup restored?",
                )
        if size:
            parsed, checkpoint = parse_checkpoint(note)
            if await asyncio.to_thread(self.tiles.root, size) != checkpoint.root:
                raise LocalError(ErrorCode.STORAGE, "the tiles do not give the signed root")
            self._note = parsed

    async def step(self, http: HttpClient) -> None:
        """One batch: integrate new entries, sign, gather cosignatures, publish.

        Before the first signature after a start, every witness is asked what it has seen. Raises
        LocalError(STORAGE) for ever after one of them has seen a longer log than ours.
        """
        if not self._asked and self._note is not None:
            await asyncio.gather(*(self._ask(http, name) for name in self._witness_urls))
        self._asked = True
        if self._ahead is not None:
            raise LocalError(
                ErrorCode.STORAGE,
                f"{self._ahead} has seen a longer log than ours: was a backup restored?",
            )
        size, _ = await self._engine.read(lambda db: HubTables(db).head())
        leaves = await self._engine.read(lambda db: HubTables(db).leaves(size, BATCH))
        if leaves:
            new_size = await asyncio.to_thread(self.tiles.append, size, leaves)
            root = await asyncio.to_thread(self.tiles.root, new_size)
            checkpoint = Checkpoint(self._signer.name, new_size, root)
            self._note = sign_checkpoint(checkpoint, self._signer)
            await self._save(size, new_size)
        if self._note is not None:
            await self._gather(http)
            await self._publish()

    def has_quorum(self, index: int) -> bool:
        """Whether the published checkpoint covers `index` with a quorum of witnesses."""
        return index < self._covered

    async def proof(self, index: int) -> bytes:
        """The tlog-proof of an entry under the published checkpoint. Raises RemoteError."""
        if self._published is None or not self.has_quorum(index):
            raise RemoteError(ErrorCode.NO_QUORUM, "the entry is not under a quorum yet")
        _, checkpoint = parse_checkpoint(self._published)
        path = await asyncio.to_thread(self.tiles.inclusion_proof, index, checkpoint.size)
        return TlogProof(index, path, self._published).encode()

    async def _save(self, old_size: int, new_size: int) -> None:
        data = self._current().encode()
        await self._engine.write(lambda db: HubTables(db).move_head(old_size, new_size, data))

    async def _gather(self, http: HttpClient) -> None:
        signed = verify_cosigners(self._current(), witness_keys(self._charter()))
        absent = [name for name in self._witness_urls if name not in signed]
        await asyncio.gather(*(self._ask(http, name) for name in absent))

    async def _ask(self, http: HttpClient, name: str) -> None:
        """Have one witness cosign; once more if it tells us it stands elsewhere than we thought."""
        note = self._current()
        _, checkpoint = parse_checkpoint(note.encode())
        url = f"{self._witness_urls[name]}/add-checkpoint"
        for _ in range(2):
            old = min(self._witnessed_sizes.get(name, 0), checkpoint.size)
            proof = await asyncio.to_thread(self.tiles.consistency_proof, old, checkpoint.size)
            try:
                request = encode_add_checkpoint(old, proof, note.encode())
                async with asyncio.timeout(WITNESS_SECONDS):
                    status, body = await http.exchange(url, request)
                if status == 409:
                    self._witnessed_sizes[name] = _size(body)
                    if self._witnessed_sizes[name] > checkpoint.size:
                        log.critical("witness_is_ahead", witness=name)
                        self._ahead = name
                        return
                    continue
                if status != 200:
                    raise RemoteError(ErrorCode.UNREACHABLE, f"the witness answered {status}")
                await self._take(note, body)
                self._witnessed_sizes[name] = checkpoint.size
            except (PatchworkError, TimeoutError) as error:
                log.warning("witness_absent", witness=name, error=type(error).__name__)
            return

    async def _take(self, note: Note, body: bytes) -> None:
        """Add a witness's lines to the note they were made for, if they verify and still count."""
        candidate = note.with_signatures(parse_signature_lines(body))
        verify_cosigners(candidate, witness_keys(self._charter()))
        current = self._current()
        if current.text == note.text:
            self._note = current.with_signatures(parse_signature_lines(body))

    async def _publish(self) -> None:
        data = self._current().encode()
        if data == self._published:
            return
        _, checkpoint = parse_checkpoint(data)
        await self._save(checkpoint.size, checkpoint.size)
        await asyncio.to_thread(self.tiles.write_checkpoint, data)
        self._published = data
        charter = self._charter()
        cosigners = verify_cosigners(self._current(), witness_keys(charter))
        self._covered = checkpoint.size if len(cosigners) >= charter.quorum else 0

    def _current(self) -> Note:
        if self._note is None:
            raise LocalError(ErrorCode.NOT_READY, "the log has no entries yet")
        return self._note


def _size(body: bytes) -> int:
    text = body.strip()
    if not text.isdigit() or len(text) > 18:
        raise RemoteError(ErrorCode.MALFORMED, "the witness's 409 does not hold a size")
    return int(text)
