"""What every page has: the operator who is signed in, and the hub."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hub.config import HubSettings
from hub.members.accounts import OPERATOR
from hub.store.office import Act, ActKind
from hub.store.tables import HubEngine, HubTables
from runtime.environment import Environment
from storage.accounts import Account
from web.site import Page, Visit

Result = TypeVar("Result")


@dataclass(frozen=True)
class Hub:
    """The hub that pages are of. `ahead` names a witness that has seen a longer log, if one has."""

    engine: HubEngine
    folder: Path
    settings: HubSettings
    env: Environment
    ahead: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Desk:
    """An operator at work."""

    title: str
    hub: Hub

    @property
    def now(self) -> int:
        """Unix seconds, by the hub's clock."""
        return self.hub.env.clock()

    async def read(self, view: Callable[[HubTables], Result]) -> Result:
        """What a view makes of the hub's tables. Raises LocalError."""
        return await self.hub.engine.read(view)

    async def act(
        self, work: Callable[[HubTables], Result], kind: ActKind, about: str, reason: str = ""
    ) -> Result:
        """Do something and write down who did it, or neither. Raises as the work does."""
        act = Act(self.now, self.title, kind, about, reason)

        def both(tables: HubTables) -> Result:
            done = work(tables)
            tables.office.note(act)
            return done

        return await self.hub.engine.write(both)


HubVisit = Visit[Desk]
HubPage = Page[Desk]


@dataclass(frozen=True)
class Reception:
    """Finds out who somebody is who signed in."""

    hub: Hub

    async def admit(self, account: Account) -> tuple[Desk, frozenset[str]] | None:
        """Their desk and roles; None: they may not sign in any more."""
        return (Desk(account.name, self.hub), OPERATOR) if account.closed_at is None else None
