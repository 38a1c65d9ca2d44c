"""Everything a member sends comes in here: specs/07-transport.md §2.

Order of checks: shape, signature by the key the log holds, replay, recipient, clock, then the
handler of the kind, in one transaction. A member's properly signed statement that is not accepted
is itself logged, as a `rejection`; what nobody signed is not.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hub.exchange.identity_checks import IdentityChecks
from hub.exchange.requests import Answer, Broker, Parts, parts_of
from hub.exchange.reviews import Reviews
from hub.log.daily import Daily
from hub.log.ledger import Ledger
from hub.matching.publications import Publications
from hub.members.charter_changes import mark_agency
from hub.store.tables import HubEngine, HubTables, Logged
from protocol.dsse import ENVELOPE_LIMIT
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, from_base64, to_base64
from protocol.governance.changes import unaccepted
from protocol.messages.audit import SampleCommitmentBody
from protocol.messages.bodies import (
    AcceptedBody,
    CharterAcceptBody,
    DecisionBody,
    EvaluationCountBody,
    ExportBody,
    PublicationBody,
    ReceiptBody,
    RejectionBody,
    ReleaseBody,
    RequestBody,
)
from protocol.messages.log import ProvisionalBody, StatementAnswerBody
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityRequestBody,
    RecallDoneBody,
    VerdictBody,
    WrongPersonBody,
)
from protocol.messages.statement import Statement, check_fresh, parse_statement
from protocol.wire import Message, Submitted, UploadState

MAX_REJECTIONS_A_DAY = 200
DAY = 86_400

Result = TypeVar("Result")
Handler = Callable[[HubTables, Statement[Any], Parts], Answer]


@dataclass(frozen=True)
class Intake:
    """The hub's front desk for signed statements."""

    engine: HubEngine
    ledger: Ledger
    broker: Broker
    publications: Publications

    async def submit(self, message: Message) -> Submitted:
        """Take one statement. Idempotent by statement id. Raises RemoteError."""
        statement, parts = await asyncio.to_thread(self._open, message)

        def work(tables: HubTables) -> Submitted:
            repeated = tables.logged(statement.id)
            if repeated is not None:
                return self._repeat(tables, repeated, statement)
            self._check(tables, statement)
            handler = self._handlers().get(type(statement.body))
            if handler is None:
                raise RemoteError(ErrorCode.UNKNOWN_KIND, "this kind is not for this address")
            return self._submitted(handler(tables, statement, parts))

        return await self._or_reject(statement, work)

    async def begin_publication(self, message: Message) -> UploadState:
        """Take a manifest; answer with the chunks that are still missing. Resumable."""
        statement, _ = await asyncio.to_thread(self._open, message)
        manifest = statement.expect(PublicationBody)

        def work(tables: HubTables) -> UploadState:
            repeated = tables.logged(manifest.id)
            if repeated is not None:
                return UploadState(missing=[], submitted=self._submitted(Answer(repeated)))
            if not tables.uploads.is_here(manifest.id):
                self._check(tables, statement)
            self.publications.begin(tables, manifest)
            return self._upload_state(tables, manifest)

        return await self._or_reject(statement, work)

    async def add_chunk(self, statement_id: str, data: bytes) -> UploadState:
        """Take one chunk of a pending publication; with the last one, apply it, whole."""

        def keep(tables: HubTables) -> Statement[PublicationBody]:
            manifest = self.publications.pending(tables, statement_id)
            self.publications.add_chunk(tables, manifest, data)
            return manifest

        manifest = await self.engine.write(keep)
        return await self._or_reject(manifest, lambda tables: self._upload_state(tables, manifest))

    async def accept_export(self, message: Message) -> ExportBody:
        """Check and log an auditor's call for payloads. Raises RemoteError."""
        statement, _ = await asyncio.to_thread(self._open, message)
        export = statement.expect(ExportBody)

        def work(tables: HubTables) -> ExportBody:
            self._check(tables, statement)
            member = self.ledger.directory.active(statement.preamble.sender)
            if member is None or member.body.member_class != "auditor":
                raise RemoteError(ErrorCode.NOT_ALLOWED, "only an auditor may export")
            self.ledger.append(tables, statement)
            return export.body

        return await self._or_reject(statement, work)

    def _handlers(self) -> dict[type[WireModel], Handler]:
        reviews, checks = Reviews(self.ledger), IdentityChecks(self.ledger)
        return {
            VerdictBody: reviews.verdict,
            WrongPersonBody: reviews.wrong_person,
            RecallDoneBody: reviews.recall_done,
            IdentityRequestBody: checks.request,
            IdentityCheckBody: checks.check,
            IdentityAnswerBody: checks.answer,
            RequestBody: self.broker.request,
            DecisionBody: self.broker.decision,
            ReleaseBody: self.broker.release,
            ProvisionalBody: self.broker.provisional,
            ReceiptBody: self.broker.receipt,
            CharterAcceptBody: self._charter_accept,
            EvaluationCountBody: self._evaluation_count,
            SampleCommitmentBody: self._sample_commitment,
            StatementAnswerBody: Daily(self.ledger).answer,
        }

    def _open(self, message: Message) -> tuple[Statement[WireModel], Parts]:
        statement = parse_statement(from_base64(message.envelope), limit=ENVELOPE_LIMIT)
        self.ledger.directory.verify(statement)
        return statement, parts_of(message)

    def _check(self, tables: HubTables, statement: Statement[WireModel]) -> None:
        preamble, charter = statement.preamble, self.ledger.charter
        if preamble.sender == charter.charter_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "the hub does not write to itself")
        kind = statement.kind
        if not kind.between_agencies and preamble.aud != charter.charter_id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud is not this hub")
        if kind.needs_active_recipient and not self.ledger.directory.active(preamble.aud):
            raise RemoteError(ErrorCode.NOT_ALLOWED, "the other agency is not an active member")
        if preamble.charter_version != charter.version:
            raise RemoteError(
                ErrorCode.WRONG_CHARTER, f"the charter is at version {charter.version}"
            )
        check_fresh(preamble, now=self.ledger.env.clock())
        # Once more within the transaction: an order of the operator may have come in between.
        self.ledger.directory.verify(statement)
        if kind.needs_agreement(statement.body) and unaccepted(
            self.ledger.directory, preamble.sender
        ):
            raise RemoteError(ErrorCode.NOT_READY, "the agency has not accepted the charter yet")
        used = "SELECT 1 FROM entry WHERE sender = ? AND nonce = ?"
        if tables.tx.one(used, preamble.sender, preamble.nonce):
            raise RemoteError(ErrorCode.REPLAYED, "nonce was used before")

    async def _or_reject(
        self, statement: Statement[WireModel], work: Callable[[HubTables], Result]
    ) -> Result:
        try:
            return await self.engine.write(work)
        except RemoteError as error:
            code = error.code.value
            await self.engine.write(lambda tables: self._log_rejection(tables, statement, code))
            raise

    def _log_rejection(self, tables: HubTables, statement: Statement[WireModel], code: str) -> None:
        self.publications.drop(tables, statement.id)
        today = self.ledger.env.clock() // DAY
        if tables.count_rejection(statement.preamble.sender, today) > MAX_REJECTIONS_A_DAY:
            return
        body = RejectionBody(statement=statement.id, kind=statement.preamble.kind, code=code)
        self.ledger.issue(tables, body, statement.preamble.sender)

    def _upload_state(self, tables: HubTables, manifest: Statement[PublicationBody]) -> UploadState:
        missing = self.publications.missing(tables, manifest)
        if missing:
            return UploadState(missing=missing, submitted=None)
        logged = self.publications.apply(tables, manifest)
        return UploadState(missing=[], submitted=self._submitted(Answer(logged)))

    def _submitted(self, answer: Answer) -> Submitted:
        logged = answer.logged
        body = AcceptedBody(
            statement=logged.statement_id, index=logged.index, received_at=logged.received_at
        )
        accepted = self.ledger.sign(body, self.ledger.charter.charter_id)
        return Submitted(
            accepted=to_base64(accepted.envelope.encode()),
            salt=logged.salt.hex() if logged.salt else None,
            decision=to_base64(answer.decision.envelope.encode()) if answer.decision else None,
        )

    def _repeat(
        self, tables: HubTables, logged: Logged, statement: Statement[WireModel]
    ) -> Submitted:
        submitted = self._submitted(Answer(logged))
        if not isinstance(statement.body, RequestBody):
            return submitted
        row = tables.tx.one("SELECT hub_decision FROM request WHERE statement_id = ?", statement.id)
        decision = tables.envelope(row["hub_decision"]) if row else None
        return submitted.model_copy(update={"decision": to_base64(decision) if decision else None})

    def _charter_accept(
        self, tables: HubTables, statement: Statement[CharterAcceptBody], _parts: Parts
    ) -> Answer:
        charter, body = self.ledger.charter, statement.body
        if (body.version, body.document_hash) != (charter.version, charter.document_hash):
            raise RemoteError(ErrorCode.WRONG_CHARTER, "that is not the charter in force")
        sender = statement.preamble.sender
        if self.ledger.directory.accepted.get(sender) == charter.version:
            raise RemoteError(ErrorCode.CONFLICT, "this agency has accepted the charter already")
        if unaccepted(self.ledger.directory, sender):
            mark_agency(tables, sender)
        logged = self.ledger.append(tables, statement)
        self.ledger.learn(tables, logged, statement.envelope.encode())
        return Answer(logged)

    def _evaluation_count(
        self, tables: HubTables, statement: Statement[EvaluationCountBody], _parts: Parts
    ) -> Answer:
        holders = {holder.holder_id for holder in self.ledger.charter.token_key.holders}
        if statement.preamble.sender not in holders:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only a key holder counts evaluations")
        return Answer(self.ledger.append(tables, statement))

    def _sample_commitment(
        self, tables: HubTables, statement: Statement[SampleCommitmentBody], _parts: Parts
    ) -> Answer:
        member = self.ledger.directory.active(statement.preamble.sender)
        if member is None or member.body.member_class != "auditor":
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only an auditor draws samples")
        return Answer(self.ledger.append(tables, statement))
