"""The key holder's meter: who had how much evaluated, against the charter's quota.

Works within the caller's transaction. A refused request costs nothing; a replayed one is refused.
"""

from dataclasses import dataclass
from pathlib import Path

from protocol.errors import ErrorCode, RemoteError
from protocol.governance.charter import Charter
from protocol.messages.bodies import EvaluationCount
from protocol.messages.statement import MAX_SKEW_SECONDS
from storage.engine import Schema, Transaction

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"))
DAY = 86_400


@dataclass(frozen=True)
class Use:
    """One request for evaluations: whose, how many, its nonce and time of signing."""

    party_id: str
    count: int
    nonce: str
    iat: int


def daily_quota(charter: Charter) -> int:
    """One holder's part of an agency's daily quota: Q * t / n, rounded up."""
    key = charter.token_key
    return -(-charter.quotas.evaluations_per_day * key.threshold // len(key.holders))


def charge(tx: Transaction, use: Use, quota: int, now: int) -> None:
    """Book a request. Raises RemoteError: REPLAYED, or OVER_QUOTA with nothing booked."""
    tx.run("DELETE FROM seen WHERE iat < ?", now - 2 * MAX_SKEW_SECONDS)
    if tx.one("SELECT 1 FROM seen WHERE nonce = ?", use.nonce):
        raise RemoteError(ErrorCode.REPLAYED, "nonce was used before")
    day = now // DAY
    sql = "SELECT evaluations FROM meter WHERE party_id = ? AND day = ?"
    row = tx.one(sql, use.party_id, day)
    used = row["evaluations"] if row else 0
    if used + use.count > quota:
        raise RemoteError(ErrorCode.OVER_QUOTA, f"{used} of {quota} evaluations used today")
    tx.insert("seen", {"nonce": use.nonce, "iat": use.iat})
    booked = {"party_id": use.party_id, "day": day, "evaluations": used + use.count}
    tx.put("meter", booked, ("party_id", "day"))


def unreported_days(tx: Transaction, today: int) -> list[int]:
    """Days before `today` with evaluations that were not reported to the log yet."""
    rows = tx.rows(
        "SELECT DISTINCT day FROM meter WHERE day < ? AND day NOT IN (SELECT day FROM reported) "
        "ORDER BY day",
        today,
    )
    return [row["day"] for row in rows]


def counts_of(tx: Transaction, day: int) -> list[EvaluationCount]:
    """The day's count for each agency."""
    rows = tx.rows("SELECT party_id, evaluations FROM meter WHERE day = ? ORDER BY party_id", day)
    return [EvaluationCount(**row) for row in rows]


def mark_reported(tx: Transaction, day: int) -> None:
    """Remember that a day is in the log."""
    tx.put("reported", {"day": day}, ("day",))
