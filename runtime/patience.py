"""How a job waits while it cannot be done: longer each time, and saying why once, not each time."""

import asyncio
import time
from urllib.parse import urlsplit

from protocol.errors import ErrorCode, PatchworkError, RemoteError
from runtime.logs import log

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 30.0  # cards may be waiting for whoever comes back
SAY_AGAIN_SECONDS = 600.0


class Patience:
    """How the jobs of one service wait for one place. `said` is logged with cause, host and hint at
    first, when the cause is another, and every ten minutes; `said`_over in the end.

    Only what does not answer is waited for ever longer; one that gets through wakes the others.
    """

    def __init__(self, said: str, url: str = "", *, longest: float = LONGEST_SECONDS) -> None:
        self._said = said
        self._host = host_of(url)
        self._longest = longest
        self._failures: dict[str, int] = {}
        self._told: dict[str, float] = {}
        self._since = 0.0
        self._through = asyncio.Event()

    def failed(self, job: str, error: Exception, *, critical: bool = False) -> float:
        """Take down that a job could not be done; for how many seconds to wait."""
        now = time.monotonic()
        if not self._failures:
            self._since = now
        self._failures[job] = self._failures.get(job, 0) + 1
        away = isinstance(error, PatchworkError) and error.code is ErrorCode.UNREACHABLE
        longer = 2.0 ** min(self._failures[job] - 1, 10) if away else 1.0
        seconds = min(self._longest, FIRST_SECONDS * longer)
        said = cause_of(error)
        if now >= self._told.get(said["cause"], -SAY_AGAIN_SECONDS) + SAY_AGAIN_SECONDS:
            self._told[said["cause"]] = now
            say = log.critical if critical else log.warning
            theirs = isinstance(error, RemoteError) and bool(self._host)
            host = {"host": self._host} if theirs else {}
            say(self._said, job=job, **host, **said)
        return seconds

    def went_well(self, job: str) -> None:
        """A job was done."""
        if self._failures.pop(job, None) is None:
            return
        self._through.set()
        self._through = asyncio.Event()
        if not self._failures:
            self._told.clear()
            over = f"{self._said}_over"
            log.info(over, after_seconds=round(time.monotonic() - self._since))

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until a job got through."""
        try:
            async with asyncio.timeout(seconds):
                await self._through.wait()
        except TimeoutError:
            return


def cause_of(error: Exception) -> dict[str, str]:
    """Cause, detail and hint of an error, for a log line; of what is not ours its type alone."""
    if not isinstance(error, PatchworkError):
        return {"cause": type(error).__name__}
    hint = error.text.what_to_do
    if error.code is ErrorCode.UNREACHABLE:
        hint = "Look there, and at the network. It is tried again by itself."
    return {"cause": error.code.value, "detail": error.detail, "hint": hint}


def host_of(url: str) -> str:
    """The host and port of an address, and nothing else that may stand in it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    return f"{host}:{port}" if port else host
