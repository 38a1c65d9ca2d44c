"""The store of this agency's own records: clients, their involvements, and who works on these.

It holds people in the clear: this is the agency's own database. Nothing here decides what may be
published. Calls that take many cost a few statements, however many.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from node.store.found_by import Change, FoundBy, found_columns
from node.store.merges import PARTS
from node.store.permissions import At, Condition, in_force, publishable
from node.store.terms import Terms, terms_of
from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.shared_places import SharedPlaces
from storage.engine import Row, Transaction

RECORD_FIELDS = (
    "nhs_number", "given", "middle", "family", "date_of_birth", "sex", "address", "postcode",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Client:
    """A client, by what comes of all that feeds and people here say (node/store/imports.py)."""

    id: int
    local_id: str
    record: ClientRecord

    def __repr__(self) -> str:
        """Say which row, never who."""
        return f"Client(id={self.id})"


@dataclass(frozen=True, repr=False)
class ClientRow:
    """A client to be stored."""

    local_id: str
    record: ClientRecord

    def __repr__(self) -> str:
        """Say nothing."""
        return "ClientRow(hidden)"


class EndedBy(StrEnum):
    """What said that an involvement is over. What a person ended, no feed begins again."""

    FEED = "feed"
    PERSON = "person"


@dataclass(frozen=True, kw_only=True)
class InvolvementRow:
    """Work with a client: a service (`type`, `label`), its team and its workers (row ids, the first
    to call first).

    `own_id` is the agency's own id of the work. `permission_basis` None: never published, there is
    no default. `ended_at`: the first second (Unix) that it is over, perhaps to come.
    `for_unborn` is the agency's own id of a child not yet born; the client is its mother.
    `import_id`: the last import that had it; None: by hand. `confirmed_at`: when a person said last
    that it goes on.
    """

    client: int
    type: str
    label: str | None = None
    team: str | None = None
    own_id: str | None = None
    for_unborn: str | None = None
    is_waiting: bool = False
    started_on: str | None = None
    ended_at: int | None = None
    ended_by: EndedBy | None = None
    last_contact: str | None = None
    next_visit: str | None = None
    permission_basis: str | None = None
    valid_until: int | None = None
    consent_date: str | None = None
    withdrawn_at: int | None = None
    import_id: int | None = None
    confirmed_at: int | None = None
    workers: tuple[int, ...] = ()

    def is_over(self, now: int) -> bool:
        """Whether the work has ended at `now` (Unix seconds)."""
        return self.ended_at is not None and self.ended_at <= now

    def is_permitted(self, now: int) -> bool:
        """Whether a permission is stated, still valid and not withdrawn."""
        ends = self.valid_until if self.permission_basis is not None else None
        return self.withdrawn_at is None and ends is not None and ends > now


@dataclass(frozen=True, kw_only=True)
class Involvement(InvolvementRow):
    """Work with a client that is in the database. An id is never given to another."""

    id: int


_INVOLVEMENT_FIELDS = tuple(
    name for name in InvolvementRow.__dataclass_fields__ if name != "workers"
)


class Records:
    """Clients and involvements within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._found_by = FoundBy(tx)

    def count(self) -> int:
        """How many clients there are, and people whom somebody only enquires about."""
        row = self._tx.one("SELECT COUNT(*) AS n FROM client")
        return int(row["n"]) if row else 0

    def client(self, local_id: str) -> Client | None:
        """A client by the agency's own id, by another id of theirs, or of one merged into them."""
        sql = (
            f"{PARTS}, known (id) AS (SELECT id FROM client WHERE local_id = ? UNION "  # noqa: S608
            "SELECT client FROM other_id WHERE local_id = ?) SELECT c.* FROM client c "
            "WHERE (c.id IN (SELECT id FROM known) OR c.id IN "
            "(SELECT whole FROM part WHERE client IN (SELECT id FROM known))) "
            "AND c.id NOT IN (SELECT client FROM merged_client) "
            "ORDER BY c.local_id = ? DESC LIMIT 1"
        )
        row = self._tx.one(sql, local_id, local_id, local_id)
        return client_of(row) if row else None

    def clients(self, local_ids: Collection[str]) -> dict[str, Client]:
        """The clients of these local ids that are here."""
        sql = "SELECT * FROM client WHERE local_id IN (:among)"
        rows = self._tx.rows_among(sql, among=local_ids)
        return {row["local_id"]: client_of(row) for row in rows}

    def clients_by_row(self, clients: Collection[int]) -> list[Client]:
        """The clients of these row ids, in their order."""
        sql = "SELECT * FROM client WHERE id IN (:among)"
        found = {row["id"]: client_of(row) for row in self._tx.rows_among(sql, among=clients)}
        return [found[client] for client in sorted(found)]

    def local_ids(self, clients: Collection[int]) -> list[str]:
        """The agency's own ids of these clients, in their order."""
        sql = "SELECT local_id FROM client WHERE id IN (:among)"
        return sorted(str(row["local_id"]) for row in self._tx.rows_among(sql, among=clients))

    def clients_after(self, after: int, size: int) -> list[Client]:
        """The next `size` clients after a row id, in the order of their row ids; whom somebody only
        enquires about is none.
        """
        return self.clients_by_row(self.ids_after(after, size))

    def ids_after(self, after: int, size: int) -> list[int]:
        """The row ids of the same."""
        sql = (
            "SELECT id FROM client WHERE id > ? AND id NOT IN (SELECT client FROM enquiry) "
            "ORDER BY id LIMIT ?"
        )
        return [client for (client,) in self._tx.tuples(sql, after, size)]

    def own_ids(self) -> list[tuple[int, str]]:
        """The agency's own ids of all clients, behind their row ids; whom somebody only enquires
        about is none.
        """
        sql = (
            "SELECT id, local_id FROM client WHERE id NOT IN (SELECT client FROM enquiry) "
            "ORDER BY id"
        )
        return [(client, local_id) for client, local_id in self._tx.tuples(sql)]

    def put_clients(self, rows: Sequence[ClientRow]) -> dict[str, int]:
        """Insert clients, or let those of the same local id say what these rows say.

        Answers row ids by local id; those of clients who were here stay.
        """
        made = {row.local_id: (row, terms_of(row.record)) for row in rows}
        known = self._found_by.before(made)
        values = [_client_values(row, terms) for row, terms in made.values()]
        self._tx.put_many("client", values, ("local_id",))
        sql = "SELECT id, local_id FROM client WHERE local_id IN (:among)"
        for row in self._tx.rows_among(sql, among=[name for name in made if name not in known]):
            known[row["local_id"]] = (row["id"], frozenset())
        self._found_by.change([Change(*known[name], terms) for name, (_, terms) in made.items()])
        return {name: client for name, (client, _) in known.items()}

    def involvement(self, involvement: int | None) -> Involvement | None:
        """An involvement by row id; of no id there is none."""
        found = self._with_workers(
            self._tx.rows("SELECT * FROM involvement WHERE id = ?", involvement)
        )
        return found[0] if found else None

    def by_row(self, involvements: Collection[int]) -> dict[int, Involvement]:
        """Those of these involvements (row ids) that are here."""
        sql = "SELECT * FROM involvement WHERE id IN (:among)"
        return {
            item.id: item
            for item in self._with_workers(self._tx.rows_among(sql, among=involvements))
        }

    def involvements(self, clients: Collection[int]) -> list[Involvement]:
        """All involvements of these clients, by row id."""
        sql = "SELECT * FROM involvement WHERE client IN (:among)"
        return self._with_workers(self._tx.rows_among(sql, among=clients))

    def involvements_for_unborn(self, children: Collection[str]) -> list[Involvement]:
        """The involvements that are kept for children not yet born, by row id."""
        sql = "SELECT * FROM involvement WHERE for_unborn IN (:among)"
        return self._with_workers(self._tx.rows_among(sql, among=children))

    def in_force(self, client: int, at: At) -> list[Involvement]:
        """A client's involvements that go on and have a permission at a hub
        (node/store/permissions.py); of one who is held back or withheld hardly any or none.
        """
        return self.all_in_force([client], at).get(client, [])

    def all_in_force(self, clients: Collection[int], at: At) -> dict[int, list[Involvement]]:
        """`in_force` of many clients: of each who has any, by row id."""
        found = defaultdict[int, list[Involvement]](list)
        for item in self._with_workers(self._of_clients(in_force(at), clients)):
            found[item.client].append(item)
        return dict(found)

    def all_permitted(self, clients: Collection[int], at: At) -> dict[int, list[Involvement]]:
        """As `all_in_force`, with those that are over, and without their workers."""
        found = defaultdict[int, list[Involvement]](list)
        for row in self._of_clients(publishable(at), clients):
            found[row["client"]].append(involvement_of(row))
        return found

    def add_involvements(self, rows: Sequence[InvolvementRow]) -> list[int]:
        """Insert involvements with their workers, in this order; their ids, each one that no other
        ever had.
        """
        self._tx.insert_many("involvement", [_involvement_values(row) for row in rows])
        # What this transaction put in last is there, in its order: nobody else writes meanwhile.
        last = self._tx.rows("SELECT id FROM involvement ORDER BY id DESC LIMIT ?", len(rows))
        ids = [int(row["id"]) for row in reversed(last)]
        self.add_workers(
            [
                (place, worker, row.import_id)
                for place, row in zip(ids, rows, strict=True)
                for worker in row.workers
            ]
        )
        return ids

    def add_workers(self, workers: Sequence[tuple[int, int, int | None]]) -> None:
        """Let people work on involvements, after those who do (row ids, and the import if any);
        who does already is marked as had by that import.
        """
        sql = (
            "INSERT INTO involvement_worker (involvement, practitioner, ordinal, import_id) "
            "SELECT ?, ?, COALESCE(MAX(ordinal), -1) + 1, ? FROM involvement_worker "
            "WHERE involvement = ? "
            "ON CONFLICT (involvement, practitioner) DO UPDATE SET import_id = excluded.import_id"
        )
        self._tx.run_many(sql, [(place, person, by, place) for place, person, by in workers])

    def end_workers(self, involvements: Collection[int], import_id: int) -> int:
        """Let those stop who work on involvements that an import had, and whom it had not; how
        many. Who was put there by hand stays.
        """
        sql = (
            "DELETE FROM involvement_worker WHERE import_id IS NOT NULL AND import_id <> ? "
            "AND involvement IN (:among)"
        )
        return self._tx.run_among(sql, import_id, among=involvements)

    def with_workers_by_hand(self, involvements: Collection[int]) -> set[int]:
        """Those of involvements on which somebody was put by hand, and no import had them since."""
        sql = (
            "SELECT involvement FROM involvement_worker WHERE import_id IS NULL "
            "AND involvement IN (:among)"
        )
        return {int(row["involvement"]) for row in self._tx.rows_among(sql, among=involvements)}

    def set_involvements(self, changed: Iterable[Involvement]) -> None:
        """Let involvements that are here say this; their workers stay."""
        values = ", ".join(f"{name} = ?" for name in _INVOLVEMENT_FIELDS)
        sql = f"UPDATE involvement SET {values} WHERE id = ?"  # noqa: S608 - our own names
        rows = [(*_involvement_values(item).values(), item.id) for item in changed]
        if rows:
            self._tx.run_many(sql, rows)

    def saw_involvements(self, involvements: Collection[int], import_id: int) -> None:
        """Mark involvements as had by an import that changes nothing of them."""
        sql = "UPDATE involvement SET import_id = ? WHERE id IN (:among)"
        self._tx.run_among(sql, import_id, among=involvements)

    def brought(self, types: Collection[str], now: int) -> list[int]:
        """Work of these types that feeds brought and that is not over (row ids)."""
        sql = (
            "SELECT id FROM involvement WHERE import_id IS NOT NULL "
            "AND (ended_at IS NULL OR ended_at > ?) AND type IN (:among)"
        )
        return [int(row["id"]) for row in self._tx.rows_among(sql, now, among=types)]

    def unconfirmed(self, now: int, since: int) -> list[tuple[str, Involvement]]:
        """Work that goes on and that neither an import nor a person has confirmed after a time,
        each with its client's own id; by row id.
        """
        rows = self._tx.rows(
            "SELECT i.*, c.local_id FROM involvement i JOIN client c ON c.id = i.client "
            "LEFT JOIN imported m ON m.id = i.import_id "
            "WHERE (i.ended_at IS NULL OR i.ended_at > ?) AND COALESCE(i.confirmed_at, 0) <= ? "
            "AND i.client NOT IN (SELECT client FROM enquiry) "
            "AND COALESCE(m.at, 0) <= ? ORDER BY i.id",
            now, since, since,
        )  # fmt: skip
        ids = {int(row["id"]): str(row["local_id"]) for row in rows}
        plain = [{name: row[name] for name in row if name != "local_id"} for row in rows]
        return [(ids[item.id], item) for item in self._with_workers(plain)]

    def remove_involvements(self, involvements: Collection[int]) -> None:
        """Delete involvements by row id, and what was agreed of them: nobody could say any more
        whose it was.
        """
        for sql in (
            "DELETE FROM consent WHERE involvement IN (:among)",
            "DELETE FROM involvement_worker WHERE involvement IN (:among)",
            "DELETE FROM involvement WHERE id IN (:among)",
        ):
            self._tx.run_among(sql, among=involvements)

    def withdraw(self, client: int, now: int) -> int:
        """Withdraw what is not withdrawn of a client's involvements; how many."""
        return self._tx.run(
            "UPDATE involvement SET withdrawn_at = ? WHERE client = ? AND withdrawn_at IS NULL",
            now, client,
        )  # fmt: skip

    def withdraw_work(self, involvement: int, now: int) -> int:
        """Withdraw one piece of work, as `withdraw` does all of a client's; how many."""
        return self._tx.run(
            "UPDATE involvement SET withdrawn_at = ? WHERE id = ? AND withdrawn_at IS NULL",
            now, involvement,
        )  # fmt: skip

    def _of_clients(self, condition: Condition, clients: Collection[int]) -> list[Row]:
        sql = (
            f"SELECT i.* FROM involvement i WHERE {condition.sql} "  # noqa: S608 - our own names
            "AND i.client IN (:among)"
        )
        return self._tx.rows_among(sql, *condition.values, among=clients)

    def _with_workers(self, rows: Sequence[Row]) -> list[Involvement]:
        """By row id. Statements that take many are ordered by nothing, so that PostgreSQL may do
        as it likes.
        """
        sql = (
            "SELECT involvement, practitioner, ordinal FROM involvement_worker "
            "WHERE involvement IN (:among)"
        )
        workers = defaultdict[int, list[tuple[int, int]]](list)
        for row in self._tx.rows_among(sql, among=[row["id"] for row in rows]):
            workers[row["involvement"]].append((row["ordinal"], row["practitioner"]))
        made = [involvement_of(row, workers.get(row["id"], ())) for row in rows]
        return sorted(made, key=lambda item: item.id)


