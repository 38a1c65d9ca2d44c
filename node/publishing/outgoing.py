"""What is published, on its way: signed and kept until the hub has applied it, and taken once.

A publication that was cut off, by a kill or by the network, is sent again as it was.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from node.membership.hub import HubMembership
from node.membership.outbox import TRY_AGAIN
from node.membership.synced import notice
from node.publishing.drafts import Changes
from node.publishing.limits import count_applied
from node.store.journal import ExpectedEntry
from node.store.publications import Publication, PublicationState
from node.store.resync import Cause
from node.store.tables import NodeTables
from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.bodies import ChunkRef, PublicationBody, RowsChunk
from protocol.messages.statement import parse_statement
from protocol.wire import ANSWER_LIMIT, UploadState, encode_wire, parse_wire

ROWS_A_CHUNK = 400
CHUNK = 1024 * 1024
UNDECIDED = frozenset({*TRY_AGAIN, ErrorCode.NOT_FOUND, ErrorCode.INTERNAL})
"""These say nothing of the publication: the hub may have logged it, and have met a full disk or a
fault then; or a command and the service sent it at once, and one came too late. It is sent again.
"""


class Outgoing:
    """Publications to one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def keep(self, tables: NodeTables, changes: Changes) -> Publication:
        """Sign the manifest and keep it with its chunks; what is to be sent."""
        hub_id = self._membership.hub.hub_id
        row_chunks = [encode_wire(RowsChunk(rows=part)) for part in _split(changes.rows)]
        token_chunks = [
            canonical.object_of({"tokens": canonical.list_of(part)})
            for part in _split(changes.tokens)
        ]
        body = PublicationBody(
            sequence=tables.publications.next_sequence(hub_id),
            epoch=self._membership.charter.token_key.epoch,
            rows=_refs(row_chunks, changes.rows),
            tokens=_refs(token_chunks, changes.tokens),
        )
        statement = self._membership.sign(body, hub_id)
        publication = Publication(
            hub_id=hub_id,
            sequence=body.sequence,
            statement_id=statement.id,
            envelope=statement.envelope.encode(),
            chunks=[*row_chunks, *token_chunks],
            effects=changes.effects,
        )
        tables.publications.add(publication)
        return publication

    async def resume_or_drop(self) -> None:
        """Finish an earlier publication; one that the hub no longer takes is made anew below."""
        try:
            await self.resume()
        except RemoteError as error:
            if error.code in UNDECIDED:
                raise

    async def resume(self) -> None:
        """Send a pending publication, if there is one, and take its effects."""
        hub_id = self._membership.hub.hub_id
        await self.send(
            await self._membership.engine.read(lambda tables: tables.publications.pending(hub_id))
        )

    async def send(self, kept: Publication | None) -> None:
        """Send a publication that is kept, if there is one, and take its effects."""
        membership = self._membership
        if kept is None:
            return
        try:
            index, salt = await self._upload(kept)
        except RemoteError as error:
            if error.code not in UNDECIDED:
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
    if store.state(hub_id, kept.sequence) is not PublicationState.PENDING:
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
