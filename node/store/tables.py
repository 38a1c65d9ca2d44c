"""The node's tables as one small interface, within one open transaction.

It holds clients in the clear: this is the agency's own database. Nothing here decides.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from node.store.alarms import AlarmStore
from node.store.checks import ReceivedChecks, SentChecks
from node.store.governance import GovernanceStore
from node.store.hubs import Hubs
from node.store.journal import JournalStore
from node.store.links import Links, Reviews
from node.store.log import LogViews
from node.store.outbox import OutboxStore
from node.store.requests import ReceivedRequests, SentRequests
from node.store.set_aside import SetAsideStore
from node.store.workers import Workers
from protocol.matchkeys.normalise import postcode
from protocol.matchkeys.records import ClientRecord
from storage.engine import Engine, Row, Schema, Transaction
from storage.sqlite import SqliteEngine

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"))
RECORD_FIELDS = (
    "nhs_number", "given", "middle", "family", "date_of_birth", "sex", "address", "postcode",
)  # fmt: skip


class NodeTables:
    """The node's tables within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.hubs = Hubs(tx)
        self.links = Links(tx)
        self.reviews = Reviews(tx)
        self.sent_requests = SentRequests(tx)
        self.received_requests = ReceivedRequests(tx)
        self.sent_checks = SentChecks(tx)
        self.received_checks = ReceivedChecks(tx)
        self.workers = Workers(tx)
        self.outbox = OutboxStore(tx)
        self.journal = JournalStore(tx)
        self.alarms = AlarmStore(tx)
        self.governance = GovernanceStore(tx)
        self.set_aside = SetAsideStore(tx)
        self.log_views = LogViews(tx)

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """Insert a row."""
        self.tx.insert(table, row)

    def put(self, table: str, row: Mapping[str, object], key: tuple[str, ...]) -> None:
        """Insert a row, or replace the one with the same key."""
        self.tx.put(table, row, key)

    def client(self, local_id: str) -> Row | None:
        """A client by the agency's own id."""
        return self.tx.one("SELECT * FROM client WHERE local_id = ?", local_id)

    def count(self, table: str) -> int:
        """Rows in a table."""
        row = self.tx.one(f"SELECT COUNT(*) AS n FROM {table}")  # noqa: S608 - our own names
        return int(row["n"]) if row else 0

    def in_force(self, client: int, now: int) -> list[Row]:
        """A client's involvements with a permission stated, still valid and not withdrawn."""
        return self.tx.rows(
            "SELECT * FROM involvement WHERE client = ? AND permission_basis IS NOT NULL "
            "AND valid_until > ? AND withdrawn_at IS NULL ORDER BY id",
            client, now,
        )  # fmt: skip

    def stub_of(self, hub_id: str, client: int) -> Row | None:
        """The stub of a client at a hub."""
        return self.tx.one("SELECT * FROM stub WHERE hub_id = ? AND client = ?", hub_id, client)

    def client_of_stub(self, hub_id: str, stub_id: str) -> Row | None:
        """The client behind one of our stubs."""
        return self.tx.one(
            "SELECT c.* FROM client c JOIN stub s ON s.client = c.id "
            "WHERE s.hub_id = ? AND s.stub_id = ?",
            hub_id, stub_id,
        )  # fmt: skip

    def published_digests(self, hub_id: str, stub_id: str) -> dict[str, list[bytes]]:
        """What a stub publishes at a hub: digests of token inputs by match key, in order."""
        sql = (
            "SELECT match_key_id, input_digest FROM published_token "
            "WHERE hub_id = ? AND stub_id = ? ORDER BY match_key_id, ordinal"
        )
        result: dict[str, list[bytes]] = {}
        for row in self.tx.rows(sql, hub_id, stub_id):
            result.setdefault(row["match_key_id"], []).append(row["input_digest"])
        return result

    def published_under(self, hub_id: str) -> int | None:
        """The charter version under which everything was published last."""
        row = self.tx.one("SELECT version FROM published_under WHERE hub_id = ?", hub_id)
        return int(row["version"]) if row else None

    def set_published_under(self, hub_id: str, version: int) -> None:
        """Remember the charter version under which everything was published."""
        self.tx.run("INSERT OR REPLACE INTO published_under VALUES (?, ?)", hub_id, version)

    def practitioner_id(self, hub_id: str, practitioner: int, fresh_id: str) -> str:
        """A practitioner's opaque id at a hub; `fresh_id` becomes it the first time."""
        row = self.tx.one(
            "SELECT practitioner_id FROM hub_practitioner WHERE hub_id = ? AND practitioner = ?",
            hub_id, practitioner,
        )  # fmt: skip
        if row is not None:
            return str(row["practitioner_id"])
        self.tx.run("INSERT INTO hub_practitioner VALUES (?, ?, ?)", hub_id, practitioner, fresh_id)
        return fresh_id

    def involvement_id(self, hub_id: str, involvement: int, fresh_id: str, salt: str) -> Row:
        """An involvement's id and salt at a hub; the fresh ones become them the first time."""
        self.tx.run(
            "INSERT OR IGNORE INTO stub_involvement VALUES (?, ?, ?, ?)",
            hub_id, involvement, fresh_id, salt,
        )  # fmt: skip
        row = self.tx.one(
            "SELECT * FROM stub_involvement WHERE hub_id = ? AND involvement = ?",
            hub_id, involvement,
        )  # fmt: skip
        return row or {}


def record_of(row: Row, shared_postcodes: Collection[str]) -> ClientRecord:
    """A client's identifying fields, without the place where many people share it."""
    record = ClientRecord(**{name: row[name] for name in RECORD_FIELDS})
    if postcode(record.postcode) in shared_postcodes:
        return replace(record, address=None, postcode=None, locality=None)
    return record


NodeEngine = Engine[NodeTables]


def open_engine(folder: Path, *, rehearse: bool = False) -> NodeEngine:
    """The node's database. `rehearse`: for tests, see storage/sqlite.py."""
    return SqliteEngine(folder / "node.sqlite", SCHEMA, NodeTables, rehearse=rehearse)
