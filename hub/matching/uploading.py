"""Runs the steps of publications against the hub's database, others' work in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic

from hub.log.ledger import HubSigner, Ledger
from hub.matching.applying import (
    Applying,
    Result,
    Step,
    Steps,
    TurnLostError,
    put_in_force,
    sweep,
)
from hub.matching.progress import tell_published
from hub.matching.turns import Turns
from hub.store.log import Logged
from hub.store.tables import HubEngine, HubTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.bodies import PublicationBody
from protocol.messages.statement import Statement

LOOK_SECONDS, LOOKS = 0.1, 200


@dataclass(frozen=True)
class _Done(Generic[Result]):
    result: Result


@dataclass(frozen=True)
class Uploading:
    """Applies uploads that are complete."""

    engine: HubEngine
    signer: HubSigner = field(repr=False)
    turns: Turns = field(default_factory=Turns)

    async def apply(self, statement: Statement[PublicationBody]) -> Logged:
        """Apply a complete upload, whole, and log it. Raises RemoteError, changing nothing."""
        async with self.turns.of(statement.preamble.sender):
            await self._finish(statement.preamble.sender)
            logged = await self._logged(statement.id)
            while logged is None:
                try:
                    logged = await self._apply(Applying(self.signer, statement))
                except TurnLostError:
                    logged = await self._elsewhere(statement.id)
                except RemoteError:
                    logged = await self._logged(statement.id)
                    if logged is None:
                        raise
        await self.sweep()
        return logged

    async def _logged(self, statement_id: str) -> Logged | None:
        return await self.engine.read(lambda tables: tables.log.logged(statement_id))

    async def _apply(self, applying: Applying) -> Logged:
        checked = await self._run(applying.check())
        sender = applying.statement.preamble.sender

        def log(tables: HubTables) -> Logged:
            there = applying.log(tables, checked)
            tell_published(Ledger(tables, self.signer), tables, sender)
            return there

        async with self.turns.putting_in_force():
            logged = await self.engine.write(log)
            await self._put_in_force(applying.statement.id)
        return logged

    async def _elsewhere(self, statement_id: str) -> Logged | None:
        """Another process was given it too: where that one logs it; None if it is done with it.

        Raises LocalError(STORAGE) if that takes long, upon which the sender sends it again: the
        turn is never taken back, for two who do that never come to an end.
        """
        for _ in range(LOOKS):
            await asyncio.sleep(LOOK_SECONDS)
            if not await self.engine.read(lambda tables: tables.uploads.is_here(statement_id)):
                return await self._logged(statement_id)
        raise LocalError(ErrorCode.STORAGE, "another process of this hub is slow to apply it")

    async def _finish(self, agency: str) -> None:
        """What is in the log and was interrupted, by a full disk say, counts for the next one."""
        for upload in await self.engine.read(lambda tables: tables.uploads.logged()):
            if upload.agency == agency:
                async with self.turns.putting_in_force():
                    await self._run(put_in_force(upload))

    @asynccontextmanager
    async def round(self) -> AsyncIterator[None]:
        """While a round runs: whatever the log holds is in force, and nothing comes in between."""
        async with self.turns.round():
            await self._put_in_force()  # what was interrupted
            yield

    async def sweep(self) -> None:
        """Forget what uploads that are done with have left."""
        await self._run(sweep())

    async def _put_in_force(self, only: str = "") -> None:
        for upload in await self.engine.read(lambda tables: tables.uploads.logged()):
            if only in {"", upload.statement_id}:
                await self._run(put_in_force(upload))

    async def _run(self, steps: Steps[Result]) -> Result:
        """Each step in a transaction; what lies between them, neither here nor in its thread."""
        answer: object = None
        while True:
            step = await asyncio.to_thread(_next, steps, answer)
            if isinstance(step, _Done):
                return step.result
            answer = await self.engine.write(step)


def _next(steps: Steps[Result], answer: object) -> Step | _Done[Result]:
    """The next step, or what they all come to."""
    try:
        return steps.send(answer)
    except StopIteration as done:
        return _Done(done.value)
