"""What a key holder keeps: who had how much evaluated, which days are reported, the log's view.

Works within the caller's transaction. A refused request costs nothing; a replayed one is refused.
No point, token or identifier is ever stored.
"""

from pathlib import Path

import sqlite_utils

from keys.holder.meter import DAY, Use
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.follow import LogView
from protocol.messages.bodies import EvaluationCount
from protocol.messages.statement import MAX_SKEW_SECONDS
from storage.logview import followed, load_view, save_successor, save_view
from storage.sqlite import Schema
from transport.logsync import Progress

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"))


class HolderTables:
    """A key holder's tables in one transaction."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self._database = database

    def charge(self, use: Use, quota: int, now: int) -> None:
        """Book a request. Raises RemoteError: REPLAYED, or OVER_QUOTA with nothing booked."""
        run = self._database.conn.execute
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

    def unreported_days(self, today: int) -> list[int]:
        """Days before `today` with evaluations that were not reported to the log yet."""
        rows = self._database.query(
            "SELECT DISTINCT day FROM meter WHERE day < ? AND day NOT IN "
            "(SELECT day FROM reported) ORDER BY day",
            (today,),
        )
        return [row["day"] for row in rows]

    def counts_of(self, day: int) -> list[EvaluationCount]:
        """The day's count for each agency."""
        rows = self._database.query(
            "SELECT party_id, evaluations FROM meter WHERE day = ? ORDER BY party_id", (day,)
        )
        return [EvaluationCount(**row) for row in rows]

    def mark_reported(self, day: int) -> None:
        """Remember that a day is in the log."""
        self._database.conn.execute("INSERT OR IGNORE INTO reported VALUES (?)", (day,))

    def view(self, genesis: str) -> LogView:
        """The log as last seen: the one pinned by `genesis`, or its successor once followed."""
        return load_view(self._database, followed(self._database, genesis))

    def advance(self, genesis: str, progress: Progress) -> None:
        """Keep a newer view of the log `genesis`, or of its successor."""
        save_view(self._database, progress.view, progress.public_leaves, progress.documents)
        if progress.view.genesis != genesis:
            save_successor(self._database, genesis, progress.view.genesis)
