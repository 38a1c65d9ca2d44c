"""What take-up is reckoned from: what stood week by week, requests with their times, and how
agencies answered. Numbers of things, never of one client: what may be shown is decided elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.engine import Transaction

# How often a text has it, is how much shorter the text is without it. As stub_row writes it.
_INVOLVEMENT = '"permission":'


@dataclass(frozen=True)
class WeekFigure:
    """What stood at an agency on a day of a week; `practitioners` is a band, or empty: not said."""

    week: int
    agency: str
    day: int
    involvements: int
    links: int
    practitioners: str


@dataclass(frozen=True)
class AskedAt:
    """A request: who asked whom and when; when it was answered, and when the first card left."""

    request_id: str
    requester: str
    holder: str
    asked_at: int
    answered_at: int | None
    connected_at: int | None


class TakeUp:
    """Take-up within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def is_noted(self, day: int) -> bool:
        """Whether a day was looked at."""
        return self._tx.one("SELECT 1 FROM week_figure WHERE day = ? LIMIT 1", day) is not None

    def note(self, figures: Sequence[WeekFigure]) -> None:
        """Keep what stands today, in the place of an earlier day of the same week."""
        self._tx.put_many("week_figure", [vars(one) for one in figures], ("week", "agency"))

    def weeks(self, since: int) -> Sequence[WeekFigure]:
        """What was kept of weeks from one on, in order."""
        sql = "SELECT * FROM week_figure WHERE week >= ? ORDER BY week, agency"
        return [WeekFigure(**row) for row in self._tx.rows(sql, since)]

    def involvements(self) -> Mapping[str, int]:
        """How much work each agency publishes now."""
        sql = (
            "SELECT agency, SUM(LENGTH(involvements) - LENGTH(REPLACE(involvements, ?, ''))) "
            "AS signs FROM stub WHERE retired = 0 GROUP BY agency"
        )
        rows = self._tx.rows(sql, _INVOLVEMENT)
        return {row["agency"]: int(row["signs"]) // len(_INVOLVEMENT) for row in rows}

    def links(self) -> Mapping[str, int]:
        """How many of an agency's links with others stand now."""
        sql = (
            "SELECT agency_a, agency_b, COUNT(*) AS n FROM link WHERE state = 'match' "
            "GROUP BY agency_a, agency_b"
        )
        found: dict[str, int] = {}
        for row in self._tx.rows(sql):
            for agency in (row["agency_a"], row["agency_b"]):
                found[agency] = found.get(agency, 0) + row["n"]
        return found

    def requests(self, since: int) -> Sequence[AskedAt]:
        """What was asked from a time on (Unix seconds)."""
        rows = self._tx.rows(
            "SELECT r.request_id, r.requester, r.holder, r.iat, d.iat AS answered, "
            "COALESCE((SELECT MIN(f.iat) FROM earlier_card c JOIN entry f "
            "ON f.statement_id = c.release WHERE c.request_id = r.request_id), x.iat) AS left_at "
            "FROM request r "
            "LEFT JOIN entry d ON d.statement_id = r.decision AND r.outcome IN ('allow', 'refuse') "
            "LEFT JOIN entry x ON x.statement_id = r.release WHERE r.iat >= ?",
            since,
        )
        return [AskedAt(*row.values()) for row in rows]

    def count_answer(self, agency: str, basis: str, *, by_rule: bool) -> None:
        """An agency answered a request on a lawful basis, by a rule of its own or by a person."""
        self._tx.run(
            "INSERT INTO answered (agency, basis, by_rule, number) VALUES (?, ?, ?, 1) "
            "ON CONFLICT (agency, basis, by_rule) DO UPDATE SET number = answered.number + 1",
            agency, basis, int(by_rule),
        )  # fmt: skip

    def answers(self) -> Mapping[tuple[str, str], tuple[int, int]]:
        """(agency, lawful basis) to how many answers were a person's and how many a rule's."""
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for row in self._tx.rows("SELECT * FROM answered ORDER BY agency, basis"):
            person, rule = found.get((row["agency"], row["basis"]), (0, 0))
            if row["by_rule"]:
                rule = row["number"]
            else:
                person = row["number"]
            found[row["agency"], row["basis"]] = (person, rule)
        return found
