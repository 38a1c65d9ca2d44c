"""Who may change what rounds look at, and when: publications side by side, a round by itself."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Turns within one hub. A round never sees a publication that is half in force, and waits for
    no more of them than had begun before it.
    """

    def __init__(self) -> None:
        self._door = asyncio.Lock()
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._inside = 0
        self._agencies: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, agency: str) -> asyncio.Lock:
        """An agency's publications, one after the other."""
        return self._agencies[agency]

    @asynccontextmanager
    async def putting_in_force(self) -> AsyncIterator[None]:
        """While a publication is put in force."""
        async with self._door:
            self._inside += 1
            self._nobody.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._nobody.set()

    @asynccontextmanager
    async def round(self) -> AsyncIterator[None]:
        """While a round runs."""
        async with self._door:
            await self._nobody.wait()
            yield
