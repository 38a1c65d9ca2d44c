"""Publish: from clients with a permission in force to stubs at the hub (specs/04-matching.md).

Who changed since the last time is drafted, what is new is evaluated, what changed is sent; a client
whose permission ended is retired. While some clients' stubs are at the hub, the next ones' tokens
are at the key holders. Whatever is cut off is gone on with by the next publish: tokens are kept as
they come, and a publication until the hub has applied it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from node.membership.hub import HubMembership
from node.publishing.drafts import Changes, Draft, Drafter, Page, retired_row
from node.publishing.evaluating import Evaluating
from node.publishing.outgoing import Outgoing
from node.publishing.spans import Span, Whom
from node.publishing.tokens import TokenCache
from node.store.publications import Publication
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError

PAGE = 1000
"""Clients that are looked at together."""
AT_ONCE = 400
"""Clients who are published together at most: what is written for them keeps nobody waiting."""
AHEAD = 3
"""Publications that are evaluated or sent at one time."""


@dataclass(frozen=True)
class Step:
    """How far a publication is: clients done, clients in all."""

    done: int
    total: int


Progress = Callable[[Step], None]


@dataclass
class Published:
    """What a publication did, in counts; `insufficient_identifiers` has the local ids of clients
    who cannot be found, `held` of those whom the charter's limits make wait.
    """

    changed: int = 0
    retired: int = 0
    unchanged: int = 0
    without_permission: int = 0
    evaluated: int = 0
    insufficient_identifiers: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Everybody is looked at, once more perhaps: what was sent then counts as changed."""
        self.unchanged, self.without_permission = -self.changed, 0
        self.insufficient_identifiers, self.held = [], []

    def add(self, page: Page, drafts: int, changes: Changes) -> None:
        """Count a page that was published."""
        sent = len(changes.rows) - changes.retired
        self.changed += sent
        self.retired += changes.retired
        self.unchanged += page.settled + drafts - changes.stale
        self.unchanged -= sent + len(changes.insufficient_identifiers)
        self.without_permission += page.without_permission
        self.insufficient_identifiers += changes.insufficient_identifiers
        self.held += changes.held


@dataclass(frozen=True)
class _Ahead:
    """A page whose tokens are being evaluated, and how many clients are done with it."""

    page: Page
    done: int
    drafted: asyncio.Task[dict[int, Draft]]


