"""The outbox: statements wait here until the hub has logged them (specs/07-transport.md §2).

A statement is signed when it is first sent, and sent again unchanged until there is an answer, so
nothing is doubled. What the hub's answer changes is written in the same transaction as the answer.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from node.alarms import AlarmCode, clear_alarm, raise_alarm
from node.membership.hub import HubMembership
from node.membership.proofs import verify_logged
from node.oversight.journal import enter_sent
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.governance.follow import verify_note_by_charter
from protocol.messages.bodies import AcceptedBody, HubDecisionBody, RequestBody
from protocol.messages.kinds import KINDS
from protocol.messages.log import ProvisionalBody
from protocol.messages.review import IdentityRequestBody
from protocol.messages.statement import Statement, parse_statement
from protocol.wire import Submitted, parse_wire
from storage.engine import Row

log = structlog.get_logger()

PROMISE_SECONDS = 300
TRY_AGAIN = frozenset({ErrorCode.UNREACHABLE, ErrorCode.STORAGE})


@dataclass(frozen=True)
class Sent:
    """A statement the hub has logged, its place, its leaf's salt, and the hub's decision if any."""

    statement: Statement[WireModel]
    accepted: AcceptedBody
    salt: str | None
    decision: Statement[HubDecisionBody] | None


OnSent = Callable[[NodeTables, Sent], None]
OnFailed = Callable[[NodeTables, Statement[WireModel], RemoteError], None]


class Outbox:
    """Sends what waits. `on_sent` and `on_failed` take the effects in the same transaction."""

    def __init__(self, membership: HubMembership, on_sent: OnSent, on_failed: OnFailed) -> None:
        self._membership = membership
        self._on_sent = on_sent
        self._on_failed = on_failed
        self._outdated: int | None = None

    async def send(self) -> list[RemoteError]:
        """Send everything pending, in order; the refusals met. Stops when the hub is away.

        Once the hub has a newer charter than we, everything waits until the log shows it to us;
        while that charter does not bind us, what it alone allows goes on waiting.
        """
        membership = self._membership
        if self._outdated == membership.charter.version:
            await self._follow()
            if self._outdated == membership.charter.version:
                return []
        sql = "SELECT * FROM outbox WHERE hub_id = ? AND state = 'pending' ORDER BY id"
        rows = await membership.engine.read(
            lambda tables: tables.tx.rows(sql, membership.hub.hub_id)
        )
        refusals: list[RemoteError] = []
        held = bool(membership.unaccepted())
        for row in rows:
            if held and KINDS[row["kind"]].needs_agreement(_body(row)):
                continue
            try:
                await self._send_one(row)
            except RemoteError as error:
                if error.code in TRY_AGAIN:
                    raise
                if error.code is ErrorCode.WRONG_CHARTER:
                    return refusals
                refusals.append(error)
        return refusals

    async def check_logged(self) -> int:
        """Check that what the hub says it logged is in the log, where it said; how many are not.

        The hub's signed word is not enough: without this it could drop a request unseen. What we
        sent and what we received are checked alike; what is missing stays an alarm.
        """
        membership = self._membership
        rows = await membership.engine.read(
            lambda tables: tables.tx.rows(_UNCHECKED, membership.hub.hub_id)
        )
        if any(row["idx"] >= membership.view.size for row in rows):
            await self._follow()
        missing = 0
        for row in rows:
            if row["idx"] >= membership.view.size:
                await self._overdue(row)
                continue
            try:
                data = await membership.http.get(f"{membership.hub.url}/v1/proofs/{row['idx']}")
                verify_logged(membership.charter, data, (row["idx"], row["salt"]), row["envelope"])
                there = True
            except RemoteError as error:
                if error.code in {*TRY_AGAIN, ErrorCode.NO_QUORUM}:
                    break
                log.critical("statement_not_in_log", index=row["idx"], code=error.code.value)
                there, missing = False, missing + 1
            await membership.engine.write(
                lambda tables, there=there, row=row: self._checked(tables, row, there=there)  # type: ignore[misc]
            )
        return missing

    def _checked(self, tables: NodeTables, row: Row, *, there: bool) -> None:
        """Write down whether an entry is where it should be."""
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        state, place = "logged" if there else "missing", str(row["idx"])
        if row["id"] is not None:
            tables.tx.run("UPDATE outbox SET state = ? WHERE id = ?", state, row["id"])
        else:
            sql = "DELETE FROM received_entry WHERE hub_id = ? AND idx = ? AND envelope = ?"
            tables.tx.run(sql, hub_id, row["idx"], row["envelope"])
        clear_alarm(tables, hub_id, AlarmCode.PROMISE_BROKEN, now, place=place)
        if not there:
            raise_alarm(tables, hub_id, AlarmCode.NOT_IN_LOG, now, place=place)

    async def _overdue(self, row: Row) -> None:
        """An index that the log does not reach, though its witnesses have signed long since."""
        membership = self._membership
        promised = parse_statement(row["envelope"]).preamble.iat
        signed = verify_note_by_charter(membership.view.note, membership.charter).cosigners
        if min(signed.values()) < promised + PROMISE_SECONDS:
            return
        now, hub_id, place = membership.env.clock(), membership.hub.hub_id, str(row["idx"])
        await membership.engine.write(
            lambda tables: raise_alarm(tables, hub_id, AlarmCode.PROMISE_BROKEN, now, place=place)
        )

    async def _follow(self) -> None:
        try:
            await self._membership.sync()
        except RemoteError as error:
            if error.code not in {*TRY_AGAIN, ErrorCode.NO_QUORUM}:
                raise

    async def _send_one(self, row: Row) -> None:
        membership = self._membership
        statement = await self._signed(row)
        try:
            answer = await membership.post(
                "/v1/statements", statement.envelope.encode(), row["sealed"], row["proof"]
            )
            submitted = parse_wire(Submitted, answer)
            accepted = membership.check_accepted(submitted, statement.id)
            sent = Sent(statement, accepted, submitted.salt, self._decision(submitted))
        except RemoteError as error:
            await self._failed(row, statement, error)
            raise

        def done(tables: NodeTables) -> None:
            # A command and the service may both have sent it: only the first takes the effects.
            sql = (
                "UPDATE outbox SET state = 'sent', idx = ?, salt = ? "
                "WHERE id = ? AND state = 'pending'"
            )
            if tables.tx.run(sql, accepted.index, submitted.salt, row["id"]):
                enter_sent(tables, membership.hub.hub_id, row["kind"], accepted.index)
                self._on_sent(tables, sent)

        await membership.engine.write(done)

    async def _signed(self, row: Row) -> Statement[WireModel]:
        if row["envelope"] is not None:
            return parse_statement(row["envelope"])
        body = _body(row)
        if isinstance(body, RequestBody | IdentityRequestBody):
            # It may have been written under the charter before: it is asked under the one in force.
            charter = self._membership.directory.charter_at(None).statement_id
            pins = body.pins.model_copy(update={"charter": charter})
            body = body.model_copy(update={"pins": pins})
        data = self._membership.sign(body, row["aud"]).envelope.encode()

        def keep_first(tables: NodeTables) -> bytes:
            # Another process of this node may have signed it just now: one statement is enough.
            sql = "UPDATE outbox SET envelope = ? WHERE id = ? AND envelope IS NULL"
            tables.tx.run(sql, data, row["id"])
            kept = tables.tx.one("SELECT envelope FROM outbox WHERE id = ?", row["id"])
            return bytes(kept["envelope"]) if kept else data

        return parse_statement(await self._membership.engine.write(keep_first))

    def _decision(self, submitted: Submitted) -> Statement[HubDecisionBody] | None:
        if submitted.decision is None:
            return None
        statement = parse_statement(from_base64(submitted.decision))
        self._membership.directory.verify(statement)
        if statement.preamble.sender != self._membership.hub.hub_id:
            raise RemoteError(ErrorCode.BAD_SIGNATURE, "the decision is not the hub's")
        return statement.expect(HubDecisionBody)

    async def _failed(self, row: Row, statement: Statement[WireModel], error: RemoteError) -> None:
        if error.code in TRY_AGAIN:
            return
        membership = self._membership
        if error.code is ErrorCode.WRONG_CHARTER:
            self._outdated = statement.preamble.charter_version

        def note(tables: NodeTables) -> None:
            late = error.code is ErrorCode.EXPIRED and row["envelope"] is not None
            once = isinstance(statement.body, ProvisionalBody)
            if (late or error.code is ErrorCode.WRONG_CHARTER) and not once:
                # It waited too long to be sent, or a new charter came first, and it was never
                # logged: sign it anew next time.
                tables.tx.run("UPDATE outbox SET envelope = NULL WHERE id = ?", row["id"])
                return
            failed = tables.tx.run(
                "UPDATE outbox SET state = 'failed', error = ? WHERE id = ? AND state = 'pending'",
                error.code.value, row["id"],
            )  # fmt: skip
            if failed:
                self._on_failed(tables, statement, error)

        await membership.engine.write(note)


# Of ours what the hub has accepted, and what came to us: `id` is null there.
_UNCHECKED = (
    "SELECT id, idx, salt, envelope FROM outbox WHERE hub_id = ?1 AND state = 'sent' "
    "UNION ALL SELECT NULL, idx, salt, envelope FROM received_entry WHERE hub_id = ?1 "
    "ORDER BY idx LIMIT 500"
)


def _body(row: Row) -> WireModel:
    return KINDS[row["kind"]].body.model_validate(json.loads(row["body"]))
