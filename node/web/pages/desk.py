"""What every page has: whoever is signed in, and the node's services, one a hub."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from aiohttp import web

from node.actions.uploads import UploadDesk
from node.config import NodeSettings
from node.records import caseload
from node.records.accounts import Role, roles_of, whose
from node.records.clearance import lacking
from node.service import NodeService
from node.store.people import Person
from node.store.records import Client
from node.store.tables import NodeEngine, NodeTables
from node.web.calls import Hubs
from protocol.errors import ErrorCode, LocalError, RemoteError
from storage.accounts import Account
from web.look import day_text
from web.site import Barred, Elsewhere, Page, Visit

Shown = TypeVar("Shown")


@dataclass(frozen=True)
class Desk:
    """Somebody at work: who they are, in which roles, and the node that they work with."""

    person: Person
    roles: frozenset[Role]
    engine: NodeEngine
    services: Sequence[NodeService]
    settings: NodeSettings
    uploads: UploadDesk

    @property
    def title(self) -> str:
        """Their name, as pages show it."""
        return self.person.title

    @property
    def hubs(self) -> Hubs:
        """The services, as the local interface's calls take them."""
        return Hubs(self.services)

    @property
    def now(self) -> int:
        """Unix seconds, by the node's clock."""
        return self.services[0].membership.env.clock()

    @property
    def today(self) -> date:
        """The day, where the agency is."""
        return datetime.fromtimestamp(self.now, ZoneInfo(self.settings.time_zone)).date()

    async def read(self, view: Callable[[NodeTables], Shown]) -> Shown:
        """What a view makes of the agency's own records. Raises LocalError."""
        return await self.engine.read(view)

    def at(self, hub_id: str) -> NodeService:
        """The service at a hub that an address names. Raises HTTPNotFound."""
        for service in self.services:
            if service.membership.hub.hub_id == hub_id:
                return service
        raise web.HTTPNotFound

    async def client(self, row: int) -> Client:
        """A client by the number in an address; that somebody looks is written down. Raises
        HTTPNotFound, or Elsewhere to say why first, where they are of no team of theirs.
        """
        who = (self.person, row, self.now)

        def look(tables: NodeTables) -> tuple[list[Client], bool, bool]:
            found = tables.records.clients_by_row([row])
            looked = caseload.has_looked(tables, *who)
            return found, caseload.may_look(tables, *who), looked

        found, may, looked = await self.read(look)
        if not found:
            raise web.HTTPNotFound
        if not may:
            raise Elsewhere(f"/clients/{row}/reason")
        if not looked:  # a look that stands waits for nobody who writes
            await self.engine.write(lambda tables: caseload.look(tables, *who, None))
        return found[0]

    async def looked(self, row: int) -> None:
        """Write down that somebody looks at a client, wherever their name and birth date stand."""
        who = (self.person, row, self.now)
        if not await self.read(lambda tables: caseload.has_looked(tables, *who)):
            await self.engine.write(lambda tables: caseload.look(tables, *who, None))

    async def known(self, row: int) -> Client:
        """A client by the number in an address, to nobody's eyes yet. Raises HTTPNotFound."""
        found = await self.read(lambda tables: tables.records.clients_by_row([row]))
        if not found:
            raise web.HTTPNotFound
        return found[0]


async def told_later(done: Awaitable[object]) -> None:
    """It is done here, whatever the hub says or takes from us now: it hears of it later."""
    try:
        await done
    except RemoteError:
        pass
    except LocalError as error:
        if error.code is not ErrorCode.NOT_READY:  # suspended, or back from a backup
            raise


NodeVisit = Visit[Desk]
NodePage = Page[Desk]


@dataclass(frozen=True)
class Reception:
    """Finds out who somebody is who signed in."""

    engine: NodeEngine
    services: Sequence[NodeService]
    settings: NodeSettings
    uploads: UploadDesk

    async def admit(self, account: Account) -> tuple[Desk, frozenset[str]] | Barred:
        """Their desk and roles, or why they may not come in."""
        required, today = self.settings.web_required, self._today()

        def look(tables: NodeTables) -> tuple[Person, frozenset[Role]] | Barred:
            person = whose(tables, account)
            if person is None:
                return Barred("says.left")
            lack = lacking(tables, person.id, required, today)
            if lack is not None:
                when = "over" if lack.until else "missing"
                values = {"day": day_text(lack.until)}
                return Barred(f"{lack.kind}.{when}", values)
            return person, roles_of(tables, account, person)

        found = await self.engine.read(look)
        if isinstance(found, Barred):
            return found
        person, roles = found
        desk = Desk(person, roles, self.engine, self.services, self.settings, self.uploads)
        return desk, frozenset(role.value for role in roles)

    def _today(self) -> date:
        now = self.services[0].membership.env.clock()
        return datetime.fromtimestamp(now, ZoneInfo(self.settings.time_zone)).date()
