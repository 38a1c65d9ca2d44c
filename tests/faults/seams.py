"""The seams at which faults are injected: the C library's calls, commits, and the network.

`libfiu` (apt: fiu-utils) stands between the program and the C library, so SQLite's own calls and
libpq's are met too; it asks us at each, and the Python frame of the thread says who is calling.
The process needs LD_PRELOAD from `preloaded`.
"""

import ctypes
import errno
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg

from protocol.errors import ErrorCode, PatchworkError, RemoteError
from storage.postgres import PostgresDatabase
from storage.sqlite import SqliteDatabase
from storage.threaded import ThreadedEngine

Result = TypeVar("Result")

LIBRARIES = Path("/usr/lib/fiu")
ROOT = f"{Path(__file__).parents[2]}/"
PARTIES = {"hub": "hub", "node": "node", "keys": "holder", "audit": "witness"}
OF_FILE = {"hub": "hub", "holder": "holder", "witness": "witness", "node": "node"}
# Frames that pass on what others want.
_BETWEEN = frozenset({"hub/log/led.py", "HubMembership.post", "WitnessStore._write"})
_CALLS = {
    "posix/io/rw/pwrite": "pwrite",
    "posix/io/rw/write": "write",
    "posix/io/rw/ftruncate": "ftruncate",
    "posix/io/sync/fsync": "fsync",
    "posix/io/sync/fdatasync": "fdatasync",
    "posix/io/dir/rename": "rename",
    "posix/io/dir/unlink": "unlink",
    "posix/io/net/send": "send",
    "posix/io/net/recv": "recv",
}
_SHORT = {"pwrite": "posix/io/rw/pwrite/reduce", "write": "posix/io/rw/write/reduce"}
_TAKE_ROOM = frozenset({"pwrite", "write", "ftruncate"})
DELAY_SECONDS = 0.03


class Fault(StrEnum):
    """What happens at a point."""

    KILL = "kill -9"
    EIO = "EIO"
    ENOSPC = "ENOSPC"
    SHORT = "short write"
    RESET = "connection reset"
    DELAY = "delay"


_WRITE = (Fault.KILL, Fault.EIO, Fault.ENOSPC, Fault.SHORT)
_SYNC = (Fault.KILL, Fault.EIO, Fault.ENOSPC, Fault.DELAY)
_WIRE = (Fault.KILL, Fault.RESET, Fault.DELAY)
_WIRES = ("send", "recv")  # of the event loop's own, too: those are no step of ours
FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "pwrite": _WRITE,
    "write": _WRITE,
    "ftruncate": (Fault.KILL, Fault.EIO, Fault.ENOSPC),
    "fsync": _SYNC,
    "fdatasync": _SYNC,
    "rename": (Fault.KILL, Fault.EIO, Fault.ENOSPC),
    "link": (Fault.KILL, Fault.EIO, Fault.ENOSPC),
    "unlink": (Fault.KILL, Fault.EIO),
    "committed": (Fault.KILL, Fault.DELAY),
    "send": _WIRE,
    "recv": _WIRE,
    "request": _WIRE,
    "answer": _WIRE,
}
"""What can befall each call. `committed`: the database has it, nobody has been told; `request`: it
is about to leave; `answer`: what was asked is done, and the answer is on its way.
"""
_ERRORS = {Fault.EIO: errno.EIO, Fault.ENOSPC: errno.ENOSPC, Fault.RESET: errno.ECONNRESET}


@dataclass(frozen=True, order=True)
class Point:
    """A party, the place in its code, and the call there."""

    party: str
    place: str
    call: str


def preloaded() -> dict[str, str]:
    """The environment of a process in which faults can be injected."""
    return {**os.environ, "LD_PRELOAD": str(LIBRARIES / "fiu_posix_preload.so")}


