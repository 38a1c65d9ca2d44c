"""The hub's routes for witnesses, and its public pages: specs/05-log.md §13, 02-charter.md §10.

A caller is nobody until a line of theirs verifies under a witness key that the log holds.
"""

from aiohttp import web

from hub.log.archive import page_of_notes
from hub.log.quorum_status import QuorumStatus, quorum_status
from hub.members.registers import public_register
from hub.server import register_page
from hub.server.services import Services
from hub.server.status_page import to_html, to_value
from protocol import canonical
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.witness import MAX_WAIT, TREE_SIZE
from transport.door import VISIT
from transport.routes import Auth, Route


class WitnessRoutes:
    """The handlers, over the services."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """Their rows in the table of routes."""
        public = Auth.PUBLIC
        return [
            Route("GET", "/v1/notes", public, self.notes),
            Route("GET", "/v1/add-checkpoint/{old:[0-9]{1,18}}", public, self.add_checkpoint),
            Route("POST", "/v1/cosignatures", Auth.WITNESS_SIGNATURE, self.cosign),
            Route("GET", "/status", public, self.page),
            Route("GET", "/v1/status", public, self.status),
            Route("GET", "/register", public, self.register_page),
            Route("GET", "/v1/register", public, self.register),
        ]

    async def notes(self, request: web.Request) -> web.Response:
        """A page of the archive of notes."""
        after = _number(request.query.get("after", "0"))
        body = await self._services.engine.read(lambda tables: page_of_notes(tables, after))
        return web.Response(body=body, content_type="application/json")

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        """The request that a pulling witness decides on; waits for news if it is asked to."""
        publisher = self._services.publisher
        wait = min(_number(request.query.get("wait", "0")), MAX_WAIT)
        if wait:
            request[VISIT].give_back()
        body = await publisher.request_from(int(request.match_info["old"]), wait)
        if body is None:
            headers = {"Content-Type": TREE_SIZE}
            return web.Response(status=409, body=b"%d\n" % publisher.size, headers=headers)
        return web.Response(body=body, content_type="text/plain", charset="utf-8")

    async def cosign(self, request: web.Request) -> web.Response:
        """Take a pulling witness's line."""
        note, _ = parse_checkpoint(await request.read())
        await self._services.publisher.take(note.text, note.signatures)
        return web.Response(body=b'{"taken":true}', content_type="application/json")

    async def page(self, _request: web.Request) -> web.Response:
        """Can contact details move? In words."""
        text = to_html(await self._quorum_status(), self._services.signer.env.clock())
        return web.Response(text=text, content_type="text/html")

    async def status(self, _request: web.Request) -> web.Response:
        """The same as JSON."""
        now = self._services.signer.env.clock()
        body = canonical.encode({"now": now, **to_value(await self._quorum_status())})
        return web.Response(body=body, content_type="application/json")

    async def register_page(self, _request: web.Request) -> web.Response:
        """Who takes part, in words."""
        text = register_page.to_html(await self._services.engine.read(public_register))
        return web.Response(text=text, content_type="text/html")

    async def register(self, _request: web.Request) -> web.Response:
        """The same as JSON."""
        body = canonical.encode(await self._services.engine.read(public_register))
        return web.Response(body=body, content_type="application/json")

    async def _quorum_status(self) -> QuorumStatus | None:
        now, ahead = self._services.signer.env.clock(), self._services.publisher.cosignatures.ahead
        return await self._services.engine.read(lambda tables: quorum_status(tables, now, ahead))


def _number(text: str) -> int:
    """A query's number; what is none counts as 0."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
