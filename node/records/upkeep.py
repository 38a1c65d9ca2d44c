"""Deleting what is over, step by step, and the report of it: specs/09-imports.md §14.

The running node does it once a day; a person may, and may ask only what would go.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from node.config import NodeSettings
from node.records import enquiries
from node.records.forgetting import (
    PAGE,
    Days,
    Forgotten,
    GoingOn,
    OwnDays,
    Stays,
    days_of,
    days_of_lists,
    old_rows,
)
from node.store.old import Kind, Old
from node.store.tables import NodeEngine, NodeTables
from protocol.governance.retention import DAY
from runtime.environment import Environment


class Forgetting:
    """One node's deleting of what is over."""

    def __init__(
        self, engine: NodeEngine, settings: NodeSettings, folder: Path, env: Environment
    ) -> None:
        self._engine, self._folder, self._env = engine, folder, env
        self._own = OwnDays(
            settings.keep_closed_client_days,
            settings.keep_request_days,
            settings.keep_news_days,
            settings.keep_withdrawn_days,
        )

    async def run(self, *, dry_run: bool) -> dict[str, Any]:
        """Delete what is over, some at a time, and make sure that no file of the database holds it
        any more (`settled`); or only count it. Raises LocalError.
        """
        now = self._env.clock()
        days = await self._engine.read(lambda tables: days_of(tables, self._own))
        done = await (self._count(days, now) if dry_run else self._delete(days, now))
        await self._clients(days, now, done, dry_run=dry_run)
        done.gone[Kind.ENQUIRIES] += await self._enquiries(now, dry_run=dry_run)
        done.gone[Kind.LISTS] += self._lists(days, now, dry_run=dry_run)
        if days.closed_clients is not None:
            before = now - days.closed_clients * DAY
            done.stays[Stays.FINDABLE] = await self._engine.read(
                lambda tables: tables.going.count_findable(before, now)
            )
        settled = dry_run or await self._engine.settle()
        return _report(done, days, settled=settled, dry_run=dry_run)

    async def _count(self, days: Days, now: int) -> Forgotten:
        done = Forgotten()
        for old in old_rows(days, now):
            done.gone[old.kind] += await self._engine.read(partial(_count, old=old))
        done.gone[Kind.STATEMENTS] = await self._statements(days, now, dry_run=True)
        done.gone[Kind.HASHES] = await self._engine.read(
            lambda tables: tables.withdrawn.count_over(now, days.withdrawn)
        )
        return done

    async def _delete(self, days: Days, now: int) -> Forgotten:
        done = Forgotten()
        for old in old_rows(days, now):
            done.gone[old.kind] += await self._some(partial(_remove, old=old))
        done.gone[Kind.STATEMENTS] = await self._statements(days, now, dry_run=False)
        done.gone[Kind.HASHES] = await self._some(
            lambda tables: tables.withdrawn.remove_over(now, days.withdrawn, PAGE)
        )
        for hub_id in days.requests:
            await self._some(partial(_drop_former, hub_id=hub_id, now=now))
        return done

    async def _some(self, work: Callable[[NodeTables], int]) -> int:
        """Delete some and some more; how many."""
        count = 0
        while gone := await self._engine.write(work):
            count += gone
        return count

    async def _statements(self, days: Days, now: int, *, dry_run: bool) -> int:
        count, do = 0, self._engine.read if dry_run else self._engine.write
        for hub_id in days.requests if days.news is not None else ():
            before, found = now - (days.news or 0) * DAY, [0]
            while found:
                step = partial(
                    _statements, hub_id=hub_id, before=before, after=found[-1], dry_run=dry_run
                )
                found = await do(step)
                count += len(found)
        return count

    async def _clients(self, days: Days, now: int, done: Forgotten, *, dry_run: bool) -> None:
        going = GoingOn(days, now, self._env.random)
        do = self._engine.read if dry_run else self._engine.write
        after: int | None = 0
        while after is not None:
            page = partial(going.page, after=after, dry_run=dry_run)
            after, some = await do(page)
            done.gone.update(some.gone)
            done.stays.update(some.stays)

    async def _enquiries(self, now: int, *, dry_run: bool) -> int:
        """Those whose enquiries are over: after the charter's days, whatever the agency says."""
        if dry_run:
            return await self._engine.read(lambda t: enquiries.forget(t, now, dry_run=True))
        return await self._some(lambda tables: enquiries.forget(tables, now))

    def _lists(self, days: Days, now: int, *, dry_run: bool) -> int:
        """Lists of missing work that imports wrote into the node's folder."""
        most = days_of_lists(days)
        if most is None:
            return 0
        before = now - most * DAY
        old = [one for one in self._folder.glob("*.missing.csv") if one.stat().st_mtime <= before]
        for path in () if dry_run else old:
            with suppress(FileNotFoundError):
                path.unlink()
        return len(old)


def _count(tables: NodeTables, old: Old) -> int:
    return tables.old.count(old)


def _remove(tables: NodeTables, old: Old) -> int:
    return tables.old.remove(old, PAGE)


def _statements(
    tables: NodeTables, hub_id: str, before: int, after: int, *, dry_run: bool
) -> list[int]:
    found = tables.old.old_statements(hub_id, before, after, PAGE)
    if not dry_run:
        tables.old.remove_statements(found)
    return found


def _drop_former(tables: NodeTables, hub_id: str, now: int) -> int:
    """Tokens that do not count any more; not while a publication that may have them is on its
    way.
    """
    if tables.publications.pending(hub_id) is not None:
        return 0
    return tables.old.drop_former(hub_id, now, PAGE)


def _report(done: Forgotten, days: Days, *, settled: bool, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "gone": {kind.value: done.gone[kind] for kind in Kind},
        "stays": {why.value: done.stays[why] for why in Stays if done.stays[why]},
        "without_time": [kind.value for kind in days.without()],
        "days": {
            "closed_clients": days.closed_clients,
            "requests": min(days.requests.values(), default=None),
            "news": days.news,
            "withdrawn": days.withdrawn,
        },
        "settled": settled,
    }
