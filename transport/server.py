"""Serve an application until the process is told to stop."""

import asyncio
import errno
import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from protocol.errors import ErrorCode, LocalError
from runtime.logs import log
from runtime.secrets import check_own
from transport.door import DOOR

SHUTDOWN_SECONDS = 2.0
STOP_SECONDS = 8.0
BACKLOG = 1024
LINGERING_SECONDS = 1.0  # for the rest of a body that was refused


@asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, certificate: tuple[Path, Path] | None = None
) -> AsyncIterator[int]:
    """Serve an application meanwhile, over https with a certificate's files (chain and key); the
    port. Raises LocalError(CONFIGURATION).
    """
    context = _tls(*certificate) if certificate is not None else None
    door = app[DOOR]
    door.open_wide()
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=SHUTDOWN_SECONDS,
        logger=_server_log(),
        auto_decompress=False,  # nothing is unpacked: what is packed is refused
        lingering_time=LINGERING_SECONDS,
    )
    await runner.setup()
    loop, serve = asyncio.get_running_loop(), cast("web.Server", runner.server)
    watching = asyncio.create_task(door.watch())
    try:
        try:
            listener = await loop.create_server(
                lambda: door.admit(serve()),
                host, port, backlog=BACKLOG, ssl=context,
                start_serving=False,  # who is stopped while it starts would leave it open
            )  # fmt: skip
        except OSError as error:
            raise _cannot_listen(host, port, error) from error
        try:
            await listener.start_serving()
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()
    finally:
        watching.cancel()
        await runner.cleanup()


def _cannot_listen(host: str, port: int, error: OSError) -> LocalError:
    why = {
        errno.EADDRINUSE: "another program listens there; stop it, or set another port",
        errno.EADDRNOTAVAIL: "this computer does not have that address",
        errno.EACCES: "ports below 1024 are not for this user; set another port",
    }.get(error.errno or 0)
    if isinstance(error, socket.gaierror):
        why = "no computer of that name is known; write an address of this one, as 127.0.0.1"
    detail = f"cannot listen on {host} port {port}: {why or error.strerror}"
    return LocalError(ErrorCode.CONFIGURATION, detail)


def _tls(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        check_own(key)
        context.load_cert_chain(chain, key)
    except OSError as error:  # an SSLError is one
        raise LocalError(
            ErrorCode.CONFIGURATION,
            f"certificate {chain.name} and its key {key.name} cannot be used: {error.strerror}",
        ) from None
    return context


def _server_log() -> logging.Logger:
    """The server's own logger, but for what nobody in particular sends or breaks off: that would
    fill disks.
    """

    def matters(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, (HttpProcessingError, ConnectionError))

    logger = logging.getLogger("aiohttp.server")
    logger.filters[:] = [matters]
    return logger


def stop_signal() -> asyncio.Event:
    """Set on SIGINT or SIGTERM. From then on the process has `STOP_SECONDS` to end by itself.

    A service that serves nothing and holds its lock would be worse than one that was killed:
    nothing that it has acknowledged is lost by either.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        if not stop.is_set():
            end = threading.Timer(STOP_SECONDS, _end)
            end.daemon = True
            end.start()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told)
    return stop


def _end() -> None:
    log.critical("did_not_stop", seconds=STOP_SECONDS)
    sys.stderr.flush()
    os._exit(1)


async def serve_until_stopped(
    app: web.Application, host: str, port: int, ready: Callable[[int], None]
) -> None:
    """Listen, tell `ready` the port, and return cleanly on SIGINT or SIGTERM."""
    stop = stop_signal()
    async with listening(app, host, port) as bound:
        ready(bound)
        await stop.wait()


async def until_stopped(work: Sequence[Awaitable[object]]) -> None:
    """Run until SIGINT or SIGTERM, then cancel cleanly."""
    stop = stop_signal()
    tasks = [asyncio.ensure_future(item) for item in work]
    waiter = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (waiter, *tasks):
        task.cancel()
    await asyncio.gather(waiter, *tasks, return_exceptions=True)
    for task in done:
        task.result()  # a part that failed ends the program loudly, for its supervisor to see


async def serve_forever(
    app: web.Application, host: str, port: int, certificate: tuple[Path, Path] | None = None
) -> None:
    """Listen until cancelled, beside other work."""
    async with listening(app, host, port, certificate):
        await asyncio.Event().wait()


async def run_beside(
    serving: Coroutine[Any, Any, None], loops: Sequence[Coroutine[Any, Any, None]]
) -> None:
    """Serve with loops running beside it. Serving ends them; a loop that fails ends serving.

    A service whose log is no longer published must not go on as if it were. Raises LocalError if
    that is all that failed, such as a port that is taken; else the group of what failed.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            await serving
            for task in tasks:
                task.cancel()
    except ExceptionGroup as failed:
        first, *others = failed.exceptions
        if others or not isinstance(first, LocalError):
            raise
        raise first from None
