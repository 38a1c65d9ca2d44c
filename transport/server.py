"""Serve an application until the process is told to stop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from protocol.errors import ErrorCode, LocalError

SHUTDOWN_SECONDS = 2.0


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve an application meanwhile; the port. Raises LocalError(CONFIGURATION)."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise LocalError(
                ErrorCode.CONFIGURATION, f"cannot listen on {host} port {port}: {error.strerror}"
            ) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def serve_until_stopped(
    app: web.Application, host: str, port: int, ready: Callable[[int], None]
) -> None:
    """Listen, tell `ready` the port, and return cleanly on SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with listening(app, host, port) as bound:
        ready(bound)
        await stop.wait()


async def until_stopped(work: Sequence[Awaitable[object]]) -> None:
    """Run until SIGINT or SIGTERM, then cancel cleanly."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.ensure_future(item) for item in work]
    waiter = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (waiter, *tasks):
        task.cancel()
    await asyncio.gather(waiter, *tasks, return_exceptions=True)
    for task in done:
        task.result()  # a part that failed ends the program loudly, for its supervisor to see


async def serve_forever(app: web.Application, host: str, port: int) -> None:
    """Listen until cancelled, beside other work."""
    async with listening(app, host, port):
        await asyncio.Event().wait()


async def run_beside(
    serving: Coroutine[Any, Any, None], loops: Sequence[Coroutine[Any, Any, None]]
) -> None:
    """Serve with loops running beside it. Serving ends them; a loop that fails ends serving.

    A service whose log is no longer published must not go on as if it were.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop) for loop in loops]
        await serving
        for task in tasks:
            task.cancel()