class Seams:
    """Counts the points that are passed while `seen` is a counter, and injects one fault.

    `on_hit` is told before it happens, also where the process is killed then. `full`: a party whose
    disk is full, and `refused` how often it was told so.
    """

    def __init__(self) -> None:
        self.seen: Counter[Point] | None = None
        self.on_hit: Callable[[], None] = lambda: None
        self.full = ""
        self.refused = 0
        self._armed: tuple[Point, Fault] | None = None
        self._within = threading.local()
        self._fiu = ctypes.CDLL("libfiu.so.0")
        self._fiu.fiu_init(0)
        self._short = _HOOK(self._to_shorten)
        self._hook = _HOOK(self._asked)
        for name in _CALLS:
            self._fiu.fiu_enable_external(name.encode(), 1, None, 0, self._hook)
        _watch(self)

    def arm(self, point: Point, fault: Fault) -> None:
        """Have a fault happen the next time that a point is passed."""
        self._armed = point, fault
        if fault is Fault.SHORT:
            name = _SHORT[point.call].encode()
            self._fiu.fiu_enable_external(name, 1, None, 0, self._short)

    def pass_by(self, point: Point) -> Fault | None:
        """A point is passed; the fault that a caller has to make itself, where one is due."""
        if self.seen is not None:
            self.seen[point] += 1
        if point.party == self.full and point.call in _TAKE_ROOM:
            self.refused += 1
            return Fault.ENOSPC
        if self._armed is None or self._armed[0] != point:
            return None
        fault = self._armed[1]
        self._armed = None
        self._within.hook = True
        self.on_hit()
        self._within.hook = False
        if fault is Fault.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        return fault

    def pass_in_python(self, point: Point) -> None:
        """The same where C is not asked. Raises OSError."""
        fault = self.pass_by(point)
        if fault is Fault.DELAY:
            time.sleep(DELAY_SECONDS)
        elif fault is not None:
            raise OSError(_ERRORS[fault], os.strerror(_ERRORS[fault]))

    def _asked(self, name: bytes, _number: Any, error: Any, _flags: Any) -> int:
        if getattr(self._within, "hook", False):
            return 0
        self._within.hook = True
        try:
            point = point_of(sys._getframe(0).f_back, _CALLS[name.decode()])
            if point is None or self._is_short(point):
                return 0
            fault = self.pass_by(point)
            if fault is Fault.DELAY:
                time.sleep(DELAY_SECONDS)
            elif fault is Fault.RESET and _cut(sys._getframe(0).f_back):
                return 0  # the call meets it by itself
            elif fault is not None:
                error[0] = _ERRORS[fault]
                return 1
            return 0
        finally:
            self._within.hook = False

    def _is_short(self, point: Point) -> bool:
        """Whether it is for the other hook, which is asked before."""
        return self._armed == (point, Fault.SHORT)

    def _to_shorten(self, name: bytes, _number: Any, _error: Any, _flags: Any) -> int:
        if self._armed is None or getattr(self._within, "hook", False):
            return 0
        self._within.hook = True
        try:
            point = point_of(sys._getframe(0).f_back, name.decode().split("/")[-2])
            return int(self._armed == (point, Fault.SHORT) and self.pass_by(point) is not None)  # type: ignore[arg-type]
        finally:
            self._within.hook = False


_HOOK = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.c_int),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_uint),
)


class Tagged:
    """A body of a transaction, and the place that wants it done."""

    def __init__(self, body: Callable[[Any], Any], place: str | None) -> None:
        self._body = body
        self.place = place

    def __call__(self, stores: Any) -> Any:
        return self._body(stores)


def point_of(frame: FrameType | None, call: str) -> Point | None:
    """Who makes a call, by the frames of its thread; None where it is no party of ours."""
    party = place = None
    is_libpq = False
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(ROOT):
            name = code.co_filename.removeprefix(ROOT)
            top = name.partition("/")[0]
            if place is None and top in PARTIES and not _passes_on(name, frame):
                place, party = _said(name, frame), party or PARTIES[top]
            elif top == "storage":
                is_libpq = is_libpq or name.startswith("storage/postgres")
                party, tagged = _of_storage(frame, party)
                place = place or tagged
        elif code.co_name == "_worker" and threading.current_thread().name.startswith("tiles"):
            party, place = "hub", place or "hub/log/tile_store.py:TileStore._replace"
        frame = frame.f_back
    if party is None or place is None or (call in _WIRES and not is_libpq):
        return None
    return Point(party, place, call)


