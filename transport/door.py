"""Connections before anybody has shown who they are: limits of time, size and number.

specs/07-transport.md §6. Whoever has shown nothing can be waited for only so long, holds only so
much, and makes way first when there are too many; one verified signature ends that. No address is
ever looked at: behind a proxy all would be one.
"""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

from aiohttp import web

from protocol.errors import ErrorCode, RemoteError
from runtime.logs import log

HEAD_SECONDS = 10.0
IDLE_SECONDS = 30.0  # longer than a client keeps a connection that it may use again
BODY_SECONDS = 10.0
BODY_BYTES_A_SECOND = 10_000  # a slow line is no attack
LOOK_SECONDS = 1.0
AT_ONCE = 4
PAUSE_SECONDS = 1.0  # before a refusal is sent to somebody who has shown nothing
MOST_DESCRIPTORS = 65_536
MOST_UNSHOWN = 4_096
TELL_SECONDS = 60.0


class _State(Enum):
    HEAD = auto()
    BODY = auto()
    WORK = auto()
    IDLE = auto()


@dataclass
class Connection:
    """One connection: what it does since when, and whether a signature on it was verified."""

    handler: web.RequestHandler
    opened: float
    until: float
    state: _State = _State.HEAD
    shown: bool = False
    unsent: int = 0
    waiting: asyncio.Task[object] | None = None


