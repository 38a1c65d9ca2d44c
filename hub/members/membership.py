"""Members that change: new keys by rotation, and the operator's orders (specs/02-charter.md §8).

A rotation waits until the operator has compared words; an order is carried out at once. Both become
`member` leaves. Works within the caller's transaction.
"""

from hub.log.ledger import Ledger
from hub.store.members import MEMBER_MOVES, MemberStatus, RotationState
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.governance.amendments import check_name
from protocol.governance.charter import Charter
from protocol.governance.directory import Member
from protocol.governance.rotation import verify_rotation
from protocol.messages.bodies import MemberBody
from protocol.messages.log import RotationBody
from protocol.messages.members import RenameBody
from protocol.messages.statement import Statement, check_fresh, parse_statement


def rotation_of(envelope: bytes) -> RotationBody:
    """What a rotation says."""
    return parse_statement(envelope).expect(RotationBody).body


def counts_organisations(charter: Charter) -> bool:
    """Whether what is told of some work follows how many organisations share a class."""
    return any(kind.hint_from is not None for kind in charter.involvement_types)


class Membership:
    """What becomes of those who are members already."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._members = ledger.tables.members

    def rotate(self, envelope: bytes) -> None:
        """Take a rotation, to wait for the operator. Idempotent. Raises RemoteError."""
        statement = parse_statement(envelope).expect(RotationBody)
        party_id = statement.body.party_id
        waiting = self._members.rotation(party_id)
        if waiting is not None and waiting.envelope == envelope:
            return
        self._verify(statement)
        check_fresh(statement.preamble, now=self._ledger.env.clock())
        if waiting is not None and not self._is_stale(waiting.envelope):
            raise RemoteError(ErrorCode.CONFLICT, "another rotation of this member waits")
        self._members.rotate(party_id, envelope)

    def replace_keys(self, party_id: str) -> bool:
        """Write an approved rotation into the log; False if it was overtaken, and is dropped."""
        rotation = self._members.rotation(party_id)
        if rotation is None or rotation.state is not RotationState.APPROVED:
            return True
        self._members.drop_rotation(party_id)
        if self._is_stale(rotation.envelope):
            return False
        statement = parse_statement(rotation.envelope).expect(RotationBody)
        member = self._verify(statement)
        enrolment = to_base64(statement.envelope.encode())
        self._write(member, {"keys": statement.body.keys, "enrolment": enrolment})
        return True

    def carry_out(self, party_id: str) -> None:
        """Write an order into the log, unless the member is that already or revoked for good."""
        order, member = self._members.order_of(party_id), self._ledger.directory.member(party_id)
        self._members.drop_order(party_id)
        if order is None or member is None:
            return
        if order.status in MEMBER_MOVES.get(MemberStatus(member.body.status), ()):
            self._write(member, {"status": order.status.value})
            if counts_organisations(self._ledger.charter):
                self._ledger.tables.links.mark_linked()
                self._ledger.tables.ends.look_at_links()
            elif order.status is not MemberStatus.ACTIVE:
                self._ledger.tables.ends.look_at_agency(party_id)

    def rename(self, party_id: str) -> bool:
        """Write a member's new name into the log; False if it cannot have it any more."""
        name, member = self._members.names().get(party_id), self._ledger.directory.member(party_id)
        self._members.drop_name(party_id)
        if name is None or member is None:
            return True
        try:
            check_name(member.body, name, self._ledger.directory.bodies())
        except RemoteError:
            return False
        self._ledger.issue(RenameBody(party_id=party_id, name=name), party_id)
        return True

    def resize(self, party_id: str) -> None:
        """Write into the log how many clients a member has, by the operator's word."""
        clients = self._members.sizes().get(party_id)
        member = self._ledger.directory.member(party_id)
        self._members.drop_size(party_id)
        if clients is None or member is None or member.body.clients == clients:
            return
        if MemberStatus(member.body.status) is not MemberStatus.REVOKED:
            self._write(member, {"clients": clients})

    def _is_stale(self, envelope: bytes) -> bool:
        """Whether the membership that a rotation replaces is not the one in force any more."""
        body = rotation_of(envelope)
        member = self._ledger.directory.member(body.party_id)
        return member is None or member.statement_id != body.replaces

    def _verify(self, statement: Statement[RotationBody]) -> Member:
        member = self._ledger.directory.member(statement.body.party_id)
        if member is None or MemberStatus(member.body.status) is MemberStatus.REVOKED:
            raise RemoteError(
                ErrorCode.UNKNOWN_MEMBER, "no member with that id can change its keys"
            )
        verify_rotation(statement, member.statement_id, member.body, self._ledger.charter)
        return member

    def _write(self, member: Member, changed: dict[str, object]) -> None:
        body: MemberBody = member.body.model_copy(update=changed)
        self._ledger.issue(body, body.party_id)
        # Links end with a member that is not active, and are made again when it is.
        self._ledger.tables.stubs.mark_agency(body.party_id)
