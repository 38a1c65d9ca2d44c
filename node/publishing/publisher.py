"""Publish: from clients with a permission in force to stubs at the hub (specs/04-matching.md).

Page by page: draft, evaluate what is new, send what changed; a client whose permission ended is
retired. A manifest and its chunks are kept until the hub has applied them, so an interrupted
publication is resumed, and takes effect once.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from node.membership.hub import HubMembership
from node.membership.synced import notice
from node.publishing.drafts import Changes, Drafter, Page, retired_row
from node.publishing.limits import count_applied
from node.publishing.spans import Span, Whom
from node.publishing.tokens import TokenCache, TokenClient
from node.store.journal import ExpectedEntry
from node.store.publications import Publication, PublicationState
from node.store.resync import Cause
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.bodies import ChunkRef, PublicationBody, RowsChunk, TokensChunk
from protocol.messages.statement import parse_statement
from protocol.wire import ANSWER_LIMIT, UploadState, encode_wire, parse_wire

ROWS_A_CHUNK = 400
CHUNK = 1024 * 1024
PAGE = 2000


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


class Publisher:
    """Publishes this node's clients to one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership
        self._cache = TokenCache(membership)
        self._client = TokenClient(membership)
        self._drafter = Drafter(membership, self._cache)

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
        report, version = Published(), membership.charter.version
        total = await membership.engine.read(lambda tables: tables.records.count())
        done = 0
        for whom in (Whom.PUBLISHED,) if known_only else (Whom.CLIENTS, Whom.ENQUIRED):
            done = await self._publish_all(whom, report, lambda n: progress(Step(n, total)), done)
        hub_id = membership.hub.hub_id
        await membership.engine.write(
            lambda tables: tables.publications.set_charter_version(hub_id, version)
        )
        return report

    async def publish_enquiries(self) -> Published:
        """The same of those alone whom somebody enquires about: it takes no time."""
        await self._begin()
        report = Published()
        await self._publish_all(Whom.ENQUIRED, report, lambda _: None, 0)
        return report

    async def _begin(self) -> None:
        membership = self._membership
        await membership.check_synced()
        membership.me()
        if membership.unaccepted() or not membership.has_its_tables():
            await self._tell_endings()
            membership.check_bound()
        membership.check_tables()
        await self._resume_or_drop()
        await self._retire_lost()

    async def _publish_all(
        self, whom: Whom, report: Published, progress: Callable[[int], None], done: int
    ) -> int:
        """Publish page by page; how many clients are done, beside those who were."""
        span = Span(0, PAGE, whom)
        while page := await self._page(span):
            if not await self._published_page(page, report):
                continue
            span, done = replace(span, after=page.last), done + len(page.clients)
            progress(done)
        return done

    async def tell_withdrawn(self) -> None:
        """Tell the hub of permissions that ended, whether its charter binds us or not, and whether
        this program could make keys by it or not.
        """
        await self._membership.check_synced()
        if self._membership.unaccepted() or not self._membership.has_its_tables():
            await self._tell_endings()
        else:
            await self.publish()

    async def _tell_endings(self) -> None:
        engine, span = self._membership.engine, Span(0, PAGE, Whom.PUBLISHED)
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()

        def work(tables: NodeTables) -> Page:
            clients = span.clients(tables, hub_id)
            page = Page(last=clients[-1].id if clients else 0, clients=clients)
            changes = self._drafter.endings(tables, page, now)
            if changes.rows:
                self._keep(tables, changes)
            return page

        await self._resume_or_drop()
        await self._retire_lost()
        while (page := await engine.write(work)).clients:
            await self._resume()
            span = replace(span, after=page.last)

    async def _retire_lost(self) -> None:
        """Retire what a lost database had published of clients whom this one does not know."""
        engine, hub_id = self._membership.engine, self._membership.hub.hub_id

        def work(tables: NodeTables) -> int:
            lost = tables.resyncs.lost_stubs(hub_id, PAGE)
            if lost:
                draw = self._membership.env.random
                rows = [retired_row(stub_id, last, draw(32)) for stub_id, last in lost.items()]
                self._keep(tables, Changes(rows=rows, retired=len(rows)))
            return len(lost)

        while await engine.write(work):
            await self._resume()

    async def _page(self, span: Span) -> Page | None:
        now = self._membership.env.clock()
        page = await self._membership.engine.write(
            lambda tables: self._drafter.page(tables, span, now)
        )
        return page if page.clients else None

    async def _published_page(self, page: Page, report: Published) -> bool:
        """Publish a page; False if a new charter came between, so that it must be made anew."""
        membership, version = self._membership, self._membership.charter.version
        try:
            await self._publish_page(page, report)
        except RemoteError as error:
            if error.code is not ErrorCode.WRONG_CHARTER:
                raise
            await membership.sync()
            if membership.charter.version == version:
                raise  # no quorum has seen it yet
            membership.check_bound()
            membership.check_tables()
            return False
        return True

    async def _publish_page(self, page: Page, report: Published) -> None:
        engine = self._membership.engine
        await self._evaluate(page.inputs, report)
        changes = await engine.write(lambda tables: self._keep_changes(tables, page))
        if changes.rows:
            await self._resume()
        report.changed += len(changes.rows) - changes.retired
        report.retired += changes.retired
        sent = len(changes.rows) - changes.retired + len(changes.insufficient_identifiers)
        report.unchanged += len(page.drafts) - sent
        report.insufficient_identifiers += changes.insufficient_identifiers
        report.held += changes.held
        report.without_permission += page.without_permission
        report.insufficient_identifiers += page.insufficient_identifiers

    async def _evaluate(self, inputs: Mapping[bytes, bytes], report: Published) -> None:
        """Evaluate by batches; what was paid for is kept whatever comes of the next one."""
        digests = list(inputs)
        for start in range(0, len(digests), self._client.batch):
            part = digests[start : start + self._client.batch]
            made = await self._client.evaluate([inputs[digest] for digest in part])
            pairs = dict(zip(part, made, strict=True))
            await self._membership.engine.write(partial(self._cache.store, pairs=pairs))
            report.evaluated += len(pairs)

    def _keep_changes(self, tables: NodeTables, page: Page) -> Changes:
        changes = self._drafter.changes(tables, page, self._membership.env.clock())
        if changes.rows:
            self._keep(tables, changes)
        return changes

    def _keep(self, tables: NodeTables, changes: Changes) -> None:
        """Sign the manifest and keep it with its chunks."""
        hub_id = self._membership.hub.hub_id
        row_chunks = [encode_wire(RowsChunk(rows=part)) for part in _split(changes.rows)]
        token_chunks = [encode_wire(TokensChunk(tokens=part)) for part in _split(changes.tokens)]
        body = PublicationBody(
            sequence=tables.publications.next_sequence(hub_id),
            epoch=self._membership.charter.token_key.epoch,
            rows=_refs(row_chunks, changes.rows),
            tokens=_refs(token_chunks, changes.tokens),
        )
        statement = self._membership.sign(body, hub_id)
        tables.publications.add(
            Publication(
                hub_id=hub_id,
                sequence=body.sequence,
                statement_id=statement.id,
                envelope=statement.envelope.encode(),
                chunks=[*row_chunks, *token_chunks],
                effects=changes.effects,
            )
        )

    async def _resume_or_drop(self) -> None:
        """Finish an earlier publication; one that the hub no longer takes is made anew below."""
        try:
            await self._resume()
        except RemoteError as error:
            if error.code is ErrorCode.UNREACHABLE:
                raise

    async def _resume(self) -> None:
        """Send a pending publication, if there is one, and take its effects."""
        membership = self._membership
        hub_id = membership.hub.hub_id
        kept = await membership.engine.read(lambda tables: tables.publications.pending(hub_id))
        if kept is None:
            return
        try:
            index, salt = await self._upload(kept)
        except RemoteError as error:
            if error.code is not ErrorCode.UNREACHABLE:
                behind = error.code is ErrorCode.CONFLICT
                await membership.engine.write(
                    lambda tables: self._refused(tables, kept, behind=behind)
                )
            raise
        await membership.engine.write(lambda tables: apply_effects(tables, kept, index, salt))

    def _refused(self, tables: NodeTables, kept: Publication, *, behind: bool) -> None:
        """Drop what was refused for good: the next publish starts from what is true now.

        `behind`: the hub counts otherwise than we do, so what is here is older than what is there.
        """
        hub_id, now = kept.hub_id, self._membership.env.clock()
        if tables.publications.drop(hub_id, kept.sequence) and behind:
            notice(tables, hub_id, Cause.CONFLICT, now)

    async def _upload(self, kept: Publication) -> tuple[int, str | None]:
        """Send a publication whole; its index in the log and its leaf's salt."""
        membership = self._membership
        by_hash = {hashlib.sha256(data).hexdigest(): data for data in kept.chunks}
        answer = await membership.post("/v1/publications", kept.envelope)
        state = parse_wire(UploadState, answer, limit=ANSWER_LIMIT)
        for digest in state.missing:
            url = f"{membership.hub.url}/v1/publications/{kept.statement_id}/chunks"
            answer = await membership.http.post(url, by_hash[digest])
            state = parse_wire(UploadState, answer, limit=ANSWER_LIMIT)
        if state.submitted is None:
            raise RemoteError(ErrorCode.NOT_READY, "the hub still lacks parts of the publication")
        accepted = membership.check_accepted(state.submitted, kept.statement_id)
        return accepted.index, state.submitted.salt


