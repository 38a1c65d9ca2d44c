"""What a service says of itself to whoever runs it: specs/07-transport.md §7.

`/healthz` tells everybody whether it works, and no more. `/metrics` is for whoever holds the token
in the service's folder: who calls from this machine proves nothing, since a proxy does for all.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from protocol.errors import ErrorCode, RemoteError
from protocol.wire import MESSAGE_LIMIT
from runtime.metrics import CONTENT_TYPE, Metric, exposition
from runtime.secrets import own_token
from transport.routes import Auth, Route, make_application, requests_answered

TOKEN_FILE = "metrics-token"  # noqa: S105 - a file's name


@dataclass(frozen=True)
class Watch:
    """One service. `check` raises PatchworkError if it does not work; `measure` gives its numbers;
    what `beside` answers in the same process is counted too.

    The token lies in `folder`, and is drawn the first time. Raises LocalError.
    """

    folder: Path
    check: Callable[[], Awaitable[None]]
    measure: Callable[[], Awaitable[Iterable[Metric]]]
    beside: Sequence[web.Application] = ()

    def routes(self) -> list[Route]:
        """The two routes. Raises LocalError if the token cannot be read or written."""
        expected = f"Bearer {own_token(self.folder / TOKEN_FILE)}".encode()

        async def metrics(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, expected):
                raise RemoteError(ErrorCode.NO_TOKEN, TOKEN_FILE)
            found = [*requests_answered([request.app, *self.beside]), *await self.measure()]
            body = await asyncio.to_thread(exposition, found)
            return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

        return [
            Route("GET", "/healthz", Auth.PUBLIC, self._healthz),
            Route("GET", "/metrics", Auth.METRICS_BEARER, metrics),
        ]

    def application(self) -> web.Application:
        """An application of these alone, for a service that else listens to nobody."""
        return make_application(self.routes(), body_limit=MESSAGE_LIMIT)

    async def _healthz(self, _request: web.Request) -> web.Response:
        await self.check()
        headers = {"Cache-Control": "no-store"}
        return web.Response(text="ok\n", headers=headers)
