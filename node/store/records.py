"""The store of this agency's own records: clients and involvements.

It holds people in the clear: this is the agency's own database. Nothing here decides what may be
published. Calls that take many cost a few statements, however many.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.shared_places import SharedPlaces
from storage.engine import Row, Transaction

RECORD_FIELDS = (
    "nhs_number", "given", "middle", "family", "date_of_birth", "sex", "address", "postcode",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Client:
    """A client as imported. `row_hash` names the whole row, so that it is known again."""

    id: int
    local_id: str
    record: ClientRecord
    row_hash: str

    def __repr__(self) -> str:
        """Say which row, never who."""
        return f"Client(id={self.id})"


@dataclass(frozen=True, repr=False)
class ClientRow:
    """What an import says of a client."""

    local_id: str
    record: ClientRecord
    row_hash: str

    def __repr__(self) -> str:
        """Say nothing."""
        return "ClientRow(hidden)"


@dataclass(frozen=True)
class InvolvementRow:
    """Work with a client. `permission_basis` None: never published, there is no default.

    `for_unborn` is the agency's own id of a child not yet born; the client is its mother.
    """

    client: int
    type: str
    label: str | None
    practitioner: int | None
    permission_basis: str | None
    valid_until: int | None
    consent_date: str | None
    withdrawn_at: int | None
    for_unborn: str | None


@dataclass(frozen=True)
class Involvement(InvolvementRow):
    """Work with a client that is in the database. An id is never given to another."""

    id: int


_INVOLVEMENT_FIELDS = tuple(InvolvementRow.__dataclass_fields__)


class Records:
    """Clients and involvements within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def count(self) -> int:
        """How many clients there are."""
        row = self._tx.one("SELECT COUNT(*) AS n FROM client")
        return int(row["n"]) if row else 0

    def client(self, local_id: str) -> Client | None:
        """A client by the agency's own id, or by another id of theirs."""
        sql = (
            "SELECT c.* FROM client c WHERE c.local_id = ? OR c.id IN "
            "(SELECT client FROM other_id WHERE local_id = ?) ORDER BY c.local_id = ? DESC LIMIT 1"
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
        """The next `size` clients after a row id, in the order of their row ids."""
        sql = "SELECT * FROM client WHERE id > ? ORDER BY id LIMIT ?"
        return [client_of(row) for row in self._tx.rows(sql, after, size)]

    def put_clients(self, rows: Sequence[ClientRow]) -> dict[str, int]:
        """Insert clients, or let those of the same local id say what these rows say.

        Answers row ids by local id; those of clients who were here stay.
        """
        self._tx.put_many("client", [_client_values(row) for row in rows], ("local_id",))
        sql = "SELECT id, local_id FROM client WHERE local_id IN (:among)"
        found = self._tx.rows_among(sql, among=[row.local_id for row in rows])
        return {row["local_id"]: row["id"] for row in found}

    def involvement(self, involvement: int | None) -> Involvement | None:
        """An involvement by row id; of no id there is none."""
        row = self._tx.one("SELECT * FROM involvement WHERE id = ?", involvement)
        return Involvement(**row) if row else None

    def involvements(self, clients: Collection[int]) -> list[Involvement]:
        """All involvements of these clients, by row id."""
        sql = "SELECT * FROM involvement WHERE client IN (:among)"
        return _by_id(self._tx.rows_among(sql, among=clients))

    def involvements_for_unborn(self, children: Collection[str]) -> list[Involvement]:
        """The involvements that are kept for children not yet born, by row id."""
        sql = "SELECT * FROM involvement WHERE for_unborn IN (:among)"
        return _by_id(self._tx.rows_among(sql, among=children))

    def is_in_force(self, involvement: int | None, now: int) -> bool:
        """Whether an involvement (a row's id) has a permission, still valid and not withdrawn."""
        sql = (
            "SELECT 1 FROM involvement WHERE id = ? AND permission_basis IS NOT NULL "
            "AND valid_until > ? AND withdrawn_at IS NULL"
        )
        return self._tx.one(sql, involvement, now) is not None

    def in_force(self, client: int, now: int) -> list[Involvement]:
        """A client's involvements with a permission stated, still valid and not withdrawn; none of
        a client who is held back (node/store/held.py).
        """
        return self.all_in_force([client], now).get(client, [])

    def all_in_force(self, clients: Collection[int], now: int) -> dict[int, list[Involvement]]:
        """`in_force` of many clients: of each who has any, by row id."""
        sql = (
            "SELECT * FROM involvement WHERE permission_basis IS NOT NULL "
            "AND valid_until > ? AND withdrawn_at IS NULL AND client IN (:among) "
            "AND client NOT IN (SELECT client FROM held_client)"
        )
        found: dict[int, list[Involvement]] = {}
        for item in _by_id(self._tx.rows_among(sql, now, among=clients)):
            found.setdefault(item.client, []).append(item)
        return found

    def add_involvements(self, rows: Sequence[InvolvementRow]) -> None:
        """Insert involvements, in this order; each gets an id that no other ever had."""
        self._tx.insert_many("involvement", [_involvement_values(row) for row in rows])

    def set_involvements(self, changed: Iterable[Involvement]) -> None:
        """Let involvements that are here say this."""
        values = ", ".join(f"{name} = ?" for name in _INVOLVEMENT_FIELDS)
        sql = f"UPDATE involvement SET {values} WHERE id = ?"  # noqa: S608 - our own names
        rows = [(*_involvement_values(item).values(), item.id) for item in changed]
        if rows:
            self._tx.run_many(sql, rows)

    def remove_involvements(self, involvements: Collection[int]) -> None:
        """Delete involvements by row id."""
        self._tx.run_among("DELETE FROM involvement WHERE id IN (:among)", among=involvements)

    def withdraw(self, client: int, now: int) -> int:
        """Withdraw what is not withdrawn of a client's involvements; how many."""
        return self._tx.run(
            "UPDATE involvement SET withdrawn_at = ? WHERE client = ? AND withdrawn_at IS NULL",
            now, client,
        )  # fmt: skip


def record_of(client: Client, shared: SharedPlaces) -> ClientRecord:
    """A client's identifying fields, without the place where many people share it."""
    record = client.record
    if shared.has(record.address, record.postcode):
        return replace(record, address=None, postcode=None, locality=None)
    return record


def client_of(row: Row) -> Client:
    """A client from its row, for stores that join it with their own."""
    record = ClientRecord(**{name: row[name] for name in RECORD_FIELDS})
    return Client(row["id"], row["local_id"], record, row["row_hash"])


def _client_values(row: ClientRow) -> Mapping[str, object]:
    record = {name: getattr(row.record, name) for name in RECORD_FIELDS}
    return {"local_id": row.local_id, **record, "row_hash": row.row_hash}


def _involvement_values(row: InvolvementRow) -> Mapping[str, object]:
    return {name: getattr(row, name) for name in _INVOLVEMENT_FIELDS}


def _by_id(rows: Sequence[Row]) -> list[Involvement]:
    """Statements that take many are ordered by nothing, so that PostgreSQL may do as it likes."""
    return sorted((Involvement(**row) for row in rows), key=lambda item: item.id)