class Door:
    """Who is connected to one application."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most or MOST_UNSHOWN
        self._known: dict[int, Connection] = {}
        self._unshown = 0
        self.turns = asyncio.Semaphore(AT_ONCE)
        self.readers = asyncio.Semaphore(AT_ONCE)
        self.dropped = 0
        self._told_dropped, self._told = 0, 0.0

    @property
    def connections(self) -> int:
        """How many stand now."""
        return len(self._known)

    def open_wide(self) -> None:
        """Raise this process's limit of descriptors; half of them are for the unknown."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = min(MOST_DESCRIPTORS, hard if hard != resource.RLIM_INFINITY else MOST_DESCRIPTORS)
        if soft < wanted:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                soft = wanted
        self._most = min(self._most, max(1, soft // 2))

    def admit(self, handler: web.RequestHandler) -> web.RequestHandler:
        """A new connection; if there are too many of nobody, the oldest of them ends."""
        now = asyncio.get_running_loop().time()
        self._known[id(handler)] = Connection(handler, now, now + HEAD_SECONDS)
        self._unshown += 1
        while self._unshown > self._most:
            oldest = next(item for item in self._known.values() if not item.shown)
            self._drop(oldest)
        return handler

    async def watch(self) -> None:
        """End what takes too long, for as long as the application is served."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = asyncio.get_running_loop().time()
            for item in list(self._known.values()):
                gone = item.handler.transport is None and now > item.opened + LOOK_SECONDS
                if gone:
                    self._forget(item)
                elif item.state is not _State.WORK and now > item.until and not _sends(item):
                    self._drop(item)
            fresh = self.dropped - self._told_dropped
            if fresh and now >= self._told + TELL_SECONDS:
                log.warning("connections_dropped", number=fresh)
                self._told_dropped, self._told = self.dropped, now

    def visit(self, request: web.Request) -> "Visit":
        """What the door knows of a request while it is answered."""
        return Visit(self._known.get(id(request.protocol)), self, request)

    def shown(self, item: Connection) -> None:
        """A signature on this connection was verified: it is nobody's no more."""
        if not item.shown and id(item.handler) in self._known:
            item.shown = True
            self._unshown -= 1

    def _drop(self, item: Connection) -> None:
        self.dropped += 1
        self._forget(item)
        if item.handler.transport is None:  # accepted, and not made yet: it is, in this turn
            asyncio.get_running_loop().call_soon(_abort, item.handler)
        else:
            _abort(item.handler)

    def _forget(self, item: Connection) -> None:
        if self._known.pop(id(item.handler), None) is not None and not item.shown:
            self._unshown -= 1
        if item.waiting is not None:  # a turn is kept for nobody who has gone
            item.waiting.cancel()


def _abort(handler: web.RequestHandler) -> None:
    transport = handler.transport
    handler.force_close()
    if transport is not None:
        transport.abort()


def _sends(item: Connection) -> bool:
    """Whether an answer still goes out on a slow line; if so, it has its time again."""
    transport = item.handler.transport
    unsent = transport.get_write_buffer_size() if transport is not None else 0
    if unsent in {0, item.unsent}:
        return False
    item.unsent = unsent
    item.until = asyncio.get_running_loop().time() + IDLE_SECONDS
    return True


class Visit:
    """One request on its way through: its body, its turn, and what its caller has shown.

    `connection` is None where none was admitted, as in tests of single handlers.
    """

    def __init__(self, connection: Connection | None, door: Door, request: web.Request) -> None:
        self._connection = connection
        self._door = door
        self._request = request
        self._turn: asyncio.Semaphore | None = None

    def __enter__(self) -> Self:
        """The header is complete."""
        self._becomes(_State.WORK, 0)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """The answer was given."""
        self.give_back()
        self._becomes(_State.IDLE, IDLE_SECONDS)
        if self._connection is not None:
            self._connection.unsent = 0

    async def body(self, limit: int) -> bytes:
        """The body, within limits of size and time. Raises RemoteError(TOO_LARGE)."""
        size = self._request.content_length
        if size is None or size > limit:
            stated = f"at most {limit} bytes, with their Content-Length"
            raise RemoteError(ErrorCode.TOO_LARGE, stated)
        self._becomes(_State.BODY, BODY_SECONDS + size / BODY_BYTES_A_SECOND)
        data = await self._request.read()
        self._becomes(_State.WORK, 0)
        return data

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """Meanwhile a handler reads the body itself, within limits of time alone. Raises
        RemoteError(TOO_LARGE) where its size is not said.
        """
        size = self._request.content_length
        if size is None:
            raise RemoteError(ErrorCode.TOO_LARGE, "say a Content-Length")
        self._becomes(_State.BODY, BODY_SECONDS + size / BODY_BYTES_A_SECOND)
        try:
            yield
        finally:
            self._becomes(_State.WORK, 0)

    async def turn(self, *, public: bool = False) -> None:
        """Wait for a turn among those who have shown nothing; whoever has needs none.

        Those who read what is public take turns of their own.
        """
        item = self._connection
        if item is None or item.shown:
            return
        turns = self._door.readers if public else self._door.turns
        item.waiting = asyncio.current_task()
        try:
            await turns.acquire()
        finally:
            item.waiting = None
        self._turn = turns

    async def pause(self) -> None:
        """Before a refusal: nobody in particular is refused faster than people make mistakes."""
        if self._connection is not None and not self._connection.shown:
            self.give_back()
            await asyncio.sleep(PAUSE_SECONDS)

    def show(self) -> None:
        """The caller has signed something fresh: what was signed before, anybody can send."""
        if self._connection is not None:
            self._door.shown(self._connection)
        self.give_back()

    @property
    def stands(self) -> bool:
        """Whether the caller is still connected."""
        return self._request.transport is not None

    def give_back(self) -> None:
        """Let the next one have the turn: what follows only waits."""
        taken, self._turn = self._turn, None
        if taken is not None:
            taken.release()

    def _becomes(self, state: _State, seconds: float) -> None:
        if self._connection is not None:
            self._connection.state = state
            self._connection.until = asyncio.get_running_loop().time() + seconds


DOOR: web.AppKey[Door] = web.AppKey("door")
VISIT: web.RequestKey[Visit] = web.RequestKey("visit", Visit)


def check_encoding(request: web.Request) -> None:
    """Refuse a body that would have to be unpacked. Raises RemoteError(ENCODED)."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise RemoteError(ErrorCode.ENCODED, "send the body as it is, without Content-Encoding")
