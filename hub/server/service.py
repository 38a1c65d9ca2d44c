"""A running hub: the parts put together, served, with the jobs beside."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from hub.config import HubSettings
from hub.exchange.intake import Intake
from hub.exchange.mailboxes import LOOK_AGAIN_SECONDS, Mailbox
from hub.log.led import LedEngine
from hub.log.ledger import HubSigner
from hub.log.newest import check_newest
from hub.log.publisher import Publisher
from hub.log.tile_rows import tiles_of
from hub.matching.pepper import Pepper
from hub.matching.uploading import Uploading
from hub.server.jobs import Jobs
from hub.server.leading import LOOK_SECONDS, Election, Loops
from hub.server.routes import HubApp
from hub.server.services import Services
from hub.server.watching import hub_watch
from hub.store.tables import DATABASE, HubEngine, check_settled, open_engine
from protocol.errors import ErrorCode, LocalError, PatchworkError
from protocol.log.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed
from runtime.environment import Environment
from runtime.lock import only_one
from runtime.secrets import check_closed, read_secrets
from transport.client import HttpClient
from transport.server import run_beside, serve_forever, serve_until_stopped


class HubService:
    """One hub from one folder. Raises LocalError when the folder is not usable.

    `engine` is the folder's database, if it is not to be opened here.
    """

    def __init__(
        self,
        folder: Path,
        settings: HubSettings,
        env: Environment,
        engine: HubEngine | None = None,
    ) -> None:
        self._folder = folder
        self.settings = settings
        self.env = env
        self.engine = engine or open_engine(folder)
        self._is_one_of_many = bool(settings.database)
        self.led = LedEngine(self.engine, alone=not self._is_one_of_many)

    async def start(self) -> Services:
        """Load the keys, check the log, and put the parts together."""
        keys = await asyncio.to_thread(read_secrets, self._folder / "keys.json")
        directory = await self.engine.read(lambda tables: tables.directory.current())
        if not directory.charters:
            raise LocalError(ErrorCode.NOT_READY, self._what_first())
        if await self.engine.read(lambda tables: tables.checkpoints.has_come_back()):
            raise LocalError(ErrorCode.NOT_READY, "ask the witnesses first what they hold")
        if "pepper" not in keys:
            raise LocalError(
                ErrorCode.NOT_READY,
                "keys.json lacks the pepper, which no backup holds: restore again with --pepper. "
                "If it is lost, begin a new log with patchwork-hub succeed",
            )
        origin, log_seed = directory.charter.log.origin, SecretSeed(keys["log"])
        publisher = Publisher(
            self.led,
            tiles_of(self._folder, self.settings.database, self.led.check_lead),
            NoteSigner(origin, SignatureType.ED25519, log_seed),
            self.env.clock,
            self.settings.witness_urls,
        )
        signer, pepper = HubSigner(SecretSeed(keys["sign"]), self.env), Pepper(keys["pepper"])
        self._uploading = Uploading(self.engine, signer)
        look_again = LOOK_SECONDS if self._is_one_of_many else LOOK_AGAIN_SECONDS
        services = Services(
            self.engine,
            self.led,
            signer,
            Intake(
                self.engine,
                signer,
                self._uploading,
                pepper,
                lambda index: publisher.quorum_is_missing(index),
            ),
            Mailbox(self.engine, self.env.clock, look_again),
            publisher,
        )
        self._publisher = publisher
        self.jobs = Jobs(self._folder, self.settings, services)
        await (publisher.follow() if self._is_one_of_many else self.begin_leading())
        return services

    def _what_first(self) -> str:
        """What a person is to do where the database holds no log."""
        if self._is_one_of_many and (self._folder / DATABASE).exists():
            return (
                "hub.toml names a database that holds no hub, and the file here does: take the "
                "line out, and run patchwork-hub move-database"
            )
        return "run patchwork-hub found first"

    async def begin_leading(self) -> None:
        """Check the log, and finish what was interrupted, before anything is written."""
        await self._publisher.start()
        if await self.engine.read(lambda tables: tables.office.alarms()):
            await self.led.write(lambda tables: tables.office.clear_all())
        async with self._uploading.round():
            await self._uploading.sweep()

    async def check_newest(self, http: HttpClient) -> None:
        """After a backup was restored: ask the witnesses what they hold. Raises LocalError."""
        await check_newest(self.engine, self.settings.witness_urls, http)

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until SIGINT or SIGTERM; calls `ready` with the port when listening.

        Raises LocalError: CONFLICT if another process runs from the same folder, but for one that
        shares its database; INTERNAL when the log's writer met what nobody foresaw.
        """
        with only_one(self._folder, "hub", of_many=self._is_one_of_many):
            try:
                await self._run(ready)
            finally:
                await self.engine.close()

    async def _run(self, ready: Callable[[int], None]) -> None:
        check_closed(self._folder)
        await check_settled(self.engine)
        await self.engine.check()
        async with HttpClient(allow_private=self.settings.allow_private_addresses) as http:
            await self.check_newest(http)
            services = await self.start()
            watch = hub_watch(self._folder, services, self.jobs.pulse)
            app = HubApp(services).application(watch.routes())
            serving = serve_until_stopped(app, self.settings.host, self.settings.port, ready)
            pages = [self._pages(services)] if self.settings.web_port else []
            try:
                await run_beside(serving, [*self._loops(http), *pages])
            finally:
                await services.publisher.close()

    def _loops(self, http: HttpClient) -> Loops:
        if not self._is_one_of_many:
            return self.jobs.loops(http)

        async def begin() -> Loops:
            await self.begin_leading()
            return self.jobs.loops(http)

        election = Election(self.engine, self.led, self.env.new_id(), self.settings.lead_seconds)
        return [election.run(begin), self._follow()]

    async def _pages(self, services: Services) -> None:
        """Serve the operator's pages until cancelled; what they need is loaded only here. Raises
        LocalError.
        """
        from hub.web.pages.desk import Hub
        from hub.web.pages.site import hub_site

        settings, ahead = self.settings, services.publisher.cosignatures
        site = await hub_site(
            Hub(self.engine, self._folder, settings, self.env, lambda: ahead.ahead)
        )
        certificate = None
        if settings.web_certificate:
            certificate = (
                self._folder / settings.web_certificate,
                self._folder / settings.web_key,
            )
        app = site.application()
        await serve_forever(app, settings.web_host, settings.web_port, certificate)

    async def _follow(self) -> NoReturn:
        """Know what the leader has published, while another process leads."""
        while True:
            if not self.led.leads:
                with suppress(PatchworkError):
                    await self._publisher.follow()
            await asyncio.sleep(LOOK_SECONDS)
