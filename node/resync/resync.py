"""A node that came back from a backup learns what it missed: specs/05-log.md §16.

It asks the hub for what names this agency in the log, checks it there, takes the effects, reads its
mail, and says what is lost. Until that is done nothing is published, sent or shown.
"""

from collections.abc import Awaitable, Callable, Collection
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from node.dispatch import Dispatcher
from node.membership.hub import HubMembership
from node.membership.synced import notice
from node.resync.history import Given, history
from node.resync.progress import Progress
from node.resync.published import HeldByHub, Published
from node.store.resync import Cause, Entry, Lost, Resync, ResyncState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.bodies import (
    DecisionBody,
    PublicationBody,
    ReceiptBody,
    RequestBody,
)
from protocol.messages.log import ResyncBody
from protocol.messages.review import RecallBody, WrongPersonBody
from protocol.messages.statement import Statement, parse_statement

# What the hub refuses a question with that it has never logged.
NOT_LOGGED = frozenset({ErrorCode.EXPIRED, ErrorCode.WRONG_CHARTER, ErrorCode.REPLAYED})

TOO_OLD = (
    "the hub does not have all that your agency has published since this backup, so nobody can "
    "say who was withdrawn. Restore a newer one; if there is none, ask the council to revoke this "
    "agency and to invite it anew"
)

ReadMail = Callable[[], Awaitable[int]]


