"""The key holder's meter: who had how much evaluated, against the charter's quota.

Works within the caller's transaction. A refused request costs nothing; a replayed one is refused.
"""

from dataclasses import dataclass
from pathlib import Path

import sqlite_utils

from protocol.errors import ErrorCode, RemoteError
from protocol.governance.charter import Charter
from protocol.messages.bodies import EvaluationCount
from protocol.messages.statement import MAX_SKEW_SECONDS
from storage.sqlite import Schema

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


def charge(database: sqlite_utils.Database, use: Use, quota: int, now: int) -> None:
    """Book a request. Raises RemoteError: REPLAYED, or OVER_QUOTA with nothing booked."""
    run = database.conn.execute
    run("DELETE FROM seen WHERE iat < ?", (now - 2 * MAX_SKEW_SECONDS,))
    if run("SELECT 1 FROM seen WHERE nonce = ?", (use.nonce,)).fetchone():
        raise RemoteError(ErrorCode.REPLAYED, "nonce was used before")
    day = now // DAY
    row = run(
        "SELECT evaluations FROM meter WHERE party_id = ? AND day = ?", (use.party_id, day)
    ).fetchone()
    used = row[0] if row else 0
    if used + use.count > quota:
        raise RemoteError(ErrorCode.OVER_QUOTA, f"{used} of {quota} evaluations used today")
    run("INSERT INTO seen VALUES (?, ?)", (use.nonce, use.iat))
    run(
        "INSERT OR REPLACE INTO meter VALUES (?, ?, ?)",
        (use.party_id, day, used + use.count),
    )


def unreported_days(database: sqlite_utils.Database, today: int) -> list[int]:
    """Days before `today` with evaluations that were not reported to the log yet."""
    rows = database.query(
        "SELECT DISTINCT day FROM meter WHERE day < ? AND day NOT IN (SELECT day FROM reported) "
        "ORDER BY day",
        (today,),
    )
    return [row["day"] for row in rows]


def counts_of(database: sqlite_utils.Database, day: int) -> list[EvaluationCount]:
    """The day's count for each agency."""
    rows = database.query(
        "SELECT party_id, evaluations FROM meter WHERE day = ? ORDER BY party_id", (day,)
    )
    return [EvaluationCount(**row) for row in rows]


def mark_reported(database: sqlite_utils.Database, day: int) -> None:
    """Remember that a day is in the log."""
    database.conn.execute("INSERT OR IGNORE INTO reported VALUES (?)", (day,))
