"""What runs beside a web server, and what keeps one from starting."""

import asyncio
import socket

import pytest

from protocol.errors import LocalError
from transport.routes import make_application
from transport.server import run_beside, serve_forever

LIMIT_SECONDS = 60


async def test_a_loop_that_fails_ends_the_service_loudly() -> None:
    async def serving() -> None:
        await asyncio.Event().wait()

    async def broken() -> None:
        raise RuntimeError("publishing stopped")

    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(run_beside(serving(), [broken()]), LIMIT_SECONDS)
    assert "publishing stopped" in str(caught.value.exceptions)


async def test_a_port_that_is_taken_is_a_sentence() -> None:
    async def follow() -> None:
        await asyncio.Event().wait()

    application = make_application([], body_limit=1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serving = serve_forever(application, "127.0.0.1", port)
        with pytest.raises(LocalError) as caught:
            await asyncio.wait_for(run_beside(serving, [follow()]), LIMIT_SECONDS)
    assert f"cannot listen on 127.0.0.1 port {port}" in caught.value.detail