class Resyncing:
    """The return of one node at one hub. `read_mail` takes in what waits; how many messages."""

    def __init__(
        self, membership: HubMembership, dispatcher: Dispatcher, read_mail: ReadMail
    ) -> None:
        self._membership = membership
        self._progress = Progress(membership, dispatcher)
        self._read_mail = read_mail

    async def under_way(self) -> Resync | None:
        """The return that is not done yet."""
        resync = await self._last()
        return resync if resync is not None and resync.under_way else None

    async def fell_behind(self) -> None:
        """The hub says that we had read more mail than we know. Another process of this node may
        have read it; if not, this is an old copy.
        """
        membership, hub = self._membership, self._membership.hub
        rows = await membership.engine.read(lambda tables: tables.hubs.all())
        (held,) = (row for row in rows if row.hub_id == hub.hub_id)
        if (held.generation, held.cursor) != (hub.generation, hub.cursor):
            membership.hub = replace(hub, generation=held.generation, cursor=held.cursor)
            return
        now = membership.env.clock()
        await membership.engine.write(lambda tables: notice(tables, hub.hub_id, Cause.BEHIND, now))

    async def run(self) -> Lost | None:
        """Go on until it is done; what is lost, or None if this node never came back.

        Safe to repeat. Raises RemoteError where the hub or witnesses are away, or the hub lies.
        """
        resync = await self._last()
        if resync is None or not resync.under_way:
            return resync.lost if resync else None
        if resync.state is ResyncState.NOTICED:
            await self._membership.follow()
            await self._take(resync)
        while await self._read_mail():
            pass
        return await self._membership.engine.write(self._finish)

    async def _last(self) -> Resync | None:
        hub_id = self._membership.hub.hub_id
        return await self._membership.engine.read(lambda tables: tables.resyncs.get(hub_id))

    async def _take(self, resync: Resync) -> None:
        """Ask, and bring the database up to what the log says of us."""
        membership, hub_id = self._membership, self._membership.hub.hub_id
        start, sequence, known = await membership.engine.read(self._known)
        entries, held = await self._ask(resync, start, known)
        if held.has_gaps(sequence):
            raise LocalError(ErrorCode.NOT_READY, TOO_OLD)
        unknown = [item for item in entries if item.index not in known]
        await self._progress.take(unknown)
        told = self._progress.told(entries[-1])

        def apply(tables: NodeTables) -> None:
            lost = Published(membership, held).apply(tables)
            tables.news.remember_shown(hub_id)
            tables.links.forget(hub_id)
            tables.hints.forget(hub_id)
            tables.reviews.end_with_log(hub_id)
            for take in told:
                take(tables)
            tables.resyncs.move(resync, ResyncState.TAKEN, self._counted(tables, lost, unknown))

        await membership.engine.write(apply)

    def _known(self, tables: NodeTables) -> tuple[int, int, Collection[int]]:
        """From where on entries may be missing here, how many publications and which entries
        are here.
        """
        hub_id = self._membership.hub.hub_id
        start = tables.journal.agreed_up_to(hub_id)
        sequence = tables.publications.next_sequence(hub_id) - 1
        waiting = tables.publications.pending(hub_id)
        if waiting is not None:
            sequence = waiting.sequence - 1
        return start, sequence, set(tables.journal.own(hub_id, 0, self._membership.view.size))

    async def _ask(
        self, resync: Resync, start: int, known: Collection[int]
    ) -> tuple[list[Given], HeldByHub]:
        """What the hub gives from `start` on, but for publications, and these by themselves."""
        question = await self._question(resync, start)
        entries: list[Given] = []
        held = HeldByHub()
        try:
            async with aclosing(history(self._membership, question, known)) as given:
                async for item in given:
                    if isinstance(item.statement.body, PublicationBody):
                        held.take(item)
                        item = replace(item, parts=())
                    entries.append(item)
        except RemoteError as error:
            await self._refused(resync, parse_statement(question), error)
            raise
        return entries, held

    async def _refused(self, resync: Resync, asked: Statement[Any], error: RemoteError) -> None:
        def note(tables: NodeTables) -> None:
            self._membership.enter_refusal(tables, asked, error)
            if error.code in NOT_LOGGED:
                tables.resyncs.ask(resync, None)  # another one is signed next time

        await self._membership.engine.write(note)

    async def _question(self, resync: Resync, start: int) -> bytes:
        membership = self._membership
        if resync.envelope is not None:
            with suppress(RemoteError):  # else other keys have signed it
                membership.directory.verify(parse_statement(resync.envelope))
                return resync.envelope
        statement = membership.sign(ResyncBody(start=start), membership.hub.hub_id)
        envelope = statement.envelope.encode()
        await membership.engine.write(lambda tables: tables.resyncs.ask(resync, envelope))
        return envelope

    def _counted(self, tables: NodeTables, lost: Lost, unknown: Collection[Given]) -> Lost:
        """What is lost of requests and cards, and all that was done in our name since."""
        party_id, hub_id = self._membership.hub.party_id, self._membership.hub.hub_id
        ours = [item for item in unknown if item.statement.preamble.sender == party_id]
        theirs = [item for item in unknown if item not in ours]
        decided = {
            item.statement.body.request
            for item in ours
            if isinstance(item.statement.body, DecisionBody)
        }
        return replace(
            lost,
            asked=sum(
                isinstance(item.statement.body, RequestBody)
                and tables.sent_requests.get(hub_id, item.statement.body.request_id) is None
                for item in ours
            ),
            cards=_count(ours, ReceiptBody),
            recalled=_count(unknown, WrongPersonBody) + _count(theirs, RecallBody),
            unreadable=tuple(
                (item.statement.body.request_id, item.statement.preamble.sender)
                for item in theirs
                if isinstance(item.statement.body, RequestBody) and item.statement.id not in decided
            ),
            ours=tuple(
                Entry(item.index, item.statement.preamble.kind, item.statement.preamble.iat)
                for item in ours
                if not isinstance(item.statement.body, ResyncBody)
            ),
        )

    def _finish(self, tables: NodeTables) -> Lost | None:
        """The mail is read: what is still not here is lost."""
        hub_id = self._membership.hub.hub_id
        resync = tables.resyncs.get(hub_id)
        if resync is None or resync.state is not ResyncState.TAKEN:
            return resync.lost if resync else None
        lost = replace(
            resync.lost,
            unreadable=tuple(
                (request_id, asker)
                for request_id, asker in resync.lost.unreadable
                if tables.received_requests.get(hub_id, request_id) is None
            ),
        )
        tables.resyncs.move(resync, ResyncState.DONE, lost)
        return lost


def _count(entries: Collection[Given], kind: type) -> int:
    """Of how many requests: the card of one may have been renewed."""
    found = (item.statement for item in entries if isinstance(item.statement.body, kind))
    return len({statement.body.request_id for statement in found})