def _split(items: Sequence[Any]) -> list[list[Any]]:
    return [
        list(items[start : start + ROWS_A_CHUNK]) for start in range(0, len(items), ROWS_A_CHUNK)
    ]


def _refs(chunks: Sequence[bytes], items: Sequence[object]) -> list[ChunkRef]:
    counts = [len(part) for part in _split(items)]
    return [
        ChunkRef(hash=hashlib.sha256(data).hexdigest(), length=len(data), count=count)
        for data, count in zip(chunks, counts, strict=True)
    ]


def apply_effects(tables: NodeTables, kept: Publication, index: int, salt: str | None) -> None:
    """Take the effects of a publication that the hub has logged, once."""
    hub_id, store = kept.hub_id, tables.publications
    tables.journal.enter_sent(hub_id, "publication", index)
    held = store.get(hub_id, kept.sequence)
    if held is None or held.state is not PublicationState.PENDING:
        return  # a command and the service may both have sent it: only the first takes effect
    store.set_applied(hub_id, kept.sequence)
    preamble = parse_statement(kept.envelope).preamble
    # Without its salt nobody can find it in the log: the look-up says so, as of what is missing.
    entry = ExpectedEntry(index, kept.statement_id, salt or "", kept.envelope)
    tables.journal.expect(hub_id, entry, preamble.iat)
    count_applied(tables, hub_id, kept.effects, preamble)
    if not kept.effects:  # it only retired stubs of clients who are not known here
        chunks = (parse_wire(RowsChunk, data, limit=CHUNK) for data in kept.chunks)
        tables.resyncs.retired(hub_id, [row.stub_id for chunk in chunks for row in chunk.rows])
    tables.stubs.put(hub_id, [effect.stub for effect in kept.effects], index)
    tables.stubs.put_digests(
        hub_id, {effect.stub.stub_id: effect.digests for effect in kept.effects}
    )
