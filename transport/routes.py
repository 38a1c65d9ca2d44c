"""Routes that name their authentication: specs/07-transport.md §1.

A route is a row in a table. There is no way to add one without saying how its caller is known,
and a test walks every application to see that nothing else was added.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from transport.problems import Handler, problems


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
    WITNESS_SIGNATURE = "a line by a witness key of the charter over a checkpoint of this log"


@dataclass(frozen=True)
class Route:
    """One row of a service's table of routes."""

    method: str
    path: str
    auth: Auth
    handler: Handler


AUTH_OF_ROUTES: web.AppKey[dict[tuple[str, str], Auth]] = web.AppKey("auth_of_routes")


def make_application(routes: Iterable[Route], *, body_limit: int) -> web.Application:
    """An application of exactly these routes, with problem+json errors and a body limit."""
    app = web.Application(middlewares=[problems], client_max_size=body_limit)
    app[AUTH_OF_ROUTES] = {}
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler)
        app[AUTH_OF_ROUTES][(route.method, route.path)] = route.auth
    return app
