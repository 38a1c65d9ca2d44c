"""Tokens of what is drafted: some batches under way at once, so that nobody waits for anybody.

While one batch is at the key holders the next is blinded and the one before is verified and
finalised, each in a thread of its own. What was paid for is kept, whatever comes of the others.
"""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial

from node.membership.hub import HubMembership
from node.publishing.tokens import TokenCache, TokenClient
from storage.engine import batches


class Evaluating:
    """Has evaluated what is not in the cache of one hub's tokens; `count`: how much that was."""

    def __init__(self, membership: HubMembership, cache: TokenCache) -> None:
        self._engine = membership.engine
        self._cache = cache
        self._client = TokenClient(membership)
        self._room = asyncio.Semaphore(self._client.at_once)
        self._under_way: dict[bytes, asyncio.Task[None]] = {}
        self.count = 0

    async def all(self, inputs: Mapping[bytes, bytes]) -> None:
        """Have every input (by its digest) in the cache. Raises RemoteError, keeping what came."""
        known = await self._engine.read(lambda tables: self._cache.known(tables, inputs))
        others = {item for digest in inputs if (item := self._under_way.get(digest))}
        digests = [one for one in inputs if one not in known and one not in self._under_way]
        tasks = []
        # As few as may be, and as large as each other: each has a proof, which costs its share.
        count = -(-len(digests) // self._client.batch) or 1
        for part in batches(digests, -(-len(digests) // count)):
            task = asyncio.create_task(self._batch({digest: inputs[digest] for digest in part}))
            self._under_way |= dict.fromkeys(part, task)
            tasks.append(task)
        await _all(tasks)
        await _all(others)

    async def close(self) -> None:
        """Nothing more is to be evaluated."""
        await self._client.close()

    async def _batch(self, inputs: Mapping[bytes, bytes]) -> None:
        try:
            async with self._room:
                await self._evaluated(inputs)
        finally:
            for digest in inputs:
                self._under_way.pop(digest, None)

    async def _evaluated(self, inputs: Mapping[bytes, bytes]) -> None:
        made = await self._client.evaluate(list(inputs.values()))
        pairs = dict(zip(inputs, made, strict=True))
        sealed = await self._cache.seal(pairs)
        await self._engine.write(partial(self._cache.keep, sealed=sealed))
        self._cache.remember(pairs)
        self.count += len(pairs)


async def _all(tasks: Collection[asyncio.Task[None]]) -> None:
    """Wait for every one of them, then raise what the first that failed raised."""
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if outcome is not None:
            raise outcome