def _cut(frame: FrameType | None) -> bool:
    """Cut a transaction's session for good, both ways: libpq takes a failed write for done, and
    waits for the answer, which after a real reset fails too.
    """
    while frame is not None:
        local = frame.f_locals
        found = local.get("connection") or getattr(local.get("self"), "_connection", None)
        if isinstance(found, psycopg.Connection) and not found.closed:
            with socket.socket(fileno=os.dup(found.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)
            return True
        frame = frame.f_back
    return False


def place_of(frame: FrameType | None, also: Collection[str] = ()) -> str | None:
    """The innermost place in a party's code (`also`: or in these packages), or else in the
    story's, at a frame or around it.
    """
    other = None
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(ROOT):
            name = code.co_filename.removeprefix(ROOT)
            top = name.partition("/")[0]
            if (top in PARTIES or top in also) and not _passes_on(name, frame):
                return _said(name, frame)
            if top == "tests" and name != "tests/faults/seams.py":
                other = other or _said(name, frame)
        frame = frame.f_back
    return other


def _passes_on(name: str, frame: FrameType) -> bool:
    return name in _BETWEEN or frame.f_code.co_qualname in _BETWEEN


def _said(name: str, frame: FrameType) -> str:
    return f"{name}:{frame.f_code.co_qualname}:{frame.f_lineno}"


def _of_storage(frame: FrameType, party: str | None) -> tuple[str | None, str | None]:
    """Whose database it is, and for whom the transaction is run."""
    local = frame.f_locals
    database, bodies = local.get("self"), local.get("bodies")
    if isinstance(database, SqliteDatabase):
        party = OF_FILE[database._path.stem]
    elif isinstance(database, PostgresDatabase):
        party = "hub"
    tagged = next((body.place for body in bodies or () if isinstance(body, Tagged)), None)
    if tagged is None and frame.f_code.co_name in _UPKEEP:
        tagged = _said(frame.f_code.co_filename.removeprefix(ROOT), frame)
    return party, tagged


_UPKEEP = frozenset({"close", "settle", "check", "_open", "opened"})


def _watch(seams: Seams) -> None:
    """Have commits, and links, which C is not asked about, pass by too."""
    write, transact, link = ThreadedEngine.write, SqliteDatabase.write_all, os.link

    async def tagging(self: Any, body: Any) -> Any:
        return await write(self, Tagged(body, place_of(sys._getframe(1))))

    def committing(self: Any, bodies: Any) -> Any:
        done = transact(self, bodies)
        places = [body.place for body in bodies if isinstance(body, Tagged) and body.place]
        if places:
            seams.pass_in_python(Point(OF_FILE[self._path.stem], places[0], "committed"))
        return done

    def linking(source: Any, target: Any, **more: Any) -> None:
        point = point_of(sys._getframe(1), "link")
        if point is not None:
            seams.pass_in_python(point)
        link(source, target, **more)

    patched: Any = (ThreadedEngine, SqliteDatabase, os)
    patched[0].write, patched[1].write_all, patched[2].link = tagging, committing, linking


class Line:
    """A party's way to the others, which may break before a request leaves or before its answer
    comes. `late`: requests that are still under way though their sender has given up.
    """

    def __init__(self, seams: Seams | None, network: Any, party: str, late: list[Any]) -> None:
        self._seams = seams
        self._network = network
        self._party = party
        self._late = late

    async def get(self, url: str) -> bytes:
        """See HttpClient."""
        return await self._carried(url, lambda: self._network.get(url), sys._getframe(1))

    async def post(self, url: str, body: bytes, headers: Any = None) -> bytes:
        """See HttpClient."""
        return await self._carried(
            url, lambda: self._network.post(url, body, headers), sys._getframe(1)
        )

    async def exchange(self, url: str, body: bytes | None) -> tuple[int, bytes]:
        """See HttpClient."""
        return await self._carried(url, lambda: self._network.exchange(url, body), sys._getframe(1))

    async def stream_records(self, url: str, body: bytes) -> Any:
        """See HttpClient."""
        async for record in self._network.stream_records(url, body):
            yield record

    async def _carried(
        self, url: str, go: Callable[[], Awaitable[Result]], frame: FrameType
    ) -> Result:
        what = "/".join(urlsplit(url).path.split("/")[:3])
        place = f"{place_of(frame, ('transport',))} {what}"
        await self._pass(Point(self._party, place, "request"), go)
        try:
            result = await go()
        except PatchworkError as error:
            raise RemoteError(error.code, error.detail, retry_after=error.retry_after) from error
        except Exception as error:  # it answers 500, and its log says why
            raise RemoteError(ErrorCode.INTERNAL, "unforeseen; see the service's log") from error
        await self._pass(Point(self._party, place, "answer"), None)
        return result

    async def _pass(self, point: Point, go: Callable[[], Awaitable[Any]] | None) -> None:
        fault = None if self._seams is None else self._seams.pass_by(point)
        if fault is Fault.DELAY and go is not None:
            self._late.append(go)
        if fault is not None:
            raise RemoteError(ErrorCode.UNREACHABLE, "hub.example: it broke off the connection")
