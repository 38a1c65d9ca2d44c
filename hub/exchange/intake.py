"""Everything a member sends comes in here: specs/07-transport.md §2.

Order of checks: shape, signature by the key the log holds, replay, recipient, clock, then the
handler of the kind, in one transaction. A member's properly signed statement that is not accepted
is itself logged, as a `rejection`; what nobody signed is not.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from hub.exchange import resyncs
from hub.exchange.alerts import Alerts
from hub.exchange.enquiries import Enquiring
from hub.exchange.handlers import DAY, Handler, Parts, check_quota, parts_of
from hub.exchange.identity_checks import IdentityChecks
from hub.exchange.introductions import Introductions
from hub.exchange.recalls import Recalls
from hub.exchange.requests import Broker
from hub.exchange.resyncs import Span
from hub.exchange.reviews import Reviews
from hub.exchange.upkeep import Upkeep
from hub.log.ledger import HubSigner, Ledger
from hub.matching.pepper import Pepper
from hub.matching.publications import Publications, kept_chunk
from hub.matching.uploading import Uploading
from hub.store.log import Logged
from hub.store.tables import HubEngine, HubTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, from_base64, to_base64
from protocol.governance.acceptance import unaccepted
from protocol.governance.directory import Directory
from protocol.messages.attention import AttentionBody, InviteBody
from protocol.messages.audit import SampleCommitmentBody
from protocol.messages.bodies import (
    AcceptedBody,
    CharterAcceptBody,
    DecisionBody,
    EndorsementBody,
    ExportBody,
    PublicationBody,
    ReceiptBody,
    RejectionBody,
    ReleaseBody,
    RequestBody,
)
from protocol.messages.enquiries import EnquiryBody
from protocol.messages.evaluations import EvaluationCountBody
from protocol.messages.introductions import IntroductionRequestBody
from protocol.messages.log import ProvisionalBody, ResyncBody, StatementAnswerBody
from protocol.messages.members import DetailsBody, FiguresBody, SealRenewalBody
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityRequestBody,
    RecallBody,
    RecallDoneBody,
    VerdictBody,
    WrongPersonBody,
)
from protocol.messages.statement import MAX_SKEW_SECONDS, Statement, check_fresh
from protocol.wire import Message, Submitted, UploadState

MAX_REJECTIONS_A_DAY = 200

Result = TypeVar("Result")


@dataclass(frozen=True)
class Intake:
    """Where signed statements come in. Holds no state of the log.

    `quorum_is_missing` says it of an entry, by its index.
    """

    engine: HubEngine
    signer: HubSigner
    uploading: Uploading
    pepper: Pepper = field(repr=False)
    quorum_is_missing: Callable[[int], bool] = field(repr=False)

    async def submit(
        self, message: Message, verified: Callable[[], None] = lambda: None
    ) -> Submitted:
        """Take one statement. Idempotent by statement id. Raises RemoteError.

        `verified` is called if it was signed now: one that is here already, anybody may send.
        """
        statement, parts = await self._opened(message)

        def work(tables: HubTables) -> tuple[Submitted, bool]:
            ledger = Ledger(tables, self.signer)
            repeated = tables.log.logged(statement.id)
            if repeated is not None:
                return _submitted(ledger, repeated, _decision_on(tables, statement)), False
            _check(ledger, statement)
            handler = self._handlers(ledger).get(type(statement.body))
            if handler is None:
                raise RemoteError(ErrorCode.UNKNOWN_KIND, "this kind is not for this address")
            check_quota(ledger, statement)
            answer = handler(statement, parts)
            decision = answer.decision.envelope.encode() if answer.decision else None
            return _submitted(ledger, answer.logged, decision), True

        try:
            submitted, fresh = await self._or_reject(statement, lambda: self.engine.write(work))
        except RemoteError:
            verified()  # signed now, and refused
            raise
        if fresh:
            verified()
        return submitted

    async def begin_publication(
        self, message: Message, verified: Callable[[], None] = lambda: None
    ) -> UploadState:
        """Take a manifest; answer with the chunks that are still missing. Resumable.

        `verified` as of `submit`. Raises RemoteError.
        """
        statement, _ = await self._opened(message)
        manifest = statement.expect(PublicationBody)

        def work(tables: HubTables) -> tuple[UploadState | None, bool]:
            ledger = Ledger(tables, self.signer)
            repeated = tables.log.logged(manifest.id)
            if repeated is not None:
                submitted = _submitted(ledger, repeated)
                return UploadState(missing=[], submitted=submitted), False
            publications = Publications(ledger)
            fresh = not tables.uploads.is_here(manifest.id)  # else it was checked, and may be old
            if fresh:
                _check(ledger, statement)
            publications.begin(tables, manifest)
            return _still_missing(publications.missing(tables, manifest)), fresh

        state, fresh = await self._or_reject(statement, lambda: self.engine.write(work))
        if fresh:
            verified()
        return state or await self._apply(manifest)

    async def expects_chunks(self, statement_id: str) -> None:
        """Raise RemoteError(NOT_FOUND) unless a manifest of that name waits for chunks."""
        if not await self.engine.read(lambda tables: tables.uploads.is_here(statement_id)):
            raise RemoteError(ErrorCode.NOT_FOUND, "no upload with that name waits for chunks")

    async def add_chunk(self, statement_id: str, data: bytes) -> UploadState:
        """Take one chunk of a pending publication; with the last one, apply it, whole."""

        def pending(tables: HubTables) -> Statement[PublicationBody]:
            return Publications(Ledger(tables, self.signer)).pending(tables, statement_id)

        manifest = await self.engine.read(pending)
        digest = hashlib.sha256(data).hexdigest()
        kept = await asyncio.to_thread(kept_chunk, self.pepper, manifest, data)

        def keep(tables: HubTables) -> UploadState | None:
            publications = Publications(Ledger(tables, self.signer))
            publications.pending(tables, statement_id)
            tables.uploads.add_chunk(statement_id, digest, kept)
            return _still_missing(publications.missing(tables, manifest))

        return await self.engine.write(keep) or await self._apply(manifest)

    async def _apply(self, manifest: Statement[PublicationBody]) -> UploadState:
        try:
            logged = await self._or_reject(manifest, lambda: self.uploading.apply(manifest))
        except RemoteError:
            await self.uploading.sweep()
            raise
        return await self.engine.read(
            lambda tables: UploadState(
                missing=[], submitted=_submitted(Ledger(tables, self.signer), logged)
            )
        )

    async def accept_export(self, message: Message) -> ExportBody:
        """Check and log an auditor's call for payloads. Raises RemoteError."""
        statement, _ = await self._opened(message)
        export = statement.expect(ExportBody)

        def work(tables: HubTables) -> ExportBody:
            ledger = Ledger(tables, self.signer)
            _check(ledger, statement)
            Upkeep(ledger).export(export)
            return export.body

        return await self._or_reject(statement, lambda: self.engine.write(work))

    async def resync(self, message: Message, verified: Callable[[], None] = lambda: None) -> Span:
        """Take a member's word that it came back from a backup; what it is given again.

        The same statement again is given the same, and logged once. `verified` as of `submit`.
        Raises RemoteError.
        """
        statement, _ = await self._opened(message)
        asked = statement.expect(ResyncBody)

        def work(tables: HubTables) -> tuple[Span, bool]:
            ledger = Ledger(tables, self.signer)
            before = tables.log.logged(asked.id)
            if before is None:
                _check(ledger, statement)
                if asked.preamble.sender in ledger.directory.members:  # a key holder asks at starts
                    check_quota(ledger, statement)
            logged = before or resyncs.begin(ledger, asked)
            span = Span(asked.preamble.sender, logged.index, asked.body.start, logged.index + 1)
            return span, before is None

        span, fresh = await self._or_reject(statement, lambda: self.engine.write(work))
        if fresh:
            verified()
        return span

    def _handlers(self, ledger: Ledger) -> dict[type[WireModel], Handler]:
        broker = Broker(ledger, self.quorum_is_missing)
        recalls, checks, upkeep = Recalls(ledger), IdentityChecks(ledger), Upkeep(ledger)
        alerts = Alerts(ledger)
        return {
            VerdictBody: Reviews(ledger).verdict,
            WrongPersonBody: recalls.wrong_person,
            RecallBody: recalls.recall,
            RecallDoneBody: recalls.recall_done,
            IdentityRequestBody: checks.request,
            IdentityCheckBody: checks.check,
            IdentityAnswerBody: checks.answer,
            IntroductionRequestBody: Introductions(ledger).request,
            EnquiryBody: Enquiring(ledger).enquiry,
            RequestBody: broker.request,
            DecisionBody: broker.decision,
            ReleaseBody: broker.release,
            ProvisionalBody: broker.provisional,
            ReceiptBody: broker.receipt,
            AttentionBody: alerts.attention,
            InviteBody: alerts.invite,
            CharterAcceptBody: upkeep.charter_accept,
            EndorsementBody: upkeep.endorsement,
            SealRenewalBody: upkeep.own_change,
            DetailsBody: upkeep.own_change,
            FiguresBody: upkeep.own_change,
            EvaluationCountBody: upkeep.evaluation_count,
            SampleCommitmentBody: upkeep.sample_commitment,
            StatementAnswerBody: upkeep.statement_answer,
        }

    async def _opened(self, message: Message) -> tuple[Statement[WireModel], Parts]:
        directory = await self.engine.read(lambda tables: tables.directory.current())
        return await asyncio.to_thread(_open, message, directory)

    async def _or_reject(
        self, statement: Statement[WireModel], work: Callable[[], Awaitable[Result]]
    ) -> Result:
        try:
            return await work()
        except RemoteError as error:
            code = error.code
            await self.engine.write(lambda tables: self._log_rejection(tables, statement, code))
            raise

    def _log_rejection(
        self, tables: HubTables, statement: Statement[WireModel], code: ErrorCode
    ) -> None:
        ledger = Ledger(tables, self.signer)
        Publications(ledger).drop(tables, statement.id)
        sender, kind = statement.preamble.sender, statement.preamble.kind
        if self._counts(tables, statement, code):
            return
        body = RejectionBody(statement=statement.id, kind=kind, code=code.value)
        ledger.issue(body, sender)

    def _counts(self, tables: HubTables, statement: Statement[WireModel], code: ErrorCode) -> bool:
        """Whether a refusal is counted and no more: over quota, all but the day's first."""
        preamble, now = statement.preamble, self.signer.env.clock()
        sender, store = preamble.sender, tables.over_quota
        if code is not ErrorCode.OVER_QUOTA:
            return tables.log.count_rejection(sender, now // DAY) > MAX_REJECTIONS_A_DAY
        fresh = store.count(sender, statement.id, preamble.iat, now - MAX_SKEW_SECONDS)
        return not (fresh and store.is_first(sender, preamble.kind, preamble.iat // DAY))


def _open(message: Message, directory: Directory) -> tuple[Statement[WireModel], Parts]:
    return directory.open(from_base64(message.envelope)), parts_of(message)


def _check(ledger: Ledger, statement: Statement[WireModel]) -> None:
    preamble, kind = statement.preamble, statement.kind
    directory, charter = ledger.directory, ledger.charter
    if preamble.sender == charter.charter_id:
        raise RemoteError(ErrorCode.NOT_ALLOWED, "the hub does not write to itself")
    if not kind.between_agencies and preamble.aud != charter.charter_id:
        raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud is not this hub")
    if kind.needs_active_recipient and not directory.active(preamble.aud):
        raise RemoteError(ErrorCode.NOT_ALLOWED, "the other agency is not an active member")
    if preamble.charter_version != charter.version:
        raise RemoteError(ErrorCode.WRONG_CHARTER, f"the charter is at version {charter.version}")
    check_fresh(preamble, now=ledger.env.clock())
    # Once more within the transaction: an order of the operator may have come in between.
    directory.verify(statement)
    if kind.needs_agreement(statement.body) and unaccepted(directory, preamble.sender):
        raise RemoteError(ErrorCode.NOT_READY, "the agency has not accepted the charter yet")
    if ledger.tables.log.nonce_is_used(preamble.sender, preamble.nonce):
        raise RemoteError(ErrorCode.REPLAYED, "nonce was used before")


def _still_missing(digests: list[str]) -> UploadState | None:
    return UploadState(missing=digests, submitted=None) if digests else None


def _submitted(ledger: Ledger, logged: Logged, decision: bytes | None = None) -> Submitted:
    body = AcceptedBody(
        statement=logged.statement_id, index=logged.index, received_at=logged.received_at
    )
    accepted = ledger.sign(body, ledger.charter.charter_id)
    return Submitted(
        accepted=to_base64(accepted.envelope.encode()),
        salt=logged.salt.hex() if logged.salt else None,
        decision=to_base64(decision) if decision is not None else None,
    )


def _decision_on(tables: HubTables, statement: Statement[WireModel]) -> bytes | None:
    """The hub's decision on a statement that was taken before, while it is kept."""
    request = tables.requests.of_statement(statement.id)
    enquiry = tables.enquiries.of_statement(statement.id)
    decision = request.hub_decision if request else enquiry.decision if enquiry else None
    return tables.log.envelope(decision) if decision is not None else None
