"""Who answers beside those who work with a client: duty of a team, managers; and who is away.

specs/06-requests.md §10. Nothing here decides.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.engine import Transaction

ALL_TEAMS = ""


class TeamRole(StrEnum):
    """What somebody may answer as, beside working with the client."""

    DUTY = "duty"
    MANAGER = "manager"


@dataclass(frozen=True)
class Absence:
    """Somebody (a row's id) is away from `starts_at` to before `ends_at` (Unix seconds); `cover`
    answers in their place, None: nobody.
    """

    person: int
    starts_at: int
    ends_at: int
    cover: int | None


class TeamRoles:
    """Duty and managers within one transaction; `ALL_TEAMS` among somebody's teams: all of them."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put(self, person: int, role: TeamRole, teams: Collection[str]) -> None:
        """Say for which teams somebody has a role, in place of what was said before."""
        self._tx.run(
            "DELETE FROM team_role WHERE practitioner = ? AND role = ?", person, role.value
        )
        rows = [(person, role.value, team) for team in sorted(set(teams))]
        sql = "INSERT INTO team_role (practitioner, role, team) VALUES (?, ?, ?)"
        self._tx.run_many(sql, rows)

    def all(self) -> Mapping[int, Mapping[TeamRole, Sequence[str]]]:
        """The teams of everybody who has a role."""
        found: dict[int, dict[TeamRole, list[str]]] = {}
        sql = "SELECT practitioner, role, team FROM team_role ORDER BY practitioner, role, team"
        for row in self._tx.rows(sql):
            roles = found.setdefault(row["practitioner"], {})
            roles.setdefault(TeamRole(row["role"]), []).append(row["team"])
        return found

    def having(self, role: TeamRole, teams: Collection[str]) -> list[int]:
        """Who has a role for one of these teams, or for all; nobody who is closed. By row id."""
        rows = self._tx.rows_among(
            "SELECT DISTINCT p.id FROM team_role t JOIN practitioner p ON p.id = t.practitioner "
            "WHERE t.role = ? AND p.closed_at IS NULL AND t.team IN (:among) ORDER BY p.id",
            role.value, among={ALL_TEAMS, *teams},
        )  # fmt: skip
        return [int(row["id"]) for row in rows]


class Absences:
    """Who is away, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, absence: Absence) -> None:
        """Keep one."""
        row = dict(vars(absence))
        self._tx.insert("absence", {"practitioner": row.pop("person"), **row})

    def from_on(self, now: int) -> list[Absence]:
        """Those that are not over, by their beginning."""
        rows = self._tx.rows(
            "SELECT practitioner AS person, starts_at, ends_at, cover FROM absence "
            "WHERE ends_at > ? ORDER BY starts_at, id",
            now,
        )
        return [Absence(**row) for row in rows]

    def end(self, person: int, now: int, begins: int | None = None) -> int:
        """End what goes on, and drop what is to come; how many there were. `begins`: only the one
        that begins then.
        """
        only, which = ("", ()) if begins is None else (" AND starts_at = ?", (begins,))
        dropped = self._tx.run(
            f"DELETE FROM absence WHERE practitioner = ? AND starts_at >= ?{only}",  # noqa: S608
            person, now, *which,
        )  # fmt: skip
        return dropped + self._tx.run(
            f"UPDATE absence SET ends_at = ? WHERE practitioner = ? AND ends_at > ?{only}",  # noqa: S608
            now, person, now, *which,
        )  # fmt: skip
