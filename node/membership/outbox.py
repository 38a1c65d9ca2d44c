"""The outbox: statements wait here until the hub has logged them (specs/07-transport.md §2).

A statement is signed when it is first sent, and sent again unchanged until there is an answer, so
nothing is sent twice. What the hub's answer changes is written in the same transaction as the
answer.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from node.alarms import AlarmCode, clear_alarms, raise_alarm
from node.faults import AT_ONCE, together
from node.membership.hub import HubMembership
from node.membership.proofs import verify_logged
from node.store.journal import ExpectedEntry
from node.store.outbox import OutboxItem, Place, Unchecked
from node.store.set_aside import Kind
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.governance.follow import verify_note_by_charter
from protocol.messages.attention import AttentionBody
from protocol.messages.bodies import (
    AcceptedBody,
    DecisionBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
)
from protocol.messages.introductions import IntroductionRequestBody
from protocol.messages.kinds import KINDS, kind_of
from protocol.messages.log import ProvisionalBody
from protocol.messages.review import IdentityRequestBody
from protocol.messages.statement import MAX_SKEW_SECONDS, Statement, parse_statement
from protocol.wire import Submitted, parse_wire
from runtime.logs import log

PROMISE_SECONDS = 300
MOST_LOOKED_FOR = 500
STEPS = {kind_of(body) for body in (RequestBody, DecisionBody, ReleaseBody, ReceiptBody)}
TRY_AGAIN = frozenset({ErrorCode.UNREACHABLE, ErrorCode.STORAGE})


@dataclass(frozen=True)
class Sent:
    """A statement the hub has logged, its place, its leaf's salt, and the hub's decision if any."""

    statement: Statement[WireModel]
    accepted: AcceptedBody
    salt: str | None
    decision: Statement[WireModel] | None


OnSent = Callable[[NodeTables, Sent], None]
OnFailed = Callable[[NodeTables, Statement[WireModel], RemoteError], None]
Entry = Unchecked | ExpectedEntry
"""What is looked for in the log: of ours what the hub has accepted, and what came to us."""


@dataclass
class LookedFor:
    """What became of the entries that were looked for in one go."""

    there: list[Entry] = field(default_factory=list)
    missing: list[Entry] = field(default_factory=list)


class HubFaultError(Exception):
    """The hub met a fault of its own over one item: that is set aside here, the rest goes on."""


class Outbox:
    """Sends what waits. `on_sent` and `on_failed` take the effects in the same transaction."""

    def __init__(self, membership: HubMembership, on_sent: OnSent, on_failed: OnFailed) -> None:
        self._membership = membership
        self._on_sent = on_sent
        self._on_failed = on_failed
        self._outdated: int | None = None
        self._sending = asyncio.Lock()
        self._promised: dict[tuple[str, int], int] = {}

    async def send(self) -> list[RemoteError]:
        """Send everything pending, in order; the refusals met. Stops when the hub is away.

        One at a time: of two who send at once the second finds what the first has left.

        Once the hub has a newer charter than we, everything waits until the log shows it to us;
        while that charter does not bind us, what it alone allows goes on waiting. After a backup
        was put back nothing leaves before it is known what left since.
        """
        async with self._sending:
            return await self._send_pending()

    async def _send_pending(self) -> list[RemoteError]:
        membership, faults = self._membership, self._membership.faults
        if self._outdated == membership.charter.version:
            await self._follow()
            if self._outdated == membership.charter.version:
                return []
        hub_id = membership.hub.hub_id
        items, aside, resync = await membership.engine.read(
            lambda tables: (
                tables.outbox.pending(hub_id),
                faults.passed_over(tables, Kind.STATEMENT),
                tables.resyncs.get(hub_id),
            )
        )
        if resync is not None and resync.under_way:
            return []
        await faults.forget(Kind.STATEMENT, aside.difference(str(item.id) for item in items))
        refusals: list[RemoteError] = []
        held = bool(membership.unaccepted())

        async def send_one(item: OutboxItem) -> None:
            known = str(item.id) in aside
            if known and not faults.again:
                return
            async with faults.guarded(Kind.STATEMENT, str(item.id), known=known):
                refused = await self._send_unless(item, held=held)
                refusals.extend([refused] if refused is not None else [])

        for group in side_by_side(items):
            await together(map(send_one, group))
            if any(error.code is ErrorCode.WRONG_CHARTER for error in refusals):
                return [error for error in refusals if error.code is not ErrorCode.WRONG_CHARTER]
        return refusals

    async def check_logged(self) -> int:
        """Check that what the hub says it logged is in the log, where it said; how many are not.

        The hub's signed word is not enough: without this it could drop a request unseen. What we
        sent and what we received are checked alike; what is missing stays an alarm.
        """
        membership, faults = self._membership, self._membership.faults
        hub_id = membership.hub.hub_id
        entries, aside = await membership.engine.read(
            lambda tables: (_to_look_for(tables, hub_id), faults.passed_over(tables, Kind.ENTRY))
        )
        if len(entries) < MOST_LOOKED_FOR:
            await faults.forget(Kind.ENTRY, aside.difference(str(one.index) for one in entries))
        if any(entry.index >= membership.view.size for entry in entries):
            await self._follow()
        found, overdue, signed_at = LookedFor(), [], self._signed_at(entries)
        for entry in entries:
            known = str(entry.index) in aside
            if known and not faults.again:
                continue
            async with faults.guarded(Kind.ENTRY, str(entry.index), known=known):
                if entry.index >= membership.view.size:
                    late = signed_at >= self._promised_at(entry) + PROMISE_SECONDS
                    overdue += [entry.index] if late else []
                elif not await self._look_for(entry, found):
                    break
        waiting = {(membership.hub.genesis, entry.index) for entry in entries}
        self._promised = {at: iat for at, iat in self._promised.items() if at in waiting}
        if found.there or found.missing or overdue:
            await membership.engine.write(lambda tables: self._checked(tables, found, overdue))
        return len(found.missing)

    async def _look_for(self, entry: Entry, found: LookedFor) -> bool:
        """Look for one entry; False if the hub cannot say now."""
        membership = self._membership
        if membership.seen.has(entry.index, entry.salt, entry.envelope):
            found.there.append(entry)
            return True
        try:
            data = await membership.http.get(f"{membership.hub.url}/v1/proofs/{entry.index}")
            place = (entry.index, entry.salt)
            verify_logged(membership.charter, data, place, entry.envelope)
        except RemoteError as error:
            if error.code is ErrorCode.INTERNAL:
                raise HubFaultError from None
            if error.code in {*TRY_AGAIN, ErrorCode.NO_QUORUM}:
                return False
            log.critical("statement_not_in_log", index=entry.index, code=error.code.value)
            found.missing.append(entry)
        else:
            found.there.append(entry)
        return True

    def _checked(self, tables: NodeTables, found: LookedFor, overdue: list[int]) -> None:
        """Write down which entries are where they should be."""
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        for there, entries in ((True, found.there), (False, found.missing)):
            numbers = [entry.number for entry in entries if isinstance(entry, Unchecked)]
            tables.outbox.looked_for(hub_id, numbers, there=there)
            received = [entry for entry in entries if isinstance(entry, ExpectedEntry)]
            tables.journal.looked_for(hub_id, received)
            places = {str(entry.index) for entry in entries}
            clear_alarms(tables, hub_id, AlarmCode.PROMISE_BROKEN, now, places=places)
        for entry in found.missing:
            raise_alarm(tables, hub_id, AlarmCode.NOT_IN_LOG, now, place=str(entry.index))
        for index in overdue:
            raise_alarm(tables, hub_id, AlarmCode.PROMISE_BROKEN, now, place=str(index))

    def _promised_at(self, entry: Entry) -> int:
        """When a statement was signed whose entry is waited for; read once, not at each look."""
        place = self._membership.hub.genesis, entry.index
        if place not in self._promised:
            self._promised[place] = parse_statement(entry.envelope).preamble.iat
        return self._promised[place]

    def _signed_at(self, entries: Sequence[Entry]) -> int:
        """When witnesses signed the log as we know it, where it does not reach all of these."""
        membership = self._membership
        if all(entry.index < membership.view.size for entry in entries):
            return 0
        return verify_note_by_charter(membership.view.note, membership.charter).seen_at

    async def _follow(self) -> None:
        try:
            await self._membership.sync()
        except RemoteError as error:
            if error.code not in {*TRY_AGAIN, ErrorCode.NO_QUORUM}:
                raise

    async def _send_unless(self, item: OutboxItem, *, held: bool) -> RemoteError | None:
        """Send one statement; the hub's refusal. Raises RemoteError when the hub is away, or
        takes nothing from a clock like ours.

        `held`: what only the charter in force allows waits.
        """
        if held and KINDS[item.kind].needs_agreement(item.body):
            return None
        statement = await self._signed(item)
        try:
            await self._send_one(item, statement)
        except RemoteError as error:
            if error.code is ErrorCode.INTERNAL:
                raise HubFaultError from None
            if error.code in TRY_AGAIN or self._is_of_clocks(error, statement):
                raise
            return error
        return None

    def _is_of_clocks(self, error: RemoteError, statement: Statement[WireModel]) -> bool:
        """Whether the hub finds old what we signed just now: then it refuses the rest too."""
        age = abs(self._membership.env.clock() - statement.preamble.iat)
        return error.code is ErrorCode.EXPIRED and age <= MAX_SKEW_SECONDS

    async def _send_one(self, item: OutboxItem, statement: Statement[WireModel]) -> None:
        membership = self._membership
        try:
            answer = await membership.post(
                "/v1/statements", statement.envelope.encode(), item.sealed, item.proof
            )
            submitted = parse_wire(Submitted, answer)
            accepted = membership.check_accepted(submitted, statement.id)
            sent = Sent(statement, accepted, submitted.salt, self._decision(submitted))
        except RemoteError as error:
            await self._failed(item, statement, error)
            raise
        place = Place(accepted.index, submitted.salt)

        def done(tables: NodeTables) -> None:
            # A command and the service may both have sent it: only the first takes the effects.
            if tables.outbox.sent(item.hub_id, item.id, place):
                tables.journal.enter_sent(item.hub_id, item.kind, place.index)
                self._on_sent(tables, sent)

        await membership.engine.write(done)

    async def _signed(self, item: OutboxItem) -> Statement[WireModel]:
        if item.envelope is not None:
            return parse_statement(item.envelope)
        body = item.body
        if isinstance(
            body,
            RequestBody | IdentityRequestBody | IntroductionRequestBody | AttentionBody,
        ):
            # It may have been written under the charter before: it is asked under the one in force.
            charter = self._membership.directory.charter_at(None).statement_id
            pins: WireModel = body.pins.model_copy(update={"charter": charter})
            body = body.model_copy(update={"pins": pins})
        statement = self._membership.sign(body, item.aud)
        data = statement.envelope.encode()
        # Another process of this node may have signed it just now: one statement is enough.
        kept = await self._membership.engine.write(
            lambda tables: tables.outbox.sign(item.hub_id, item.id, data)
        )
        return statement if kept == data else parse_statement(kept)

    def _decision(self, submitted: Submitted) -> Statement[WireModel] | None:
        if submitted.decision is None:
            return None
        statement = parse_statement(from_base64(submitted.decision))
        self._membership.directory.verify(statement)
        if statement.preamble.sender != self._membership.hub.hub_id:
            raise RemoteError(ErrorCode.BAD_SIGNATURE, "the decision is not the hub's")
        return statement

    async def _failed(
        self, item: OutboxItem, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        if error.code in {*TRY_AGAIN, ErrorCode.INTERNAL}:
            return
        if error.code is ErrorCode.WRONG_CHARTER:
            self._outdated = statement.preamble.charter_version

        def note(tables: NodeTables) -> None:
            self._membership.enter_refusal(tables, statement, error)
            if error.code is ErrorCode.EXPIRED and item.envelope is not None:
                # It may have come in time, and have been refused over quota then.
                iat = statement.preamble.iat
                tables.journal.enter_refused(item.hub_id, statement.id, iat, sure=False)
            anew = error.code in {ErrorCode.EXPIRED, ErrorCode.WRONG_CHARTER}
            once = isinstance(statement.body, ProvisionalBody)
            if anew and not once:
                # It waited too long to be sent, or our clock is wrong, or a new charter came
                # first, and it was never logged: sign it anew next time.
                tables.outbox.sign_anew(item.hub_id, item.id)
            elif tables.outbox.failed(item.hub_id, item.id, error.code.value):
                self._on_failed(tables, statement, error)

        await self._membership.engine.write(note)


def side_by_side(items: Iterable[OutboxItem]) -> Iterator[list[OutboxItem]]:
    """Items in their order, in groups that are sent at once: steps of different requests, for which
    the order says nothing. Whatever else there is goes alone, when all before it has gone; and so
    does the first, which finds out whether the hub is there and of our charter.
    """
    group: dict[str, OutboxItem] = {}
    for place, item in enumerate(items):
        request = _step_of(item) if place else None
        if group and (request is None or request in group or len(group) == AT_ONCE):
            yield [*group.values()]
            group = {}
        if request is None:
            yield [item]
        else:
            group[request] = item
    if group:
        yield [*group.values()]


def _step_of(item: OutboxItem) -> str | None:
    """The request that an item is a step of; None of any other, and of one that is unreadable."""
    if item.kind in STEPS:
        with suppress(ValueError, KeyError, TypeError):
            return str(json.loads(item.text)["request_id"])
    return None


def _to_look_for(tables: NodeTables, hub_id: str) -> list[Entry]:
    """What is looked for next, by its place."""
    own = tables.outbox.unchecked(hub_id, MOST_LOOKED_FOR)
    received = tables.journal.expected(hub_id, MOST_LOOKED_FOR)
    entries: list[Entry] = [*own, *received]
    return sorted(entries, key=lambda entry: entry.index)[:MOST_LOOKED_FOR]
