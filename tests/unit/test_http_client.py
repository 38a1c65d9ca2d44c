"""The outbound client against a real server on loopback: limits, redirects, errors, streams."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from protocol.errors import ErrorCode, LocalError, RemoteError
from transport.client import RECORD_LIMIT, RESPONSE_LIMIT, HttpClient, check_url
from transport.problems import parse_problem
from transport.routes import Auth, Route, make_application

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PROBLEM = {"code": "conflict", "title": "?", "detail": "field x", "what_to_do": "?"}


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(allow_private=True) as http:
        yield http


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Start a server whose every path runs one handler; its address."""
    servers: list[TestServer] = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app)
        servers.append(server)
        await server.start_server()
        return str(server.make_url("")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


Serve = Callable[[Handler], Awaitable[str]]


async def refusal(work: Awaitable[object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await work
    return caught.value


def answering(status: int, body: bytes, **headers: str) -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return handler


@pytest.mark.parametrize(
    "url",
    [
        "https://hub.example",
        "https://hub.example:8443/v1",
        "HTTPS://hub.example",
        "https://1.1.1.1",
    ],
)
def test_public_https_addresses_are_followed(url: str) -> None:
    check_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example",
        "ftp://hub.example",
        "file:///etc/passwd",
        "//hub.example",
        "hub.example",
        "",
        "https://",
        "https:///path",
        "https://user@hub.example",
        "https://user:secret@hub.example",
        "https://:secret@hub.example",
        "https://localhost",
        "https://LOCALHOST:8440",
        "https://127.0.0.1",
        "https://10.1.2.3",
        "https://172.16.0.1",
        "https://192.168.1.1",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0",
        "https://100.64.0.1",
        "https://[::1]",
        "https://[fd00::1]",
        "https://[fe80::1]",
        "https://[::ffff:127.0.0.1]",
    ],
)
async def test_other_addresses_are_not_followed(url: str) -> None:
    with pytest.raises(RemoteError) as caught:
        check_url(url, allow_private=False)
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    async with HttpClient(allow_private=False) as http:
        assert (await refusal(http.get(url))).code is ErrorCode.NOT_ALLOWED
        assert (await refusal(anext(http.stream_records(url, b"")))).code is ErrorCode.NOT_ALLOWED


@pytest.mark.parametrize(
    "url",
    ["https://127.1", "https://2130706433", "https://localhost.", "https://hub.localhost"],
)
def test_other_spellings_of_loopback_are_not_followed(url: str) -> None:
    with pytest.raises(RemoteError):
        check_url(url, allow_private=False)


@pytest.mark.parametrize("allow_private", [True, False])
@pytest.mark.parametrize("url", ["https://[", "https://[::1", "https://]x["])
def test_an_address_that_cannot_be_read_is_refused_and_nothing_else(
    url: str, allow_private: bool
) -> None:
    with pytest.raises(RemoteError) as caught:
        check_url(url, allow_private=allow_private)
    assert caught.value.code is ErrorCode.NOT_ALLOWED


def test_a_test_bench_may_follow_loopback_but_no_other_scheme() -> None:
    check_url("http://127.0.0.1:8440", allow_private=True)
    for url in ("file:///etc/passwd", "ftp://127.0.0.1", "http://", "gopher://x"):
        with pytest.raises(RemoteError):
            check_url(url, allow_private=True)


async def test_the_body_of_a_200_is_the_answer(client: HttpClient, serve: Serve) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        return web.Response(body=await request.read() + request.method.encode())

    url = await serve(echo)
    assert await client.get(url) == b"GET"
    assert await client.post(url, b"\x00\xff") == b"\x00\xffPOST"


async def test_redirects_are_not_followed(client: HttpClient, serve: Serve) -> None:
    reached: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        reached.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    url = await serve(handler)
    for work in (client.get(f"{url}/here"), client.post(f"{url}/here", b"x")):
        assert (await refusal(work)).code is ErrorCode.UNREACHABLE
    assert (await refusal(anext(client.stream_records(f"{url}/here", b"")))).code is (
        ErrorCode.UNREACHABLE
    )
    status, _ = await client.exchange(f"{url}/here", b"x")
    assert status == 307
    assert set(reached) == {"/here"}


async def test_an_answer_at_the_limit_is_read_and_one_over_it_is_not(
    client: HttpClient, serve: Serve
) -> None:
    sizes = iter([RESPONSE_LIMIT, RESPONSE_LIMIT + 1])

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=bytes(next(sizes)))

    url = await serve(handler)
    assert len(await client.get(url)) == RESPONSE_LIMIT
    assert (await refusal(client.get(url))).code is ErrorCode.TOO_LARGE


async def test_an_endless_answer_is_left_alone(client: HttpClient, serve: Serve) -> None:
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 20))
            sent += 1 << 20

    url = await serve(handler)
    assert (await refusal(client.get(url))).code is ErrorCode.TOO_LARGE
    assert sent < 4 * RESPONSE_LIMIT


