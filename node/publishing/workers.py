"""The arithmetic of tokens in processes of its own, one for each processor.

Threads would not do: a thread that multiplies lets go of the interpreter's lock for each element,
some 50 us, and then waits for it, up to 5 ms, whenever another thread runs Python. A small batch is
not worth the way there, and is done in a thread. What blinds are made of goes to our own processes
and nowhere else; it goes there as plain bytes, since objects take longer on that way.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from keys.group import uniform_scalars
from keys.groups import default_group
from keys.oprf import blind, finalise
from keys.threshold import PartialEvaluation, Quorum, combine, verify_partial
from protocol.errors import ErrorCode, LocalError, RemoteError
from runtime.processes import process_pool

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

Given = ParamSpec("Given")
Result = TypeVar("Result")

SMALL = 256
"""Elements in a batch up to which a thread does it."""


class Workers:
    """Runs functions of this module; the processes begin with the first batch that is not small."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def run(
        self, size: int, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """Run a function on a batch of `size`. Raises what it raises, or LocalError(NOT_READY)."""
        if size <= SMALL:
            return await asyncio.to_thread(work, *args, **kwargs)
        from concurrent.futures.process import BrokenProcessPool

        try:
            made = await asyncio.wrap_future(self._started().submit(_told, work, args, kwargs))
        except BrokenProcessPool as error:
            detail = "a process that makes tokens was stopped; publish again"
            raise LocalError(ErrorCode.NOT_READY, detail) from error
        if isinstance(made, _Refusal):
            raise RemoteError(made.code, made.detail)
        return made

    async def close(self) -> None:
        """Let the processes end."""
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
            self._pool = None

    def _started(self) -> "ProcessPoolExecutor":
        if self._pool is None:
            self._pool = process_pool()
        return self._pool


def blinded(inputs: Sequence[bytes], uniform: bytes) -> list[bytes]:
    """The points of a batch; of `uniform`, 64 random bytes for each, blinds are made."""
    return blind(default_group(), inputs, uniform_scalars(uniform))


def finished(
    inputs: Sequence[bytes],
    uniform: bytes,
    points: Sequence[bytes],
    quorum: Quorum,
    answers: Sequence[tuple[bytes, PartialEvaluation]],
) -> list[bytes]:
    """The outputs of a batch from key holders' answers, each with its holder's commitment.

    Raises RemoteError(BAD_PROOF), which names a holder that cheats.
    """
    group = default_group()
    for commitment, partial in answers:
        verify_partial(group, commitment, quorum, points, partial)
    evaluated = combine(group, quorum, [partial for _, partial in answers])
    return finalise(group, inputs, uniform_scalars(uniform), evaluated)


class _Refusal:
    """A RemoteError on its way between processes."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        self.code, self.detail = code, detail


def _told(work: Callable[..., Result], args: tuple, kwargs: dict) -> "Result | _Refusal":  # type: ignore[type-arg]
    try:
        return work(*args, **kwargs)
    except RemoteError as error:
        return _Refusal(error.code, error.detail)
