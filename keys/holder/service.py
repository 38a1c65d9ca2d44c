"""The running key holder: follow the log, evaluate, meter, report (specs/03-tokens.md §5, §7).

It sees blinded points, who asks and how many. It cannot evaluate a token alone, and it takes
membership and quota from the witnessed log, never from the hub's word.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from aiohttp import web

from keys.batch import pack_points, unpack_points
from keys.group import SecretScalar, parse_scalar
from keys.groups import default_group
from keys.holder.config import HolderSettings
from keys.holder.counted import counts_in_log
from keys.holder.meter import Use, budget_of
from keys.holder.newcomers import check_served, newcomers_in, settled_in
from keys.holder.store import HolderTables, open_engine
from keys.threshold import KeyShare, make_quorum, partial_evaluate
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.fields import to_base64
from protocol.governance.charter import Charter, TokenHolder
from protocol.governance.follow import LogView, verify_note_by_charter
from protocol.governance.limits import DAY
from protocol.governance.succession import SuccessorRefused
from protocol.messages.evaluations import EvaluateBody, EvaluationCountBody
from protocol.messages.log import ResyncBody
from protocol.messages.statement import (
    MAX_SKEW_SECONDS,
    Context,
    Stamp,
    Statement,
    check_addressed,
    check_fresh,
    make_statement,
)
from protocol.signing import SecretSeed, public_key
from protocol.wire import Message, encode_wire
from runtime.environment import Clock
from runtime.lock import only_one
from runtime.logs import log
from runtime.metrics import Metric, Pulse, gauge, of_jobs
from runtime.patience import Patience, host_of
from runtime.secrets import check_closed, read_secrets
from storage.engine import batches
from transport.client import HttpClient
from transport.door import VISIT
from transport.logsync import sync
from transport.routes import Auth, Route, make_application
from transport.server import run_beside, serve_until_stopped
from transport.watched import Watch

MAX_POINTS = 4096
BODY_LIMIT = MAX_POINTS * 32 + 32 * 1024
SYNC_SECONDS = 1.0
# A hub that hides its newer checkpoints from us can have a suspended member served so long.
MAX_LOG_AGE = 3600
NOTHING_COUNTED = 2  # entries of a log that has just begun: the charter, and the key generation
CLOSED = (
    "this key holder was put back from a backup: what was used today is not known, so it serves "
    "from midnight UTC"
)
COUNTS_AT_ONCE = 100  # agencies in one statement of at most 16 KiB


class HolderService:
    """One key holder from one folder."""

    def __init__(
        self, folder: Path, settings: HolderSettings, clock: Clock = lambda: int(time.time())
    ) -> None:
        self.folder = folder
        self.settings = settings
        self._clock = clock
        self._host = host_of(settings.hub_url)
        self._patience = Patience("not_following", settings.hub_url)
        self.pulse = Pulse(clock)
        self._evaluated = 0
        self._engine = open_engine(folder)
        self._view = LogView(settings.genesis)
        self._shares: dict[int, SecretScalar] = {}
        self._read_from: int | None = None  # our own counts from here on are not read yet
        self._question: tuple[int, bytes] | None = None  # signed when, and the envelope
        self._seed = SecretSeed(bytes(32))

    async def start(self) -> None:
        """Load keys, shares and the stored view. Raises LocalError."""
        if not self.settings.genesis or not self.settings.hub_url:
            raise LocalError(ErrorCode.CONFIGURATION, "holder.toml needs hub_url and genesis")
        self._seed = SecretSeed(read_secrets(self.folder / "keys.json")["sign"])
        for path in sorted(self.folder.glob("share-*.json")):
            epoch = int(path.stem.removeprefix("share-"))
            self._shares[epoch] = SecretScalar(parse_scalar(read_secrets(path)["share"]))
        genesis = self.settings.genesis
        self._view = await self._engine.read(lambda tables: tables.view(genesis))
        self._read_from = self._view.size

    def application(self, also: Iterable[Route] = ()) -> web.Application:
        """The aiohttp application; `also`: how it is watched."""
        signed = Auth.MEMBER_STATEMENT
        routes = [Route("POST", "/v1/evaluations", signed, self.evaluate, BODY_LIMIT), *also]
        return make_application(routes, body_limit=BODY_LIMIT)

    def watch(self) -> Watch:
        """How it is watched: it works while it may serve, which an old view of the log forbids."""

        async def check() -> None:
            await self._engine.read(lambda tables: tables.closed_until())
            self._check_log_age()

        async def measure() -> list[Metric]:
            closed = await self._engine.read(lambda tables: tables.closed_until())
            return [
                gauge("log_followed_entries", "Entries of the log followed.", self._view.size),
                gauge("key_shares", "Shares that are held, one an epoch.", len(self._shares)),
                gauge("closed_seconds", "For how long it serves nobody: it came from a backup.",
                      max(0, closed - self._clock())),
                Metric("points_evaluated_total", "Blinded points evaluated, for all agencies.",
                       {(): self._evaluated}, counter=True),
                *of_jobs([self.pulse], "name"),
            ]  # fmt: skip

        return Watch(self.folder, check, measure)

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until stopped."""
        check_closed(self.folder)
        with only_one(self.folder, "holder"):
            await self._serve(ready)

    async def _serve(self, ready: Callable[[int], None]) -> None:
        await self._engine.check()
        await self.start()
        allow_private = self.settings.allow_private_addresses
        async with HttpClient(allow_private=allow_private) as http:
            serving = serve_until_stopped(
                self.application(self.watch().routes()),
                self.settings.host,
                self.settings.port,
                ready,
            )
            try:
                await run_beside(serving, [self._follow(http)])
            finally:
                await self.close()

    async def close(self) -> None:
        """Close the database."""
        await self._engine.close()

    async def evaluate(self, request: web.Request) -> web.Response:
        """The route: a signed request and its points in, proof and elements out."""
        answer = await self.answer(await request.read(), request[VISIT].show)
        return web.Response(body=answer, content_type="application/octet-stream")

    async def answer(self, request: bytes, verified: Callable[[], None] = lambda: None) -> bytes:
        """Evaluate: 64-byte proof, then an element a point, in order. Raises RemoteError.

        `verified` is called once the request is known to be new.
        """
        if self._read_from is not None:
            raise RemoteError(
                ErrorCode.NOT_READY, "this key holder is reading its counts in the log"
            )
        statement, own, points = await asyncio.to_thread(self._opened, request)
        body = statement.body
        charter = self._view.directory.charter
        key = charter.token_key
        try:
            quorum = make_quorum(body.quorum, len(key.holders), key.threshold)
        except LocalError as error:
            raise RemoteError(error.code, error.detail) from error
        share = KeyShare(own.index, self._share(body.epoch))
        preamble = statement.preamble
        asked = (body.points_hash, body.quorum)
        use = Use(preamble.sender, len(points), preamble.nonce, preamble.iat, *asked)
        now = self._clock()
        directory = self._view.directory
        budget = budget_of(directory, use.party_id, now // DAY)

        def charge(tables: HolderTables) -> None:
            if now < tables.closed_until():
                raise RemoteError(ErrorCode.NOT_READY, CLOSED)
            check_served(directory, use.party_id, tables.joined_at, now)
            tables.charge(use, budget, now)

        await self._engine.write(charge)
        verified()
        self._evaluated += len(points)
        group = default_group()
        partial = await asyncio.to_thread(
            partial_evaluate, group, share, quorum, points, secrets.token_bytes
        )
        return partial.proof.to_bytes() + pack_points(partial.elements)

    async def sync(self, http: HttpClient) -> None:
        """Advance our view of the log. Raises RemoteError, keeping the old view."""
        old = self._view.genesis
        progress = await sync(http, self.settings.hub_url, self._view)
        if self._read_from is not None:
            # Before the newer view is kept: if we are stopped here, the next start reads them.
            same_log = progress.view.genesis == old
            await self._read_counts(http, self._read_from if same_log else 0, progress.view)
        newcomers, now = newcomers_in(self._view, progress.view), self._clock()

        def keep(tables: HolderTables) -> None:
            tables.settle(settled_in(self._view, progress.view, tables.joined_at, now))
            tables.advance(old, progress, newcomers)

        await self._engine.write(keep)
        if progress.view.genesis != old:
            log.warning("log_succeeded", genesis=progress.view.genesis)
        self._view, self._read_from = progress.view, None

    async def _read_counts(self, http: HttpClient, start: int, view: LogView) -> None:
        """Once after a start: were we put back from a backup, the log has more of our counts."""
        if view.size <= max(start, NOTHING_COUNTED):
            return
        charter, now = view.directory.charter, self._clock()
        if self._question is None or now >= self._question[0] + MAX_SKEW_SECONDS:
            # One question for all tries of its time: the hub logs each once.
            self._question = (now, self._signed(ResyncBody(start=start), charter))
        own, (_, question) = self._own(charter), self._question
        counted = await counts_in_log(http, self.settings.hub_url, own, question)
        if await self._engine.write(lambda tables: tables.take_counts(counted, now)):
            log.critical("put_back", charter=charter.version)

    async def report(self, http: HttpClient) -> int:
        """Log the counts of past days; the number of days reported."""
        today = self._clock() // DAY
        days = await self._engine.read(lambda tables: tables.unreported_days(today))
        for day in days:
            await self._report_day(http, day)
        return len(days)

    async def _report_day(self, http: HttpClient, day: int) -> None:
        """Several statements where they must be; all of them again if we are stopped between."""
        counts = await self._engine.read(lambda tables: tables.counts_of(day))
        epoch = self._view.directory.charter.token_key.epoch
        for some in batches(counts, COUNTS_AT_ONCE):
            await self._post(http, EvaluationCountBody(day=day, epoch=epoch, counts=list(some)))
        await self._engine.write(lambda tables: tables.mark_reported(day))

    async def _post(self, http: HttpClient, body: EvaluationCountBody) -> None:
        envelope = to_base64(self._signed(body, self._view.directory.charter))
        message = Message(envelope=envelope, sealed=None, proof=None)
        await http.post(f"{self.settings.hub_url}/v1/statements", encode_wire(message))

    def _signed(self, body: EvaluationCountBody | ResyncBody, charter: Charter) -> bytes:
        """The envelope of a statement of ours to the hub."""
        own = self._own(charter)
        context = Context(charter.charter_id, charter.version, charter.log.origin, own.holder_id)
        stamp = Stamp(charter.charter_id, secrets.token_hex(16), self._clock())
        return make_statement(context, stamp, body, self._seed).envelope.encode()

    def _opened(self, request: bytes) -> tuple[Statement[EvaluateBody], TokenHolder, list[bytes]]:
        """4-byte length, envelope, points: the signature first. Raises RemoteError."""
        length = int.from_bytes(request[:4], "big")
        directory, data = self._view.directory, request[4 + length :]
        statement = directory.open(request[4 : 4 + length]).expect(EvaluateBody)
        own = self._check(statement, data)
        points = unpack_points(data, MAX_POINTS)
        if len(points) != statement.body.count:
            raise RemoteError(ErrorCode.MALFORMED, "count is not the number of points")
        return statement, own, points

    def _check(self, statement: Statement[EvaluateBody], points: bytes) -> TokenHolder:
        charter, body = self._view.directory.charter, statement.body
        own = self._own(charter)
        check_addressed(
            statement.preamble,
            charter_id=charter.charter_id,
            log_origin=charter.log.origin,
            aud=own.holder_id,
        )
        check_fresh(statement.preamble, now=self._clock(), whose="the key holder's")
        self._check_log_age()
        if own.index not in body.quorum:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "we are not in the quorum that was asked")
        if body.epoch != charter.token_key.epoch:
            raise RemoteError(ErrorCode.WRONG_CHARTER, "points are for another epoch")
        if hashlib.sha256(points).hexdigest() != body.points_hash:
            raise RemoteError(ErrorCode.MALFORMED, "the points are not the ones that were signed")
        return own

    def _check_log_age(self) -> None:
        """Who was suspended meanwhile is not in an old copy. Raises RemoteError(NO_QUORUM)."""
        signed = verify_note_by_charter(self._view.note, self._view.directory.charter)
        if self._clock() - signed.seen_at > MAX_LOG_AGE:
            raise RemoteError(
                ErrorCode.NO_QUORUM,
                "this key holder has seen no checkpoint that witnesses signed within the last hour",
            )

    def _own(self, charter: Charter) -> TokenHolder:
        key = public_key(self._seed).hex()
        for holder in charter.token_key.holders:
            if holder.sign == key:
                return holder
        raise LocalError(ErrorCode.NOT_READY, "the charter does not name this key holder")

    def _share(self, epoch: int) -> SecretScalar:
        if epoch not in self._shares:
            raise LocalError(ErrorCode.NOT_READY, f"there is no share for epoch {epoch}")
        return self._shares[epoch]

    async def _follow(self, http: HttpClient) -> None:
        began = False
        while True:
            try:
                await self.sync(http)
                if not began:
                    began = True
                    origin = self._view.directory.charter.log.origin
                    log.info("following", log=origin, host=self._host, entries=self._view.size)
                await self.report(http)
            except PatchworkError as error:
                self.pulse.failed("follow")
                refused = isinstance(error, SuccessorRefused)
                seconds = self._patience.failed("follow", error, critical=refused)
            else:
                self.pulse.went_well("follow")
                self._patience.went_well("follow")
                seconds = SYNC_SECONDS
            await asyncio.sleep(seconds)
