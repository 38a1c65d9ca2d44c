"""Publish the log: tiles, signed head, cosignatures, checkpoint (specs/05-log.md §6, §13).

Order of writes: entries are durable before this looks at them; then tiles; then the signed head by
compare-and-swap; then witnesses; then the public checkpoint. One publisher a log. It is the only
part of the hub that holds the log key, and it refuses to sign when the folder and the database
disagree.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from hub.log.archive import archive_late, archive_published
from hub.log.cosignatures import WITNESS_SECONDS, CosignatureCollector, OwnLog
from hub.log.led import LedEngine
from hub.log.tree import Tiles
from hub.store.checkpoints import NO_NOTE, SizedNote
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.governance.follow import witness_keys
from protocol.log.checkpoint import (
    Checkpoint,
    merge_cosignatures,
    parse_checkpoint,
    parse_checkpoint_text,
    sign_checkpoint,
    verify_cosigners,
)
from protocol.log.note import Note, NoteSignature, NoteSigner, VerifierKey
from protocol.log.tlog_proof import TlogProof
from protocol.log.witness import encode_add_checkpoint
from runtime.environment import Clock
from transport.client import HttpClient

BATCH = 4096
# A line that is older says nothing of today (specs/05-log.md §14): its witness is away.
FRESH_SECONDS = 900
# Newer lines of those who have signed are published together.
BEAT_SECONDS = 30


class Publisher:
    """Keeps tiles and checkpoint in step with the entries, while its process leads; else it knows
    what the leader has published.

    `witness_urls` maps a witness's name to where it answers (local configuration); the charters
    in the log give the keys that count.
    """

    def __init__(
        self,
        led: LedEngine,
        tiles: Tiles,
        signer: NoteSigner,
        clock: Clock,
        witness_urls: Mapping[str, str],
    ) -> None:
        self._led = led
        self.tiles = tiles
        self._signer = signer
        self._clock = clock
        self.cosignatures = CosignatureCollector(
            OwnLog(tiles, signer.key, lambda: self.size), witness_urls, self._clock, self.take
        )
        self._note: Note | None = None
        self._published: Note | None = None
        self._published_at = 0
        self._standing = False
        self._witnessed = NO_NOTE
        self._asked = False
        self._pullers: set[str] = set()
        self._grown = asyncio.Event()

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._signer.name

    @property
    def size(self) -> int:
        """The number of entries under the newest signed checkpoint."""
        return parse_checkpoint_text(self._note.text).size if self._note else 0

    @property
    def witnessed_size(self) -> int:
        """The number of entries under a published checkpoint with a quorum."""
        return self._witnessed.size

    async def start(self) -> None:
        """Check that folder and database agree. Raises LocalError(STORAGE) if they do not."""
        size, note = await self._led.read(lambda tables: tables.checkpoints.head())
        self._witnessed = await self._led.read(lambda tables: tables.checkpoints.witnessed())
        published = await asyncio.to_thread(self.tiles.read_checkpoint)
        if published is not None:
            _, checkpoint = parse_checkpoint(published)
            if checkpoint.size > size:
                raise LocalError(
                    ErrorCode.STORAGE,
                    "the published checkpoint is newer than the database: was a backup restored?",
                )
            self._standing = has_quorum(published, (await self._directory()).charter)
        if size:
            parsed, checkpoint = parse_checkpoint(note)
            if await asyncio.to_thread(self.tiles.root, size) != checkpoint.root:
                raise LocalError(ErrorCode.STORAGE, "the tiles do not give the signed root")
            self._note = parsed
        self._asked = False

    async def follow(self) -> None:
        """Take in what the leader has signed and published."""

        def state(tables: HubTables) -> tuple[SizedNote, SizedNote, Charter]:
            checkpoints, charter = tables.checkpoints, tables.directory.current().charter
            return checkpoints.head(), checkpoints.witnessed(), charter

        (size, note), self._witnessed, charter = await self._led.read(state)
        published = await asyncio.to_thread(self.tiles.read_checkpoint)
        self._standing = published is not None and has_quorum(published, charter)
        if size:
            before, self._note = self.size, parse_checkpoint(note)[0]
            if before != size:
                self._tell_grown()

    async def step(self, http: HttpClient) -> None:
        """One batch: integrate new entries, sign, gather cosignatures, publish.

        Before the first signature after a start, every witness is asked what it has seen. Raises
        LocalError(STORAGE) for ever after one of them has seen a longer log than ours.
        """
        if not self._asked and self._note is not None:
            self.cosignatures.ask(http, self._note, ())
            await self.cosignatures.idle()
        self._asked = True
        if self.cosignatures.ahead is not None:
            raise LocalError(
                ErrorCode.STORAGE,
                f"{self.cosignatures.ahead} has seen a longer log than ours: "
                "was a backup restored?",
            )
        if await self._led.read(lambda tables: tables.checkpoints.are_lines_left()):
            await self._take_left()
        if self._note is not None and self._is_worth_publishing():
            await self._publish()  # lines that came since, before the log grows past them
        size, leaves = await self._led.read(_not_integrated)
        if leaves:
            await self._grow(size, leaves)
        if self._note is not None:
            await self._collect(http)
            if self._is_worth_publishing():
                await self._publish()

    async def _grow(self, size: int, leaves: Sequence[bytes]) -> None:
        """Integrate leaves and sign the head. It is the newest only once it is on the disk."""
        new_size = await asyncio.to_thread(self.tiles.append, size, leaves)
        root = await asyncio.to_thread(self.tiles.root, new_size)
        note = await self._save(size, Checkpoint(self._signer.name, new_size, root))
        before, self._note = self._note, note
        self._tell_grown()
        if before is not None and before != self._published:
            keys = all_witness_keys(await self._directory())
            await self._take_late(before, keys)  # lines that came while tiles were made

    async def _take_left(self) -> None:
        """Take the lines that came to processes which do not lead."""
        for data in await self._led.write(lambda tables: tables.checkpoints.take_lines()):
            note, _ = parse_checkpoint(data)
            with suppress(RemoteError):  # of a witness that is none any more
                await self.take(note.text, note.signatures)

    def _tell_grown(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    async def close(self) -> None:
        """Ask witnesses no longer."""
        await self.cosignatures.close()
        await asyncio.to_thread(self.tiles.close)

    def has_quorum(self, index: int) -> bool:
        """Whether a published checkpoint covers `index` with a quorum of witnesses."""
        return index < self.witnessed_size

    def quorum_is_missing(self, index: int) -> bool:
        """Whether no quorum covers `index` and the newest checkpoint has none (06-requests §8)."""
        return not self.has_quorum(index) and not self._standing

    async def proof(self, index: int) -> bytes:
        """The tlog-proof of an entry under the newest checkpoint with a quorum.

        Raises RemoteError(NO_QUORUM).
        """
        size, note = self._witnessed
        if not self.has_quorum(index):
            raise RemoteError(ErrorCode.NO_QUORUM, "the entry is not under a quorum yet")
        path = await asyncio.to_thread(self.tiles.inclusion_proof, index, size)
        return TlogProof(index, path, note).encode()

    async def request_from(self, old: int, wait: float = 0) -> bytes | None:
        """What a witness that holds `old` entries decides on; None if it holds more than we do.

        Waits up to `wait` seconds for a checkpoint that is new to it.
        """
        if old == self.size:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._grown.wait()
        note, size = self._current(), self.size
        if old > size:
            return None
        proof = await asyncio.to_thread(self.tiles.consistency_proof, old, size)
        return encode_add_checkpoint(old, proof, note.encode())

    async def take(self, text: bytes, lines: tuple[NoteSignature, ...]) -> Iterable[str]:
        """Take witnesses' lines over a checkpoint of this log; the names of those that are valid.

        Over the newest they are published with the next step, over an earlier one archived. Raises
        RemoteError: BAD_SIGNATURE, or NOT_FOUND for a checkpoint that this log did not publish.
        """
        keys = all_witness_keys(await self._directory())
        signed = verify_cosigners(Note(text, lines), keys)
        if not signed:
            raise RemoteError(ErrorCode.BAD_SIGNATURE, "no line by a witness of the charter")
        self._pullers |= self.cosignatures.pulling(signed)
        if not self._led.leads:
            left = Note(text, lines).encode()
            await self._led.anyone.write(lambda tables: tables.checkpoints.leave_line(left))
        elif text == self._current().text:
            self._note = merge_cosignatures(self._current(), lines, keys)
        else:
            await self._take_late(Note(text, lines), keys)
        self.cosignatures.changed.set()
        return signed

    async def _take_late(self, late: Note, keys: tuple[VerifierKey, ...]) -> None:
        """Archive lines over an earlier checkpoint; with them it may have its quorum at last."""

        def work(tables: HubTables) -> SizedNote:
            checkpoints, charter = tables.checkpoints, tables.directory.current().charter
            size, note = archive_late(tables, late, keys)
            if size > checkpoints.witnessed().size and has_quorum(note, charter):
                checkpoints.set_witnessed(size, note)
            return checkpoints.witnessed()

        stored = await self._led.write(work)
        self._witnessed = max(self._witnessed, stored, key=lambda item: item.size)

    async def _save(self, old_size: int, checkpoint: Checkpoint) -> Note:
        """Move the head by compare-and-swap; signed only where that is ours to do."""

        def work(tables: HubTables) -> Note:
            tables.checkpoints.claim_head(old_size, checkpoint.size)
            note = sign_checkpoint(checkpoint, self._signer)
            tables.checkpoints.move_head(checkpoint.size, checkpoint.size, note.encode())
            return note

        return await self._led.write(work)

    async def _collect(self, http: HttpClient) -> None:
        """Ask everybody; wait for a quorum, but not for those who do not answer."""
        loop, directory = asyncio.get_running_loop(), await self._directory()
        deadline = loop.time() + WITNESS_SECONDS
        while True:
            self.cosignatures.changed.clear()
            note, charter = self._current(), directory.charter
            signed = verify_cosigners(note, all_witness_keys(directory))
            asking = self.cosignatures.ask(http, note, signed)
            if len(fresh_signers(note, charter, self._clock())) >= charter.quorum:
                return
            absent = self._pullers - signed.keys()
            left = deadline - loop.time()
            if left <= 0:
                self._pullers -= absent  # not waited for again before it has come by itself
            if left <= 0 or not (asking or absent):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(left):  # not wait_for: that can swallow the end
                    await self.cosignatures.changed.wait()

    def _is_worth_publishing(self) -> bool:
        """What is new at once; what was only signed again not with every single line."""
        note, held = self._current(), self._published
        if held is None or held.text != note.text:
            return True
        names = [{(item.name, item.key_id) for item in some.signatures} for some in (held, note)]
        waited = self._clock() - self._published_at
        return note != held and (names[0] != names[1] or waited >= BEAT_SECONDS)

    async def _publish(self) -> None:
        charter = (await self._directory()).charter
        note, size = self._current(), self.size
        data = note.encode()
        quorum = has_quorum(data, charter)
        await self._led.write(lambda tables: archive_published(tables, size, data, quorum=quorum))
        await asyncio.to_thread(self.tiles.write_checkpoint, data)
        self._published, self._published_at, self._standing = note, self._clock(), quorum
        if quorum:
            self._witnessed = SizedNote(size, data)
        await asyncio.to_thread(self.tiles.tidy)

    async def _directory(self) -> Directory:
        return await self._led.read(lambda tables: tables.directory.current())

    def _current(self) -> Note:
        if self._note is None:
            raise LocalError(ErrorCode.NOT_READY, "the log has no entries yet")
        return self._note


def _not_integrated(tables: HubTables) -> tuple[int, list[bytes]]:
    """The size under the newest checkpoint, and leaves that have come since."""
    size = tables.checkpoints.head().size
    return size, tables.log.leaves(size, BATCH)


def all_witness_keys(directory: Directory) -> tuple[VerifierKey, ...]:
    """Keys of the present and of former witnesses: who follows the charter before asks them."""
    charters = (item.charter for item in directory.charters)
    return tuple(dict.fromkeys(key for charter in charters for key in witness_keys(charter)))


def has_quorum(note: bytes, charter: Charter) -> bool:
    """Whether enough of the charter's witnesses have a line on a note of ours."""
    signed = verify_cosigners(parse_checkpoint(note)[0], witness_keys(charter))
    return len(signed) >= charter.quorum


def fresh_signers(note: Note, charter: Charter, now: int) -> dict[str, int]:
    """The charter's witnesses with a line on the note from the last 15 minutes, and its time."""
    signed = verify_cosigners(note, witness_keys(charter))
    return {name: time for name, time in signed.items() if time >= now - FRESH_SECONDS}
