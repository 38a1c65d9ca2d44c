"""The engine over a database that blocks: calls in threads, writes that wait committed together.

The event loop never touches disk or network. Bodies that write run one at a time in one thread;
those that wait together are committed together, each all or nothing on its own: one sync of the
disk serves them all.
"""

import asyncio
import queue
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

Stores = TypeVar("Stores")
Stores_co = TypeVar("Stores_co", covariant=True)
Result = TypeVar("Result")
Body = Callable[[Stores], Result]
Told = tuple[asyncio.Future[Any], Any, BaseException | None]
"""Who waits in an event loop, what their work came to, and its fault or None."""

WRITES_AT_ONCE = 1000
RAN_OUT = "a body looked for more than there was"


class Database(Protocol[Stores_co]):
    """One connection to a database, used from one thread at a time. See Engine for what it does."""

    def write_all(self, bodies: Sequence[Callable[[Stores_co], Any]]) -> list[Any]:
        """Run bodies in one transaction, each all or nothing; for each, what it came to and its
        fault or None. Raises LocalError(STORAGE) where none of them is committed, and what a single
        one raises.
        """
        ...

    def read(self, body: Callable[[Stores_co], Result]) -> Result:
        """Run a body on one consistent snapshot."""
        ...

    def check(self) -> None:
        """Raise LocalError(STORAGE) if the database is damaged."""
        ...

    def settle(self) -> bool:
        """Make sure that what was deleted is in no file of it; False where it may still be."""
        ...

    def close(self) -> None:
        """Close it, if it is open."""
        ...


class ThreadedEngine(Generic[Stores]):
    """The engine over one connection that writes and others that read beside it.

    Without others, reads wait for their turn among the writes.
    """

    def __init__(
        self, writer: Database[Stores], readers: Sequence[Database[Stores]], name: str
    ) -> None:
        self.writer = writer
        self._readers = readers
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._reading = self._thread
        self._idle: queue.SimpleQueue[Database[Stores]] = queue.SimpleQueue()
        if readers:
            self._reading = ThreadPoolExecutor(len(readers), thread_name_prefix=f"{name}-reading")
        for reader in readers or [writer]:
            self._idle.put(reader)
        self._waiting: deque[tuple[Body[Stores, Any], asyncio.Future[Any]]] = deque()
        self._closed = False

    async def write(self, body: Body[Stores, Result]) -> Result:
        """See Engine."""
        outcome: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, outcome))
        self._thread.submit(self._write_waiting)
        return await outcome

    async def read(self, body: Body[Stores, Result]) -> Result:
        """See Engine."""
        return await _in(self._reading, partial(self._read, body))

    async def check(self) -> None:
        """See Engine."""
        await _in(self._thread, self.writer.check)

    async def settle(self) -> bool:
        """See Engine."""
        return await _in(self._thread, self.writer.settle)

    async def close(self) -> None:
        """See Engine."""
        if self._closed:
            return
        self._closed = True
        for reader in self._readers:
            await _in(self._reading, reader.close)
        await _in(self._thread, self.writer.close)
        for threads in {self._thread, self._reading}:
            threads.shutdown(wait=True)

    def _read(self, body: Body[Stores, Result]) -> Result:
        reader = self._idle.get()  # there are as many as threads: one is idle
        try:
            return reader.read(body)
        finally:
            self._idle.put(reader)

    def _write_waiting(self) -> None:
        """Do all writes that wait, if a run before this one has not; then one commit for all."""
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), WRITES_AT_ONCE))]
        group = [item for item in taken if not item[1].cancelled()]
        if not group:
            return
        try:
            outcomes = self.writer.write_all([body for body, _ in group])
        except BaseException as error:
            _tell((outcome, None, error) for _, outcome in group)
            if not isinstance(error, Exception):
                raise
            return
        _tell((outcome, *came) for (_, outcome), came in zip(group, outcomes, strict=True))


async def _in(threads: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(threads, _done, work)


def _done(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except StopIteration as error:  # which no future takes: whoever waits would wait for ever
        raise RuntimeError(RAN_OUT) from error


def _tell(told: Iterable[Told]) -> None:
    """Wake who waits, from a thread of ours: an event loop once for all that were done together.

    A future of `concurrent.futures` in between, which would wake it once for each, costs as much as
    a small transaction.
    """
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Told]] = defaultdict(list)
    for item in told:
        by_loop[item[0].get_loop()].append(item)
    for loop, items in by_loop.items():
        with suppress(RuntimeError):  # it is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, items)


def _settle(items: Iterable[Told]) -> None:
    for outcome, result, fault in items:
        if outcome.done():
            continue  # whoever waited was cancelled
        if fault is None:
            outcome.set_result(result)
        elif isinstance(fault, StopIteration):  # as above
            outcome.set_exception(RuntimeError(RAN_OUT))
        else:
            outcome.set_exception(fault)
