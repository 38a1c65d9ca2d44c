"""Mail to our own people that there is news, and not a word of what (specs/11-news.md).

It is sent by the running node alone, beside everything else. A mail is marked as sent once the
server has taken it: cut off in between it goes again, under the same Message-ID, rather than never.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from node.alarms import AlarmCode, clear_alarm, raise_alarm
from node.config import MailSettings, MailWish
from node.membership.synced import check_synced
from node.news.reading import current
from node.store.news import NewsLevel, NewsMail
from node.store.people import Person
from node.store.tables import NodeEngine, NodeTables
from protocol.contact import read_email
from protocol.errors import PatchworkError
from runtime.environment import Environment
from runtime.logs import log
from runtime.mail import Mail, MailServer, Outcome, connected
from runtime.secrets import read_password

SUBJECT = "Patchwork"
TEXT = "There is news for you in Patchwork. Sign in to see it.\n"
FIRST_SECONDS, MOST_SECONDS = 60, 3600
LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 3600
"""After how long of waiting the administrator is told that mail does not get through."""

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Due:
    """A mail that is due, to whom, and the lines (row ids) that it tells of."""

    mail: NewsMail
    address: str
    lines: tuple[int, ...]


class NewsMailer:
    """What sends one node's mail to its own people."""

    def __init__(
        self,
        engine: NodeEngine,
        settings: MailSettings,
        place: tuple[Path, ZoneInfo],
        env: Environment,
    ) -> None:
        """`place`: the node's folder, and the agency's time zone."""
        self._engine, self._settings, self._env = engine, settings, env
        self._folder, self._zone = place

    def check(self) -> None:
        """Raise LocalError where the password is not to be had."""
        self._server()

    async def run(self, attempt: Callable[[str, Work], Awaitable[object]]) -> None:
        """Send what is due until cancelled; `attempt` is one pass, which no fault gets out of."""
        while True:
            await attempt("mail", self.step)
            await asyncio.sleep(LOOK_SECONDS)

    async def step(self) -> int:
        """Send what is due; how many mails were taken. Raises LocalError."""
        due = await self._engine.write(self._take_due) if await self._engine.read(self._any) else []
        taken = await self._send(due) if due else 0
        await self._watch()
        return taken

    async def _send(self, due: list[Due]) -> int:
        taken, failing = 0, [one.mail for one in due]  # without a connection, every one of them
        try:
            async with connected(self._server()) as post:
                for one in due:
                    failing = [one.mail]  # the others need not wait with it
                    outcome = await post(self._written(one))
                    taken += outcome is Outcome.TAKEN
                    await self._engine.write(partial(self._note, due=one, outcome=outcome))
        except PatchworkError as error:  # the server, or the file with its password
            log.warning("mail_waits", detail=error.detail, mails=len(failing))
            await self._engine.write(partial(self._later, mails=failing))
        return taken

    def _any(self, tables: NodeTables) -> bool:
        return bool(self._find(tables))

    def _take_due(self, tables: NodeTables) -> list[Due]:
        """What is due, kept as on its way before it leaves. Of what is over nothing is sent."""
        for hub in tables.hubs.all():
            check_synced(tables, hub.hub_id)
        now, due = self._env.clock(), []
        for person, mail in self._find(tables):
            lines = [
                line
                for line in tables.news.of_person(person.id, unseen=True)
                if line.mailed_at is None and line.level is not NewsLevel.QUIET
            ]
            hold = [item.line.id for item in current(tables, lines, now)]
            if hold:
                tables.news.put_mail(mail)
                due.append(Due(mail, str(person.mail_address), tuple(hold)))
            else:
                tables.news.mailed(person.id, [line.id for line in lines], now)
        return due

    def _find(self, tables: NodeTables) -> list[tuple[Person, NewsMail]]:
        """To whom a mail is due, the new ones with an id of their own."""
        now, sent = self._env.clock(), tables.news.mails()
        found = []
        for known, since in self._unmailed(tables):
            person = known.id
            mail = sent.get(person)
            if mail is None:
                due = due_at(since, self._wish(known), self._settings, self._zone)
                mail = NewsMail(person, self._env.random(16).hex(), now, 0, due)
            if mail.next_at <= now:
                found.append((known, mail))
        return found

    def _unmailed(self, tables: NodeTables) -> list[tuple[Person, Mapping[NewsLevel, int]]]:
        """Who can be written to and has lines that are neither seen nor mailed, since when."""
        people = {one.id: one for one in tables.people.all() if self._wish(one) is not None}
        return [(people[one], since) for one, since in tables.news.unmailed(people).items()]

    def _wish(self, person: Person) -> MailWish | None:
        """How somebody is written to; None: not at all."""
        wish = MailWish(person.mail_wish) if person.mail_wish else self._settings.usual
        address = person.mail_address
        reachable = person.is_active and address is not None and read_email(address) == address
        return wish if reachable and wish is not MailWish.NEVER else None

    def _note(self, tables: NodeTables, due: Due, outcome: Outcome) -> None:
        """Write down what became of a mail."""
        person, now = due.mail.person, self._env.clock()
        if outcome is Outcome.TAKEN:
            tables.news.mailed(person, due.lines, now)
        elif outcome is Outcome.LATER:
            self._later(tables, [due.mail])
        else:
            tables.news.drop_mails([person])
            tables.people.refuse_mail(person, due.address)
            log.warning("mail_refused", person=person)

    def _later(self, tables: NodeTables, mails: list[NewsMail]) -> None:
        """Try these again, each time after twice as long."""
        now = self._env.clock()
        for mail in mails:
            wait = min(MOST_SECONDS, FIRST_SECONDS * 2**mail.attempts)
            again = replace(mail, attempts=min(mail.attempts + 1, 16), next_at=now + wait)
            tables.news.put_mail(again)

    async def _watch(self) -> None:
        """Tell the administrator what does not get through, and that it does again. Mail that
        nobody waits for any more, because they looked, or want none, is not on its way.
        """
        if over := await self._engine.read(self._over):
            await self._engine.write(lambda tables: tables.news.drop_mails(over))
        if changes := await self._engine.read(self._changed):
            await self._engine.write(lambda tables: self._tell(tables, changes))

    def _over(self, tables: NodeTables) -> set[int]:
        return tables.news.mails().keys() - {one.id for one, _ in self._unmailed(tables)}

    def _changed(self, tables: NodeTables) -> list[tuple[str, AlarmCode, str, bool]]:
        """Alarms that are to be raised (true) or cleared: by hub, code and place."""
        now = self._env.clock()
        refused = [
            (AlarmCode.MAIL_REFUSED, str(person.id))
            for person in tables.people.all()
            if person.is_active and person.mail_refused and person.mail_address is None
        ]
        late = any(now - mail.since >= PATIENCE_SECONDS for mail in tables.news.mails().values())
        so = {*refused, *([(AlarmCode.MAIL_DOWN, "")] if late else [])}
        changes = []
        for hub in tables.hubs.all():
            said = {
                (AlarmCode(row.code), row.place)
                for row in tables.alarms.open(hub.hub_id)
                if row.code in {AlarmCode.MAIL_REFUSED, AlarmCode.MAIL_DOWN}
            }
            changes += [(hub.hub_id, *one, True) for one in sorted(so - said)]
            changes += [(hub.hub_id, *one, False) for one in sorted(said - so)]
        return changes

    def _tell(self, tables: NodeTables, changes: list[tuple[str, AlarmCode, str, bool]]) -> None:
        now = self._env.clock()
        for hub_id, code, place, is_so in changes:
            (raise_alarm if is_so else clear_alarm)(tables, hub_id, code, now, place=place)

    def _written(self, due: Due) -> Mail:
        text = text_of(self._settings)
        return Mail(due.address, SUBJECT, text, due.mail.message_id, self._env.clock())

    def _server(self) -> MailServer:
        """The server as the settings have it, with the password as its file has it now."""
        mail = self._settings
        password = read_password(self._folder / mail.password_file) if mail.user else ""
        return MailServer(mail.host, mail.port, mail.tls, mail.sender, mail.user, password)


def text_of(mail: MailSettings) -> str:
    """What stands in every mail."""
    return f"{TEXT}\n{mail.web_address}\n" if mail.web_address else TEXT


def due_at(
    since: Mapping[NewsLevel, int], wish: MailWish | None, mail: MailSettings, zone: ZoneInfo
) -> int:
    """When mail of lines is due that wait since then (Unix seconds), by level: a digest goes once a
    day to whoever wants everything else at once.
    """
    times = []
    for level, first in since.items():
        at_once = wish is MailWish.AT_ONCE and level is NewsLevel.NOTICE
        times.append(first + mail.quiet_seconds if at_once else _next(first, mail.daily_hour, zone))
    return min(times)


def _next(after: int, hour: int, zone: ZoneInfo) -> int:
    """The first time after another one that it is this hour."""
    day = datetime.fromtimestamp(after, zone).date()
    found = 0
    while found <= after:
        found = int(datetime.combine(day, time(hour), zone).timestamp())
        day += timedelta(days=1)
    return found
