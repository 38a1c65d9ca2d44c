"""Routes that name their authentication: specs/07-transport.md §1.

A route is a row in a table. There is no way to add one without saying how its caller is known,
and a test walks every application to see that nothing else was added.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web
from aiohttp.typedefs import Middleware

from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.wire import MESSAGE_LIMIT
from runtime.faults import place_of
from runtime.logs import log
from runtime.metrics import Metric, gauge
from transport.door import DOOR, VISIT, Door, Visit, check_encoding
from transport.problems import CONTENT_TYPE, problem_body

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Auth(StrEnum):
    """How a route knows its caller."""

    PUBLIC = "public: serves only what everybody may read"
    MEMBER_STATEMENT = "a statement signed by an active member's key from the log"
    AUDITOR_STATEMENT = "an export statement signed by an auditor's key from the log"
    INVITATION = "an unused invitation code and a self-signed enrolment"
    SIGNED_MANIFEST = "a hash named by a member's signed and pending manifest"
    LOCAL_BEARER = "the bearer token in the node's own folder, on this machine"
    LOG_SIGNATURE = "a checkpoint signed by a log key this witness knows"
    RECOVERY_SIGNATURE = "a rotation signed by the recovery key whose hash the log holds"
    METRICS_BEARER = "the bearer token in the service's own folder that lets its numbers be read"
    WITNESS_SIGNATURE = "a line by a witness key of the charter over a checkpoint of this log"
    SIGN_IN = "whoever comes to sign in: serves nothing of anybody"
    SESSION = "the session of somebody who signed in, in a role that the page names"


@dataclass(frozen=True)
class Route:
    """One row of a service's table of routes. `body_limit`: bytes that are read before anything
    is known of the caller; 0 leaves the body to the handler.
    """

    method: str
    path: str
    auth: Auth
    handler: Handler
    body_limit: int = MESSAGE_LIMIT


ROUTES: web.AppKey[dict[tuple[str, str], Route]] = web.AppKey("routes")
ANSWERED: web.AppKey[Counter[tuple[str, ...]]] = web.AppKey("answered")
BEARERS = frozenset({Auth.LOCAL_BEARER, Auth.METRICS_BEARER})


def make_application(
    routes: Iterable[Route], *, body_limit: int, errors: Middleware | None = None
) -> web.Application:
    """An application of exactly these routes, with a body limit, and errors as problem+json unless
    `errors` turns them into something else.
    """
    middlewares = [counted, errors or problems, at_the_door]
    app = web.Application(middlewares=middlewares, client_max_size=body_limit)
    add_routes(app, routes)
    return app


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Give an application its table of routes and its door."""
    app[ROUTES], app[DOOR] = {}, Door()
    app[ANSWERED] = Counter()
    for route in routes:
        added = app.router.add_route(route.method, route.path, route.handler)
        app[ROUTES][(route.method, _path_of(added))] = route


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count answers by route and status: never by what stood in the address."""
    response = await handler(request)
    route = _route_of(request)
    place = (route.method, _path_of(request.match_info.route)) if route else ("", "")
    request.app[ANSWERED][(*place, str(response.status))] += 1
    return response


def requests_answered(apps: Collection[web.Application]) -> list[Metric]:
    """How many requests these answered together, and what their doors have seen."""
    doors = [app[DOOR] for app in apps]
    answered: Counter[tuple[str, ...]] = Counter()
    for counts in [app[ANSWERED] for app in apps]:
        answered.update(counts)
    connections, dropped = sum(one.connections for one in doors), sum(one.dropped for one in doors)
    return [
        Metric("http_requests_total", "Requests answered; without a route: no such address.",
               {**answered}, ("method", "route", "status"), counter=True),
        gauge("http_connections", "Connections that stand now.", connections),
        Metric("http_connections_dropped_total", "Connections that were ended: too slow, or too "
               "many that had shown nothing.", {(): dropped}, counter=True),
    ]  # fmt: skip


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into problem+json, so that no handler has to.

    Anything unforeseen is a plain 500 (`internal`) whose cause is logged by type and place only.
    """
    try:
        return await handler(request)
    except PatchworkError as error:
        return _problem_response(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _http_problem(error)
    except ConnectionResetError:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence, logged by type only
        name, place = type(error).__name__, place_of(error)
        log.critical("unforeseen", route=_path_of(request.match_info.route), error=name, at=place)
        return _problem_response(LocalError(ErrorCode.INTERNAL, "see the service's log"))


@web.middleware
async def at_the_door(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the body within limits, and let those who have shown nothing wait for their turn."""
    route = _route_of(request)
    with request.app[DOOR].visit(request) as visit:
        request[VISIT] = visit
        try:
            return await _let_through(request, handler, route, visit)
        except (PatchworkError, web.HTTPException):
            await visit.pause()
            raise


async def _let_through(
    request: web.Request, handler: Handler, route: Route | None, visit: Visit
) -> web.StreamResponse:
    if route is None:  # no such path: 404 or 405, and no body is read
        return await handler(request)
    check_encoding(request)
    if route.body_limit and request.can_read_body:
        await visit.body(route.body_limit)
    if route.body_limit:
        await visit.turn(public=route.auth is Auth.PUBLIC)
    response = await handler(request)
    if route.auth in BEARERS and response.status < 400:
        visit.show()
    return response


def _route_of(request: web.Request) -> Route | None:
    return request.app[ROUTES].get((request.method, _path_of(request.match_info.route)))


def _path_of(route: web.AbstractRoute) -> str:
    """The path without the patterns of its parts: as it was added, and as a request finds it."""
    return route.resource.canonical if route.resource is not None else ""


_OF_HTTP = {405: ErrorCode.WRONG_METHOD, 413: ErrorCode.TOO_LARGE}


def _http_problem(error: web.HTTPException) -> web.Response:
    """What aiohttp itself refuses: an unknown address or method, a body over the limit."""
    code = _OF_HTTP.get(error.status, ErrorCode.NOT_FOUND)
    response = _problem_response(RemoteError(code, "see specs/07-transport.md"))
    if isinstance(error, web.HTTPMethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
    return response


def _problem_response(error: PatchworkError) -> web.Response:
    seconds = error.retry_after
    headers = {"Retry-After": str(seconds)} if seconds is not None else None
    return web.Response(
        status=error.text.status,
        body=problem_body(error),
        content_type=CONTENT_TYPE,
        headers=headers,
    )
