"""What a page answers: something to show, another page, a file, a picture, a little JSON."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aiohttp import web

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # without a referrer a form's Origin would be null
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Shown:
    """A page to show: a template and its values. `done_at`: a form did what it says and this is
    shown once; the same form sent again does nothing and leads there.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    cookies: "Cookies | None" = None
    done_at: str | None = None


@dataclass(frozen=True)
class Cookies:
    """What a browser gets. `session`: this id of a session; "": it loses its, None: it stays.
    `browser`: what it is known by from now on, after somebody signed in. `away`: what it carries
    while somebody is at their organisation's sign-in. `form`: what its forms go by while it has
    no session.
    """

    session: str | None = None
    browser: str = ""
    away: str = ""
    form: str = ""


@dataclass(frozen=True)
class Go:
    """Another page to go to; the rest as for `Cookies`."""

    path: str
    session: str | None = None
    browser: str = ""
    away: str = ""


@dataclass(frozen=True)
class Barred:
    """Somebody may not come in although it is them: a key of the words under `barred`, and what
    fills them in.
    """

    why: str
    values: Mapping[str, object] = field(default_factory=dict)


class Elsewhere(Exception):
    """Something is to be said on another page of ours first."""

    def __init__(self, path: str) -> None:
        super().__init__("another page comes first")
        self.path = path


@dataclass(frozen=True)
class Download:
    """A file to keep. What comes piece by piece is sent so."""

    content: bytes | AsyncIterator[bytes]
    name: str
    content_type: str


@dataclass(frozen=True)
class Picture:
    """A picture of a page that is open: SVG."""

    content: bytes


@dataclass(frozen=True)
class Data:
    """A little JSON for a page that is open."""

    values: Mapping[str, Any]


Answer = Shown | Go | Download | Picture | Data


def plain_response(answer: Download | Picture | Data) -> web.Response:
    """What is no page, as HTTP."""
    if isinstance(answer, Data):
        return web.json_response(answer.values, headers=HEADERS)
    if isinstance(answer, Picture):
        return web.Response(body=answer.content, content_type="image/svg+xml", headers=HEADERS)
    named = f"attachment; filename*=UTF-8''{quote(answer.name)}"
    headers = {**HEADERS, "Content-Disposition": named}
    return web.Response(body=answer.content, content_type=answer.content_type, headers=headers)


async def led(answer: Awaitable[Answer]) -> Answer:
    """An answer, or the way to what comes first."""
    try:
        return await answer
    except Elsewhere as first:
        return Go(first.path)


def shut_out(barred: Barred) -> Shown:
    """The page that says why somebody may not come in."""
    return Shown("barred.html", {"why": barred.why, "values": barred.values}, 403)
