"""Serve an application until the process is told to stop."""

import asyncio
import signal
from collections.abc import Callable

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
