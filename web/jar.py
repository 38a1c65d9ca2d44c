"""The cookies of a site: what a browser carries, by what kind of thing it is."""

import secrets

from aiohttp import web

from web.answers import Cookies
from web.oidc import AWAY_SECONDS
from web.place import Place
from web.sessions import KNOWN_SECONDS

LONGEST_COOKIE = 1_500


def carried_by(place: Place, request: web.Request, kind: str) -> str:
    """What a browser carries of a kind ("": the id of its session); "" if nothing of ours."""
    found = request.cookies.get(_name(place, kind), "")
    found = found if len(found) <= LONGEST_COOKIE else ""
    return found if found.isascii() else ""  # none of ours, and no text that could be hashed


def give(place: Place, response: web.Response, cookies: Cookies) -> None:
    """Give a browser what it carries from now on."""
    if cookies.session is not None:
        _put(place, response, "", cookies.session)
    if cookies.browser:
        _put(place, response, "known", cookies.browser, KNOWN_SECONDS)
    if cookies.away:
        _put(place, response, "away", cookies.away, AWAY_SECONDS)
    if cookies.form:
        _put(place, response, "form", cookies.form)


def _name(place: Place, kind: str) -> str:
    name = f"patchwork-{kind}" if kind else "patchwork"
    return f"__Host-{name}" if place.is_secure else name


def _put(
    place: Place, response: web.Response, kind: str, value: str, seconds: int | None = None
) -> None:
    response.set_cookie(
        _name(place, kind),
        value or secrets.token_urlsafe(32),
        path="/",
        max_age=seconds,
        secure=place.is_secure,
        httponly=True,
        samesite="Lax" if kind == "away" else "Strict",  # one comes back from another site
    )
