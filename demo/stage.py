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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from demo.processes import ProcessGroup

ROOT = Path(".demo")
BIN = Path(sys.executable).parent
# Nothing of whoever tells the story: no settings, and Python may keep what it has compiled.
ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "PATH": str(BIN)}
# Nothing is expected to have happened by then: it only ends what would hang for ever.
LIMIT_SECONDS = 300
LOOK_SECONDS = 0.05
GENTLE_SECONDS = 8
FIRST_PORT, END_OF_PORTS, PORTS_AT_ONCE = 20_000, 32_000, 40

Found = TypeVar("Found")


class DemoError(Exception):
    """A step did not go as the story says."""


@dataclass
class Stage:
    """Everything that runs. Use `close` in the end, whatever happened. `pictures`: a folder for
    pictures of the pages that somebody sees, if they are wanted.
    """

    pictures: Path | None = None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    doing: str = ""  # what is under way, for whoever waits to see something
    _started: dict[str, Sequence[str]] = field(default_factory=dict)
    _group: ProcessGroup = field(default_factory=ProcessGroup)

    def run(self, program: str, *arguments: str, expect: int | None = 0) -> str:
        """Run a command to its end; its output. Raises DemoError on another exit code.

        `expect` None: any exit code will do.
        """
        words = (program, *arguments)
        return _output(words, self._begin(words), expect)

    def run_all(self, *commands: Sequence[str]) -> list[str]:
        """Run commands that do not depend on each other side by side; their outputs in order."""
        begun = [(words, self._begin(words)) for words in commands]
        return [_output(words, process, 0) for words, process in begun]

    def start(self, name: str, program: str, *arguments: str, until: str = "listening") -> None:
        """Start a service and wait until its output holds `until`."""
        self.start_all({name: (program, *arguments)}, until)

    def start_all(
        self,
        services: Mapping[str, Sequence[str]],
        until: str = "listening",
        *,
        typed: bool = False,
    ) -> None:
        """Start services side by side and wait until the output of each holds `until`; `typed`:
        somebody will type for them.
        """
        for name, (program, *arguments) in services.items():
            self._started[name] = (program, *arguments)
            with self.log(name).open("wb") as file:
                self.processes[name] = self._group.start(
                    [str(BIN / program), *arguments],
                    file,
                    environment=ENVIRONMENT,
                    typed=typed,
                )
        for name in services:
            self.wait_for(name, until)

    def type(self, name: str, line: str) -> None:
        """Type a line for a program that was started to be typed for."""
        process = self.processes[name]
        if process.stdin is None:
            raise DemoError(f"{name} reads nothing")
        process.stdin.write(f"{line}\n".encode())
        process.stdin.flush()

    def stop(self, *names: str) -> None:
        """Stop services as their operators would."""
        stopping = {name: self.processes.pop(name) for name in names}
        for process in stopping.values():
            process.send_signal(signal.SIGTERM)
        for name, process in stopping.items():
            _wait(process, name)

    def resume(self, *names: str) -> None:
        """Start services again that were stopped."""
        self.start_all({name: self._started[name] for name in names})

    def wait_for(self, name: str, text: str, times: int = 1) -> str:
        """Wait until a service has printed so many lines with `text`; the last of them."""

        def look() -> list[str]:
            ended = self.processes[name].poll() is not None
            found = self.said(name, text)[times - 1 :]
            if ended and not found:
                raise DemoError(f"{name} did not say '{text}':\n{self._end_of_log(name)}")
            return found

        return self.until(look, f"{name} says '{text}'")[0]

    def said(self, name: str, text: str) -> list[str]:
        """The lines with `text` that a service has printed so far."""
        whole, _, _ = self.log(name).read_bytes().rpartition(b"\n")
        return [line for line in whole.decode("utf-8").splitlines() if text in line]

    def until(self, look: Callable[[], Found], what: str) -> Found:
        """Look until something is there; what was found. Raises DemoError if a service dies."""
        self.doing = f"waiting until {what}"
        began = time.monotonic()
        while True:
            looked = time.monotonic()
            if found := look():
                return found
            self.check_alive()
            if time.monotonic() - began > LIMIT_SECONDS:
                raise DemoError(f"did not happen: {what}")
            # A look that starts a program holds up what it waits for: at most half the time.
            time.sleep(max(LOOK_SECONDS, time.monotonic() - looked))

    def finish(self, name: str) -> None:
        """Wait for a started command to end well."""
        code = _wait(self.processes.pop(name), name)
        if code != 0:
            raise DemoError(f"{name} ended with {code}:\n{self._end_of_log(name)}")

    def log(self, name: str) -> Path:
        """Where a service's output goes."""
        folder = ROOT / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def check_alive(self) -> None:
        """Raise DemoError if any service has died."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise DemoError(f"{name} has stopped:\n{self._end_of_log(name)}")

    def close(self) -> None:
        """Stop everything, gently first."""
        try:
            for process in self.processes.values():
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
            for process in self.processes.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=GENTLE_SECONDS)
        finally:
            self._group.close()
            self.processes.clear()

    def _begin(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        program, *arguments = words
        said = [word for word in arguments[:2] if word.replace("-", "").isalpha()]
        self.doing = " ".join(["running", program, *said])
        command = [str(BIN / program), *arguments]
        return self._group.start(command, subprocess.PIPE, environment=ENVIRONMENT)

    def _end_of_log(self, name: str) -> str:
        return self.log(name).read_text(encoding="utf-8")[-2000:]


def _output(words: Sequence[str], process: subprocess.Popen[bytes], expect: int | None) -> str:
    """What a command has printed, once it has ended."""
    said = " ".join(words[:4])
    try:
        output = process.communicate(timeout=LIMIT_SECONDS)[0].decode("utf-8")
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"{said} does not end") from error
    if expect is not None and process.returncode != expect:
        raise DemoError(f"{said} ended with {process.returncode}, not {expect}:\n{output}")
    return output


def _wait(process: subprocess.Popen[bytes], name: str) -> int:
    try:
        return process.wait(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"{name} does not end") from error


def fresh_folder() -> None:
    """Start with an empty .demo/."""
    if ROOT.exists():
        shutil.rmtree(ROOT)
    ROOT.mkdir()


def free_port() -> int:
    """A loopback port that is free, and stays so until a program is started on it."""
    for port in _own_ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise DemoError("no port is free")


def _ports() -> Iterator[int]:
    """Ports that no other demo takes, and no outgoing connection: those are given higher ones.

    Whoever holds the first of forty, without listening on it, has the others.
    """
    with ExitStack() as held:
        for first in range(FIRST_PORT, END_OF_PORTS, PORTS_AT_ONCE):
            mark = held.enter_context(socket.socket())
            with suppress(OSError):
                mark.bind(("127.0.0.1", first))
                yield from range(first + 1, first + PORTS_AT_ONCE)


_own_ports = _ports()
