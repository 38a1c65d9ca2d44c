"""Faults of this program stay where they happen: one item is set aside, and the rest goes on.

An unforeseen error (any but ours and theirs, protocol/errors.py) is told to a person by its type
and its place in our code, never by its message, which may be of a client. What was set aside is
kept and tried again at the next start, or by `patchwork-node retry`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from node.alarms import AlarmCode, clear_alarms, raise_alarm
from node.store.set_aside import Fault, Item, Kind
from node.store.tables import NodeEngine, NodeTables
from protocol.errors import PatchworkError
from runtime.environment import Environment
from runtime.faults import place_of
from runtime.logs import log

Result = TypeVar("Result")


AT_ONCE = 8
"""Items that are dealt with at once: they wait together, for the hub and for one commit."""


async def together(work: Iterable[Awaitable[Result]]) -> list[Result]:
    """What each came to, when all have ended. Raises the first of their faults, in their order."""
    found = await asyncio.gather(*work, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found  # type: ignore[return-value]


def fault_of(error: Exception) -> Fault:
    """The type of an error, and the innermost line of our own code that it came from."""
    return Fault(type(error).__name__, place_of(error))


class Faults:
    """What faults kept from being done at one hub. `again`: nothing is passed over meanwhile."""

    def __init__(self, engine: NodeEngine, env: Environment, hub_id: str) -> None:
        self._engine = engine
        self._env = env
        self._hub_id = hub_id
        self.again = False

    def passed_over(self, tables: NodeTables, what: Kind) -> set[str]:
        """The items of a kind that were set aside: to be passed over until they are tried again."""
        return tables.set_aside.items(self._hub_id, what)

    @asynccontextmanager
    async def guarded(self, what: Kind, item: str, *, known: bool) -> AsyncIterator[None]:
        """Set an item aside if it meets an unforeseen error. Raises PatchworkError.

        `known`: it was set aside before; if all goes well now it is so no longer.
        """
        try:
            yield
        except PatchworkError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the rest goes on
            fault = self.told(what, item, error)
            kept = Item(self._hub_id, what, item)
            await self._engine.write(lambda tables: self.put(tables, kept, fault))
        else:
            if known:
                await self._engine.write(lambda tables: self.done(tables, what, [item]))

    async def forget(self, what: Kind, items: Collection[str]) -> None:
        """These were set aside, and are no longer to be done: they ended otherwise."""
        if items:
            await self._engine.write(lambda tables: self.done(tables, what, items))

    def told(self, what: Kind, item: str, error: Exception) -> Fault:
        """Write into the log that an item met an unforeseen error; its type and place."""
        fault = fault_of(error)
        log.error("set_aside", what=what.value, item=item, error=fault.error, place=fault.place)
        return fault

    def put(self, tables: NodeTables, item: Item, fault: Fault) -> None:
        """Keep what was set aside, and tell a person."""
        now, place = self._env.clock(), _place(item.what, item.item)
        tables.set_aside.put(item, fault, now)
        raise_alarm(tables, self._hub_id, AlarmCode.SET_ASIDE, now, place=place)

    def done(self, tables: NodeTables, what: Kind, items: Collection[str]) -> None:
        """These are done after all, or need not be done any more."""
        now, places = self._env.clock(), [_place(what, item) for item in items]
        tables.set_aside.remove(self._hub_id, what, items)
        clear_alarms(tables, self._hub_id, AlarmCode.SET_ASIDE, now, places=places)


def _place(what: Kind, item: str) -> str:
    return f"{what.value}:{item}"
