"""The store of rows of files that changed nothing when they were judged last, and of what they rest
on: all that is here of a client that judging a row reads.

Nothing here decides, and no row is read: node/records/importer/seen.py knows what is packed in it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import NamedTuple

from node.store.people import WorkerRow
from node.store.records import RECORD_FIELDS, Involvement
from storage.engine import Transaction
from storage.plain import as_bytes

STATE = 16
"""Bytes of the hash of a state."""
_CLIENT = ", ".join(RECORD_FIELDS)
_WORK = ", ".join(
    f"i.{field.name}" for field in fields(Involvement) if field.name not in {"workers", "import_id"}
)
_WORKER = ", ".join(f"p.{field.name}" for field in fields(WorkerRow))
# Which import had a piece of work last changes every day, and nothing comes of it: only whether one
# had it at all.
_OF_CLIENT = f"SELECT id, 'is', local_id, {_CLIENT} FROM client WHERE id IN (:among)"  # noqa: S608
_SAID = (
    f"SELECT client, 'said', source, changed_by, import_id, {_CLIENT} FROM client_said "  # noqa: S608
    "WHERE client IN (:among) ORDER BY source"
)
_OF_WORK = (
    f"SELECT i.client, 'work', i.import_id IS NULL, {_WORK} FROM involvement i "  # noqa: S608 - our names
    "WHERE i.client IN (:among) ORDER BY i.id"
)
_OF_WORKERS = (
    "SELECT i.client, 'worker', i.id, w.import_id IS NULL, w.practitioner "
    "FROM involvement i JOIN involvement_worker w ON w.involvement = i.id "
    "WHERE i.client IN (:among) ORDER BY i.id, w.ordinal, w.practitioner"
)
_PEOPLE = f"SELECT p.id, p.since IS NULL, {_WORKER} FROM practitioner p"  # noqa: S608 - our names
_AGREED = (
    "SELECT i.client, 'agreed', c.* FROM involvement i JOIN consent c ON c.involvement = i.id "
    "WHERE i.client IN (:among) ORDER BY c.id"
)
_ALL = (_OF_CLIENT, _SAID, _OF_WORK, _OF_WORKERS, _AGREED)
"""All of a client that is read when a row about them is judged, each by the client's row id; of
who works on it the row ids alone.
"""
People = Mapping[int, tuple[object, ...]]
"""All that is here of everybody who works here, by row id: each is on the work of many clients."""


class State(NamedTuple):
    """A client's own id, and a hash of all that is here of them."""

    local_id: str
    hash: bytes


@dataclass(frozen=True, repr=False, slots=True)
class KeptRow:
    """A row of a file, packed, by the client (a row id) and its place among the rows about them."""

    client: int
    place: int
    packed: bytes

    def __repr__(self) -> str:
        """Say of whom, never what."""
        return f"KeptRow(client={self.client})"


class SeenRowStore:
    """Rows that were seen before, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def of_feed(self, feed: str) -> list[bytes]:
        """All rows of a feed, packed."""
        sql = "SELECT packed FROM seen_row WHERE feed = ?"
        return [packed for (packed,) in self._tx.tuples(sql, feed)]

    def put(self, feed: str, rows: Sequence[KeptRow]) -> None:
        """Keep rows about some clients, the first of each in place of all that were kept of them;
        of clients who are gone, none.
        """
        begun = {row.client for row in rows if row.place == 0}
        sql = "DELETE FROM seen_row WHERE feed = ? AND client IN (:among)"
        self._tx.run_among(sql, feed, among=begun)
        clients = {row.client for row in rows}
        sql = "SELECT id FROM client WHERE id IN (:among)"
        here = {client for (client,) in self._tx.tuples_among(sql, among=clients)}
        values = [(feed, row.client, row.place, row.packed) for row in rows if row.client in here]
        self._tx.insert_rows("seen_row", ("feed", "client", "place", "packed"), values)

    def people(self) -> People:
        """For `states`, as long as nothing is written."""
        return {row[0]: row for row in self._tx.tuples(_PEOPLE)}

    def states(self, clients: Collection[int], people: People) -> dict[int, State]:
        """What is here of these clients (row ids), of each who is."""
        found = defaultdict[int, list[tuple[object, ...]]](list)
        for sql in _ALL:
            rows = self._tx.tuples_among(sql, among=clients)
            for row in rows:
                found[row[0]].append(row)
            if sql is _OF_WORKERS:
                for row in rows:
                    found[row[0]].append(people[row[4]])
        return {
            client: State(str(rows[0][2]), _hash(rows))
            for client, rows in found.items()
            if rows[0][1] == "is"
        }

    def works_of(self, people: Collection[int]) -> dict[int, list[int]]:
        """The work that these people (row ids) are on: who of them, by the work's row id."""
        sql = (
            "SELECT involvement, practitioner FROM involvement_worker "
            "WHERE practitioner IN (:among)"
        )
        found = defaultdict[int, list[int]](list)
        for work, person in self._tx.tuples_among(sql, among=people):
            found[work].append(person)
        return found


def _hash(rows: list[tuple[object, ...]]) -> bytes:
    return blake2b(as_bytes(rows), digest_size=STATE).digest()
