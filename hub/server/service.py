"""A running hub: parts put together, and the loops beside the web server.

Publisher (checkpoints), matcher (rounds), admissions (what the operator approved), charter (what
the operator proposed), erasure and the watch over the quorum each run in a loop; a fault in one
pass is logged and the next pass tries again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import structlog

from hub.config import HubSettings, load_settings
from hub.exchange.intake import Intake
from hub.exchange.mailboxes import Mailbox
from hub.exchange.requests import Broker
from hub.log.daily import Daily
from hub.log.ledger import Ledger, replay_directory
from hub.log.publisher import Publisher
from hub.log.quorum_status import watch
from hub.log.retention import Erasing
from hub.log.tile_store import TileStore
from hub.log.writer_lock import only_writer
from hub.matching.pepper import Pepper
from hub.matching.publications import Publications
from hub.matching.rounds import Matcher
from hub.members.charter_changes import adopt, waiting
from hub.members.enrolment import Enrolment
from hub.members.membership import Membership
from hub.server.routes import HubApp, Services
from hub.server.status_page import to_value
from hub.store.tables import HubEngine, HubTables, open_engine
from protocol.errors import ErrorCode, LocalError, PatchworkError
from protocol.log.note import NoteSigner, SignatureType
from protocol.messages.log import Decider
from protocol.signing import SecretSeed
from runtime.alarm import run_alarm
from runtime.environment import Environment
from runtime.secrets import read_secrets
from transport.client import HttpClient
from transport.server import run_beside, serve_until_stopped

ERASE_SECONDS = 3600
DAILY_SECONDS = 60
WATCH_SECONDS = 2

Result = TypeVar("Result")

log = structlog.get_logger()


async def erase_all(engine: HubEngine, erasing: Erasing, decided_by: Decider) -> int:
    """Erase what is due, a batch at a time; how many erasures it was.

    At the end the write-ahead file is emptied: until then it holds what the database lets go of.
    """
    total = 0
    while some := await engine.write(lambda tables: erasing.erase_some(tables, decided_by)):
        total += some
    if total:
        await engine.settle()
    return total


class HubService:
    """One hub from one folder. Raises LocalError when the folder is not usable."""

    def __init__(self, folder: Path, settings: HubSettings, env: Environment) -> None:
        self._folder = folder
        self.settings = settings
        self.env = env
        self.engine = open_engine(folder)

    async def start(self) -> Services:
        """Load keys and directory, check the log, and put the parts together."""
        keys = await asyncio.to_thread(read_secrets, self._folder / "keys.json")
        directory = await self.engine.read(replay_directory)
        if not directory.charters:
            raise LocalError(ErrorCode.NOT_READY, "run patchwork-hub found first")
        ledger = Ledger(SecretSeed(keys["sign"]), self.env, directory)
        self._ledger = ledger
        signer = NoteSigner(
            ledger.charter.log.origin, SignatureType.ED25519, SecretSeed(keys["log"])
        )
        publisher = Publisher(
            self.engine,
            TileStore(self._folder / "log"),
            signer,
            ledger,
            self.settings.witness_urls,
        )
        await publisher.start()
        self._matcher = Matcher(ledger)
        publications = Publications(ledger, Pepper(keys["pepper"]))
        broker = Broker(ledger, publisher.quorum_is_missing)
        intake = Intake(self.engine, ledger, broker, publications)
        self._services = Services(
            self.engine,
            intake,
            Enrolment(ledger),
            Mailbox(self.engine, ledger),
            Membership(ledger),
            publisher,
        )
        return self._services

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until SIGINT or SIGTERM; calls `ready` with the port when listening.

        Raises LocalError(CONFLICT) if another process runs from the same folder.
        """
        with only_writer(self._folder):
            await self._run(ready)

    async def _run(self, ready: Callable[[int], None]) -> None:
        services = await self.start()
        async with HttpClient(allow_private=self.settings.allow_private_addresses) as http:
            loops = [
                self._loop("publish", self.settings.batch_seconds, self._publish(http)),
                self._loop("round", self.settings.round_seconds, self.round),
                self._loop("admit", 0.5, self.admit),
                self._loop("charter", 0.5, self.amend),
                self._loop("erase", ERASE_SECONDS, self.erase),
                self._loop("daily", DAILY_SECONDS, self.daily),
                self._loop("watch", WATCH_SECONDS, self.watch),
            ]
            app = HubApp(services).application()
            serving = serve_until_stopped(app, self.settings.host, self.settings.port, ready)
            try:
                await run_beside(serving, loops)
            finally:
                await services.publisher.close()
                await self.engine.close()

    def _publish(self, http: HttpClient) -> Callable[[], Awaitable[object]]:
        return lambda: self._services.publisher.step(http)

    async def round(self) -> None:
        """Run one matching round."""
        changed = await self.engine.write(self._matcher.run)
        log.info("round", changed=changed)

    async def admit(self) -> None:
        """Make members of those whom the operator approved."""
        enrolment = self._services.enrolment
        membership = self._services.membership

        def work(tables: HubTables) -> None:
            enrolment.admit_approved(tables)
            membership.carry_out(tables)

        await self._or_replay(work)

    async def erase(self) -> None:
        """Erase what the charter's retention rules say is due."""
        done = await erase_all(self.engine, Erasing(self._ledger), "schedule")
        if done:
            log.info("erased", entries=done)

    async def watch(self) -> None:
        """Take down whether contact details can move; tell the operator once if they cannot."""
        charter, now = self._ledger.charter, self.env.clock()
        ahead = self._services.publisher.cosignatures.ahead
        found = await self.engine.write(lambda tables: watch(tables, charter, now, ahead))
        if found is not None and found.alarm:
            value = {"alarm": "no_quorum", "log": charter.log.origin, **to_value(found)}
            log.critical("no_quorum", since=found.since, missing=found.missing)
            await run_alarm(self.settings.alarm_command, value)

    async def daily(self) -> None:
        """Make today's statement to each agency that has none yet."""
        made = await self.engine.write(lambda tables: Daily(self._ledger).state(tables))
        if made:
            log.info("daily_statements", made=made)

    async def amend(self) -> None:
        """Put a charter that the operator proposed in force, if one waits."""
        if await self.engine.read(waiting) is None:
            return
        # The witnesses it names may have addresses that hub.toml did not have at the start.
        self.settings.witness_urls.update(load_settings(self._folder).witness_urls)
        new = await self._or_replay(lambda tables: adopt(tables, self._ledger))
        if new is not None:
            log.info("charter_in_force", version=new.version)

    async def _or_replay(self, work: Callable[[HubTables], Result]) -> Result:
        """Write; if that fails, what was not committed must not be in force in memory either."""
        try:
            return await self.engine.write(work)
        except BaseException:
            replay = await self.engine.read(replay_directory)
            self._ledger.directory = replay
            raise

    async def _loop(self, name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
            except (PatchworkError, OSError) as error:
                log.warning("loop_failed", loop=name, error=type(error).__name__)
            await asyncio.sleep(seconds)
