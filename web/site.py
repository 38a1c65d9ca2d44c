"""A site of pages that people sign in to: who may open which, and what every answer carries.

A page is a row of a table: its address, who may open it, what shows it and what a form of it does.
Nothing is in an address but opaque numbers, and nothing that is shown is kept by a browser. A form
that is sent twice, by whatever way, is done once.
"""

import hmac
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from aiohttp import web

from protocol.errors import PatchworkError
from runtime.environment import Environment
from runtime.faults import place_of
from runtime.logs import log
from storage.accounts import Account, Session
from transport.door import VISIT
from transport.routes import Auth, Handler, Route, make_application
from web.again import Asking, At
from web.answers import HEADERS, Cookies, led, plain_response
from web.answers import Answer as Answer
from web.answers import Barred as Barred
from web.answers import Data as Data
from web.answers import Download as Download
from web.answers import Elsewhere as Elsewhere
from web.answers import Go as Go
from web.answers import Picture as Picture
from web.answers import Shown as Shown
from web.answers import shut_out as shut_out
from web.forms import Form, InvalidForm, failure_key
from web.jar import carried_by, give
from web.look import Look
from web.oidc import Provider
from web.passkeys import Passkeys
from web.place import Place as Place
from web.places import places
from web.second_factor import SecondFactors
from web.sent import SentFile, sent_file, sent_form
from web.sessions import SessionKeeper

Own = TypeVar("Own")

FORM_LIMIT = 64 * 1024
OWN_PAGE, FIRST_PAGE = "/your-sign-ins", "/your-sign-ins/second-factor"


@dataclass
class Visit(Generic[Own]):
    """One request of one person. `errors`: what is wrong with the form, in words, by field; `file`:
    one that comes with it, on pages that take files.
    """

    site: "Site[Own]"
    request: web.Request
    place: Mapping[str, str]
    form: Form
    account: Account | None
    session: Session | None
    roles: frozenset[str]
    own: Own | None
    errors: dict[str, str] = field(default_factory=dict)
    file: SentFile | None = None

    @property
    def here(self) -> Own:
        """What the program has for whoever is signed in. Only on pages that need that."""
        if self.own is None:
            raise web.HTTPForbidden
        return self.own

    def number(self, name: str) -> int:
        """A number in the address. Raises HTTPNotFound."""
        text = self.place.get(name, "")
        if not text.isascii() or not text.isdigit() or len(text) > 12:
            raise web.HTTPNotFound
        return int(text)


Show = Callable[[Visit[Own]], Awaitable[Answer]]


@dataclass(frozen=True)
class Page(Generic[Own]):
    """A row of the table. `roles`: who may, by any of them; None: whoever comes. `nav`: the words'
    key of its place in the navigation, if it has one; `room`: the address of the page that lists it
    instead, with the words of that key and `_says`. `polled`: an open page asks for it by itself,
    which keeps nobody signed in. `takes_file`: the form has a file, whose size the page bounds.
    `again`: who did not show lately that it is them does so first. `early`: opens also before
    somebody has a second factor that they must have.
    """

    path: str
    roles: frozenset[str] | None
    show: Show[Own]
    act: Show[Own] | None = None
    nav: str = ""
    room: str = ""
    body_limit: int = FORM_LIMIT
    polled: bool = False
    takes_file: bool = False
    again: bool = False
    early: bool = False


