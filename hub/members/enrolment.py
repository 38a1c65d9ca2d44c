"""Enrolment by one-time invitation: specs/02-charter.md §6.

The operator invites; the newcomer applies with its own keys; the operator compares fingerprint
words with the newcomer by telephone and approves; the membership becomes a public leaf.
"""

import hashlib

from hub.log.ledger import Ledger
from hub.store.members import APPLICANT_MOVES, Applicant, ApplicantState
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.governance.admission import Newcomer, needs_endorsement
from protocol.governance.amendments import check_free
from protocol.governance.rotation import verify_enrolment
from protocol.messages.bodies import EnrolmentBody, MemberBody
from protocol.messages.statement import Statement, check_addressed, check_fresh, parse_statement
from storage.states import sources

INVITATION_SECONDS = 14 * 86_400


def code_hash(code: str) -> str:
    """The hash under which an invitation's code is stored and named."""
    return hashlib.sha256(bytes.fromhex(code)).hexdigest()


def enrolment_of(applicant: Applicant) -> EnrolmentBody:
    """What somebody applied with."""
    return parse_statement(applicant.envelope).expect(EnrolmentBody).body


class Enrolment:
    """The enrolment part of the hub."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._members = ledger.tables.members

    def apply(self, envelope: bytes) -> None:
        """Take an application. Idempotent; raises RemoteError, leaving the invitation unused."""
        statement = parse_statement(envelope).expect(EnrolmentBody)
        body, now = statement.body, self._ledger.env.clock()
        self._check_addressed(statement)
        earlier = self._members.applicant(body.party_id)
        if earlier is not None:
            if earlier.envelope == envelope:
                _check_not_turned_down(earlier)
                return
            _check_may_apply_again(earlier, body)
        check_fresh(statement.preamble, now=now)
        verify_enrolment(statement)
        if body.clients is None:
            raise RemoteError(
                ErrorCode.UNKNOWN_FIELD, "clients is missing: upgrade the program that applies"
            )
        if body.member_class not in {item.code for item in self._ledger.charter.classes}:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "member_class is not in the charter")
        check_free(body.party_id, body.name, self._ledger.directory.bodies())
        self._members.use_invitation(body.invitation_hash, body.party_id, now)
        self._members.apply(body.party_id, envelope, now)

    def admit(self, party_id: str) -> None:
        """Turn an application that the operator approved into a membership in the log.

        One that needs an endorsement waits for it.
        """
        applicant = self._members.applicant(party_id)
        if applicant is None or applicant.state is not ApplicantState.APPROVED:
            return
        statement = parse_statement(applicant.envelope).expect(EnrolmentBody)
        newcomer, now = Newcomer.of(statement.body), self._ledger.env.clock()
        if needs_endorsement(self._ledger.directory, newcomer, now):
            return
        self._members.move_applicant(party_id, ApplicantState.MEMBER)
        fields = statement.body.model_dump(exclude={"invitation_hash", "keys"})
        body = MemberBody(
            **fields,
            keys=statement.body.keys,
            status="active",
            enrolment=to_base64(statement.envelope.encode()),
        )
        self._ledger.issue(body, body.party_id)

    def _check_addressed(self, statement: Statement[EnrolmentBody]) -> None:
        charter = self._ledger.charter
        check_addressed(
            statement.preamble,
            charter_id=charter.charter_id,
            log_origin=charter.log.origin,
            aud=charter.charter_id,
        )
        reserved = {charter.charter_id, *(item.holder_id for item in charter.token_key.holders)}
        if statement.body.party_id in reserved:
            raise RemoteError(ErrorCode.CONFLICT, "that id is another party's")


def _check_not_turned_down(earlier: Applicant) -> None:
    if earlier.state is ApplicantState.REJECTED:
        raise RemoteError(
            ErrorCode.INVITATION, "the council has turned this application down: ask it why"
        )


def _check_may_apply_again(earlier: Applicant, body: EnrolmentBody) -> None:
    before = enrolment_of(earlier)
    again = sources(APPLICANT_MOVES, ApplicantState.WAITING)
    if earlier.state not in again or before.keys.sign != body.keys.sign:
        raise RemoteError(ErrorCode.CONFLICT, "this party has applied before")