def record_of(client: Client, shared: SharedPlaces) -> ClientRecord:
    """A client's identifying fields, without the place where many people share it."""
    record = client.record
    if shared.has(record.address, record.postcode):
        return replace(record, address=None, postcode=None, locality=None)
    return record


def client_of(row: Row) -> Client:
    """A client from its row, for stores that join it with their own."""
    record = ClientRecord(**{name: row[name] for name in RECORD_FIELDS})
    return Client(row["id"], row["local_id"], record)


def _client_values(row: ClientRow, terms: Terms) -> Mapping[str, object]:
    record = {name: getattr(row.record, name) for name in RECORD_FIELDS}
    return {"local_id": row.local_id, **record, **found_columns(terms)}


def involvement_of(row: Row, workers: Iterable[tuple[int, int]] = ()) -> Involvement:
    """An involvement from its row and its workers, by ordinal."""
    values = dict(row)
    values["is_waiting"] = bool(values["is_waiting"])
    values["ended_by"] = EndedBy(values["ended_by"]) if values["ended_by"] else None
    return Involvement(**values, workers=tuple(worker for _, worker in sorted(workers)))


def _involvement_values(row: InvolvementRow) -> Mapping[str, object]:
    values: dict[str, object] = {name: getattr(row, name) for name in _INVOLVEMENT_FIELDS}
    return values | {
        "is_waiting": int(row.is_waiting),
        "ended_by": row.ended_by and row.ended_by.value,
    }
