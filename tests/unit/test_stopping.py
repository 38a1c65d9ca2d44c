"""A service that is told to stop ends, whatever one of its parts does about it."""

import signal
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
