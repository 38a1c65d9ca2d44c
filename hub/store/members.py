"""Members-to-be and members that change: invitations, applications, rotations, the orders.

The states of each are enums with the moves that are allowed. Who is a member is in the log alone
(hub/store/directory.py).
"""

from dataclasses import dataclass
from enum import StrEnum

from protocol.errors import ErrorCode, LocalError, RemoteError
from storage.engine import Row, Transaction
from storage.states import Moves, check_move, sources


class ApplicantState(StrEnum):
    """What became of an application."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    MEMBER = "member"


APPLICANT_MOVES: Moves[ApplicantState] = {
    ApplicantState.WAITING: (
        ApplicantState.WAITING,  # they applied anew
        ApplicantState.APPROVED,
        ApplicantState.REJECTED,
    ),
    ApplicantState.REJECTED: (ApplicantState.WAITING,),
    ApplicantState.APPROVED: (ApplicantState.MEMBER,),
}


class RotationState(StrEnum):
    """Whether the operator has compared the words of new keys."""

    WAITING = "waiting"
    APPROVED = "approved"


ROTATION_MOVES: Moves[RotationState] = {
    RotationState.WAITING: (RotationState.WAITING, RotationState.APPROVED),
    RotationState.APPROVED: (RotationState.WAITING,),  # sent anew, for another membership
}


class MemberStatus(StrEnum):
    """What a `member` leaf says of a member."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


MEMBER_MOVES: Moves[MemberStatus] = {
    MemberStatus.ACTIVE: (MemberStatus.SUSPENDED, MemberStatus.REVOKED),
    MemberStatus.SUSPENDED: (MemberStatus.ACTIVE, MemberStatus.REVOKED),
}


@dataclass(frozen=True)
class HeldInvitation:
    """An invitation by the hash of its code, which alone is kept; `used_by`: a party id."""

    code_hash: str
    expires: int
    used_by: str | None


@dataclass(frozen=True)
class Applicant:
    """Somebody who applied, with the enrolment that they signed."""

    party_id: str
    envelope: bytes
    applied_at: int
    state: ApplicantState


@dataclass(frozen=True)
class Rotation:
    """New keys of a member, as its recovery key signed them."""

    party_id: str
    envelope: bytes
    state: RotationState


@dataclass(frozen=True)
class Order:
    """What the operator wants a member to be."""

    party_id: str
    status: MemberStatus


