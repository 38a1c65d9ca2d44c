"""What the hub's own addresses refuse of whoever asks, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from hub.server.routes import HubApp
from tests.sim.federation import SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]


@pytest.fixture
async def address(federation: SimFederation) -> AsyncIterator[str]:
    """Where the hub answers."""
    async with TestServer(HubApp(federation.services).application()) as server:
        yield str(server.make_url("")).rstrip("/")


async def answer(method: str, url: str, body: bytes | None = None) -> tuple[int, str]:
    """Status and code of an answer."""
    async with aiohttp.ClientSession() as http, http.request(method, url, data=body) as response:
        data = await response.read()
        problem = response.content_type == "application/problem+json"
        return response.status, json.loads(data)["code"] if problem else ""


async def test_what_is_not_there(address: str, agencies: Agencies) -> None:
    del agencies
    nothing = "00" * 32
    assert {
        "a tile": await answer("GET", f"{address}/tile/0/999"),
        "a tile beside its place": await answer("GET", f"{address}/tile/0/../../keys.json"),
        "a charter": await answer("GET", f"{address}/v1/charters/{nothing}"),
        "a proof": await answer("GET", f"{address}/v1/proofs/999999"),
        "chunks of no manifest": await answer(
            "POST", f"{address}/v1/publications/{nothing}/chunks", b"x"
        ),
    } == {
        "a tile": (404, "not_found"),
        "a tile beside its place": (404, "not_found"),
        "a charter": (404, "not_found"),
        "a proof": (404, "not_found"),
        "chunks of no manifest": (404, "not_found"),
    }


async def test_what_cannot_be_read(address: str) -> None:
    for path in ("enrolments", "rotations", "statements", "publications", "polls", "exports"):
        for body in (b"", b"{}", b"[]", b'{"envelope":"AAAA","proof":null,"sealed":null}'):
            status, code = await answer("POST", f"{address}/v1/{path}", body)
            assert (status, code) in {(400, "malformed"), (400, "unknown_field")}, (path, body)


async def test_chunks_of_no_manifest_are_not_even_read(address: str, agencies: Agencies) -> None:
    """Two megabytes of nobody's are announced, and none is sent: the answer waits for none."""
    del agencies
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/publications/{'00' * 32}/chunks HTTP/1.1\r\nHost: {host}\r\n"
    writer.write(f"{head}Content-Length: 1000000\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert await reader.readline() == b"HTTP/1.1 404 Not Found\r\n"
    writer.close()
    await writer.wait_closed()
