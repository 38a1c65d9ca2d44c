"""The store that finds own clients by terms (node/store/found_by.py), and by whose work it is.

Everything is looked up by index. Nothing here decides.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain

from node.store.permissions import Condition
from node.store.records import Client, client_of
from storage.engine import Transaction

_LAST = "\U0010ffff"
_OPEN = "(i.ended_at IS NULL OR i.ended_at > ?)"


@dataclass(frozen=True)
class Whose:
    """Whose clients: of a practitioner (a row id), of teams, by name, or of either; everybody's if
    neither is said. Work that goes on counts, and those who work on it.
    """

    practitioner: int | None = None
    teams: frozenset[str] | None = None

    @property
    def is_everybody(self) -> bool:
        """Whether nobody is left out."""
        return self.practitioner is None and self.teams is None


class ClientSearch:
    """What clients are found by, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def having(self, terms: Collection[str]) -> list[tuple[str, int]]:
        """Each of these terms and own ids with each client (a row id) who has it; and of whom
        somebody only enquires about (`clients_of`).
        """
        return [
            *self._tx.tuples_among(
                "SELECT term, client FROM client_term WHERE term IN (:among)", among=terms
            ),
            *self._tx.tuples_among(
                "SELECT local_id, id FROM client WHERE local_id IN (:among)", among=terms
            ),
            *self._tx.tuples_among(
                "SELECT local_id, client FROM other_id WHERE local_id IN (:among)", among=terms
            ),
        ]

    def count_having(self, terms: Collection[str]) -> int:
        """How many `having` finds by terms."""
        sql = "SELECT COUNT(*) FROM client_term WHERE term IN (:among)"
        return sum(count for (count,) in self._tx.tuples_among(sql, among=terms))

    def beginning(self, start: str) -> Iterator[int]:
        """As `having`, those who have a term, or an own id, that begins so and goes on."""
        for sql in (
            "SELECT client FROM client_term WHERE term > ? AND term < ?",
            "SELECT id FROM client WHERE local_id > ? AND local_id < ?",
            "SELECT client FROM other_id WHERE local_id > ? AND local_id < ?",
        ):
            yield from chain.from_iterable(self._tx.tuples(sql, start, start + _LAST))

    def clients_of(self, clients: Collection[int]) -> set[int]:
        """Those of them who are clients: whom somebody only enquires about is none."""
        sql = "SELECT client FROM enquiry WHERE client IN (:among)"
        return {*clients} - {client for (client,) in self._tx.tuples_among(sql, among=clients)}

    def words_long(self, shortest: int, longest: int) -> list[str]:
        """All words of names of so many letters."""
        # In one value: a row for each of thousands would take most of the time.
        sql = "SELECT GROUP_CONCAT(word, ' ') FROM name_word WHERE length(word) BETWEEN ? AND ?"
        ((words,),) = self._tx.tuples(sql, shortest, longest)
        return words.split(" ") if words else []

    def words_sounding(self, sounds: Collection[str]) -> list[str]:
        """Words of names that have one of these skeletons (`sounds_of`)."""
        sql = "SELECT DISTINCT word FROM name_sound WHERE sound IN (:among)"
        return [str(row["word"]) for row in self._tx.rows_among(sql, among=sounds)]

    def agreeing(self, *kinds: Collection[str]) -> set[int]:
        """The clients who have a term, or a word of a skeleton, of two kinds at least, each the
        terms and the skeletons that are one thing.
        """
        said = [(*kind, *self.words_sounding(kind)) for kind in kinds if kind]
        if len(said) < 2:
            return set()
        each = " UNION ALL ".join(
            f"SELECT DISTINCT client FROM client_term WHERE {_CLIENTS} "  # noqa: S608 - our own
            f"AND term IN ({', '.join('?' * len(kind))})"
            for kind in said
        )
        sql = f"SELECT client FROM ({each}) AS found GROUP BY client HAVING COUNT(*) > 1"  # noqa: S608
        rows = self._tx.rows(sql, *(term for kind in said for term in kind))
        return {int(row["client"]) for row in rows}

    def whose(self, whose: Whose, now: int) -> set[int]:
        """The clients (row ids) that are somebody's; not for everybody's, which are too many."""
        scope = _scope(whose, now)
        rows = self._tx.rows(f"SELECT client FROM ({scope.sql}) AS own", *scope.values)  # noqa: S608
        return {int(row["client"]) for row in rows}

    def theirs(
        self, person: int, teams: Collection[str], clients: Collection[int], now: int
    ) -> set[int]:
        """Those of these clients (row ids) with whom somebody (likewise) works, or one of these
        teams does: by work that goes on, as in the lists; of whom somebody only enquires about too.
        """
        among = f"IN ({', '.join('?' * len(teams))})"
        sql = (
            "SELECT DISTINCT i.client FROM involvement i "  # noqa: S608 - our own names
            "LEFT JOIN involvement_worker w ON w.involvement = i.id "
            "LEFT JOIN practitioner p ON p.id = w.practitioner "
            f"WHERE {_OPEN} AND (w.practitioner = ? OR i.team {among} OR p.team {among}) "
            "AND i.client IN (:among)"
        )
        rows = self._tx.rows_among(sql, now, person, *teams, *teams, among=clients)
        return {int(row["client"]) for row in rows}

    def ending(self, whose: Whose, after: int, until: int, now: int) -> dict[int, tuple[int, bool]]:
        """Work with somebody's clients that goes on and whose permission, not withdrawn, ends
        between two times (Unix seconds), each with when, and whether a consent says so that was
        recorded here: the last one of that work goes before what was stated.
        """
        scope, span = _scope(whose, now), "valid_until > ? AND {0}.valid_until <= ?"
        sql = (
            "SELECT i.id, COALESCE(c.valid_until, i.valid_until), c.id FROM involvement i "  # noqa: S608
            f"LEFT JOIN consent c ON c.involvement = i.id AND c.{span.format('c')} "
            "AND c.withdrawn_at IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM consent o WHERE o.involvement = c.involvement AND o.id > c.id) "
            f"WHERE {_OPEN} AND i.client IN ({scope.sql}) AND (c.id IS NOT NULL OR "
            f"(i.{span.format('i')} AND i.withdrawn_at IS NULL AND i.permission_basis IS NOT NULL))"
        )
        rows = self._tx.tuples(sql, after, until, now, *scope.values, after, until)
        return {work: (ends, consent is not None) for work, ends, consent in rows}

    def teams_of(self, clients: Collection[int], now: int) -> dict[int, list[str]]:
        """The teams of the work that goes on with each of these clients, and of whoever does it."""
        sql = (
            "SELECT i.client, i.team, p.team FROM involvement i "  # noqa: S608 - our own names
            "LEFT JOIN involvement_worker w ON w.involvement = i.id "
            f"LEFT JOIN practitioner p ON p.id = w.practitioner WHERE {_OPEN} "
            "AND i.client IN (:among)"
        )
        found: dict[int, set[str]] = {}
        for client, *teams in self._tx.tuples_among(sql, now, among=clients):
            found.setdefault(client, set()).update(team for team in teams if team)
        return {client: sorted(teams) for client, teams in found.items()}

    def count(self, whose: Whose, now: int) -> int:
        """How many clients are somebody's."""
        scope = _scope(whose, now)
        row = self._tx.one(f"SELECT COUNT(*) AS n FROM ({scope.sql}) AS own", *scope.values)  # noqa: S608
        return int(row["n"]) if row else 0

    def page(self, whose: Whose, now: int, after: int, size: int) -> list[Client]:
        """Somebody's clients by name: `size` of them, after so many."""
        scope = _scope(whose, now)
        sql = (
            f"SELECT * FROM client WHERE id IN ({scope.sql}) "  # noqa: S608 - our own names
            "ORDER BY sort_name, id LIMIT ? OFFSET ?"
        )
        if whose.is_everybody:
            sql = sql.replace(f"id IN ({scope.sql})", _WHOLE)
        return [client_of(row) for row in self._tx.rows(sql, *scope.values, size, after)]


