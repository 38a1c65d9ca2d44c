"""What nobody in particular can do to a service before signing anything, over real sockets."""

import asyncio
import gzip
import json
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from aiohttp import web

import transport.door
from protocol.errors import ErrorCode, RemoteError
from transport.door import DOOR, IDLE_SECONDS, VISIT, Connection
from transport.routes import Auth, Route, make_application
from transport.server import listening

LIMIT = 1_000
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Service:
    """A service with one signed and one public route, and what has come through to them."""

    bodies: list[bytes] = field(default_factory=list)
    working: int = 0
    most: int = 0
    held: asyncio.Event = field(default_factory=asyncio.Event)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    clients: list[asyncio.StreamWriter] = field(default_factory=list)
    port: int = 0
    large: int = 6
    path: str = "/signed"

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until so many requests have come that it is so."""
        while not so():
            self.moved.clear()
            await self.moved.wait()

    async def take(self, request: web.Request) -> web.Response:
        """What is signed `good` is a member's; `wait` is a member's too and answers late."""
        self.working += 1
        self.most = max(self.most, self.working)
        try:
            body = await request.read()
            self.bodies.append(body)
            self.moved.set()
            if body == b"held":
                await self.held.wait()
            if body in {b"good", b"wait"}:
                request[VISIT].show()
            if body == b"wait":
                await self.held.wait()
            if body == b"again":  # signed by somebody, once
                return web.Response(body=b"taken")
            if body not in {b"good", b"wait"}:
                raise RemoteError(ErrorCode.BAD_SIGNATURE, "not signed")
        finally:
            self.working -= 1
        return web.Response(body=b"taken")

    async def read(self, _request: web.Request) -> web.Response:
        self.working += 1
        self.most = max(self.most, self.working)
        self.moved.set()
        await self.held.wait()
        self.working -= 1
        return web.Response(body=b"x" * self.large)

    def application(self) -> web.Application:
        return make_application(
            [
                Route("POST", "/signed", Auth.MEMBER_STATEMENT, self.take, LIMIT),
                Route("GET", "/public", Auth.PUBLIC, self.read),
                Route("POST", "/signed/{id:[0-9a-f]{4}}", Auth.MEMBER_STATEMENT, self.take, LIMIT),
            ],
            body_limit=LIMIT,
        )

    async def connect(self) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.clients.append(writer)
        return reader, writer

    async def ask(self, body: bytes, *headers: str, to: Streams | None = None) -> tuple[int, bytes]:
        """Post on a connection, by default a new one; status and body."""
        reader, writer = to or await self.connect()
        writer.write(head(len(body), *headers, path=self.path) + body)
        return await answered(reader)


def head(length: int, *headers: str, path: str = "/signed") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    length = next(int(line.split(": ")[1]) for line in lines if line.startswith("Content-Length"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the other side hangs up without a word."""
    try:
        async with asyncio.timeout(60):
            return await reader.read(1) == b""
    except ConnectionError:
        return True


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[web.Application]:
    app = service.application()
    async with listening(app, "127.0.0.1", 0) as service.port:
        try:
            yield app
        finally:
            for writer in service.clients:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, a hundred times as fast."""
    for name in ("HEAD_SECONDS", "IDLE_SECONDS", "BODY_SECONDS"):
        monkeypatch.setattr(transport.door, name, 0.1)
    monkeypatch.setattr(transport.door, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(transport.door, "PAUSE_SECONDS", 0)


@pytest.mark.parametrize("path", ["/signed", "/signed/00ff"])
@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "x-gzip", "gzip, gzip"])
async def test_a_packed_body_is_refused_before_it_is_unpacked(name: str, path: str) -> None:
    service = Service(path=path)
    async with served(service):
        packed = gzip.compress(b"\0" * 300_000)
        assert len(packed) < LIMIT
        status, body = await service.ask(packed, f"Content-Encoding: {name}")
        assert (status, json.loads(body)["code"]) == (415, "encoded")
        assert service.bodies == []
        assert await service.ask(b"good", "Content-Encoding: identity") == (200, b"taken")


async def test_a_body_over_its_limit_or_without_a_length_is_not_read() -> None:
    service = Service()
    async with served(service):
        reader, writer = await service.connect()
        writer.write(head(LIMIT + 1))  # and nothing after it
        assert (await answered(reader))[0] == 413
        reader, writer = await service.connect()
        writer.write(b"POST /signed HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await answered(reader))[0] == 413
        assert service.bodies == []


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /signed HTTP/1.1\r\nHost: x\r\n", head(10), head(10) + b"123"],
    ids=["silent", "half a header", "no body", "half a body"],
)
async def test_who_does_not_get_on_with_it_is_hung_up_on(hurried: None, sent: bytes) -> None:
    service = Service()
    async with served(service):
        reader, writer = await service.connect()
        writer.write(sent)
        assert await ended(reader)
        assert await service.ask(b"good") == (200, b"taken"), "it serves on"


async def test_a_connection_that_rests_too_long_ends(hurried: None) -> None:
    service = Service()
    async with served(service):
        reader, writer = await service.connect()
        assert await service.ask(b"good", to=(reader, writer)) == (200, b"taken")
        assert await ended(reader)


async def test_an_answer_that_takes_long_is_waited_for(hurried: None) -> None:
    service = Service()
    async with served(service):
        streams = await service.connect()
        asking = asyncio.create_task(service.ask(b"wait", to=streams))
        await service.until(lambda: bool(service.bodies))
        for _ in range(3):  # and meanwhile others have had their time
            silent, _ = await service.connect()
            assert await ended(silent)
        service.held.set()
        assert await asking == (200, b"taken")


async def test_the_oldest_of_nobody_makes_way_and_members_stay() -> None:
    service = Service()
    async with served(service) as app:
        app[DOOR]._most = 5
        member = await service.connect()
        assert await service.ask(b"good", to=member) == (200, b"taken")
        polling = await service.connect()
        poll = asyncio.create_task(service.ask(b"wait", to=polling))
        await service.until(lambda: b"wait" in service.bodies)
        silent = [await service.connect() for _ in range(50)]
        # All but the last five have been hung up on.
        for reader, _ in silent[:45]:
            assert await ended(reader)
        assert await service.ask(b"good", to=member) == (200, b"taken")
        service.held.set()
        assert await poll == (200, b"taken")
        assert await service.ask(b"good") == (200, b"taken"), "a newcomer finds room"


async def test_those_who_have_shown_nothing_take_turns_and_a_member_waits_for_none() -> None:
    service = Service()
    async with served(service):
        member = await service.connect()
        assert await service.ask(b"good", to=member) == (200, b"taken")
        crowd = [asyncio.create_task(service.ask(b"held")) for _ in range(30)]
        await service.until(lambda: service.bodies.count(b"held") == transport.door.AT_ONCE)
        assert await service.ask(b"good", to=member) == (200, b"taken")
        assert service.most <= transport.door.AT_ONCE + 1, "and the member"
        service.held.set()
        assert {status for status, _ in await asyncio.gather(*crowd)} == {401}


async def test_a_long_poll_gives_its_turn_back() -> None:
    service = Service()
    async with served(service):
        polls = [asyncio.create_task(service.ask(b"wait")) for _ in range(20)]
        await service.until(lambda: service.bodies.count(b"wait") == len(polls))
        service.held.set()
        assert {status for status, _ in await asyncio.gather(*polls)} == {200}


async def test_the_limit_of_descriptors_is_raised_to_what_the_system_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
    try:
        async with served(Service()):
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            assert soft == min(hard, transport.door.MOST_DESCRIPTORS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_who_sends_what_others_signed_stays_nobody() -> None:
    service = Service()
    async with served(service) as app:
        app[DOOR]._most = 5
        crowd = [await service.connect() for _ in range(5)]
        for streams in crowd:
            assert await service.ask(b"again", to=streams) == (200, b"taken")
        assert await service.ask(b"good") == (200, b"taken"), "one of them made way"
        assert await ended(crowd[0][0])


async def test_no_turn_is_kept_for_those_who_have_gone(hurried: None) -> None:
    service = Service()
    async with served(service):
        holding = [asyncio.create_task(service.ask(b"held")) for _ in range(transport.door.AT_ONCE)]
        await service.until(lambda: service.bodies.count(b"held") == transport.door.AT_ONCE)
        for _ in range(100):
            _, writer = await service.connect()
            writer.write(head(4) + b"gone")
            await writer.drain()
            writer.close()
        honest = asyncio.create_task(service.ask(b"good"))
        for _ in range(3):  # three looks at who is still there
            silent, _ = await service.connect()
            assert await ended(silent)
        service.held.set()
        assert await honest == (200, b"taken")
        assert service.bodies.count(b"gone") == 0, "nobody worked for who had hung up"
        await asyncio.gather(*holding)


async def test_readers_of_what_is_public_take_turns_of_their_own() -> None:
    service = Service()
    async with served(service):
        readers = [await service.connect() for _ in range(30)]
        for _, writer in readers:
            writer.write(b"GET /public HTTP/1.1\r\nHost: x\r\n\r\n")
        await service.until(lambda: service.working == transport.door.AT_ONCE)
        assert await service.ask(b"good") == (200, b"taken")
        service.held.set()
        for reader, _ in readers:
            assert await answered(reader) == (200, b"x" * 6)
        assert service.most <= transport.door.AT_ONCE + 1


@dataclass
class SlowLine:
    """A connection's transport, as far as what is still to be sent over it."""

    unsent: int

    def get_write_buffer_size(self) -> int:
        return self.unsent


async def test_a_slow_reader_gets_the_whole_answer_while_it_reads() -> None:
    line = SlowLine(8_000_000)
    item = Connection(SimpleNamespace(transport=line), 0, 0)  # type: ignore[arg-type]
    for line.unsent in range(8_000_000, 0, -1_000_000):
        assert transport.door._sends(item), "some of it went out since the last look"
        assert item.until > asyncio.get_running_loop().time() + IDLE_SECONDS - 1
    assert not transport.door._sends(item), "nothing went out for as long as anybody rests"
    line.unsent = 0
    assert not transport.door._sends(item), "all of it went out, and the connection rests"


async def test_of_a_burst_no_connection_is_left_behind() -> None:
    service = Service()
    async with served(service) as app:
        app[DOOR]._most = 5
        burst = await asyncio.gather(*(service.connect() for _ in range(200)))
        gone = await asyncio.gather(*(ended(reader) for reader, _ in burst[:150]))
        assert all(gone)
        assert await service.ask(b"good") == (200, b"taken")
