"""The stage: real processes on loopback, their folders under .demo/, and their commands.

Starts programs and reads what they print; imports none of them. What a person would do by hand
(pass a file, read words over the telephone) is done here in between.
"""

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(".demo")
BIN = Path(sys.executable).parent
START_SECONDS = 20
COMMAND_SECONDS = 120


class DemoError(Exception):
    """A step did not go as the story says."""


@dataclass
class Stage:
    """Everything that runs. Use `close` in the end, whatever happened."""

    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _started: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def run(self, program: str, *arguments: str, stdin: str = "", expect: int = 0) -> str:
        """Run a command to its end; its output. Raises DemoError on another exit code."""
        done = subprocess.run(
            [str(BIN / program), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode != expect:
            raise DemoError(
                f"{program} {' '.join(arguments[:3])} ended with {done.returncode}, "
                f"not {expect}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout + done.stderr

    def run_all(self, *commands: Sequence[str]) -> list[str]:
        """Run commands that do not depend on each other side by side; their outputs in order."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda words: self.run(*words), commands))

    def start(self, name: str, program: str, *arguments: str, until: str = "listening") -> None:
        """Start a service and wait until its output holds `until`."""
        self._started[name] = (program, *arguments)
        log = self.log(name)
        with log.open("wb") as file:
            self.processes[name] = subprocess.Popen(
                [str(BIN / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={"PYTHONUNBUFFERED": "1", "PATH": str(BIN)},
            )
        self.wait_for(name, until)

    def stop(self, name: str) -> None:
        """Stop a service as its operator would."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=COMMAND_SECONDS)

    def resume(self, name: str) -> None:
        """Start a service again that was stopped."""
        self.start(name, *self._started[name])

    def wait_for(self, name: str, text: str) -> str:
        """Wait until a service's output holds `text`; the line that does."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for line in self.log(name).read_text(encoding="utf-8").splitlines():
                if text in line:
                    return line
            if self.processes[name].poll() is not None:
                break
            time.sleep(0.05)
        raise DemoError(f"{name} did not say '{text}':\n{self.log(name).read_text()[-2000:]}")

    def finish(self, name: str) -> None:
        """Wait for a started command to end well."""
        code = self.processes.pop(name).wait(timeout=COMMAND_SECONDS)
        if code != 0:
            raise DemoError(f"{name} ended with {code}:\n{self.log(name).read_text()[-2000:]}")

    def log(self, name: str) -> Path:
        """Where a service's output goes."""
        folder = ROOT / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def check_alive(self) -> None:
        """Raise DemoError if any service has died."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise DemoError(f"{name} has stopped; see {self.log(name)}")

    def close(self) -> None:
        """Stop everything, gently first."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(timeout=8)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes.clear()


def fresh_folder() -> None:
    """Start with an empty .demo/."""
    if ROOT.exists():
        shutil.rmtree(ROOT)
    ROOT.mkdir()


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
