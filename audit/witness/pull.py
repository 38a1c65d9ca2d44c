"""A witness behind NAT pulls: it asks, decides and brings its line (specs/05-log.md §13).

The hub is trusted with nothing: what it answers is decided on like any other add-checkpoint
request, by the same store, and is on the disk before the line leaves.
"""

import asyncio
from collections.abc import Callable

from audit.witness.store import WitnessStore
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.log.witness import parse_add_checkpoint
from runtime.metrics import Pulse
from runtime.patience import Patience, host_of
from transport.client import HttpClient
from transport.problems import parse_problem

WAIT_SECONDS = 25
LONGEST_PAUSE = 15.0  # cards may be waiting for our line
HEARTBEAT_SECONDS = 240

# Why our own store refuses what the hub gave us (specs/05-log.md §10).
REFUSALS = {
    400: (ErrorCode.MALFORMED, "the hub's request cannot be read"),
    403: (ErrorCode.BAD_SIGNATURE, "the log's key did not sign this"),
    404: (ErrorCode.NOT_FOUND, "this log is not witnessed here: run add-log with its key"),
    409: (ErrorCode.CONFLICT, "another process of this witness has signed just now"),
    413: (ErrorCode.TOO_LARGE, "the hub's request is over the limit"),
    422: (ErrorCode.BAD_TREE, "the tree does not extend what we have signed: a second history"),
}


class Puller:
    """Pulls one hub's log. `clock` gives Unix seconds."""

    def __init__(
        self, http: HttpClient, url: str, store: WitnessStore, clock: Callable[[], int]
    ) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._store = store
        self._clock = clock
        self._patience = Patience("witness_waits", url, longest=LONGEST_PAUSE)
        self.pulse = Pulse(clock)
        self._size = 0
        self._signed_at = 0

    async def step(self, wait: int = WAIT_SECONDS) -> None:
        """Ask once and bring a line; waits up to `wait` seconds for news, then signs again.

        Raises RemoteError: CONFLICT if the hub holds less than we saw, BAD_TREE for a fork,
        NOT_FOUND for a log that we do not witness, BAD_SIGNATURE or MALFORMED for what no log
        signed or nobody can read.
        """
        for again in (False, True):
            url = f"{self._url}/v1/add-checkpoint/{self._size}?wait={wait}"
            status, body = await self._http.exchange(url, None)
            if status == 409:
                raise RemoteError(ErrorCode.CONFLICT, "the hub's log is shorter than what we saw")
            if status != 200:
                raise parse_problem(status, body, host_of(self._url))
            # A heartbeat every few minutes is enough for a log that does not grow.
            same = parse_add_checkpoint(body).checkpoint.size == self._size > 0 and not again
            if same and self._clock() < self._signed_at + HEARTBEAT_SECONDS:
                return
            outcome = await asyncio.to_thread(self._store.add_checkpoint, body, self._clock())
            if outcome.status != 409:
                break
            self._size = int(outcome.body)  # after a start we do not know our own size yet
        if outcome.status != 200:
            code, detail = REFUSALS[outcome.status]
            raise RemoteError(code, detail)
        request = parse_add_checkpoint(body)
        note = request.note.text + b"\n" + outcome.body
        await self._http.post(f"{self._url}/v1/cosignatures", note)
        self._size, self._signed_at = request.checkpoint.size, self._clock()

    async def run(self) -> None:
        """Until cancelled; what goes wrong is logged with its cause and tried again."""
        while True:
            try:
                await self.step()
            except PatchworkError as error:
                self.pulse.failed("pull")
                fork = error.code is ErrorCode.BAD_TREE
                await self._patience.pause(self._patience.failed("pull", error, critical=fork))
            else:
                self.pulse.went_well("pull")
                self._patience.went_well("pull")