class Members:
    """Members-to-be and members that change, within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def invite(self, code_hash: str, expires: int) -> None:
        """Store a one-time invitation by the hash of its code."""
        self._tx.insert("invitation", {"code_hash": code_hash, "expires": expires})

    def invitations(self) -> list[HeldInvitation]:
        """All that were made and not taken back, the first to expire first."""
        rows = self._tx.rows("SELECT * FROM invitation ORDER BY expires, code_hash")
        return [HeldInvitation(row["code_hash"], row["expires"], row["used_by"]) for row in rows]

    def cancel_invitation(self, code_hash: str) -> bool:
        """Take an invitation back that nobody has used; whether there was one."""
        sql = "DELETE FROM invitation WHERE code_hash = ? AND used_by IS NULL"
        return self._tx.run(sql, code_hash) == 1

    def use_invitation(self, code_hash: str, party_id: str, now: int) -> None:
        """Use an invitation once. Raises RemoteError(INVITATION) if unknown, used or expired."""
        used = self._tx.run(
            "UPDATE invitation SET used_by = ? WHERE code_hash = ? AND expires > ? "
            "AND used_by IS NULL",
            party_id, code_hash, now,
        )  # fmt: skip
        if used != 1:
            raise RemoteError(ErrorCode.INVITATION, "unknown, used or expired code")

    def applicant(self, party_id: str) -> Applicant | None:
        """Who applied under an id."""
        row = self._tx.one("SELECT * FROM applicant WHERE party_id = ?", party_id)
        return _applicant(row) if row else None

    def applicants(self, *states: ApplicantState) -> list[Applicant]:
        """Applicants in one of these states, oldest first."""
        rows = self._tx.rows_among(
            "SELECT * FROM applicant WHERE state IN (:among) ORDER BY applied_at", among=states
        )
        return [_applicant(row) for row in rows]

    def apply(self, party_id: str, envelope: bytes, now: int) -> None:
        """Store an application that waits for the operator, in place of an earlier one."""
        earlier = self.applicant(party_id)
        if earlier is not None:
            check_move(APPLICANT_MOVES, earlier.state, ApplicantState.WAITING)
        self._put(Applicant(party_id, envelope, now, ApplicantState.WAITING))

    def move_applicant(self, party_id: str, state: ApplicantState) -> None:
        """Move an applicant to a state. Raises LocalError: NOT_FOUND, CONFLICT."""
        applicant = self.applicant(party_id)
        if applicant is None:
            raise LocalError(ErrorCode.NOT_FOUND, "nobody has applied under that id")
        check_move(APPLICANT_MOVES, applicant.state, state)
        self._tx.update("applicant", {"state": state}, {"party_id": party_id})

    def take_over(self, party_id: str, envelope: bytes, applied_at: int) -> None:
        """Store somebody who was a member of the log before this one."""
        self._put(Applicant(party_id, envelope, applied_at, ApplicantState.MEMBER))

    def _put(self, applicant: Applicant) -> None:
        self._tx.put("applicant", vars(applicant), ("party_id",))

    def rotation(self, party_id: str) -> Rotation | None:
        """The new keys of a member that are not in the log yet."""
        row = self._tx.one("SELECT * FROM rotation WHERE party_id = ?", party_id)
        return _rotation(row) if row else None

    def rotations(self, state: RotationState) -> list[Rotation]:
        """All new keys in a state."""
        rows = self._tx.rows("SELECT * FROM rotation WHERE state = ? ORDER BY party_id", state)
        return [_rotation(row) for row in rows]

    def rotate(self, party_id: str, envelope: bytes) -> None:
        """Store new keys that wait for the operator, in place of earlier ones."""
        row = {"party_id": party_id, "envelope": envelope, "state": RotationState.WAITING}
        self._tx.put("rotation", row, ("party_id",))

    def approve_rotation(self, party_id: str) -> None:
        """The operator has compared the words. Raises LocalError(CONFLICT) if nothing waits."""
        (before,) = sources(ROTATION_MOVES, RotationState.APPROVED)
        key = {"party_id": party_id, "state": before}
        if self._tx.update("rotation", {"state": RotationState.APPROVED}, key) != 1:
            raise LocalError(ErrorCode.CONFLICT, "no new keys of that member wait")

    def drop_rotation(self, party_id: str) -> None:
        """Forget new keys: written into the log, or out of date."""
        self._tx.run("DELETE FROM rotation WHERE party_id = ?", party_id)

    def rename(self, party_id: str, name: str) -> None:
        """Leave a member's new name for the running hub, in place of one that still waits."""
        self._tx.put("name_order", {"party_id": party_id, "name": name}, ("party_id",))

    def names(self) -> dict[str, str]:
        """The new names that wait, by member."""
        rows = self._tx.rows("SELECT party_id, name FROM name_order ORDER BY party_id")
        return {row["party_id"]: row["name"] for row in rows}

    def drop_name(self, party_id: str) -> None:
        """Forget a new name: written into the log, or not to be."""
        self._tx.run("DELETE FROM name_order WHERE party_id = ?", party_id)

    def resize(self, party_id: str, clients: int) -> None:
        """Leave a member's new size for the running hub, in place of one that still waits."""
        self._tx.put("size_order", {"party_id": party_id, "clients": clients}, ("party_id",))

    def sizes(self) -> dict[str, int]:
        """The new sizes that wait, by member."""
        rows = self._tx.rows("SELECT party_id, clients FROM size_order ORDER BY party_id")
        return {row["party_id"]: row["clients"] for row in rows}

    def drop_size(self, party_id: str) -> None:
        """Forget a new size: written into the log, or not to be."""
        self._tx.run("DELETE FROM size_order WHERE party_id = ?", party_id)

    def order(self, party_id: str, status: MemberStatus) -> None:
        """Leave an order for the running hub, in place of one that still waits."""
        self._tx.put("member_order", {"party_id": party_id, "status": status}, ("party_id",))

    def orders(self) -> list[Order]:
        """The orders that wait."""
        rows = self._tx.rows("SELECT * FROM member_order ORDER BY party_id")
        return [Order(row["party_id"], MemberStatus(row["status"])) for row in rows]

    def order_of(self, party_id: str) -> Order | None:
        """The order that waits for a member."""
        return next((order for order in self.orders() if order.party_id == party_id), None)

    def drop_order(self, party_id: str) -> None:
        """Forget an order: carried out, or not to be."""
        self._tx.run("DELETE FROM member_order WHERE party_id = ?", party_id)


def _applicant(row: Row) -> Applicant:
    state = ApplicantState(row["state"])
    return Applicant(row["party_id"], row["envelope"], row["applied_at"], state)


def _rotation(row: Row) -> Rotation:
    return Rotation(row["party_id"], row["envelope"], RotationState(row["state"]))
