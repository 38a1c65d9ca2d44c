"""Processes that end when this one does, however it ends.

They share a process group with a small leader, which waits for the end of its input and then kills
the whole group. The input ends when we close it, and also when we are killed ourselves. As long as
the leader lives nobody else can be given the group's number.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# A terminal or an operator ends this process, not its leader: what runs is stopped gently first.
LEADER = "trap '' HUP INT TERM; read -r _; kill -KILL 0"


class ProcessGroup:
    """Processes of one group. `close` kills what is left of it; so does our own death."""

    def __init__(self) -> None:
        self._leader = subprocess.Popen(
            ["/bin/sh", "-c", LEADER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        self._started: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        command: Sequence[str],
        output: int | IO[bytes],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        typed: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start a program in the group, without input unless something is to be `typed`."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if typed else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            process_group=self._leader.pid,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """Kill whatever still runs. Closing twice is harmless."""
        if self._leader.stdin is not None:
            self._leader.stdin.close()
        self._leader.wait()
        for process in self._started:
            with process:  # closes its pipes and waits for its end
                process.kill()
        self._started.clear()
