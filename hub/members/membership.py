"""Members that change: new keys by rotation, and the operator's orders (specs/02-charter.md §8).

A rotation waits until the operator has compared words; an order is carried out at once. Both become
`member` leaves. Works within the caller's transaction.
"""

import structlog

from hub.log.ledger import Ledger, replay_directory
from hub.members.charter_changes import mark_agency
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.governance.directory import Member
from protocol.governance.fingerprint import fingerprint_words
from protocol.governance.rotation import verify_rotation
from protocol.messages.bodies import MemberBody
from protocol.messages.log import RotationBody
from protocol.messages.statement import Statement, check_fresh, parse_statement

log = structlog.get_logger()


class Membership:
    """What becomes of those who are members already."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def rotate(self, tables: HubTables, envelope: bytes) -> None:
        """Take a rotation, to wait for the operator. Idempotent. Raises RemoteError."""
        statement = parse_statement(envelope).expect(RotationBody)
        waiting = tables.tx.one(
            "SELECT envelope FROM rotation WHERE party_id = ?", statement.body.party_id
        )
        if waiting is not None and waiting["envelope"] == envelope:
            return
        self._verify(statement)
        check_fresh(statement.preamble, now=self._ledger.env.clock())
        party = statement.body.party_id
        if waiting is not None and not self._is_stale(waiting["envelope"]):
            raise RemoteError(ErrorCode.CONFLICT, "another rotation of this member waits")
        tables.tx.run("DELETE FROM rotation WHERE party_id = ?", party)
        tables.tx.run("INSERT INTO rotation VALUES (?, ?, 'waiting')", party, envelope)

    def carry_out(self, tables: HubTables) -> int:
        """Write approved rotations and the operator's orders into the log; how many."""
        done = 0
        for row in tables.tx.rows("SELECT * FROM rotation WHERE state = 'approved'"):
            statement = parse_statement(row["envelope"]).expect(RotationBody)
            tables.tx.run("DELETE FROM rotation WHERE party_id = ?", row["party_id"])
            if self._is_stale(row["envelope"]):
                log.warning("rotation_dropped", party=row["party_id"])
                continue
            member = self._verify(statement)
            changed = {
                "keys": statement.body.keys,
                "enrolment": to_base64(statement.envelope.encode()),
            }
            self._write(tables, member, changed)
            done += 1
        for row in tables.tx.rows("SELECT * FROM member_order"):
            tables.tx.run("DELETE FROM member_order WHERE party_id = ?", row["party_id"])
            member_now = self._ledger.directory.member(row["party_id"])
            if member_now is not None and member_now.body.status not in {row["status"], "revoked"}:
                self._write(tables, member_now, {"status": row["status"]})
                done += 1
        return done

    def _is_stale(self, envelope: bytes) -> bool:
        """Whether the membership that a rotation replaces is not the one in force any more."""
        body = parse_statement(envelope).expect(RotationBody).body
        member = self._ledger.directory.member(body.party_id)
        return member is None or member.statement_id != body.replaces

    def _verify(self, statement: Statement[RotationBody]) -> Member:
        member = self._ledger.directory.member(statement.body.party_id)
        if member is None or member.body.status == "revoked":
            raise RemoteError(ErrorCode.UNKNOWN_MEMBER, "no member of that id can change its keys")
        verify_rotation(statement, member.statement_id, member.body, self._ledger.charter)
        return member

    def _write(self, tables: HubTables, member: Member, changed: dict[str, object]) -> None:
        body: MemberBody = member.body.model_copy(update=changed)
        statement, logged = self._ledger.issue(tables, body, body.party_id)
        self._ledger.learn(tables, logged, statement.envelope.encode())
        # Links end with a member that is not active, and are made again when it is.
        mark_agency(tables, body.party_id)


def order(tables: HubTables, party_id: str, status: str) -> None:
    """The operator's order, for the running hub. Raises LocalError."""
    row = tables.applicant(party_id)
    if row is None or row["state"] != "member":
        raise LocalError(ErrorCode.NOT_FOUND, "nobody of that id is a member")
    tables.tx.run("INSERT OR REPLACE INTO member_order VALUES (?, ?)", party_id, status)


def waiting_rotations(tables: HubTables) -> list[dict[str, str]]:
    """Rotations that wait for the operator, with the words to compare."""
    found = []
    for row in tables.tx.rows("SELECT * FROM rotation WHERE state = 'waiting'"):
        body = parse_statement(row["envelope"]).expect(RotationBody).body
        words = fingerprint_words(body.party_id, body.keys)
        found.append({"party_id": body.party_id, "state": "new keys wait", "words": words})
    return found


def approve_rotation(tables: HubTables, party_id: str, words: str) -> None:
    """Approve new keys after comparing words. Raises LocalError."""
    found = {item["party_id"]: item["words"] for item in waiting_rotations(tables)}
    if party_id not in found:
        raise LocalError(ErrorCode.NOT_FOUND, "nobody of that id waits for approval")
    if words.split() != found[party_id].split():
        raise LocalError(
            ErrorCode.CONFLICT, "the words differ: somebody may be in between. Do not approve."
        )
    row = tables.tx.one("SELECT envelope FROM rotation WHERE party_id = ?", party_id)
    member = replay_directory(tables).member(party_id)
    replaces = parse_statement(row["envelope"]).expect(RotationBody).body.replaces if row else ""
    if member is None or member.statement_id != replaces:
        raise LocalError(
            ErrorCode.CONFLICT,
            "the membership has changed since they sent this: have them run rotate-keys again",
        )
    tables.tx.run("UPDATE rotation SET state = 'approved' WHERE party_id = ?", party_id)
