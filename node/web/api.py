"""A small HTTP interface to the review queue, for the agency's own case system.

specs/07-transport.md §1. Off unless a port is set; it listens on this machine, takes the bearer
token of the node's folder, and refuses what a web page sends. Ids in addresses are opaque link and
check ids: never a client's.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from aiohttp import web
from pydantic import Field, ValidationError

from node.actions import people as acts
from node.actions.objections import Said, end_objection, record_objection
from node.actions.register import who_acts
from node.identity_checks.comparing import Comparison
from node.identity_checks.initiating import IdentityCheckRequest
from node.links.review import Opinion
from node.service import NodeService
from node.store.objections import SaidBy
from node.store.tables import NodeTables
from node.views.objections import objections_value
from node.views.review import check_value, queue_value
from node.web import (
    own_attention,
    own_clients,
    own_consents,
    own_enquiries,
    own_news,
    own_people,
    own_requests,
    own_services,
    received,
)
from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import BasisCode, Code, WireModel, refused_shape
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import FACT_LIMIT
from transport.routes import Auth, Handler, Route, make_application

BODY_LIMIT = 16 * 1024
OWN_CALLS = (
    own_attention.CALLS
    | own_clients.CALLS
    | own_consents.CALLS
    | own_enquiries.CALLS
    | own_news.CALLS
    | own_people.CALLS
    | own_requests.CALLS
    | own_services.CALLS
)
HERE = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

PersonName = Annotated[str, Field(max_length=200)]
FactText = Annotated[str, Field(min_length=1, max_length=FACT_LIMIT)]
Body = TypeVar("Body", bound=WireModel)
Item = TypeVar("Item")


class VerdictIn(WireModel):
    """A person's answer about a link; `practitioner` is who gives it, by name."""

    answer: Literal["same", "not_same"]
    rests_on: Literal["records", "identity_check"]
    practitioner: PersonName


class CheckIn(WireModel):
    """An identity check to ask for; facts as typed: committed ones leave only sealed.

    `other_side_is_told`: that whoever asks knows it; without it nothing is asked.
    """

    role: Code
    purpose: Code
    basis: BasisCode
    facts: Annotated[dict[Code, FactText], Field(max_length=12)]
    practitioner: PersonName
    other_side_is_told: bool = False


class ComparisonIn(WireModel):
    """What a person found; `refusal` is the code where they do not answer, else null."""

    answer: Literal["same", "not_same", "cannot_say"]
    refusal: Code | None
    practitioner: PersonName


class ActorIn(WireModel):
    """Who does it, by name."""

    practitioner: PersonName


class ObjectionIn(WireModel):
    """What a client objects to; `member_class` null: to sharing with anybody."""

    client: Annotated[str, Field(min_length=1, max_length=200)]
    said_by: Annotated[SaidBy, Field(strict=False)]
    member_class: Code | None
    practitioner: PersonName


