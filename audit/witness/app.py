"""The witness's HTTP face, C2SP tlog-witness: specs/05-log.md §10.

It carries bytes to the store and its answer back, and decides nothing. Callers are not
authenticated: a request counts only as far as a log key on file signed it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from audit.witness.store import WitnessStore
from protocol.errors import RemoteError
from protocol.log.witness import MAX_REQUEST_BYTES
from runtime.logs import log
from transport.door import VISIT
from transport.routes import Auth, Route, add_routes, at_the_door, counted


def make_app(
    store: WitnessStore, clock: Callable[[], int], also: Iterable[Route] = ()
) -> web.Application:
    """The application; `clock` gives Unix seconds, `also` is how it is watched. The caller closes
    the store.
    """
    handlers = _Handlers(store, clock)
    middlewares = [counted, _statuses, at_the_door]
    app = web.Application(middlewares=middlewares, client_max_size=MAX_REQUEST_BYTES)
    origin, public = "/{origin_hash:[0-9a-f]{64}}", Auth.PUBLIC
    signed, limit = Auth.LOG_SIGNATURE, MAX_REQUEST_BYTES
    add_routes(
        app,
        [
            Route("POST", "/add-checkpoint", signed, handlers.add_checkpoint, limit),
            Route("GET", f"{origin}/checkpoint", public, handlers.checkpoint),
            Route("GET", f"{origin}/peers/{{key_id:[0-9a-f]{{8}}}}", public, handlers.sighting),
            *also,
        ],
    )
    return app


@web.middleware
async def _statuses(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """C2SP's answers are a status and nothing else."""
    try:
        return await handler(request)
    except RemoteError as error:
        return web.Response(status=error.text.status)


@dataclass(frozen=True)
class _Handlers:
    store: WitnessStore
    clock: Callable[[], int]

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        body = await request.read()
        outcome = await asyncio.to_thread(self.store.add_checkpoint, body, self.clock())
        if outcome.grew:  # signed by the log just now: what it signed before, anybody may send
            request[VISIT].show()
        if outcome.fork is not None:
            log.critical("two_roots_for_one_size", what_to_do="its note is kept as proof")
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
