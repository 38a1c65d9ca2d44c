"""The node's tables as one small interface, within one open transaction.

It holds clients in the clear: this is the agency's own database. Nothing here decides.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from protocol.fields import WireModel
from protocol.matchkeys.normalise import postcode
from protocol.matchkeys.records import ClientRecord
from protocol.messages.kinds import kind_of
from storage.engine import Engine, Row, Schema, Transaction
from storage.sqlite import SqliteEngine

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"))
RECORD_FIELDS = (
    "nhs_number", "given", "middle", "family", "date_of_birth", "sex", "address", "postcode",
)  # fmt: skip


@dataclass(frozen=True)
class HubRow:
    """A hub this node belongs to (or is joining), and where its mail was read up to."""

    hub_id: str
    url: str
    name: str
    genesis: str
    party_id: str
    enrolment: bytes
    generation: str | None
    cursor: int


@dataclass(frozen=True)
class Outgoing:
    """A statement to be sent: to whom, what, and what goes beside it. With an `envelope` it is
    signed already, and is never signed again.
    """

    hub_id: str
    aud: str
    body: WireModel
    sealed: bytes | None = None
    proof: bytes | None = None
    envelope: bytes | None = None


class NodeTables:
    """The node's tables within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """Insert a row."""
        self.tx.insert(table, row)

    def put(self, table: str, row: Mapping[str, object], key: tuple[str, ...]) -> None:
        """Insert a row, or replace the one with the same key."""
        self.tx.put(table, row, key)

    def hubs(self) -> list[HubRow]:
        """The hubs this node has joined."""
        return [HubRow(**row) for row in self.tx.rows("SELECT * FROM hub ORDER BY hub_id")]

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

    def link(self, hub_id: str, link_id: str) -> Row | None:
        """A link as last told to us."""
        return self.tx.one("SELECT * FROM link WHERE hub_id = ? AND link_id = ?", hub_id, link_id)

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

    def enqueue(self, outgoing: Outgoing) -> int:
        """Put a statement into the outbox, to be signed when it is sent, or signed already."""
        return self.tx.insert_for_id(
            "outbox",
            {
                "hub_id": outgoing.hub_id,
                "kind": kind_of(type(outgoing.body)),
                "aud": outgoing.aud,
                "body": json.dumps(outgoing.body.model_dump(mode="json")),
                "sealed": outgoing.sealed,
                "proof": outgoing.proof,
                "envelope": outgoing.envelope,
                "state": "pending",
                "error": None,
            },
        )

    def handled(self, hub_id: str, statement_id: str) -> bool:
        """Mark a statement as handled; whether it was already."""
        changed = self.tx.run("INSERT OR IGNORE INTO handled VALUES (?, ?)", hub_id, statement_id)
        return changed == 0


def record_of(row: Row, shared_postcodes: Collection[str]) -> ClientRecord:
    """A client's identifying fields, without the place where many people share it."""
    record = ClientRecord(**{name: row[name] for name in RECORD_FIELDS})
    if postcode(record.postcode) in shared_postcodes:
        return replace(record, address=None, postcode=None, locality=None)
    return record


NodeEngine = Engine[NodeTables]


def open_engine(folder: Path) -> NodeEngine:
    """The node's database."""
    return SqliteEngine(folder / "node.sqlite", SCHEMA, NodeTables)