_CLIENTS = "client NOT IN (SELECT client FROM enquiry)"
"""Whom somebody only enquires about is no client."""
_IS_CLIENT = f"id {_CLIENTS.removeprefix('client ')}"
_WHOLE = f"{_IS_CLIENT} AND id NOT IN (SELECT client FROM merged_client)"  # noqa: S608 - ours
_WORKS_ON = "SELECT i.client FROM involvement_worker w JOIN involvement i ON i.id = w.involvement"


def _scope(whose: Whose, now: int) -> Condition:
    """A query of the clients that are somebody's, each once."""
    if whose.is_everybody:
        return Condition(f"SELECT id AS client FROM client WHERE {_WHOLE}", ())  # noqa: S608 - ours
    parts: list[str] = []
    values: list[object] = []
    if whose.practitioner is not None:
        parts = [f"{_WORKS_ON} WHERE w.practitioner = ? AND {_OPEN}"]
        values = [whose.practitioner, now]
    if whose.teams is not None:
        teams = sorted(whose.teams)
        among = f"IN ({', '.join('?' * len(teams))})"
        of_team = f"{_WORKS_ON} JOIN practitioner p ON p.id = w.practitioner WHERE p.team {among}"
        named = f"SELECT i.client FROM involvement i WHERE i.team {among}"  # noqa: S608 - ours
        parts += [f"{one} AND {_OPEN}" for one in (of_team, named)]
        values += [*teams, now, *teams, now]
    return Condition(
        f"SELECT DISTINCT client FROM ({' UNION ALL '.join(parts)}) AS own "  # noqa: S608 - ours
        f"WHERE {_CLIENTS} AND client NOT IN (SELECT client FROM merged_client)",
        tuple(values),
    )
