"""What a service logs of what it cannot do: why, where and what to do, once; then its end."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from structlog.testing import capture_logs

from protocol.errors import ErrorCode, LocalError, RemoteError
from runtime.patience import Patience

AWAY = RemoteError(ErrorCode.UNREACHABLE, "ClientConnectorError")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, for tests to move."""
    time = [1000.0]
    monkeypatch.setattr("runtime.patience.time.monotonic", lambda: time[0])
    return time


def test_a_hub_that_is_away_for_an_hour_is_a_few_lines_with_cause_host_and_hint(
    now: list[float],
) -> None:
    waits = Patience("node_waits", "https://user:secret@hub.example:8440/x?code=1")
    tries, jobs = 0, ("receive", "advance", "watch")
    with capture_logs() as logs:
        while now[0] < 4600:
            seconds = max(waits.failed(job, AWAY) for job in jobs)
            tries += 1
            now[0] += seconds
        for job in jobs:
            waits.went_well(job)
    assert tries < 130, "it was 1,800 tries and as many lines for each job"
    *waiting, over = logs
    assert 6 <= len(waiting) <= 7
    first = waiting[0]
    assert first["event"] == "node_waits"
    assert first["cause"] == "unreachable"
    assert first["host"] == "hub.example:8440"
    assert "network" in first["hint"]
    assert "secret" not in str(logs)
    assert over["event"] == "node_waits_over"
    assert 3600 <= over["after_seconds"] <= 3630


def test_what_is_wrong_here_is_not_put_down_to_the_host(now: list[float]) -> None:
    waits = Patience("node_waits", "https://hub.example")
    with capture_logs() as logs:
        waits.failed("mail", LocalError(ErrorCode.CONFIGURATION, "mail-password is not there"))
    assert "host" not in logs[0]
    assert logs[0]["detail"] == "mail-password is not there"


def test_the_pause_grows_to_half_a_minute_and_begins_anew(now: list[float]) -> None:
    waits = Patience("node_waits", "https://hub.example")
    assert [waits.failed("receive", AWAY) for _ in range(6)] == [2, 4, 8, 16, 30, 30]
    waits.went_well("receive")
    assert waits.failed("receive", AWAY) == 2


def test_what_is_not_away_is_tried_at_the_same_pace(now: list[float]) -> None:
    """Witnesses that come back let a card go at once: nobody waits for half a minute more."""
    waits = Patience("node_waits", "https://hub.example")
    refused = RemoteError(ErrorCode.NO_QUORUM, "2 of 3")
    assert [waits.failed("advance", refused) for _ in range(4)] == [2, 2, 2, 2]


def test_another_cause_is_said_at_once(now: list[float]) -> None:
    waits = Patience("loop_failed")
    with capture_logs() as logs:
        for _ in range(3):
            waits.failed("publish", OSError("a message of the system"))
            waits.failed("publish", LocalError(ErrorCode.STORAGE, "the disk is full"))
    assert [(line["cause"], line.get("detail")) for line in logs] == [
        ("OSError", None), ("storage", "the disk is full"),
    ]  # fmt: skip


async def test_one_that_gets_through_wakes_the_others() -> None:
    waits = Patience("node_waits", "https://hub.example")
    waits.failed("receive", AWAY)
    waits.failed("advance", AWAY)
    waiting = asyncio.create_task(waits.pause(3600))
    await asyncio.wait({waiting}, timeout=0)
    waits.went_well("receive")
    await asyncio.wait_for(waiting, 60)


def logged(*settings: str) -> list[str]:
    """What a program with these settings of its log writes."""
    code = (
        "from runtime.logs import *;"
        f"configure_logs({', '.join(settings)});"
        "log.info('round', changed=3); log.warning('witness_absent', witness='w1.example')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_the_level_of_the_log_is_a_setting() -> None:
    assert [json.loads(line)["event"] for line in logged("LogLevel.INFO")] == [
        "round", "witness_absent",
    ]  # fmt: skip
    (line,) = logged("LogLevel.WARNING")
    value: dict[str, Any] = json.loads(line)
    assert value["witness"] == "w1.example"


def test_the_log_can_be_read_by_people() -> None:
    first, second = logged("LogLevel.INFO", "LogFormat.TEXT")
    assert "round" in first
    assert "changed=3" in first
    assert "[warning" in second
    assert "witness=w1.example" in second
    assert "\x1b" not in first + second
