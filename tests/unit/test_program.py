"""A running program: it ends when it is told to, and its log quotes nobody."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, sys, time
import transport.server as server
from transport.routes import make_application

async def polite():
    await asyncio.Event().wait()

async def deaf():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def blocked():
    await asyncio.to_thread(time.sleep, 3600)

async def main():
    server.STOP_SECONDS = float(sys.argv[2])
    app = make_application([], body_limit=1)
    said = lambda _: print("listening", flush=True)
    serving = server.serve_until_stopped(app, "127.0.0.1", 0, said)
    await server.run_beside(serving, [globals()[sys.argv[1]]()])

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("part", "seconds", "code"), [("polite", 60, 0), ("deaf", 0.2, 1), ("blocked", 0.2, 1)]
)
def test_a_service_that_is_told_to_stop_ends(
    part: str, seconds: float, code: int, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", PROGRAM, part, str(seconds)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as service:
        try:
            assert service.stdout is not None
            assert service.stdout.readline() == "listening\n"
            service.send_signal(number)
            _, errors = service.communicate(timeout=300)
        finally:
            service.kill()
    assert service.returncode == code, errors
    assert "Traceback" not in errors


SENT = (
    b"GET / HTTP/9.9 SECRET\r\n\r\n",
    b"\x16\x03\x01SECRET\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: SECRET\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nSECRET\x00: 1\r\n\r\n",
)
LISTENING = """
import asyncio, logging
import transport.server as server
from runtime.logs import configure_logs
from aiohttp import web
from transport.routes import Auth, Route, make_application

async def taken(request):
    return web.Response()

def ready(port):
    try:
        raise ValueError("SECRET")
    except ValueError:
        logging.getLogger("somebody.else").exception("SECRET %s", "SECRET")
    print(port, flush=True)

configure_logs()
app = make_application([Route("POST", "/a", Auth.PUBLIC, taken)], body_limit=100)
asyncio.run(server.serve_until_stopped(app, "127.0.0.1", 0, ready))
"""


def test_a_service_logs_nothing_of_what_it_was_sent_and_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LISTENING],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as service:  # fmt: skip
        try:
            assert service.stdout is not None
            port = int(service.stdout.readline())
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(
                    b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\nSECRET"
                )
            for data in SENT:
                with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                    connection.sendall(data)
                    assert b" 400 " in connection.recv(1000).partition(b"\r\n")[0]
            service.terminate()
            _, errors = service.communicate(timeout=300)
        finally:
            service.kill()
    assert "SECRET" not in errors
    assert "Traceback" not in errors
    (line,) = [json.loads(text) for text in errors.splitlines()]
    assert (line["event"], line["logger"], line["error"]) == (
        "library",
        "somebody.else",
        "ValueError",
    )
