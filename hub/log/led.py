"""The database as the process that leads writes it: each transaction checks that it leads still.

Any process of a hub appends entries. One leads, and alone moves and signs the head, makes tiles,
and does what a hub does by itself (hub/server/jobs.py). A hub in a file has one process, which its
folder's lock sees to.
"""

from collections.abc import Callable
from typing import TypeVar

from hub.store.tables import HubEngine, HubTables
from protocol.errors import ErrorCode, LocalError

Result = TypeVar("Result")


class LedEngine:
    """An engine for the leader's writes. `alone`: no other process can be there.

    `epoch`: since when this process leads, or None while it does not.
    """

    def __init__(self, engine: HubEngine, *, alone: bool) -> None:
        self.anyone = self._engine = engine  # for what a process that does not lead may write, too
        self._alone = alone
        self.epoch: int | None = None

    @property
    def leads(self) -> bool:
        """Whether this process leads, as far as it knows."""
        return self._alone or self.epoch is not None

    def check_lead(self, tables: HubTables) -> None:
        """Raise LocalError(CONFLICT) within a transaction unless this process leads."""
        self._check(tables, self.epoch)

    async def write(self, body: Callable[[HubTables], Result]) -> Result:
        """As Engine. Raises LocalError(CONFLICT), too, if another process leads."""
        epoch = self.epoch  # as it is now: a later lead is another one

        def checked(tables: HubTables) -> Result:
            self._check(tables, epoch)
            return body(tables)

        return await self._engine.write(checked)

    async def read(self, body: Callable[[HubTables], Result]) -> Result:
        """As Engine."""
        return await self._engine.read(body)

    async def check(self) -> None:
        """As Engine."""
        await self._engine.check()

    async def settle(self) -> bool:
        """As Engine."""
        return await self._engine.settle()

    async def close(self) -> None:
        """As Engine."""
        await self._engine.close()

    def _check(self, tables: HubTables, epoch: int | None) -> None:
        if self._alone:
            return
        if epoch is None:
            raise LocalError(ErrorCode.CONFLICT, "another process of this hub leads")
        tables.leads.check(epoch)
