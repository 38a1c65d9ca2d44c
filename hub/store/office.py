"""What operators did on the pages, what is heard of members, and what is amiss."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.engine import Transaction


class ActKind(StrEnum):
    """What an operator did."""

    APPROVED = "approved"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    INVITED = "invited"
    TOOK_BACK = "took_back"


@dataclass(frozen=True)
class Act:
    """What an operator did (by what they sign in as), when, about whom or what, and why."""

    at: int
    who: str
    act: ActKind
    about: str
    reason: str = ""


@dataclass(frozen=True)
class StandingAlarm:
    """What is amiss, since when."""

    name: str
    says: str
    since: int


@dataclass(frozen=True)
class HeardOf:
    """When a member asked for its mail, and which version of the program it said it is."""

    party_id: str
    version: str
    at: int


class Office:
    """The operator's own notes within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def note(self, act: Act) -> None:
        """Write down what an operator did."""
        self._tx.insert("operator_act", vars(act))

    def acts(self, about: str, most: int) -> Sequence[Act]:
        """What was done about somebody, the newest first."""
        sql = (
            "SELECT at, who, act, about, reason FROM operator_act WHERE about = ? "
            "ORDER BY id DESC LIMIT ?"
        )
        return [
            Act(row["at"], row["who"], ActKind(row["act"]), row["about"], row["reason"])
            for row in self._tx.rows(sql, about, most)
        ]

    def hear(self, heard: HeardOf) -> None:
        """A member has asked for its mail."""
        self._tx.put("member_heard", vars(heard), ("party_id",))

    def heard_of(self, party_id: str) -> HeardOf | None:
        """What was heard of a member last."""
        row = self._tx.one("SELECT * FROM member_heard WHERE party_id = ?", party_id)
        return HeardOf(**row) if row else None

    def alarm(self, name: str, says: str, now: int) -> None:
        """Something is amiss; what was so before keeps its time."""
        sql = (
            "INSERT INTO standing_alarm (name, says, since) VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET says = excluded.says"
        )
        self._tx.run(sql, name, says, now)

    def clear(self, name: str) -> None:
        """It is so no longer."""
        self._tx.run("DELETE FROM standing_alarm WHERE name = ?", name)

    def clear_all(self) -> None:
        """A hub that begins does not know yet what is amiss."""
        self._tx.run("DELETE FROM standing_alarm")

    def alarms(self) -> Sequence[StandingAlarm]:
        """What is amiss, the oldest first."""
        sql = "SELECT name, says, since FROM standing_alarm ORDER BY since, name"
        return [StandingAlarm(**row) for row in self._tx.rows(sql)]
