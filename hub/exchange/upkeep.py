"""Statements that are between a member and the hub alone: acceptances, counts, samples, answers.

Each handler works inside one transaction: it checks and logs, or raises and changes nothing.
"""

from typing import TypeVar

from hub.exchange.handlers import Answer, Parts
from hub.log.ledger import Ledger
from hub.members.enrolment import enrolment_of
from hub.members.membership import counts_organisations
from hub.store.members import ApplicantState
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel
from protocol.governance.acceptance import unaccepted
from protocol.governance.admission import Newcomer
from protocol.governance.directory import Endorsement
from protocol.messages.audit import SampleCommitmentBody
from protocol.messages.bodies import (
    CharterAcceptBody,
    EndorsementBody,
    EnrolmentBody,
    ExportBody,
    MemberBody,
)
from protocol.messages.evaluations import EvaluationCountBody
from protocol.messages.log import StatementAnswerBody
from protocol.messages.members import DetailsBody, FiguresBody, SealRenewalBody
from protocol.messages.statement import Statement

OwnChange = TypeVar("OwnChange", SealRenewalBody, DetailsBody, FiguresBody)


class Upkeep:
    """The part of the hub that takes what keeps the federation going."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def charter_accept(self, statement: Statement[CharterAcceptBody], _parts: Parts) -> Answer:
        """Log that an agency accepts the charter in force; it is bound by it from here on."""
        directory, body = self._ledger.directory, statement.body
        charter, sender = directory.charter, statement.preamble.sender
        if (body.version, body.document_hash) != (charter.version, charter.document_hash):
            raise RemoteError(ErrorCode.WRONG_CHARTER, "that is not the charter in force")
        if directory.accepted.get(sender) == charter.version:
            raise RemoteError(ErrorCode.CONFLICT, "this agency has accepted the charter already")
        if unaccepted(directory, sender):
            self._ledger.tables.stubs.mark_agency(sender)
        if sender not in directory.accepted and counts_organisations(charter):
            self._ledger.tables.links.mark_linked()
        return Answer(self._ledger.append(statement))

    def endorsement(self, statement: Statement[EndorsementBody], _parts: Parts) -> Answer:
        """Log that an agency answers for one that has applied, or is to be large."""
        directory, said = self._ledger.directory, statement.body
        member = directory.active(statement.preamble.sender)
        if member is None or member.body.control_domain == directory.charter.hub.control_domain:
            raise RemoteError(
                ErrorCode.NOT_ALLOWED, "the hub's own organisation cannot answer for another"
            )
        if said.fingerprint not in self._fingerprints():
            raise RemoteError(
                ErrorCode.NOT_FOUND, "nobody with these words has applied: compare them once more"
            )
        before = Endorsement(member.body.party_id, member.body.control_domain, said)
        if before in directory.endorsements.get(said.fingerprint, ()):
            raise RemoteError(ErrorCode.CONFLICT, "this organisation has said so already")
        return Answer(self._ledger.append(statement))

    def _fingerprints(self) -> set[str]:
        """Of everybody who has applied, and of the members."""
        members, directory = self._ledger.tables.members, self._ledger.directory
        waiting = members.applicants(ApplicantState.WAITING, ApplicantState.APPROVED)
        known: list[EnrolmentBody | MemberBody] = [enrolment_of(item) for item in waiting]
        known += [history[0].body for history in directory.members.values()]
        return {Newcomer.of(body).fingerprint for body in known}

    def own_change(self, statement: Statement[OwnChange], _parts: Parts) -> Answer:
        """Log a member's new seal key, its new details or its figures; the directory says what is
        wrong.
        """
        return Answer(self._ledger.append(statement))

    def evaluation_count(self, statement: Statement[EvaluationCountBody], _parts: Parts) -> Answer:
        """Log how much a key holder has evaluated, and for whom."""
        holders = {holder.holder_id for holder in self._ledger.charter.token_key.holders}
        if statement.preamble.sender not in holders:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only a key holder counts evaluations")
        return Answer(self._ledger.append(statement))

    def sample_commitment(
        self, statement: Statement[SampleCommitmentBody], _parts: Parts
    ) -> Answer:
        """Log the number by which an auditor will draw a sample."""
        self._check_auditor(statement, "only an auditor draws samples")
        return Answer(self._ledger.append(statement))

    def export(self, statement: Statement[ExportBody]) -> None:
        """Log that an auditor is given payloads."""
        self._check_auditor(statement, "only an auditor may export")
        self._ledger.append(statement)

    def statement_answer(self, statement: Statement[StatementAnswerBody], _parts: Parts) -> Answer:
        """Log an agency's answer to a daily statement, once."""
        daily, asked = self._ledger.tables.daily, statement.body.statement
        if not daily.close(asked, statement.preamble.sender):
            raise RemoteError(ErrorCode.NOT_FOUND, "no such statement waits for your answer")
        return Answer(self._ledger.append(statement))

    def _check_auditor(self, statement: Statement[WireModel], refusal: str) -> None:
        member = self._ledger.directory.active(statement.preamble.sender)
        if member is None or member.body.member_class != "auditor":
            raise RemoteError(ErrorCode.NOT_ALLOWED, refusal)
