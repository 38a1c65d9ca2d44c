"""Run the command that an operator chose for alarms: specs/05-log.md §13, §14.

A list of words, started without a shell, with one JSON object on its standard input. What it is
told holds no personal data; what it prints is not kept.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence

from runtime.logs import log

COMMAND_SECONDS = 60


async def run_alarm(words: Sequence[str], value: Mapping[str, object]) -> bool:
    """Run it, if there is one; whether it ended with 0. Never raises: the alarm is logged too."""
    if not words:
        return False
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet
        )
    except (OSError, ValueError) as error:
        log.warning("alarm_command_failed", error=type(error).__name__)
        return False
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            await process.communicate(json.dumps(value).encode() + b"\n")
    except TimeoutError:
        process.kill()
        await process.wait()
    if process.returncode:
        log.warning("alarm_command_failed", exit_code=process.returncode)
    return process.returncode == 0
