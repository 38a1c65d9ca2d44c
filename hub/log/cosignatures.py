"""Ask the witnesses that answer `add-checkpoint`, all at once: specs/05-log.md §10, §13.

Each is asked in a task of its own, one at a time, and one that is away is asked again ever more
rarely: it slows nobody down. Nothing is decided here about what a line is worth.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from hub.log.tree import Tiles
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.log.checkpoint import (
    parse_checkpoint,
    parse_checkpoint_text,
    verify_log_signature,
)
from protocol.log.note import Note, NoteSignature, VerifierKey, parse_signature_lines
from protocol.log.witness import encode_add_checkpoint
from runtime.logs import log
from runtime.patience import cause_of, host_of
from transport.client import HttpClient

WITNESS_SECONDS = 5
HEARTBEAT_SECONDS = 240
LONGEST_PAUSE = 15  # cards may be waiting for the witness to come back

Take = Callable[[bytes, tuple[NoteSignature, ...]], Awaitable[Iterable[str]]]
"""Given a checkpoint's text and lines over it: names of the witnesses whose lines were taken."""


@dataclass
class _Pace:
    """How one witness stands: what it holds, when it is asked again, when it last was shown all."""

    shown_at: int
    held: int = 0
    failures: int = 0
    retry_at: int = 0
    task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()


@dataclass(frozen=True)
class OwnLog:
    """The log that witnesses sign: its tiles, its key, the size of the newest head it signed."""

    tiles: Tiles
    key: VerifierKey
    newest: Callable[[], int]


class CosignatureCollector:
    """The hub's push witnesses. `urls` (name to address) may gain entries while it runs.

    `clock` gives Unix seconds.
    """

    def __init__(
        self,
        own: OwnLog,
        urls: Mapping[str, str],
        clock: Callable[[], int],
        take: Take,
    ) -> None:
        self.ahead: str | None = None
        self.changed = asyncio.Event()  # a line came, or somebody gave no answer
        self._own = own
        self._urls = urls
        self._clock = clock
        self._take = take
        self._paces: dict[str, _Pace] = {}

    def ask(self, http: HttpClient, note: Note, signed: Iterable[str]) -> bool:
        """Ask everybody whose line over `note` is missing or due again; is anybody being asked?"""
        now, signed = self._clock(), set(signed)
        for name in self._urls:
            pace = self._paces.setdefault(name, _Pace(now))
            again = name in signed
            due = not again or now - pace.shown_at >= HEARTBEAT_SECONDS
            if due and not pace.busy and now >= pace.retry_at:
                pace.task = asyncio.create_task(self._ask(http, name, note, again=again))
                pace.task.add_done_callback(lambda _: self.changed.set())
        return any(pace.busy for pace in self._paces.values())

    def pulling(self, names: Iterable[str]) -> set[str]:
        """Those of the names that have no address here: they come by themselves."""
        return {name for name in names if name not in self._urls}

    async def idle(self) -> None:
        """Wait until nobody is being asked."""
        await asyncio.gather(*(pace.task for pace in self._paces.values() if pace.task))

    async def close(self) -> None:
        """Ask no longer."""
        tasks = [pace.task for pace in self._paces.values() if pace.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, http: HttpClient, name: str, note: Note, *, again: bool) -> None:
        """Have one witness cosign; `again`: it has signed this note and is shown the others."""
        pace = self._paces[name]
        try:
            async with asyncio.timeout(WITNESS_SECONDS):
                await self._exchange(http, name, note)
        except (PatchworkError, TimeoutError) as error:
            if not pace.failures:
                host = host_of(self._urls[name])
                log.warning("witness_absent", witness=name, host=host, **cause_of(error))
            pace.failures += 1
            pause = min(LONGEST_PAUSE, 2 ** min(pace.failures, 10))
            pace.retry_at = self._clock() + pause
            return
        if pace.failures:
            log.info("witness_back", witness=name)
        pace.failures = 0
        if again:
            pace.shown_at = self._clock()

    async def _exchange(self, http: HttpClient, name: str, note: Note) -> None:
        """One question, and a second if the witness says that it holds another size."""
        pace, size = self._paces[name], parse_checkpoint_text(note.text).size
        for _ in range(2):
            old = min(pace.held, size)
            proof = await asyncio.to_thread(self._own.tiles.consistency_proof, old, size)
            request = encode_add_checkpoint(old, proof, note.encode())
            status, body = await http.exchange(f"{self._urls[name]}/add-checkpoint", request)
            if status == 200:
                if name not in await self._take(note.text, parse_signature_lines(body)):
                    raise RemoteError(ErrorCode.BAD_SIGNATURE, "not signed by that witness")
                pace.held = size
                return
            if status != 409:
                raise RemoteError(ErrorCode.UNREACHABLE, f"the witness answered {status}")
            pace.held = _size(body)
            if pace.held > self._own.newest():
                pace.held = 0
                await self._check_ahead(http, name)
        raise RemoteError(ErrorCode.CONFLICT, "the witness has signed a newer checkpoint")

    async def _check_ahead(self, http: HttpClient, name: str) -> NoReturn:
        """A witness says that it has seen a longer log: only a note that we signed shows it.

        Raises LocalError(STORAGE) if it does, else RemoteError: one witness stops no log.
        """
        origin = hashlib.sha256(self._own.key.name.encode()).hexdigest()
        status, data = await http.exchange(f"{self._urls[name]}/{origin}/checkpoint", None)
        if status != 200:
            log.warning("longer_log_claimed", witness=name)
            raise RemoteError(ErrorCode.CONFLICT, "a longer log is claimed, and not shown")
        note, shown = parse_checkpoint(data)
        verify_log_signature(note, shown, self._own.key)
        if shown.size <= self._own.newest():
            raise RemoteError(ErrorCode.CONFLICT, "a longer log is claimed, and not shown")
        log.critical("witness_is_ahead", witness=name)
        self.ahead = name
        raise LocalError(ErrorCode.STORAGE, "a witness has seen a longer log")


def _size(body: bytes) -> int:
    text = body.strip()
    if not text.isdigit() or len(text) > 18:
        raise RemoteError(ErrorCode.MALFORMED, "the witness's 409 does not hold a size")
    return int(text)
