"""Enrolment by one-time invitation: specs/02-charter.md §6.

The operator invites; the newcomer applies with its own keys; the operator compares fingerprint
words with the newcomer by telephone and approves; the membership becomes a public leaf.
"""

import hashlib

from hub.log.ledger import Ledger
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.governance.directory import Member, verify_enrolment
from protocol.messages.bodies import EnrolmentBody, MemberBody
from protocol.messages.statement import Statement, check_addressed, check_fresh, parse_statement

INVITATION_SECONDS = 14 * 86_400


def code_hash(code: str) -> str:
    """The hash under which an invitation's code is stored and named."""
    return hashlib.sha256(bytes.fromhex(code)).hexdigest()


class Enrolment:
    """The enrolment part of the hub."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def apply(self, tables: HubTables, envelope: bytes) -> None:
        """Take an application. Idempotent; raises RemoteError, leaving the invitation unused."""
        statement = parse_statement(envelope).expect(EnrolmentBody)
        charter, now = self._ledger.charter, self._ledger.env.clock()
        body = statement.body
        check_addressed(
            statement.preamble,
            charter_id=charter.charter_id,
            log_origin=charter.log.origin,
            aud=charter.charter_id,
        )
        reserved = {charter.charter_id, *(item.holder_id for item in charter.token_key.holders)}
        if body.party_id in reserved:
            raise RemoteError(ErrorCode.CONFLICT, "that id is another party's")
        earlier = tables.applicant(body.party_id)
        if earlier is not None:
            if earlier["envelope"] == envelope:
                return
            before = parse_statement(earlier["envelope"]).expect(EnrolmentBody).body
            if (
                earlier["state"] not in {"waiting", "rejected"}
                or before.keys.sign != body.keys.sign
            ):
                raise RemoteError(ErrorCode.CONFLICT, "this party has applied before")
        check_fresh(statement.preamble, now=now)
        verify_enrolment(statement)
        if body.member_class not in {item.code for item in charter.classes}:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "member_class is not in the charter")
        if earlier is not None:
            tables.tx.run("DELETE FROM applicant WHERE party_id = ?", body.party_id)
        tables.use_invitation(body.invitation_hash, body.party_id, now)
        tables.apply(body.party_id, envelope, now)

    def admit_approved(self, tables: HubTables) -> list[Member]:
        """Turn applications that the operator approved into memberships in the log."""
        members = []
        for row in tables.applicants("approved"):
            statement = parse_statement(row["envelope"]).expect(EnrolmentBody)
            tables.set_applicant(row["party_id"], "member")
            members.append(self._admit(tables, statement))
        return members

    def _admit(self, tables: HubTables, statement: Statement[EnrolmentBody]) -> Member:
        enrolment = statement.body
        fields = enrolment.model_dump(exclude={"invitation_hash", "keys"})
        body = MemberBody(
            **fields,
            keys=enrolment.keys,
            status="active",
            enrolment=to_base64(statement.envelope.encode()),
        )
        member, logged = self._ledger.issue(tables, body, body.party_id)
        self._ledger.learn(tables, logged, member.envelope.encode())
        return Member(member.id, logged.index, body)
