"""What a key holder keeps: who had how much evaluated, which days are reported, the log's view.

Works within the caller's transaction. A refused request costs nothing; a replayed one is refused.
No point, token or identifier is ever stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from keys.holder.meter import Budget, Use
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.follow import LogView
from protocol.governance.limits import DAY
from protocol.messages.evaluations import EvaluationCount
from protocol.messages.statement import MAX_SKEW_SECONDS
from storage.engine import Engine, Schema, Transaction
from storage.logview import followed, load_view, save_successor, save_view
from storage.sqlite import SqliteEngine
from transport.logsync import Progress

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"))


class HolderTables:
    """A key holder's tables in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    def charge(self, use: Use, budget: Budget, now: int) -> None:
        """Book a request. Raises RemoteError: REPLAYED, or OVER_QUOTA with nothing booked."""
        self.tx.run("DELETE FROM seen WHERE iat < ?", now - 2 * MAX_SKEW_SECONDS)
        if self.tx.one("SELECT 1 FROM seen WHERE nonce = ?", use.nonce):
            raise RemoteError(ErrorCode.REPLAYED, "nonce was used before")
        if self._is_paid_for(use, now):
            self._take_down(use, now)
            return
        day = now // DAY
        sql = "SELECT day, evaluations FROM meter WHERE party_id = ? AND day >= ?"
        rows = self.tx.rows(sql, use.party_id, budget.full_on)
        used = {row["day"]: row["evaluations"] for row in rows}
        left = budget.left(used, day)
        if use.count > left:
            raise RemoteError(
                ErrorCode.OVER_QUOTA,
                f"{left} of {budget.capacity} evaluations are left, and {budget.refill} "
                "more come each day; for a larger agency have the council state its size",
                retry_after=budget.seconds_until(use.count, left, now),
            )
        booked = {"party_id": use.party_id, "day": day, "evaluations": used.get(day, 0) + use.count}
        self.tx.put("meter", booked, ("party_id", "day"))
        self._take_down(use, now)

    def _is_paid_for(self, use: Use, now: int) -> bool:
        """Whether the same points were paid for already, and are asked for another quorum now
        because a key holder was away.
        """
        self.tx.run("DELETE FROM evaluated WHERE at < ?", now - DAY)
        sql = "SELECT quorum FROM evaluated WHERE party_id = ? AND points_hash = ?"
        quorums = {row["quorum"] for row in self.tx.rows(sql, use.party_id, use.points_hash)}
        return bool(quorums) and _text(use.quorum) not in quorums

    def _take_down(self, use: Use, now: int) -> None:
        self.tx.insert("seen", {"nonce": use.nonce, "iat": use.iat})
        row = {"party_id": use.party_id, "points_hash": use.points_hash, "at": now}
        key = ("party_id", "points_hash", "quorum")
        self.tx.put("evaluated", {**row, "quorum": _text(use.quorum)}, key)

    def unreported_days(self, today: int) -> list[int]:
        """Days before `today` with evaluations that were not reported to the log yet."""
        rows = self.tx.rows(
            "SELECT DISTINCT day FROM meter WHERE day < ? AND day NOT IN "
            "(SELECT day FROM reported) ORDER BY day",
            today,
        )
        return [row["day"] for row in rows]

    def counts_of(self, day: int) -> list[EvaluationCount]:
        """The day's count for each agency."""
        sql = "SELECT party_id, evaluations FROM meter WHERE day = ? ORDER BY party_id"
        return [EvaluationCount(**row) for row in self.tx.rows(sql, day)]

    def mark_reported(self, day: int) -> None:
        """Remember that a day is in the log."""
        self.tx.put("reported", {"day": day}, ("day",))

    def take_counts(self, counted: Mapping[tuple[int, str], int], now: int) -> bool:
        """Take over our own counts from the log, by day and agency; whether they were news.

        Then this is a copy of before, and what was used since midnight is in no log: closed until
        the next one.
        """
        held = {
            (day, row.party_id): row.evaluations
            for day in {day for day, _ in counted}
            for row in self.counts_of(day)
        }
        news = [
            {"party_id": party_id, "day": day, "evaluations": count}
            for (day, party_id), count in counted.items()
            if held.get((day, party_id), 0) < count
        ]
        self.tx.put_many("meter", news, ("party_id", "day"))
        if news:
            self.tx.put("closed", {"id": 1, "until": now - now % DAY + DAY}, ("id",))
        return bool(news)

    def closed_until(self) -> int:
        """Until when nobody is served, in Unix seconds."""
        row = self.tx.one("SELECT until FROM closed WHERE id = 1")
        return row["until"] if row else 0

    def view(self, genesis: str) -> LogView:
        """The log as last seen: the one pinned by `genesis`, or its successor once followed."""
        return load_view(self.tx, followed(self.tx, genesis))

    def joined_at(self, party_id: str) -> int:
        """When a member was first seen here, in Unix seconds; 0 if it was there before."""
        row = self.tx.one("SELECT seen_at FROM member_seen WHERE party_id = ?", party_id)
        return row["seen_at"] if row else 0

    def settle(self, party_ids: Iterable[str]) -> None:
        """These members were here before: it does not matter any more when they came."""
        for party_id in party_ids:
            self.tx.run("DELETE FROM member_seen WHERE party_id = ?", party_id)

    def advance(self, genesis: str, progress: Progress, newcomers: Mapping[str, int]) -> None:
        """Keep a newer view of the log `genesis`, or of its successor, and when who came."""
        for party_id, seen_at in newcomers.items():
            self.tx.insert("member_seen", {"party_id": party_id, "seen_at": seen_at})
        save_view(self.tx, progress.view, progress.public_leaves, progress.documents)
        if progress.view.genesis != genesis:
            save_successor(self.tx, genesis, progress.view.genesis)


def _text(quorum: Sequence[int]) -> str:
    return ",".join(map(str, quorum))


HolderEngine = Engine[HolderTables]


def open_engine(folder: Path) -> HolderEngine:
    """The key holder's database."""
    return SqliteEngine(folder / "holder.sqlite", SCHEMA, HolderTables)
