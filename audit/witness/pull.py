"""A witness behind NAT pulls: it asks, decides and brings its line (specs/05-log.md §13).

The hub is trusted with nothing: what it answers is decided on like any other add-checkpoint
request, by the same store, and is on the disk before the line leaves.
"""

import asyncio
from collections.abc import Callable

import structlog

from audit.witness.store import WitnessStore
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.witness import parse_add_checkpoint
from transport.client import HttpClient

WAIT_SECONDS = 25
RETRY_SECONDS = 5.0
HEARTBEAT_SECONDS = 240

log = structlog.get_logger()


class Puller:
    """Pulls one hub's log. `clock` gives Unix seconds."""

    def __init__(
        self, http: HttpClient, url: str, store: WitnessStore, clock: Callable[[], int]
    ) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._store = store
        self._clock = clock
        self._size = 0
        self._signed_at = 0

    async def step(self, wait: int = WAIT_SECONDS) -> None:
        """Ask once and bring a line; waits up to `wait` seconds for news, then signs again.

        Raises RemoteError: CONFLICT if the hub holds less than we saw, BAD_TREE for a fork.
        """
        for _ in range(2):
            url = f"{self._url}/v1/add-checkpoint/{self._size}?wait={wait}"
            status, body = await self._http.exchange(url, None)
            if status == 409:
                raise RemoteError(ErrorCode.CONFLICT, "the hub's log is shorter than what we saw")
            if status != 200:
                raise RemoteError(ErrorCode.UNREACHABLE, f"the hub answered {status}")
            # A heartbeat every few minutes is enough for a log that does not grow.
            same = parse_add_checkpoint(body).checkpoint.size == self._size > 0
            if same and self._clock() < self._signed_at + HEARTBEAT_SECONDS:
                return
            outcome = await asyncio.to_thread(self._store.add_checkpoint, body, self._clock())
            if outcome.status != 409:
                break
            self._size = int(outcome.body)  # after a start we do not know our own size yet
        if outcome.status != 200:
            raise RemoteError(ErrorCode.BAD_TREE, f"refused with {outcome.status}")
        request = parse_add_checkpoint(body)
        self._size, self._signed_at = request.checkpoint.size, self._clock()
        note = request.note.text + b"\n" + outcome.body
        await self._http.post(f"{self._url}/v1/cosignatures", note)

    async def run(self) -> None:
        """Until cancelled; what goes wrong is logged by code and tried again."""
        while True:
            try:
                await self.step()
            except PatchworkError as error:
                log.warning("witness_waits", code=error.code.value)
                await asyncio.sleep(RETRY_SECONDS)
