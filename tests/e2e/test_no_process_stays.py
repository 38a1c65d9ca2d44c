"""However a story ends, no process of it stays: it fails, it is stopped, or it is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import ProcessGroup
from demo.stage import LIMIT_SECONDS
from tests.e2e.running import running_in

ROOT = Path(__file__).parents[2]
DEAF = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("listening", flush=True)
signal.pause()
"""
STORY = """
import os, signal, sys
from pathlib import Path
import demo.__main__, demo.stage

def story(stage, teller, names):
    stage.start("deaf", "python", "-c", {deaf!r})
    stage._begin(("python", "-c", {deaf!r}))
    print(len(stage.processes), "running", flush=True)
    {end}

signal.signal(signal.SIGINT, signal.default_int_handler)
demo.stage.GENTLE_SECONDS = 0.1
demo.__main__.perform = story
sys.argv[1:] = ["--check"]
sys.exit(demo.__main__.main())
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder; should a test here fail, nothing goes on running in it all the same."""
    yield tmp_path
    for process in running_in(tmp_path):
        os.kill(process, signal.SIGKILL)


def wait_until_gone(place: Path) -> None:
    """Wait until nothing runs in a folder."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while left := running_in(place):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("raise demo.stage.DemoError('not so')", 1),
        ("raise ValueError('a mistake of ours')", 1),
        ("os.kill(os.getpid(), signal.SIGTERM)", 1),
        ("os.kill(os.getpid(), signal.SIGINT)", 0),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
    ids=["fails", "breaks", "stopped", "interrupted", "killed"],
)
def test_no_process_stays(place: Path, end: str, code: int) -> None:
    program = STORY.format(deaf=DEAF, end=end)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    assert (done.returncode, done.stdout.splitlines()[0]) == (code, "1 running"), done.stderr
    wait_until_gone(place)  # what is killed but nobody's own child ends when its turn comes


def test_a_group_can_be_closed_twice_and_takes_the_children_of_its_children(place: Path) -> None:
    group = ProcessGroup()
    process = group.start([sys.executable, "-c", DEAF], subprocess.PIPE, folder=place)
    assert process.stdout is not None
    assert process.stdout.readline() == b"listening\n"
    assert len(running_in(place)) == 2
    group.close()
    group.close()
    assert process.returncode == -signal.SIGKILL
    wait_until_gone(place)
