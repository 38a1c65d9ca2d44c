"""Which process of a hub leads, where several serve one database (hub/store/lead.py).

The leader says that it lives; the others look once a second. Who sees for some seconds that
nothing was said takes the lead. The one that had it, frozen or cut off, writes nothing more as the
leader whatever it believes (hub/log/led.py), and takes its place among the others when it hears.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from hub.log.led import LedEngine
from hub.store.lead import NOBODY, Lead
from hub.store.tables import HubEngine, HubTables
from protocol.errors import PatchworkError
from runtime.logs import log
from transport.server import run_beside

LOOK_SECONDS = 1.0
BEATS = 4
"""How often the leader says that it lives in the time after which another leads."""

Loops = Sequence[Coroutine[Any, Any, NoReturn]]


class Election:
    """One process's part in it; `holder` is a name that no other has, `seconds` how long a leader
    may say nothing.
    """

    def __init__(self, engine: HubEngine, led: LedEngine, holder: str, seconds: float) -> None:
        self._seconds = seconds
        self._engine = engine
        self._led = led
        self._holder = holder

    async def run(self, begin: Callable[[], Awaitable[Loops]]) -> NoReturn:
        """Lead whenever this process may: `begin` says what then runs. Raises what those raise."""
        while True:
            epoch = await self.won()
            self._led.epoch = epoch
            log.info("leads", epoch=epoch)
            try:
                loops = await self._begun(begin)
                if loops is not None:
                    await run_beside(self._beat(epoch), loops)
            finally:
                self._led.epoch = None
                with suppress(PatchworkError):
                    await self._engine.write(lambda tables: tables.leads.resign(epoch))  # noqa: B023
            log.warning("leads_no_longer", epoch=epoch)
            await asyncio.sleep(LOOK_SECONDS)

    async def won(self) -> int:
        """Wait until the lead can be taken; its epoch."""
        loop = asyncio.get_running_loop()
        seen: Lead | None = None
        since = loop.time()
        while True:
            with suppress(PatchworkError):  # no server just now: nobody else leads either
                lead = await self._engine.read(lambda tables: tables.leads.lead())
                if lead != seen:
                    seen, since = lead, loop.time()
                is_free = lead is None or lead.holder == NOBODY
                if is_free or loop.time() - since >= self._seconds:
                    epoch = await self._engine.write(partial(_take, holder=self._holder, seen=lead))
                    if epoch is not None:
                        return epoch
            await asyncio.sleep(min(LOOK_SECONDS, self._seconds / BEATS))

    async def _begun(self, begin: Callable[[], Awaitable[Loops]]) -> Loops | None:
        try:
            return await begin()
        except PatchworkError as error:
            log.critical("cannot_lead", error=str(error))
            return None

    async def _beat(self, epoch: int) -> None:
        """Say again and again that this process lives; return when it leads no longer."""
        loop = asyncio.get_running_loop()
        said = loop.time()
        while loop.time() - said < self._seconds:
            with suppress(PatchworkError):
                if not await self._engine.write(lambda tables: tables.leads.beat(epoch)):
                    return
                said = loop.time()
            await asyncio.sleep(self._seconds / BEATS)


def _take(tables: HubTables, holder: str, seen: Lead | None) -> int | None:
    return tables.leads.take(holder, seen)
