"""The hub's routes: a table, each row naming its authentication (specs/07-transport.md §1).

Handlers parse, call and answer; what may be done is decided behind them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from functools import partial

from aiohttp import web

from hub.exchange.resyncs import Span, records
from hub.log.ledger import Ledger
from hub.matching.publications import CHUNK_LIMIT
from hub.members.enrolment import Enrolment
from hub.members.membership import Membership
from hub.server.heard import Heard
from hub.server.services import Services
from hub.server.witness_routes import WitnessRoutes
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64, to_base64
from protocol.log.tiles import TILE_WIDTH, parse_tile_path
from protocol.messages.bodies import ExportBody
from protocol.wire import ExportRecord, Message, encode_wire, parse_message
from transport.door import VISIT
from transport.routes import Auth, Route, make_application

MAX_PROOF_WAIT = 30
EXPORT_BATCH = 200
WRITE_SECONDS = 60


class HubApp:
    """The handlers, over the services."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._heard = Heard(services)

    def routes(self) -> list[Route]:
        """The table of routes."""
        public, member = Auth.PUBLIC, Auth.MEMBER_STATEMENT
        return [
            Route("GET", "/checkpoint", public, self.checkpoint),
            Route("GET", "/tile/{path:.+}", public, self.tile),
            Route("GET", "/v1/charters/{hash:[0-9a-f]{64}}", public, self.charter),
            Route("GET", "/v1/proofs/{index:[0-9]{1,12}}", public, self.proof),
            Route("POST", "/v1/enrolments", Auth.INVITATION, self.enrol),
            Route("POST", "/v1/rotations", Auth.RECOVERY_SIGNATURE, self.rotate),
            Route("POST", "/v1/statements", member, self.submit),
            Route("POST", "/v1/publications", member, self.begin_publication),
            Route(
                "POST",
                "/v1/publications/{id:[0-9a-f]{64}}/chunks",
                Auth.SIGNED_MANIFEST,
                self.add_chunk,
                body_limit=0,
            ),
            Route("POST", "/v1/polls", member, self.poll),
            Route("POST", "/v1/resyncs", member, self.resync),
            Route("POST", "/v1/exports", Auth.AUDITOR_STATEMENT, self.export),
            *WitnessRoutes(self._services).routes(),
        ]

    def application(self, also: Iterable[Route] = ()) -> web.Application:
        """The aiohttp application; `also`: how it is watched."""
        return make_application([*self.routes(), *also], body_limit=CHUNK_LIMIT)

    async def checkpoint(self, _request: web.Request) -> web.Response:
        """The published checkpoint, a C2SP signed note."""
        tiles = self._services.publisher.tiles
        note = tiles.known_checkpoint() or await asyncio.to_thread(tiles.read_checkpoint)
        if note is None:
            raise RemoteError(ErrorCode.NOT_FOUND, "no checkpoint is published yet")
        return web.Response(body=note, content_type="text/plain", charset="utf-8")

    async def tile(self, request: web.Request) -> web.Response:
        """A tile or entry bundle."""
        tile = parse_tile_path("tile/" + request.match_info["path"])
        try:
            data = await asyncio.to_thread(self._services.publisher.tiles.read_tile, tile)
        except LocalError as error:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such tile") from error
        headers = {"Cache-Control": "immutable"} if tile.width == TILE_WIDTH else None
        return web.Response(body=data, content_type="application/octet-stream", headers=headers)

    async def charter(self, request: web.Request) -> web.Response:
        """A charter document by its hash."""
        digest = request.match_info["hash"]
        document = await self._services.engine.read(lambda tables: tables.charters.document(digest))
        if document is None:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such charter document")
        return web.Response(body=document, content_type="application/json")

    async def proof(self, request: web.Request) -> web.Response:
        """A tlog-proof of an entry, once it is under a quorum (waits up to 30 seconds)."""
        index = int(request.match_info["index"])
        wait = request.query.get("wait", "0")
        readable = wait.isascii() and wait.isdecimal() and len(wait) < 4
        seconds = min(int(wait), MAX_PROOF_WAIT) if readable else 0
        deadline = asyncio.get_running_loop().time() + seconds
        publisher = self._services.publisher
        if not publisher.has_quorum(index):
            held = await self._services.engine.read(lambda tables: tables.log.next_index())
            if index >= held:
                raise RemoteError(ErrorCode.NOT_FOUND, "the log has no such entry")
        request[VISIT].give_back()
        while not publisher.has_quorum(index):
            if asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(0.1)
        return web.Response(body=await publisher.proof(index), content_type="text/plain")

    async def enrol(self, request: web.Request) -> web.Response:
        """Take an application for membership."""
        envelope = from_base64((await _message(request)).envelope)
        await self._services.engine.write(
            lambda tables: Enrolment(self._ledger(tables)).apply(envelope)
        )
        return web.Response(body=b'{"waiting":true}', content_type="application/json")

    async def rotate(self, request: web.Request) -> web.Response:
        """Take a member's new keys, to wait for the operator."""
        envelope = from_base64((await _message(request)).envelope)
        await self._services.engine.write(
            lambda tables: Membership(self._ledger(tables)).rotate(envelope)
        )
        return web.Response(body=b'{"waiting":true}', content_type="application/json")

    async def submit(self, request: web.Request) -> web.Response:
        """Take a signed statement."""
        message, verified = await _message(request), request[VISIT].show
        return _answer(await self._services.intake.submit(message, verified))

    async def begin_publication(self, request: web.Request) -> web.Response:
        """Take a publication's manifest."""
        message, verified = await _message(request), request[VISIT].show
        return _answer(await self._services.intake.begin_publication(message, verified))

    async def add_chunk(self, request: web.Request) -> web.Response:
        """Take one chunk that a pending manifest names."""
        statement_id, intake = request.match_info["id"], self._services.intake
        await intake.expects_chunks(statement_id)  # before two megabytes of nobody's are read
        data = await request[VISIT].body(CHUNK_LIMIT)
        await request[VISIT].turn()
        return _answer(await intake.add_chunk(statement_id, data))

    async def poll(self, request: web.Request) -> web.Response:
        """Deliver an agency's mail."""
        message, visit = await _message(request), request[VISIT]
        mailbox = self._services.mailbox
        bag = await mailbox.poll(message, visit.show, lambda: visit.stands)
        await self._heard.note(message, request.headers.get("User-Agent", ""))
        return _answer(bag)

    async def export(self, request: web.Request) -> web.StreamResponse:
        """Stream payloads to an auditor: 4-byte length, record, then its evidence likewise."""
        export = await self._services.intake.accept_export(await _message(request))
        request[VISIT].show()
        held = await self._services.engine.read(lambda tables: tables.log.next_index())
        last = min(export.end, held)

        async def batches() -> AsyncIterator[list[bytes]]:
            for start in range(export.start, last, EXPORT_BATCH):
                end = min(start + EXPORT_BATCH, last)
                yield await self._records(ExportBody(start=start, end=end))

        return await _stream(request, batches())

    async def resync(self, request: web.Request) -> web.StreamResponse:
        """Stream to a member that came back from a backup what names it, in the same form."""
        message, verified = await _message(request), request[VISIT].show
        span = await self._services.intake.resync(message, verified)
        return await _stream(request, resync_batches(self._services, span))

    def _ledger(self, tables: HubTables) -> Ledger:
        return Ledger(tables, self._services.signer)

    async def _records(self, span: ExportBody) -> list[bytes]:
        def read(tables: HubTables) -> list[bytes]:
            records, evidence = [], tables.log.evidence(span.start, span.end)
            for payload in tables.log.payloads(span.start, span.end):
                parts = evidence.get(payload.index, [])
                record = ExportRecord(
                    index=payload.index,
                    salt=payload.salt.hex(),
                    envelope=to_base64(payload.envelope),
                    evidence=len(parts),
                )
                records += [encode_wire(record), *parts]
            return records

        return await self._services.engine.read(read)


async def resync_batches(services: Services, span: Span) -> AsyncIterator[list[bytes]]:
    """The records that a member is given again, a batch of entries at a time."""

    def read(tables: HubTables, part: Span) -> list[bytes]:
        return records(Ledger(tables, services.signer), part)

    for start in range(span.start, span.end, EXPORT_BATCH):
        part = replace(span, start=start, end=min(start + EXPORT_BATCH, span.end))
        yield await services.engine.read(partial(read, part=part))


async def _stream(request: web.Request, batches: AsyncIterator[list[bytes]]) -> web.StreamResponse:
    """Answer with records, each behind its length."""
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    await response.prepare(request)
    async for batch in batches:
        for record in batch:
            await _write(response, len(record).to_bytes(4, "big") + record)
    await response.write_eof()
    return response


async def _write(response: web.StreamResponse, data: bytes) -> None:
    """Send on a stream; raises ConnectionResetError if its reader reads no more."""
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            await response.write(data)
    except TimeoutError as error:
        raise ConnectionResetError("the reader reads no more") from error


async def _message(request: web.Request) -> Message:
    return parse_message(await request.read())


def _answer(value: WireModel) -> web.Response:
    return web.Response(body=encode_wire(value), content_type="application/json")
