"""Daily statements: the last one of each agency, and those that nobody has answered yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True)
class LastDay:
    """The day of an agency's last statement, and the size of the log that it went up to."""

    day: int
    end: int


@dataclass(frozen=True)
class Stated:
    """A statement that was just made to an agency."""

    agency: str
    statement_id: str
    upto: LastDay


class DailyStatements:
    """Daily statements within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def last(self) -> dict[str, LastDay]:
        """The last statement of each agency that has had one."""
        rows = self._tx.rows("SELECT agency, day, end_size FROM daily")
        return {row["agency"]: LastDay(row["day"], row["end_size"]) for row in rows}

    def add(self, stated: Sequence[Stated]) -> None:
        """Take down statements that now wait for an answer, one an agency."""
        days = [
            {"agency": item.agency, "day": item.upto.day, "end_size": item.upto.end}
            for item in stated
        ]
        self._tx.put_many("daily", days, ("agency",))
        waiting = [{"statement_id": item.statement_id, "agency": item.agency} for item in stated]
        self._tx.insert_many("daily_open", waiting)

    def close(self, statement_id: str, agency: str) -> bool:
        """An agency has answered; whether that statement was its own and waited."""
        sql = "DELETE FROM daily_open WHERE statement_id = ? AND agency = ?"
        return self._tx.run(sql, statement_id, agency) == 1