async def test_a_problem_answer_is_the_error_that_it_names(
    client: HttpClient, serve: Serve
) -> None:
    url = await serve(answering(409, json.dumps(PROBLEM).encode()))
    for work in (client.get(url), client.post(url, b""), anext(client.stream_records(url, b""))):
        error = await refusal(work)
        assert (error.code, error.detail) == (ErrorCode.CONFLICT, "field x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"conflict"',
        b"{}",
        b'{"code":"from_the_future"}',
        b'{"code":7}',
        b'{"code":["conflict"]}',
        b'{"code":{"conflict":1}}',
        b'{"code":"conflict","code":"conflict"}',
        b'{"code":null,"detail":1.5}',
        b"\xff",
        b"[" * 5000,
        b'{"code":"conflict","x":"' + b"x" * 17_000 + b'"}',
    ],
)
async def test_an_answer_that_is_no_problem_of_ours_is_unreachable(
    client: HttpClient, serve: Serve, body: bytes
) -> None:
    assert parse_problem(500, body).code is ErrorCode.UNREACHABLE
    url = await serve(answering(500, body))
    assert (await refusal(client.get(url))).code is ErrorCode.UNREACHABLE


def test_a_problem_in_any_layout_is_read_and_its_detail_kept_short() -> None:
    body = json.dumps({**PROBLEM, "detail": "x" * 1000, "more": [1]}, indent=3).encode()
    error = parse_problem(500, body)
    assert (error.code, len(error.detail)) == (ErrorCode.CONFLICT, 300)


async def test_our_own_services_answer_with_problems(client: HttpClient) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        raise RemoteError(ErrorCode.OVER_QUOTA, "200 of 200")

    async def crash(_request: web.Request) -> web.Response:
        raise ZeroDivisionError("Jane Marked")

    routes = [
        Route("POST", "/refuse", Auth.PUBLIC, refuse),
        Route("GET", "/crash", Auth.PUBLIC, crash),
    ]
    server = TestServer(make_application(routes, body_limit=100))
    await server.start_server()
    try:
        url = str(server.make_url("")).rstrip("/")
        error = await refusal(client.post(f"{url}/refuse", b""))
        assert (error.code, error.detail) == (ErrorCode.OVER_QUOTA, "200 of 200")
        assert (await refusal(client.get(f"{url}/refuse"))).code is ErrorCode.WRONG_METHOD
        assert (await refusal(client.get(f"{url}/nowhere"))).code is ErrorCode.NOT_FOUND
        status, body = await client.exchange(f"{url}/crash", b"")
        assert status == 405
        crashed = await refusal(client.get(f"{url}/crash"))
        assert crashed.code is ErrorCode.INTERNAL
        assert "Marked" not in crashed.detail
        assert json.loads(body).keys() == {"code", "title", "detail", "what_to_do"}
    finally:
        await server.close()


async def test_a_body_over_the_limit_is_too_large(client: HttpClient) -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = make_application([Route("POST", "/", Auth.PUBLIC, read)], body_limit=100)
    server = TestServer(app)
    await server.start_server()
    try:
        url = str(server.make_url("/"))
        assert await client.post(url, bytes(100)) == bytes(100)
        assert (await refusal(client.post(url, bytes(101)))).code is ErrorCode.TOO_LARGE
    finally:
        await server.close()


async def test_nobody_there_is_unreachable(client: HttpClient, serve: Serve) -> None:
    url = await serve(answering(200, b""))
    port = int(url.rpartition(":")[2])
    quiet = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    closed = quiet.sockets[0].getsockname()[1]
    assert (await refusal(client.get(f"http://127.0.0.1:{closed}"))).code is ErrorCode.UNREACHABLE
    quiet.close()
    await quiet.wait_closed()
    assert (await refusal(client.get(f"http://127.0.0.1:{closed}"))).code is ErrorCode.UNREACHABLE
    assert port != closed


async def test_a_client_that_is_not_open_says_so() -> None:
    with pytest.raises(LocalError) as caught:
        await HttpClient(allow_private=True).get("http://127.0.0.1:1")
    assert caught.value.code is ErrorCode.NOT_READY


def record(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


async def collect(client: HttpClient, url: str) -> list[bytes]:
    return [item async for item in client.stream_records(url, b"")]


async def test_a_stream_is_its_records(client: HttpClient, serve: Serve) -> None:
    items = [b"one", b"", b"x" * 200_000, b"\x00\x00\x00\x01"]
    url = await serve(answering(200, b"".join(record(item) for item in items)))
    assert await collect(client, url) == items
    assert await collect(client, await serve(answering(200, b""))) == []


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 6])
async def test_a_stream_that_ends_within_a_record_is_an_error(
    client: HttpClient, serve: Serve, cut: int
) -> None:
    url = await serve(answering(200, record(b"first") + record(b"second")[:cut]))
    records = client.stream_records(url, b"")
    assert await anext(records) == b"first"
    assert (await refusal(anext(records))).code is ErrorCode.UNREACHABLE


async def test_a_connection_that_breaks_between_records_is_an_error(
    client: HttpClient, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(record(b"first"))
        assert request.transport is not None
        request.transport.close()
        return response

    with pytest.raises(RemoteError) as caught:
        await collect(client, await serve(handler))
    assert caught.value.code is ErrorCode.UNREACHABLE


async def test_a_record_over_the_limit_is_refused_before_it_is_read(
    client: HttpClient, serve: Serve
) -> None:
    url = await serve(answering(200, (RECORD_LIMIT + 1).to_bytes(4, "big") + b"x"))
    with pytest.raises(RemoteError) as caught:
        await collect(client, url)
    assert caught.value.code is ErrorCode.TOO_LARGE
