"""200 connections of nobody in particular, each at its worst, for as long as this runs.

`python tests/soak/flood.py PORT PATH KIND...`: what is posted goes to PATH. It says `flooding` once
every connection has been tried. Polite to others on this machine: nice 19.
"""

import asyncio
import base64
import gzip
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

CONNECTIONS = 200
PACKED = gzip.compress(b"\0" * 300_000_000, 9)[:300_000]
KEY = base64.b64encode(b"\x01" * 64).decode()


def deep() -> bytes:
    """70 kB that took 25 ms to read."""
    return b"[" + b",".join([b"1"] * 35_000) + b"]"


def unsigned() -> bytes:
    """A well-formed statement of nobody, with as long a body as fits."""
    body = {"aud": "0" * 32, "body": [1] * 5_000, "sender": "0" * 32}
    payload = json.dumps(body, separators=(",", ":")).encode()
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.patchwork.poll+json",
        "signatures": [{"keyid": "0" * 16, "sig": KEY}],
    }
    inner = base64.b64encode(json.dumps(envelope, separators=(",", ":")).encode()).decode()
    return f'{{"envelope":"{inner}","proof":null,"sealed":null}}'.encode()


def posted(path: str, body: bytes, *headers: str) -> bytes:
    """A whole request."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def asks(port: int, request: bytes) -> None:
    """The same request, again and again, on one connection as long as it holds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
    finally:
        writer.close()


async def drips(port: int, at_once: bytes, rest: bytes) -> None:
    """Something at once, then a byte now and then, then nothing until the service hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(at_once)
        for at in range(len(rest)):
            await asyncio.sleep(1)
            writer.write(rest[at : at + 1])
            await writer.drain()
        await reader.read()
    finally:
        writer.close()


def attacks(port: int, path: str) -> dict[str, Callable[[], Awaitable[None]]]:
    """Each kind of attacker."""
    packed = posted(path, PACKED, "Content-Encoding: gzip")
    proof = b"GET /v1/proofs/999999?wait=30 HTTP/1.1\r\nHost: x\r\n\r\n"
    slow = posted(path, b"x" * 60_000)
    head = slow[:-60_000]
    return {
        "gzip": lambda: asks(port, packed),
        "deep": lambda: asks(port, posted(path, deep())),
        "unsigned": lambda: asks(port, posted(path, unsigned())),
        "proof": lambda: asks(port, proof),
        "header": lambda: drips(port, b"", slow),
        "body": lambda: drips(port, head, slow[-60_000:]),
        "silent": lambda: drips(port, b"", b""),
    }


async def attacker(attack: Callable[[], Awaitable[None]]) -> None:
    """One connection after another."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            await attack()
        await asyncio.sleep(0.01)


async def main(port: int, path: str, kinds: list[str]) -> None:
    """Everything at once."""
    found = attacks(port, path)
    chosen = [found[kind] for kind in kinds]
    running = [
        asyncio.create_task(attacker(chosen[number % len(chosen)])) for number in range(CONNECTIONS)
    ]
    sys.stdout.write("flooding\n")
    sys.stdout.flush()
    await asyncio.gather(*running)


if __name__ == "__main__":
    os.nice(19)
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
