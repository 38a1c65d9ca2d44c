"""A running hub: the parts put together, served, with the jobs beside."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from hub.config import HubSettings
from hub.exchange.intake import Intake
from hub.exchange.mailboxes import Mailbox
from hub.log.ledger import HubSigner
from hub.log.newest import check_newest
from hub.log.publisher import Publisher
from hub.log.tile_store import TileStore
from hub.matching.pepper import Pepper
from hub.matching.uploading import Uploading
from hub.server.jobs import Jobs
from hub.server.routes import HubApp
from hub.server.services import Services
from hub.server.watching import hub_watch
from hub.store.tables import HubEngine, open_engine
from protocol.errors import ErrorCode, LocalError
from protocol.log.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed
from runtime.environment import Environment
from runtime.lock import only_one
from runtime.secrets import check_closed, read_secrets
from transport.client import HttpClient
from transport.server import run_beside, serve_until_stopped


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

    async def start(self) -> Services:
        """Load the keys, check the log, and put the parts together."""
        keys = await asyncio.to_thread(read_secrets, self._folder / "keys.json")
        directory = await self.engine.read(lambda tables: tables.directory.current())
        if not directory.charters:
            raise LocalError(ErrorCode.NOT_READY, "run patchwork-hub found first")
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
            self.engine,
            TileStore(self._folder / "log"),
            NoteSigner(origin, SignatureType.ED25519, log_seed),
            self.env.clock,
            self.settings.witness_urls,
        )
        await publisher.start()
        signer, pepper = HubSigner(SecretSeed(keys["sign"]), self.env), Pepper(keys["pepper"])
        uploading = Uploading(self.engine, signer)
        async with uploading.round():
            await uploading.sweep()
        services = Services(
            self.engine,
            signer,
            Intake(
                self.engine,
                signer,
                uploading,
                pepper,
                lambda index: publisher.quorum_is_missing(index),
            ),
            Mailbox(self.engine, self.env.clock),
            publisher,
        )
        self.jobs = Jobs(self._folder, self.settings, services)
        return services

    async def check_newest(self, http: HttpClient) -> None:
        """After a backup was restored: ask the witnesses what they hold. Raises LocalError."""
        await check_newest(self.engine, self.settings.witness_urls, http)

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until SIGINT or SIGTERM; calls `ready` with the port when listening.

        Raises LocalError: CONFLICT if another process runs from the same folder, INTERNAL when the
        log's writer met what nobody foresaw.
        """
        with only_one(self._folder, "hub"):
            try:
                await self._run(ready)
            finally:
                await self.engine.close()

    async def _run(self, ready: Callable[[int], None]) -> None:
        check_closed(self._folder)
        await self.engine.check()
        async with HttpClient(allow_private=self.settings.allow_private_addresses) as http:
            await self.check_newest(http)
            services = await self.start()
            watch = hub_watch(self._folder, services, self.jobs.pulse)
            app = HubApp(services).application(watch.routes())
            serving = serve_until_stopped(app, self.settings.host, self.settings.port, ready)
            try:
                await run_beside(serving, self.jobs.loops(http))
            finally:
                await services.publisher.close()
