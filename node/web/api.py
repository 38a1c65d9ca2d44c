"""The local interface: what commands do, over HTTP, for the agency's own case system.

specs/07-transport.md §1. Off unless a port is set; it listens on this machine, takes the bearer
token of the node's folder, and refuses what a web page sends. No id and no name is in an address:
everything is posted, but for the description, which tells of no client.
"""

import hmac
from collections.abc import Mapping, Sequence

from aiohttp import web
from pydantic import ValidationError

from node.service import NodeService
from node.web import (
    own_attention,
    own_clients,
    own_consents,
    own_enquiries,
    own_hub,
    own_links,
    own_news,
    own_objections,
    own_people,
    own_requests,
    own_services,
    own_upkeep,
    own_withheld,
    received,
)
from node.web.calls import Act, Call, Hubs
from node.web.openapi import DESCRIPTION_PATH, describe, encode
from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, refused_shape
from transport.routes import Auth, Handler, Route, make_application

BODY_LIMIT = 16 * 1024
ALL_CALLS: dict[str, Act] = {
    **own_clients.CALLS,
    **own_consents.CALLS,
    **own_withheld.CALLS,
    **own_services.CALLS,
    **own_enquiries.CALLS,
    **own_objections.CALLS,
    **own_upkeep.CALLS,
    **own_people.CALLS,
    **own_links.CALLS,
    **own_requests.CALLS,
    **received.CALLS,
    **own_attention.CALLS,
    **own_news.CALLS,
    **own_hub.CALLS,
}
HERE = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


def description() -> bytes:
    """The interface's description, an OpenAPI 3.1 document in JSON."""
    return encode(describe([Call.of(path, act) for path, act in ALL_CALLS.items()]))


class LocalApi:
    """The interface over this node's services (one a hub)."""

    def __init__(
        self,
        services: Sequence[NodeService],
        token: str,
        host: str,
        calls: Mapping[str, Act] = ALL_CALLS,
    ) -> None:
        self._services = services
        self._expected = f"Bearer {token}".encode()
        self._hosts = HERE | {host}
        self._calls = [Call.of(path, act) for path, act in calls.items()]

    def routes(self) -> list[Route]:
        """The table of routes."""
        return [
            self._route("GET", DESCRIPTION_PATH, self.describe),
            *(self._route("POST", call.path, self._posted(call)) for call in self._calls),
        ]

    def application(self) -> web.Application:
        """The aiohttp application."""
        return make_application(self.routes(), body_limit=BODY_LIMIT)

    async def describe(self, _request: web.Request) -> web.Response:
        """What there is, for programs."""
        return _json(encode(describe(self._calls)))

    def _posted(self, call: Call) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            body = await _body(request, call.body)
            answer = await call(Hubs(self._services, _hub(request)), body)
            return _json(answer.model_dump_json(by_alias=True).encode())

        return handler

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        async def guarded(request: web.Request) -> web.StreamResponse:
            self._authenticate(request)
            return await handler(request)

        return Route(method, path, Auth.LOCAL_BEARER, guarded, body_limit=BODY_LIMIT)

    def _authenticate(self, request: web.Request) -> None:
        """Refuse web pages (403) and whoever lacks the token (401). Raises RemoteError."""
        host = request.host.rpartition(":")[0] if ":" in request.host else request.host
        if "Origin" in request.headers or host not in self._hosts:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "this is not for web pages")
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._expected):
            raise RemoteError(ErrorCode.NO_TOKEN, "Authorization")


def _hub(request: web.Request) -> str:
    """The name in `?hub=`, or nothing. Raises RemoteError for anything else in the address: what is
    mistyped there must not be taken for the only hub.
    """
    names = [name for name, _ in request.query.items()]
    if names not in ([], ["hub"]):
        raise RemoteError(ErrorCode.UNKNOWN_FIELD, "the address takes ?hub=NAME once")
    return request.query.get("hub", "")


async def _body(request: web.Request, model: type[WireModel]) -> WireModel:
    """The request's JSON as a model. Raises RemoteError and nothing else."""
    if request.content_type != "application/json":
        raise RemoteError(ErrorCode.NOT_JSON, "Content-Type")
    value = canonical.parse_loose(await request.read(), limit=BODY_LIMIT)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise refused_shape(error, "body") from None


def _json(body: bytes) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=body, content_type="application/json", headers=headers)