class Publisher:
    """Publishes this node's clients to one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership
        self._cache = TokenCache(membership)
        self._drafter = Drafter(membership, self._cache)
        self._outgoing = Outgoing(membership)

    async def publish(
        self, progress: Progress = lambda step: None, *, known_only: bool = False
    ) -> Published:
        """Publish what changed. Raises RemoteError or LocalError; safe to repeat.

        `known_only` leaves out clients that were never published. Under a charter that does not
        bind this agency, or by which this program cannot make keys, only withdrawals are told, then
        LocalError (NOT_READY, CONFIGURATION) says what to do.
        """
        membership = self._membership
        await self._begin()
        version = membership.charter.version
        total = await membership.engine.read(lambda tables: tables.records.count())
        everybody = (Whom.PUBLISHED,) if known_only else (Whom.CLIENTS, Whom.ENQUIRED)
        report = await self._publish(everybody, lambda done: progress(Step(done, total)))
        hub_id = membership.hub.hub_id
        await membership.engine.write(
            lambda tables: tables.publications.set_charter_version(hub_id, version)
        )
        return report

    async def publish_enquiries(self) -> Published:
        """The same of those alone whom somebody enquires about: it takes no time."""
        await self._begin()
        return await self._publish((Whom.ENQUIRED,), lambda _: None)

    async def tell_withdrawn(self) -> None:
        """Tell the hub of permissions that ended, whether its charter binds us or not, and whether
        this program could make keys by it or not.
        """
        await self._membership.check_synced()
        if self._membership.unaccepted() or not self._membership.has_its_tables():
            await self._tell_endings()
        else:
            await self.publish()

    async def _begin(self) -> None:
        membership = self._membership
        await membership.check_synced()
        membership.me()
        if membership.unaccepted() or not membership.has_its_tables():
            await self._tell_endings()
            membership.check_bound()
        membership.check_tables()
        await self._outgoing.resume_or_drop()
        await self._retire_lost()

    async def _publish(
        self, everybody: Sequence[Whom], progress: Callable[[int], None]
    ) -> Published:
        """Publish all of these; again where a record changed meanwhile, or the charter did."""
        report = Published()
        again = True
        while again:
            report.begin()
            again, done = False, 0
            for whom in everybody:
                stale, done = await self._publish_all(whom, report, progress, done)
                again = again or stale
        return report

    async def _publish_all(
        self, whom: Whom, report: Published, progress: Callable[[int], None], done: int
    ) -> tuple[bool, int]:
        """Publish page by page, the tokens of the next ones being evaluated meanwhile; whether it
        has to be done again, and how many clients are done, beside those who were.
        """
        evaluating, ahead = Evaluating(self._membership, self._cache), deque[_Ahead]()
        stale, pages = False, self._pages(whom)
        try:
            async for page in pages:
                done += page.size
                task = asyncio.create_task(self._drafted(page, evaluating))
                ahead.append(_Ahead(page, done, task))
                if len(ahead) >= AHEAD:
                    stale |= await self._publish_next(ahead, report, progress)
            while ahead:
                stale |= await self._publish_next(ahead, report, progress)
        except RemoteError as error:
            if error.code is not ErrorCode.WRONG_CHARTER:
                raise
            await self._follow_charter()
            stale = True
        finally:
            await pages.aclose()
            await asyncio.gather(*(item.drafted for item in ahead), return_exceptions=True)
            await evaluating.close()
            report.evaluated += evaluating.count
        return stale, done

    async def _publish_next(
        self, ahead: deque[_Ahead], report: Published, progress: Callable[[int], None]
    ) -> bool:
        """Publish the first of those ahead; whether a record changed since it was drafted."""
        item = ahead[0]
        drafts, changes = await item.drafted, Changes()
        if item.page.due:
            changes, kept = await self._membership.engine.write(
                lambda tables: self._keep_changes(tables, item.page, drafts)
            )
            await self._outgoing.send(kept)
        ahead.popleft()
        for draft in drafts.values():
            self._cache.put_away(draft.inputs)
        report.add(item.page, len(drafts), changes)
        progress(item.done)
        return changes.stale > 0

    async def _pages(self, whom: Whom) -> AsyncGenerator[Page, None]:
        """Everybody, with as many in a page as are published together; those who are settled come
        with the next one who is not.
        """
        membership, span, page = self._membership, Span(0, PAGE, whom), Page()
        while True:
            read = await membership.engine.read(
                partial(self._drafter.page, span=span, now=membership.env.clock())
            )
            span, page = replace(span, after=read.last), page.with_next(read)
            while len(page.due) >= AT_ONCE:
                first, page = page.split(AT_ONCE)
                yield first
            if read.size < PAGE:
                yield page
                return

    async def _drafted(self, page: Page, evaluating: Evaluating) -> dict[int, Draft]:
        """The drafts of a page, all their tokens in the cache."""
        drafts = await asyncio.to_thread(self._drafter.draft, page)
        inputs = {
            digest: value for draft in drafts.values() for digest, value in draft.inputs.items()
        }
        await evaluating.all(inputs)
        return drafts

    async def _follow_charter(self) -> None:
        """A new charter came between: it must be published by that one. Raises LocalError."""
        membership, version = self._membership, self._membership.charter.version
        await membership.sync()
        if membership.charter.version == version:
            raise RemoteError(
                ErrorCode.WRONG_CHARTER, "the hub has a new charter that no quorum has seen yet"
            )
        membership.check_bound()
        membership.check_tables()

    async def _tell_endings(self) -> None:
        engine, span = self._membership.engine, Span(0, PAGE, Whom.PUBLISHED)
        now = self._membership.env.clock()

        def work(tables: NodeTables) -> Page:
            page, changes = self._drafter.endings(tables, span, now)
            if changes.rows:
                self._outgoing.keep(tables, changes)
            return page

        await self._outgoing.resume_or_drop()
        await self._retire_lost()
        while (page := await engine.write(work)).size:
            await self._outgoing.resume()
            span = replace(span, after=page.last)

    async def _retire_lost(self) -> None:
        """Retire what a lost database had published of clients whom this one does not know."""
        engine, hub_id = self._membership.engine, self._membership.hub.hub_id

        def work(tables: NodeTables) -> int:
            lost = tables.resyncs.lost_stubs(hub_id, PAGE)
            if lost:
                draw = self._membership.env.random
                rows = [retired_row(stub_id, last, draw(32)) for stub_id, last in lost.items()]
                self._outgoing.keep(tables, Changes(rows=rows, retired=len(rows)))
            return len(lost)

        while await engine.write(work):
            await self._outgoing.resume()

    def _keep_changes(
        self, tables: NodeTables, page: Page, drafts: dict[int, Draft]
    ) -> tuple[Changes, Publication | None]:
        now = self._membership.env.clock()
        changes = self._drafter.changes(tables, page.due, drafts, now)
        return changes, self._outgoing.keep(tables, changes) if changes.rows else None
