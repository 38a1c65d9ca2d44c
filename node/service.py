"""A running node at one hub: poll, handle, send, release (specs/07-transport.md §5).

Ten loops, each of which outlives whatever meets one of its passes (node/faults.py).
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar
from zoneinfo import ZoneInfo

from node.config import NodeSettings
from node.dispatch import Dispatcher
from node.mail import Mail
from node.membership.hub import HubMembership
from node.membership.outbox import Outbox
from node.membership.renewal import SealRenewal
from node.news.reminders import Reminders
from node.oversight.figures import WeeklyFigures
from node.oversight.monitor import Monitor
from node.publishing.publisher import Publisher
from node.publishing.republish import CharterWatch
from node.records.upkeep import Forgetting
from node.requests.told import HandingOn
from node.resync.resync import Resyncing
from node.store.set_aside import Kind, SetAside
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.governance.retention import DAY
from protocol.messages.bodies import PollBody
from protocol.wire import ANSWER_LIMIT, Mailbag, parse_wire
from runtime.logs import log
from runtime.metrics import Pulse
from runtime.patience import FIRST_SECONDS, Patience

PAUSE_SECONDS = 0.3
FOLLOW_SECONDS = 2.0
LOOK_SECONDS = 30.0
RENEW_SECONDS = 60.0
HANDINGS_A_REMINDER = 60

Work = Callable[[], Awaitable[object]]
Shown = TypeVar("Shown")


class NodeService:
    """One node at one hub. `instance` tells the hub two running copies apart; `others` are the same
    node at its other hubs, which are told of its own records too.
    """

    def __init__(self, membership: HubMembership, settings: NodeSettings) -> None:
        self.membership = membership
        self.others: list[HubMembership] = []
        self.dispatcher = Dispatcher(membership, settings)
        self.asking = self.dispatcher.asking
        self.enquiring = self.dispatcher.enquiring
        self.answering = self.dispatcher.answering
        self.releasing = self.dispatcher.releasing
        self.journal = self.dispatcher.journal
        self.mail = Mail(membership, self.dispatcher)
        self.resyncing = Resyncing(membership, self.dispatcher, self._read_mail)
        self.outbox = Outbox(membership, self.dispatcher.on_sent, self.dispatcher.on_failed)
        self.charters = CharterWatch(membership)
        self.renewal = SealRenewal(membership)
        self.figures = WeeklyFigures(membership)
        self.handing_on = HandingOn(membership)
        self.reminders = Reminders(membership, settings.remind_days, settings.hubs)
        self.monitor = Monitor(membership, settings.alarm_command)
        self.forgetting = Forgetting(membership.engine, settings, membership.folder, membership.env)
        self.settings = settings
        self._instance = secrets.token_hex(16)
        self.patience = Patience("node_waits", membership.hub.url)
        self.pulse = Pulse(membership.env.clock, (membership.hub.name,))
        self._faulty: set[str] = set()
        self._pauses: dict[str, float] = {}
        self._retry_first = False
        self._came = asyncio.Event()
        self._reminded = 0

    @property
    def zone(self) -> ZoneInfo:
        """Where the agency is."""
        return ZoneInfo(self.settings.time_zone)

    async def run(self) -> None:
        """Poll and act until cancelled; faults are logged, told to a person, and tried again.

        What was set aside before is tried again in the first pass; what waits besides is sent
        meanwhile.
        """
        self._retry_first = True
        if unknown := self.answering.unknown_rules():
            log.warning("answer_rules_unknown", names=unknown)
        self._faulty = await self.membership.engine.read(
            lambda tables: tables.set_aside.items(self.membership.hub.hub_id, Kind.LOOP)
        )
        loops = {
            "receive": self._receive,
            "send": self._send,
            "advance": self._advance,
            "watch": self._watch,
            "renew": self._renew,
            "figures": self._say_figures,
            "remind": self._remind,
            "monitor": self._monitor,
            "forget": self._forget,
            "enquiries": self._tell_enquiries,
        }
        await asyncio.gather(*(self._forever(name, work) for name, work in loops.items()))

    @property
    def time_zone(self) -> str:
        """Where the agency is, as the tz database names it."""
        return self.settings.time_zone

    async def read(self, view: Callable[[NodeTables, HubMembership], Shown]) -> Shown:
        """What a view makes of the tables as they are now. Raises LocalError: NOT_READY of a backup
        that does not know yet what it missed, and may show what was withdrawn or recalled since.
        """
        await self.membership.check_synced()
        return await self.oversee(view)

    async def read_each(
        self, view: Callable[[NodeTables, HubMembership], Shown]
    ) -> list[tuple[str, Shown]]:
        """What a view makes of each hub, with the hub's name. Raises LocalError as `read` does."""
        found = []
        for membership in (self.membership, *self.others):
            await membership.check_synced()
            found.append((membership.hub.name, await _read_at(membership, view)))
        return found

    async def oversee(self, view: Callable[[NodeTables, HubMembership], Shown]) -> Shown:
        """The same of what tells nothing of a client: it is shown in any case."""
        return await _read_at(self.membership, view)

    async def receive(self, wait: int | None = None) -> int:
        """One poll: fetch mail, handle each message once; how many were handled.

        After a backup was put back, first of all learn what it missed. Raises PatchworkError.
        """
        if await self.resyncing.under_way():
            await self.resyncing.run()
        try:
            return await self._read_mail(wait)
        except RemoteError as error:
            if error.code is not ErrorCode.BEHIND:
                raise
            await self.resyncing.fell_behind()
            return 0

    async def _read_mail(self, wait: int | None = 0) -> int:
        membership = self.membership
        hub = membership.hub
        body = PollBody(
            generation=hub.generation,
            cursor=hub.cursor,
            wait=self.settings.poll_seconds if wait is None else wait,
            instance=self._instance,
        )
        statement = membership.sign(body, hub.hub_id)
        answer = await membership.post("/v1/polls", statement.envelope.encode())
        return await self.mail.take_in(parse_wire(Mailbag, answer, limit=ANSWER_LIMIT))

    async def advance(self) -> None:
        """Send what waits in the outbox, release what is allowed, send again.

        After a backup was put back nothing leaves before it is known what left since.
        """
        if await self.resyncing.under_way():
            return
        refusals = await self.outbox.send()
        if await self.dispatcher.advance():
            refusals += await self.outbox.send()
        await self.outbox.check_logged()
        await self.journal.answer()
        self._say_refused(refusals)

    async def send(self) -> None:
        """Send what waits in the outbox, and leave the rest to whoever advances."""
        self._say_refused(await self.outbox.send())

    async def retry(self) -> list[SetAside]:
        """Try again everything that was set aside; what still fails. Raises PatchworkError."""
        await self.membership.check_synced()
        await self._do_again()
        passes: dict[str, Work] = {
            "receive": lambda: self.receive(wait=0),
            "send": self.send,
            "advance": self.advance,
            "watch": self.charters.step,
            "renew": self.renewal.step,
            "figures": self.figures.step,
            "remind": self._remind_once,
            "monitor": self.monitor.look,
            "forget": lambda: self.forgetting.run(dry_run=False),
            "enquiries": self.tell_enquiries,
        }
        engine, hub_id = self.membership.engine, self.membership.hub.hub_id
        self._faulty = await engine.read(lambda tables: tables.set_aside.items(hub_id, Kind.LOOP))
        for name in sorted(self._faulty & passes.keys()):
            await self.attempt(name, passes[name])
        return await engine.read(lambda tables: tables.set_aside.all(hub_id))

    async def attempt(self, name: str, work: Work) -> bool:
        """One pass of a loop; whether all went well. No fault gets out of it."""
        faults, done = self.membership.faults, False
        try:
            async with faults.guarded(Kind.LOOP, name, known=name in self._faulty):
                await work()
                done = True
            (self._faulty.discard if done else self._faulty.add)(name)
        except PatchworkError as error:
            self._pauses[name] = self.patience.failed(name, error)
        else:
            self.patience.went_well(name)
        (self.pulse.went_well if done else self.pulse.failed)(name)
        return done

    async def _receive(self) -> None:
        if await self.receive():
            self._came.set()
        else:
            await asyncio.sleep(PAUSE_SECONDS)

    async def _advance(self) -> None:
        if self._retry_first and not await self.resyncing.under_way():
            await self._do_again()
            self._retry_first = False
        await self.advance()
        await asyncio.sleep(PAUSE_SECONDS)

    async def _send(self) -> None:
        """Beside what `advance` waits for: answers leave while cards wait for witnesses."""
        self._came.clear()
        await self.send()
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._came.wait()

    def _say_refused(self, refusals: Sequence[RemoteError]) -> None:
        for error in refusals:
            log.warning("statement_refused", code=error.code.value)

    async def _do_again(self) -> None:
        """One pass that passes over nothing, then the messages, which may answer what it sends."""
        self.membership.faults.again = True
        try:
            await self.advance()
        finally:
            self.membership.faults.again = False
        await self.mail.retry()

    async def _watch(self) -> None:
        await self.charters.step()
        await asyncio.sleep(FOLLOW_SECONDS)

    async def _renew(self) -> None:
        await self.renewal.step()
        await asyncio.sleep(RENEW_SECONDS)

    async def _say_figures(self) -> None:
        await self.figures.step()
        await asyncio.sleep(RENEW_SECONDS)

    async def _remind_once(self) -> None:
        await self.reminders.step()
        await self.handing_on.step()

    async def _remind(self) -> None:
        if self._reminded % HANDINGS_A_REMINDER == 0:
            await self.reminders.step()
        await self.handing_on.step()
        self._reminded += 1
        await asyncio.sleep(RENEW_SECONDS)

    async def _monitor(self) -> None:
        await self.monitor.look()
        await asyncio.sleep(LOOK_SECONDS)

    async def _forget(self) -> None:
        """Once a day, and soon again where somebody was reading what is gone; of a backup that was
        put back not before it is known what it missed.
        """
        if await self.resyncing.under_way():
            await asyncio.sleep(LOOK_SECONDS)
            return
        done = await self.forgetting.run(dry_run=False)
        await asyncio.sleep(DAY if done["settled"] else LOOK_SECONDS)

    async def tell_enquiries(self) -> None:
        """Publish enquiries that were allowed and are not published yet, and end those that are
        over.
        """
        if await self.resyncing.under_way():
            return
        membership = self.membership
        to_tell = await membership.engine.read(
            lambda tables: tables.enquiries.is_any_to_tell(membership.at())
        )
        if to_tell:
            await Publisher(membership).publish_enquiries()

    async def tell_owed(self) -> None:
        """Tell the hub what it was not told while it was away. Raises PatchworkError."""
        if self.membership.owed and not await self.resyncing.under_way():
            await self.membership.follow()
            await Publisher(self.membership).tell_withdrawn()
            self.membership.owed = False

    async def _tell_enquiries(self) -> None:
        await self.tell_owed()
        await self.tell_enquiries()
        await asyncio.sleep(LOOK_SECONDS)

    async def _forever(self, name: str, work: Work) -> None:
        while True:
            if not await self.attempt(name, work):
                await self.patience.pause(self._pauses.pop(name, FIRST_SECONDS))


async def _read_at(
    membership: HubMembership, view: Callable[[NodeTables, HubMembership], Shown]
) -> Shown:
    return await membership.engine.read(lambda tables: view(tables, membership))
