"""The witness's HTTP face, C2SP tlog-witness: specs/05-log.md §10.

It carries bytes to the store and its answer back, and decides nothing. Callers are not
authenticated: a request counts only as far as a log key on file signed it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from audit.witness.store import WitnessStore
from protocol.log.witness import MAX_REQUEST_BYTES

READ_SECONDS = 10.0

_LOG = logging.getLogger(__name__)


def make_app(store: WitnessStore, clock: Callable[[], int]) -> web.Application:
    """The application; `clock` gives Unix seconds. The caller closes the store."""
    handlers = _Handlers(store, clock)
    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    app.router.add_post("/add-checkpoint", handlers.add_checkpoint)
    app.router.add_get("/{origin_hash:[0-9a-f]{64}}/checkpoint", handlers.checkpoint)
    app.router.add_get("/{origin_hash:[0-9a-f]{64}}/peers/{key_id:[0-9a-f]{8}}", handlers.sighting)
    return app


@dataclass(frozen=True)
class _Handlers:
    store: WitnessStore
    clock: Callable[[], int]

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        outcome = await asyncio.to_thread(self.store.add_checkpoint, body, self.clock())
        if outcome.fork is not None:
            _LOG.error("a log signed two roots for one size; its note is kept as proof")
        headers = {"Content-Type": outcome.content_type}
        return web.Response(status=outcome.status, body=outcome.body, headers=headers)

    async def checkpoint(self, request: web.Request) -> web.Response:
        note = await asyncio.to_thread(self.store.head, request.match_info["origin_hash"])
        if note is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(body=note, headers={"Content-Type": "text/plain; charset=utf-8"})

    async def sighting(self, request: web.Request) -> web.Response:
        place = request.match_info["origin_hash"], request.match_info["key_id"]
        note = await asyncio.to_thread(self.store.sighting, *place)
        if note is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(body=note, headers={"Content-Type": "text/plain; charset=utf-8"})
