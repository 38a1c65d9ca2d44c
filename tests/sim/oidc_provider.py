"""An organisation's own sign-in, running as a process of its own."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp


@asynccontextmanager
async def running_provider() -> AsyncIterator[str]:
    """Its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    claims = '{"sub": "visitor-at-home", "tid": "our-tenant", "roles": ["administrator"]}'
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port),
        "--require-nonce", "true", "--user-claims", claims,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as session:
            for _ in range(600):
                try:
                    async with session.get(f"{address}/.well-known/openid-configuration") as found:
                        assert found.status == 200
                        break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)
        yield address
    finally:
        running.terminate()
        await running.wait()
