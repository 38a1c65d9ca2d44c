"""Serve an application until the process is told to stop."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aiohttp import web

from protocol.errors import ErrorCode, LocalError

SHUTDOWN_SECONDS = 2.0


async def serve_until_stopped(
    app: web.Application, host: str, port: int, ready: Callable[[int], None]
) -> None:
    """Listen, tell `ready` the port, and return cleanly on SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
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
        ready(runner.addresses[0][1])
        await stop.wait()
    finally:
        await runner.cleanup()


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