class ReviewApi:
    """The handlers, over this node's services (one a hub)."""

    def __init__(self, services: Sequence[NodeService], token: str, host: str) -> None:
        self._services = services
        self._expected = f"Bearer {token}".encode()
        self._hosts = HERE | {host}

    def routes(self) -> list[Route]:
        """The table of routes."""
        link, check = "/v1/review/{link:[0-9a-f]{32}}", "/v1/identity-checks/{check:[0-9a-f]{32}}"
        request, objections = "/v1/requests/{request:[0-9a-f]{32}}", "/v1/objections"
        return [
            self._route("GET", "/v1/review", self.queue),
            self._route("POST", link, self.say),
            self._route("POST", f"{link}/identity-checks", self.ask),
            self._route("GET", check, self.outcome),
            self._route("POST", check, self.answer),
            self._route("GET", objections, self.objections),
            self._route("POST", objections, self.record_objection),
            self._route("POST", f"{objections}/{{number:[0-9]{{1,9}}}}/end", self.end_objection),
            *(self._route("POST", path, self._own(*call)) for path, call in OWN_CALLS.items()),
            *(
                self._route("POST", f"{request}/{name}", self._received(*call))
                for name, call in received.CALLS.items()
            ),
        ]

    def application(self) -> web.Application:
        """The aiohttp application."""
        return make_application(self.routes(), body_limit=BODY_LIMIT)

    async def queue(self, _request: web.Request) -> web.Response:
        """What waits for people, for each hub."""
        hubs = [
            {"hub": service.membership.hub.name, **await service.read(queue_value)}
            for service in self._services
        ]
        return _json({"hubs": hubs})

    async def say(self, request: web.Request) -> web.Response:
        """A person's answer about a link."""
        link_id, body = request.match_info["link"], await _body(request, VerdictIn)
        service = await self._of_link(link_id)
        person = await who_acts(service, body.practitioner)
        await acts.say_now(service, Opinion(link_id, body.answer, person, body.rests_on))
        return _json({"link_id": link_id, "answer": body.answer})

    async def ask(self, request: web.Request) -> web.Response:
        """Ask for an identity check over a link."""
        link_id, body = request.match_info["link"], await _body(request, CheckIn)
        if not body.other_side_is_told:
            raise RemoteError(
                ErrorCode.MALFORMED,
                "other_side_is_told must be true: the organisation at the other end is told at "
                "once who asks, about which of its clients, and why",
            )
        service = await self._of_link(link_id)
        person = await who_acts(service, body.practitioner)
        why = (body.purpose, body.basis, body.facts)
        check_id = await acts.check_now(
            service, IdentityCheckRequest(link_id, person, body.role, *why)
        )
        return _json({"check_id": check_id})

    async def outcome(self, request: web.Request) -> web.Response:
        """How far one of our identity checks is, and what came of it."""
        check_id = request.match_info["check"]
        service, check = await self._find(
            lambda tables, hub_id: tables.sent_checks.get(hub_id, check_id)
        )
        return _json(check_value(service.membership, check))

    async def answer(self, request: web.Request) -> web.Response:
        """A person's answer to another agency's identity check."""
        check_id, body = request.match_info["check"], await _body(request, ComparisonIn)
        service, _ = await self._find(
            lambda tables, hub_id: tables.received_checks.get(hub_id, check_id)
        )
        person = await who_acts(service, body.practitioner)
        try:
            refusal = RefusalCode(body.refusal) if body.refusal else None
        except ValueError:
            raise RemoteError(ErrorCode.MALFORMED, "refusal is not a code") from None
        await acts.answer_now(service, Comparison(check_id, person, body.answer, refusal))
        return _json({"check_id": check_id, "answer": "refused" if refusal else body.answer})

    def _own(
        self, model: type[Body], call: Callable[[NodeService, Body], Awaitable[dict[str, Any]]]
    ) -> Handler:
        """Work on the agency's own clients at one hub: the only one, or the one in `?hub=`."""

        async def handler(request: web.Request) -> web.StreamResponse:
            body = await _body(request, model)
            return _json(await call(self._at(request.query.get("hub", "")), body))

        return handler

    def _received(self, model: type[Body], call: received.Call) -> Handler:
        """What is done with a request that came to us, at the hub that it came by."""

        async def handler(request: web.Request) -> web.StreamResponse:
            request_id, body = request.match_info["request"], await _body(request, model)
            service, _ = await self._find(
                lambda tables, hub_id: tables.received_requests.get(hub_id, request_id)
            )
            return _json(await call(service, request_id, body))

        return handler

    def _at(self, name: str) -> NodeService:
        """The service at the hub of a name, or at the only one. Raises RemoteError."""
        found = [one for one in self._services if name in ("", one.membership.hub.name)]
        if len(found) != 1:
            raise RemoteError(ErrorCode.NOT_FOUND, "say which hub: ?hub=NAME")
        return found[0]

    async def objections(self, _request: web.Request) -> web.Response:
        """What our clients object to, at whichever hub."""
        return _json({"objections": await self._any().read(objections_value)})

    async def record_objection(self, request: web.Request) -> web.Response:
        """Record an objection of a client."""
        body, service = await _body(request, ObjectionIn), self._any()
        person = await who_acts(service, body.practitioner)
        said = Said(body.client, body.said_by, body.member_class)
        return _json({"objection": await record_objection(service, said, person)})

    async def end_objection(self, request: web.Request) -> web.Response:
        """Record that an objection was taken back."""
        body, service = await _body(request, ActorIn), self._any()
        person = await who_acts(service, body.practitioner)
        number = int(request.match_info["number"])
        await end_objection(service, number, person)
        return _json({"objection": number})

    def _any(self) -> NodeService:
        """A service for what concerns no hub. Raises RemoteError."""
        if not self._services:
            raise RemoteError(ErrorCode.NOT_FOUND, "this node has joined no hub yet")
        return self._services[0]

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        async def guarded(request: web.Request) -> web.StreamResponse:
            self._authenticate(request)
            return await handler(request)

        return Route(method, path, Auth.LOCAL_BEARER, guarded)

    def _authenticate(self, request: web.Request) -> None:
        """Refuse web pages (403) and whoever lacks the token (401). Raises RemoteError."""
        host = request.host.rpartition(":")[0] if ":" in request.host else request.host
        if "Origin" in request.headers or host not in self._hosts:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "this is not for web pages")
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._expected):
            raise RemoteError(ErrorCode.NO_TOKEN, "Authorization")

    async def _of_link(self, link_id: str) -> NodeService:
        service, _ = await self._find(lambda tables, hub_id: tables.links.get(hub_id, link_id))
        return service

    async def _find(
        self, look_up: Callable[[NodeTables, str], Item | None]
    ) -> tuple[NodeService, Item]:
        """The service at whose hub something is, and what it is.

        Raises RemoteError: NOT_FOUND, or CONFLICT where two hubs use one id, so that nobody can say
        which is meant.
        """
        found = [
            (service, item)
            for service in self._services
            if (item := await _looked_up(service, look_up)) is not None
        ]
        if len(found) > 1:
            raise RemoteError(ErrorCode.CONFLICT, "two hubs use this id: use the command line")
        if not found:
            raise RemoteError(ErrorCode.NOT_FOUND, "nothing with that id is here")
        return found[0]


async def _looked_up(
    service: NodeService, look_up: Callable[[NodeTables, str], Item | None]
) -> Item | None:
    return await service.read(lambda tables, membership: look_up(tables, membership.hub.hub_id))


async def _body(request: web.Request, model: type[Body]) -> Body:
    """The request's JSON as a model. Raises RemoteError and nothing else."""
    value = canonical.parse_loose(await request.read(), limit=BODY_LIMIT)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise refused_shape(error, "body") from None


def _json(value: dict[str, Any]) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(
        body=json.dumps(value).encode(), content_type="application/json", headers=headers
    )
