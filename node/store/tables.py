"""The node's tables as one small interface, within one open transaction.

It holds clients in the clear: this is the agency's own database. Nothing here decides.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from node.store.limits import PublicationCounts
from node.store.publications import Publications
from node.store.records import Records
from node.store.stubs import Stubs
from node.store.tokens import SealedTokens
from protocol.fields import WireModel
from protocol.messages.kinds import kind_of
from storage.engine import Engine, Row, Schema, Transaction
from storage.sqlite import SqliteEngine

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"))


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
        self.records = Records(tx)
        self.stubs = Stubs(tx)
        self.sealed_tokens = SealedTokens(tx)
        self.publications = Publications(tx)
        self.publication_counts = PublicationCounts(tx)

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """Insert a row."""
        self.tx.insert(table, row)

    def put(self, table: str, row: Mapping[str, object], key: tuple[str, ...]) -> None:
        """Insert a row, or replace the one with the same key."""
        self.tx.put(table, row, key)

    def hubs(self) -> list[HubRow]:
        """The hubs this node has joined."""
        return [HubRow(**row) for row in self.tx.rows("SELECT * FROM hub ORDER BY hub_id")]

    def count(self, table: str) -> int:
        """Rows in a table."""
        row = self.tx.one(f"SELECT COUNT(*) AS n FROM {table}")  # noqa: S608 - our own names
        return int(row["n"]) if row else 0

    def link(self, hub_id: str, link_id: str) -> Row | None:
        """A link as last told to us."""
        return self.tx.one("SELECT * FROM link WHERE hub_id = ? AND link_id = ?", hub_id, link_id)

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


NodeEngine = Engine[NodeTables]


def open_engine(folder: Path) -> NodeEngine:
    """The node's database."""
    return SqliteEngine(folder / "node.sqlite", SCHEMA, NodeTables)
