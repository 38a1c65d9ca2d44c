"""Outbound HTTP: post bytes, get bytes, within limits; no redirects, no surprises.

specs/07-transport.md §2. URLs come from a charter or an invitation: https only, unless local
configuration allows plain http to a private address (a test bench or a demo on loopback).
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Self
from urllib.parse import SplitResult, urlsplit

from protocol.errors import ErrorCode, LocalError, RemoteError
from runtime.version import version
from transport.problems import parse_problem

if TYPE_CHECKING:
    import aiohttp
# aiohttp is imported by the first request: most commands make none, and it is large.

RESPONSE_LIMIT = 20 * 1024 * 1024
RECORD_LIMIT = 8 * 1024 * 1024


AGENT = "patchwork/"
"""What a program calls itself to others, with its version behind: for their operators alone."""


class HttpClient:
    """A connection pool with the rules above. Use as an async context manager; the pool opens with
    the first request.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._entered = False
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Allow requests."""
        self._entered = True
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close the pool."""
        self._entered = False
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, url: str) -> bytes:
        """The body of a 200 answer. Raises RemoteError for any other."""
        return await self._send("GET", url, None, {})

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """The body of a 200 answer to a POST. Raises RemoteError for any other."""
        return await self._send("POST", url, body, headers or {})

    async def stream_records(self, url: str, body: bytes) -> AsyncIterator[bytes]:
        """POST, then yield each record of the answer: 4-byte big-endian length, then bytes."""
        import aiohttp

        check_url(url, allow_private=self._allow_private)
        try:
            # No limit on the whole stream, which may be long, but one on each wait for more.
            patient = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
            async with self._open().post(
                url, data=body, allow_redirects=False, timeout=patient
            ) as response:
                if response.status != 200:
                    raise parse_problem(response.status, await _read(response), _place(url))
                while header := await response.content.read(1):
                    header += await response.content.readexactly(3)
                    length = int.from_bytes(header, "big")
                    if length > RECORD_LIMIT:
                        raise RemoteError(ErrorCode.TOO_LARGE, "a record is over the limit")
                    yield await response.content.readexactly(length)
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise RemoteError(ErrorCode.UNREACHABLE, _why(url, error)) from error

    async def exchange(self, url: str, body: bytes | None) -> tuple[int, bytes]:
        """POST (GET without a body) and return status and body: C2SP's statuses are answers."""
        return await self._request("GET" if body is None else "POST", url, body, {})

    async def _send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> bytes:
        status, data = await self._request(method, url, body, headers)
        if status != 200:
            raise parse_problem(status, data, _place(url))
        return data

    async def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        import aiohttp

        check_url(url, allow_private=self._allow_private)
        try:
            async with self._open().request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return response.status, await _read(response)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise RemoteError(ErrorCode.UNREACHABLE, _why(url, error)) from error

    def _open(self) -> "aiohttp.ClientSession":
        import aiohttp

        if not self._entered:
            raise LocalError(ErrorCode.NOT_READY, "the HTTP client is not open")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=90, connect=10),
                trust_env=False,
                headers={"User-Agent": f"{AGENT}{version()}"},
            )
        return self._session


def _place(url: str) -> str:
    """Whom a URL calls, and nothing else of it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{host}:{parts.port}" if parts.port else host


def _why(url: str, error: Exception) -> str:
    """Where nobody answered, and what to look at there."""
    import aiohttp

    causes: tuple[tuple[type[Exception], str], ...] = (
        (aiohttp.ClientConnectorDNSError, "no computer of that name is known; is it spelt right?"),
        (aiohttp.ClientConnectorCertificateError, "its certificate is not valid for that name"),
        (aiohttp.ClientSSLError, "it does not speak TLS there; is it the right port?"),
        (TimeoutError, "it did not answer in time; is a firewall in between?"),
        (aiohttp.ClientConnectorError, "nothing listens there; does it run, and at that port?"),
        (aiohttp.ClientConnectionError, "it broke off the connection"),
    )
    cause = next((why for kind, why in causes if isinstance(error, kind)), type(error).__name__)
    return f"{_place(url)}: {cause}"


def require_url(url: str, what: str, *, allow_private: bool) -> None:
    """Refuse an address of `what` that a person wrote and that we must not follow.

    Raises LocalError(CONFIGURATION).
    """
    try:
        check_url(url, allow_private=allow_private)
    except RemoteError as error:
        raise LocalError(ErrorCode.CONFIGURATION, f"{what}: {error.detail}") from None


def check_url(url: str, *, allow_private: bool) -> None:
    """Raise RemoteError(NOT_ALLOWED) for a URL we must not follow.

    Knows addresses and names that are private in themselves; what a public name resolves to is the
    network's to guard.
    """
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise RemoteError(ErrorCode.NOT_ALLOWED, "not an address that can be followed") from error
    if allow_private and parts.scheme in {"http", "https"} and host:
        return
    if parts.scheme != "https" or not host or parts.username or parts.password:
        raise RemoteError(
            ErrorCode.NOT_ALLOWED,
            f"{_shown(parts)}: only https addresses are followed, as https://hub.example",
        )
    if host == "localhost" or host.endswith(".localhost") or _is_private(host):
        raise RemoteError(
            ErrorCode.NOT_ALLOWED,
            f"{_shown(parts)}: a private address; set allow_private_addresses if you mean it",
        )


def _shown(parts: SplitResult) -> str:
    """An address without who logs in there and what is asked for."""
    place = parts.netloc.rpartition("@")[2] or parts.path.partition("/")[0]
    return f"{parts.scheme}://{place}" if parts.netloc else place or "no address"


def _is_private(host: str) -> bool:
    for read in (ipaddress.ip_address, _short_ipv4):
        try:
            return not read(host).is_global
        except (ValueError, OSError):
            continue
    return False


def _short_ipv4(host: str) -> ipaddress.IPv4Address:
    """The forms that the system's resolver also takes: 127.1, 2130706433, 0x7f000001."""
    return ipaddress.IPv4Address(socket.inet_aton(host))


async def _read(response: "aiohttp.ClientResponse") -> bytes:
    data = await response.content.read(RESPONSE_LIMIT + 1)
    chunks = [data]
    size = len(data)
    while not response.content.at_eof():
        data = await response.content.read(RESPONSE_LIMIT + 1 - size)
        size += len(data)
        if size > RESPONSE_LIMIT:
            raise RemoteError(ErrorCode.TOO_LARGE, "the answer is over the limit")
        chunks.append(data)
    return b"".join(chunks)
