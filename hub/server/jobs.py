"""The jobs beside the web server: the one process of a hub that leads.

Rounds, ends, raised attention, admissions (what the operator approved), charter (what the operator
proposed), erasure, daily statements, overdue requests and the watch over the quorum each run in a
loop. A fault stays where it happens: the item, or else the pass, is set aside and told to a person,
and the loops go on. Only the log's writer stops the service, since a hub whose log is no longer
published must not go on as if it were.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from hub.config import HubSettings, load_settings
from hub.exchange.overdue import Overdue
from hub.exchange.recalls import Recalls
from hub.log.daily import Daily
from hub.log.ledger import Ledger
from hub.log.quorum_status import watch
from hub.log.retention import erase_all
from hub.matching.alerting import Alerting
from hub.matching.ends import EndsPass, expire
from hub.matching.progress import tell_compared
from hub.matching.rounds import Matcher
from hub.members import take_up
from hub.members.charter_changes import adopt, waiting
from hub.members.enrolment import Enrolment
from hub.members.holidays import holidays_warning
from hub.members.membership import Membership
from hub.server.services import Services
from hub.server.status_page import to_value
from hub.store.members import ApplicantState, RotationState
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, LocalError, PatchworkError
from runtime.alarm import run_alarm
from runtime.faults import place_of
from runtime.logs import log
from runtime.metrics import Pulse
from runtime.patience import Patience
from transport.client import HttpClient

ADMIT_SECONDS = 0.5
ENDS_SECONDS = 0.5
ERASE_SECONDS = 3600
DAILY_SECONDS = 60
OVERDUE_SECONDS = 5
WATCH_SECONDS = 2
PUBLISH = "publish"

Job = Callable[[], Awaitable[object]]
Errors = tuple[type[Exception], ...]


class Jobs:
    """What a hub does by itself. `settings` are those that the publisher was made with."""

    def __init__(self, folder: Path, settings: HubSettings, services: Services) -> None:
        self._folder = folder
        self._settings = settings
        self._services = services
        self._engine = services.led
        self.signer = services.signer
        self.pulse = Pulse(services.signer.env.clock)
        self._patience = Patience("loop_failed")
        self._told: dict[str, str] = {}

    def loops(self, http: HttpClient) -> Sequence[Coroutine[Any, Any, NoReturn]]:
        """Every job in its loop, for as long as the hub serves."""
        settings = self._settings
        return [
            self._publish(settings.batch_seconds, http),
            self._loop("round", settings.round_seconds, self.round),
            self._loop("ends", ENDS_SECONDS, self.ends),
            self._loop("attention", ENDS_SECONDS, self.alert),
            self._loop("expiry", settings.expiry_seconds, self.expire),
            self._loop("admit", ADMIT_SECONDS, self.admit),
            self._loop("charter", ADMIT_SECONDS, self.amend),
            self._loop("erase", ERASE_SECONDS, self.erase),
            self._loop("daily", DAILY_SECONDS, self.daily),
            self._loop("overdue", OVERDUE_SECONDS, self.overdue),
            self._loop("watch", WATCH_SECONDS, self.watch),
        ]

    async def round(self) -> None:
        """Run matching rounds until no stub waits for one, others in between; tell those whose
        publications waited.
        """
        next_round = self.signer.env.clock() + math.ceil(self._settings.round_seconds)

        def work(tables: HubTables) -> int | None:
            if tables.uploads.logged():
                return None  # another process has just logged one: it goes in force first
            ledger = self._ledger(tables)
            changed = Matcher(ledger).run(tables)
            tell_compared(ledger, tables, next_round)
            return changed

        more = True
        while more:
            async with self._services.intake.uploading.round():
                changed = await self._engine.write(work)
            if changed is None:
                continue
            log.info("round", changed=changed)
            more = await self._engine.read(lambda tables: tables.stubs.is_any_marked())

    async def ends(self) -> None:
        """Tell what has ended: a leaf for each that is owed, others in between."""
        while await self._engine.read(lambda tables: tables.ends.owed()):
            changed = await self._engine.write(lambda tables: EndsPass(self._ledger(tables)).run())
            log.info("ends", changed=changed)

    async def alert(self) -> None:
        """Tell teams that attention was raised: each in a transaction of its own."""
        for index in await self._engine.read(lambda tables: tables.attention.owed()):
            await self._one("attention", str(index), self._alert)

    async def _alert(self, index: str) -> None:
        await self._engine.write(lambda tables: Alerting(self._ledger(tables)).tell(int(index)))

    async def expire(self) -> None:
        """Have those ends told that came by time alone."""
        now = self.signer.env.clock()

        def work(tables: HubTables) -> None:
            expire(tables, now, self._ledger(tables).charter.past_seconds)

        await self._engine.write(work)

    async def admit(self) -> None:
        """Write into the log what the operator decided of members: each in a transaction."""
        newcomers, rotations, orders, names, sizes = await self._engine.read(_decided)
        for party_id in newcomers:
            await self._one("admit", party_id, self._admit)
        for party_id in rotations:
            await self._one("rotate", party_id, self._replace_keys)
        for party_id in orders:
            await self._one("order", party_id, self._carry_out)
        for party_id in names:
            await self._one("rename", party_id, self._rename)
        for party_id in sizes:
            await self._one("resize", party_id, self._resize)
        await self._recall()

    async def _recall(self) -> None:
        """Recall the cards of whoever is no active member: some at a time, others in between."""
        while await self._engine.read(lambda tables: Recalls(self._ledger(tables)).of_inactive()):
            done = await self._engine.write(
                lambda tables: Recalls(self._ledger(tables)).recall_of_inactive()
            )
            log.info("cards_recalled", cards=done)

    async def _admit(self, party_id: str) -> None:
        await self._engine.write(lambda tables: Enrolment(self._ledger(tables)).admit(party_id))

    async def _replace_keys(self, party_id: str) -> None:
        in_force = await self._engine.write(
            lambda tables: Membership(self._ledger(tables)).replace_keys(party_id)
        )
        if not in_force:
            log.warning("rotation_dropped", party=party_id)

    async def _carry_out(self, party_id: str) -> None:
        await self._engine.write(
            lambda tables: Membership(self._ledger(tables)).carry_out(party_id)
        )

    async def _rename(self, party_id: str) -> None:
        done = await self._engine.write(
            lambda tables: Membership(self._ledger(tables)).rename(party_id)
        )
        if not done:
            log.warning("rename_dropped", party=party_id)

    async def _resize(self, party_id: str) -> None:
        await self._engine.write(lambda tables: Membership(self._ledger(tables)).resize(party_id))

    async def erase(self) -> None:
        """Erase what the charter's retention rules say is due."""
        done = await erase_all(self._engine, self.signer, "schedule")
        if done:
            log.info("erased", entries=done)

    async def watch(self) -> None:
        """Take down whether contact details can move; tell the operator once if they cannot."""
        now, ahead = self.signer.env.clock(), self._services.publisher.cosignatures.ahead
        found = await self._engine.write(lambda tables: watch(tables, now, ahead))
        if found is not None and found.alarm:
            origin = self._services.publisher.origin
            log.critical("no_quorum", since=found.since, missing=found.missing)
            await self._alarm({"alarm": "no_quorum", "log": origin, **to_value(found)})

    async def daily(self) -> None:
        """Make today's statement to each agency that has none yet."""
        made = await self._engine.write(lambda tables: Daily(self._ledger(tables)).state())
        if made:
            log.info("daily_statements", made=made)
        day = self.signer.env.clock() // take_up.DAY
        if not await self._engine.read(lambda tables: tables.take_up.is_noted(day)):
            await self._engine.write(lambda tables: take_up.note(tables, day))
        await self._warn_of_holidays()

    async def _warn_of_holidays(self) -> None:
        """Tell the operator, once while the hub runs, that the charter's holidays run out."""
        now = self.signer.env.clock()
        directory = await self._engine.read(lambda tables: tables.directory.current())
        warning = holidays_warning(directory.charter.answering, now)
        if warning is not None and "holidays" not in self._told:
            self._told["holidays"] = warning
            log.warning("holidays_run_out")
            await self._alarm({"alarm": "holidays_run_out", "says": warning})

    async def overdue(self) -> None:
        """Say which requests nobody answered in time: some at a time, others in between."""
        while await self._engine.read(lambda tables: Overdue(self._ledger(tables)).is_any()):
            said = await self._engine.write(lambda tables: Overdue(self._ledger(tables)).say_some())
            log.info("requests_overdue", requests=said)

    async def amend(self) -> None:
        """Put a charter that the operator proposed in force, if one waits."""
        if await self._engine.read(waiting) is None:
            return
        # The witnesses it names may have addresses that hub.toml did not have at the start.
        self._settings.witness_urls.update(load_settings(self._folder).witness_urls)
        new = await self._engine.write(lambda tables: adopt(self._ledger(tables)))
        if new is None:
            log.warning("charter_proposal_dropped")
        else:
            log.info("charter_in_force", version=new.version)

    def _ledger(self, tables: HubTables) -> Ledger:
        return Ledger(tables, self.signer)

    async def _publish(self, seconds: float, http: HttpClient) -> NoReturn:
        """The log's writer: what it did not foresee ends the service. Raises LocalError."""
        while True:
            try:
                await self._services.publisher.step(http)
                self._went_well(PUBLISH)
            except (PatchworkError, OSError) as error:
                self._failed(PUBLISH, error)
            except Exception as error:  # noqa: BLE001 - as below, and then the service ends
                await self._tell(PUBLISH, error)
                raise LocalError(
                    ErrorCode.INTERNAL, f"the log's writer: {_described(error)}"
                ) from None
            await asyncio.sleep(seconds)

    async def _loop(self, name: str, seconds: float, job: Job) -> NoReturn:
        while True:
            try:
                if await self._apart(name, job):
                    self._went_well(name)
                else:
                    self.pulse.failed(name)
            except (PatchworkError, OSError) as error:
                self._failed(name, error)
            await asyncio.sleep(seconds)

    def _went_well(self, name: str) -> None:
        self.pulse.went_well(name)
        self._patience.went_well(name)

    def _failed(self, name: str, error: Exception) -> None:
        self.pulse.failed(name)
        self._patience.failed(name, error)

    async def _one(self, name: str, party_id: str, job: Callable[[str], Awaitable[None]]) -> None:
        """Do what a job has to do for one party: what is wrong with it stops no other's."""
        await self._apart(f"{name} {party_id}", partial(job, party_id), (LocalError, OSError))

    async def _apart(
        self, name: str, job: Job, foreseen: Errors = (PatchworkError, OSError)
    ) -> bool:
        """Do a job so that what nobody foresaw in it stops nothing else; whether it was done.

        Raises PatchworkError.
        """
        try:
            await job()
        except foreseen:
            raise
        except Exception as error:  # noqa: BLE001 - told by type and place, never by its message
            await self._tell(name, error)
            return False
        if self._told.pop(name, None) is not None:
            await self._engine.write(lambda tables: tables.office.clear(name))
        return True

    async def _tell(self, where: str, error: Exception) -> None:
        """Tell a person once, until it has gone well in between."""
        what = _described(error)
        if self._told.get(where) == what:
            return
        self._told[where] = what
        log.critical("unforeseen", job=where, error=type(error).__name__, at=place_of(error))
        now = self.signer.env.clock()
        with suppress(PatchworkError):  # it may be the database that is amiss
            await self._engine.write(lambda tables: tables.office.alarm(where, what, now))
        await self._alarm({"alarm": "unforeseen", "job": where, "error": what})

    async def _alarm(self, value: dict[str, Any]) -> None:
        await run_alarm(self._settings.alarm_command, value)


def _decided(tables: HubTables) -> tuple[list[str], ...]:
    """Whom the operator approved, whose new keys; about whom there are orders, names and sizes."""
    members = tables.members
    return (
        [item.party_id for item in members.applicants(ApplicantState.APPROVED)],
        [item.party_id for item in members.rotations(RotationState.APPROVED)],
        [item.party_id for item in members.orders()],
        [*members.names()],
        [*members.sizes()],
    )


def _described(error: Exception) -> str:
    return f"{type(error).__name__} in {place_of(error)}"