class Site(Generic[Own]):
    """The pages of a program. `admit` tells who somebody is to it: what it has for them and their
    roles; None where they may no longer, or why.
    """

    def __init__(
        self,
        look: Look,
        keeper: SessionKeeper,
        place: Place,
        admit: Callable[[Account], Awaitable[tuple[Own, frozenset[str]] | Barred | None]],
        pages: Sequence[Page[Own]],
    ) -> None:
        self.look, self.keeper, self.place, self.pages = look, keeper, place, pages
        self._admit = admit
        self.beside: Callable[[web.Application], AsyncIterator[None]] | None = None
        self.provider: Provider | None = None
        self.factors, self.passkeys = SecondFactors(keeper), Passkeys(keeper)

    @property
    def say(self) -> Callable[..., str]:
        """The words."""
        return self.look.words

    @property
    def env(self) -> Environment:
        """Clock and randomness."""
        return self.keeper.env

    async def barred(self, account: Account) -> Barred | None:
        """Why somebody may not come in, although it is them."""
        found = await self._admit(account)
        return found if isinstance(found, Barred) else None

    def routes(self) -> list[Route]:
        """The table of routes."""
        made = [Route("GET", "/static/{version}/{name}", Auth.PUBLIC, self._static, 0)]
        for page in self.pages:
            auth = Auth.SIGN_IN if page.roles is None else Auth.SESSION
            made.append(Route("GET", page.path, auth, self._shown(page), 0))
            if page.act is not None or page.again:
                handler = self._posted(page, page.act or page.show)
                limit = 0 if page.takes_file else page.body_limit
                made.append(Route("POST", page.path, auth, handler, limit))
        return made

    def application(self) -> web.Application:
        """The aiohttp application."""
        limit = max(page.body_limit for page in self.pages)
        app = make_application(self.routes(), body_limit=limit, errors=self._errors)
        if self.beside is not None:
            app.cleanup_ctx.append(self.beside)
        return app

    async def _static(self, request: web.Request) -> web.StreamResponse:
        found = self.look.files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        headers = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
        return web.Response(body=found.content, content_type=found.content_type, headers=headers)

    def _shown(self, page: Page[Own]) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            visit = await self._visit(page, request)
            if isinstance(visit, web.Response):
                return visit
            first = await self._asked_again(page, visit)
            return self.respond(visit, first or await led(page.show(visit)))

        return handler

    def _posted(self, page: Page[Own], act: Show[Own]) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            if not self.place.is_from_here(request):
                raise web.HTTPForbidden
            form = None if page.takes_file else await sent_form(request)
            visit = await self._visit(page, request, form)
            if isinstance(visit, web.Response):
                return visit
            if not page.takes_file:
                return await self._done(visit, page, act)
            with request[VISIT].receiving():
                visit.form, visit.file = await sent_file(request)
                response = await self._done(visit, page, act)
                if visit.file is not None:
                    await visit.file.drain()
            return response

        return handler

    async def _done(self, visit: Visit[Own], page: Page[Own], act: Show[Own]) -> web.StreamResponse:
        if not self._is_of_ours(visit, page):
            return self.respond(visit, Shown("form_expired.html", status=403))
        first = await self._asked_again(page, visit)
        if first is not None:
            return self.respond(visit, first)
        return await self._once(visit, page, act)

    def _is_of_ours(self, visit: Visit[Own], page: Page[Own]) -> bool:
        """Whether a form has the token of its browser. Whoever comes from another site is shown a
        form without their session, and sends it with that.
        """
        sent, known = visit.form.raw("csrf").encode(), [self.cookie(visit.request)]
        if page.roles is None:
            known.append(carried_by(self.place, visit.request, "form"))
        tokens = [self.keeper.form_token(one).encode() for one in known if one]
        return any(hmac.compare_digest(token, sent) for token in tokens)

    async def _asked_again(self, page: Page[Own], visit: Visit[Own]) -> Answer | None:
        """Who did not show lately that it is them is asked to, where a page needs that."""
        if not page.again or visit.session is None or self.keeper.rules is None:
            return None
        request = visit.request
        place, known = self.place, self.known_by(request)
        at = At(request.path_qs, known, place.origin(request), place.domain(request))
        asking = Asking(self.factors, self.passkeys, self.say)
        return await asking.first(visit.session, visit.form, at)

    async def _once(self, visit: Visit[Own], page: Page[Own], act: Show[Own]) -> web.StreamResponse:
        """Do what a form says, unless the same form was sent already: then go where that led."""
        once = visit.form.raw("once")
        if visit.session is None or not once or not once.isprintable():
            return self.respond(visit, await self._acted(visit, page, act))
        before = await self.keeper.begin_form(visit.session, once)
        if before is not None:
            return self.respond(visit, Go(before) if before else Shown("in_progress.html"))
        went_to = None
        try:
            answer = await self._acted(visit, page, act)
            went_to = answer.path if isinstance(answer, Go) else getattr(answer, "done_at", None)
        finally:
            await self.keeper.end_form(visit.session, once, went_to)
        return self.respond(visit, answer)

    async def _acted(self, visit: Visit[Own], page: Page[Own], act: Show[Own]) -> Answer:
        try:
            return await led(act(visit))
        except InvalidForm as wrong:
            visit.errors = {
                name: self.say(key, **wrong.values) for name, key in wrong.wrong.items()
            }
            status = 400
        except PatchworkError as error:
            key = failure_key(error)
            words = self.look.words
            visit.errors = {"": words(key) if words.has(key) else words("errors.other")}
            log.info("page_failed", page=page.path, code=error.code.value)
            status = error.text.status
        shown = await led(page.show(visit))
        return Shown(shown.template, shown.values, status) if isinstance(shown, Shown) else shown

    async def _visit(
        self, page: Page[Own], request: web.Request, form: Form | None = None
    ) -> Visit[Own] | web.Response:
        """Who comes, if they may; else what to answer them."""
        if not self.place.is_ours(request.host):
            raise web.HTTPMisdirectedRequest
        visit = Visit(
            self, request, dict(request.match_info), form or Form(), None, None, frozenset(), None
        )
        found = await self.keeper.find(self.cookie(request), click=not page.polled)
        barred = await self._recognise(visit, *found) if found is not None else None
        if barred is not None and page.roles is not None:
            return self.respond(visit, shut_out(barred))
        if page.roles is None:
            return visit
        if visit.own is None and self.place.came_by_a_link(request):
            return self.respond(visit, Shown("led_on.html", {"then": request.path_qs}))
        if visit.own is None:
            return self.respond(visit, Go(f"/sign-in?then={quote(request.path)}"))
        if not page.roles & visit.roles:
            return self.respond(visit, Shown("not_allowed.html", status=403))
        account = visit.account if not page.early else None
        if account is not None and await self.factors.must_begin(account, visit.roles):
            return self.respond(visit, Go(FIRST_PAGE))
        return visit

    async def is_still_here(self, visit: Visit[Own]) -> bool:
        """Whether somebody who sent something long may still do so now that it has come."""
        found = await self.keeper.find(self.cookie(visit.request), click=False)
        admitted = await self._admit(found[0]) if found is not None else None
        return admitted is not None and not isinstance(admitted, Barred)

    async def _recognise(
        self, visit: Visit[Own], account: Account, session: Session
    ) -> Barred | None:
        """Take down who it is; why they may not come in any more, if that is so."""
        admitted = await self._admit(account)
        if isinstance(admitted, Barred):
            await self.keeper.sign_out(session)
            return admitted
        if admitted is not None:
            visit.account, visit.session = account, session
            visit.own, visit.roles = admitted
            visit.request[VISIT].show()
        return None

    def respond(self, visit: Visit[Own], answer: Answer) -> web.Response:
        """An answer as HTTP, with the headers that every answer has."""
        if isinstance(answer, Go):
            response = web.Response(status=303, headers={**HEADERS, "Location": answer.path})
            give(self.place, response, Cookies(answer.session, answer.browser, answer.away))
            return response
        if not isinstance(answer, Shown):
            return plain_response(answer)
        fresh, place = "", self.place
        cookie = self.cookie(visit.request) or carried_by(place, visit.request, "form")
        if not cookie:  # what came from another site brings no strict cookie: the session stays
            cookie = fresh = secrets.token_urlsafe(32)
        html = self.look.render(answer.template, {**self._common(visit, cookie), **answer.values})
        response = web.Response(
            text=html, content_type="text/html", status=answer.status, headers=HEADERS
        )
        give(self.place, response, answer.cookies or Cookies(form=fresh))
        return response

    def _common(self, visit: Visit[Own], cookie: str) -> dict[str, Any]:
        """What every template may use."""
        path, said = visit.request.path, visit.request.query_string
        return {
            **places(self.pages, self.say, visit.roles, path),
            "csrf": self.keeper.form_token(cookie),
            "once": secrets.token_urlsafe(12),
            "errors": visit.errors,
            "form": visit.form,
            "who": visit.own,
            "path": path,
            "done": said if self.look.words.has(f"done.said.{said}") else "",
            "provider": self.provider.rules.called if self.provider is not None else "",
            "own_page": OWN_PAGE if self.keeper.rules is not None else "",
        }

    def cookie(self, request: web.Request) -> str:
        """The id of a session, or of a step on the way to one, that a browser has; "" if none."""
        return carried_by(self.place, request, "")

    def known_by(self, request: web.Request) -> str:
        """What a browser got when somebody signed in there before; "" if nobody did."""
        return carried_by(self.place, request, "known")

    def away_by(self, request: web.Request) -> str:
        """What a browser carries that comes back from an organisation's sign-in; else ""."""
        return carried_by(self.place, request, "away")

    @web.middleware
    async def _errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn errors into pages of the same house."""
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return await self._error_page(request, error.status)
        except PatchworkError as error:
            return await self._error_page(request, error.text.status, failure_key(error))
        except ConnectionResetError:
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence, logged by type only
            log.critical("unforeseen", error=type(error).__name__, at=place_of(error))
            return await self._error_page(request, 500)

    async def _error_page(
        self, request: web.Request, status: int, key: str = ""
    ) -> web.StreamResponse:
        visit = Visit(self, request, {}, Form(), None, None, frozenset(), None)
        known = status if self.look.words.has(f"site.error.{status}.title") else 500
        says = self.say(key) if key and self.look.words.has(key) else ""
        return self.respond(visit, Shown("error.html", {"error": known, "says": says}, status))
