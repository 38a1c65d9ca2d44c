"""Errors over HTTP: problem+json answers out, errors of the two families in.

specs/07-transport.md §4. A detail names a place, never a value; anything unforeseen becomes a
plain 500 (`internal`) whose cause goes to the log by type and place only.
"""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from protocol import canonical
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from runtime.faults import place_of

log = structlog.get_logger()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CONTENT_TYPE = "application/problem+json"


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into problem+json, so that no handler has to."""
    try:
        return await handler(request)
    except PatchworkError as error:
        return problem_response(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = ErrorCode.TOO_LARGE if error.status == 413 else ErrorCode.NOT_FOUND
        return problem_response(RemoteError(code, "see specs/07-transport.md"))
    except ConnectionResetError:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence, logged by type only
        name, place = type(error).__name__, place_of(error)
        log.critical("unforeseen", route=_route(request), error=name, at=place)
        return problem_response(LocalError(ErrorCode.INTERNAL, "see the service's log"))


def problem_response(error: PatchworkError) -> web.Response:
    """The HTTP answer for an error."""
    seconds = error.retry_after
    headers = {"Retry-After": str(seconds)} if seconds is not None else None
    text = error.text
    body = canonical.encode(
        {
            "code": error.code.value,
            "title": text.title,
            "detail": error.detail,
            "what_to_do": text.what_to_do,
        }
    )
    return web.Response(status=text.status, body=body, content_type=CONTENT_TYPE, headers=headers)


def parse_problem(status: int, body: bytes) -> RemoteError:
    """The error that a problem+json answer stands for; never trusts more than its code."""
    try:
        value = canonical.parse_loose(body, limit=16 * 1024)
    except RemoteError:
        value = None
    code = value.get("code") if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(code, str) and code in set(ErrorCode):
        return RemoteError(ErrorCode(code), str(value.get("detail", ""))[:300])
    return RemoteError(ErrorCode.UNREACHABLE, f"the service answered {status}")


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "-"
