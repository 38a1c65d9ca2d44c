"""The hub's tables as one small interface: log, members-to-be, mailboxes, requests.

Every method works inside a transaction that the caller opened with an engine, and
says what it promises. Nothing here decides; nothing here reads a clock. Stubs, links, uploads and
limits have stores of their own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.store.limits import PublicationLimits
from hub.store.links import Links
from hub.store.stubs import Stubs
from hub.store.uploads import Uploads
from protocol.dsse import Envelope
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.messages.statement import Preamble
from protocol.wire import Delivery
from storage.engine import Engine, NotUniqueError, Row, Schema, Transaction
from storage.sqlite import SqliteEngine

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"))


@dataclass(frozen=True)
class Logged:
    """A log entry as it was written."""

    index: int
    statement_id: str
    salt: bytes
    received_at: int


@dataclass(frozen=True)
class Post:
    """A message for one agency's mailbox."""

    agency: str
    envelope: bytes
    logged: Logged | None = None
    sealed: bytes | None = None
    proof: bytes | None = None


class HubTables:
    """The hub's tables within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.stubs = Stubs(tx)
        self.links = Links(tx, self.stubs)
        self.uploads = Uploads(tx)
        self.limits = PublicationLimits(tx)

    # The log

    def logged(self, statement_id: str) -> Logged | None:
        """Where a statement stands in the log, if it does."""
        row = self.tx.one(
            "SELECT e.idx, p.salt, e.received_at FROM entry e LEFT JOIN payload p USING (idx) "
            "WHERE e.statement_id = ?",
            statement_id,
        )
        if row is None:
            return None
        return Logged(row["idx"], statement_id, row["salt"] or b"", row["received_at"])

    def next_index(self) -> int:
        """The index that the next entry will have."""
        row = self.tx.one("SELECT COALESCE(MAX(idx) + 1, 0) AS n FROM entry")
        return int(row["n"]) if row else 0

    def append(
        self, leaf: bytes, envelope: Envelope, preamble: Preamble, salt: bytes, received_at: int
    ) -> Logged:
        """Write one entry with its payload. A used nonce is refused as REPLAYED."""
        index, name = self.next_index(), envelope.statement_id
        entry = (
            index, leaf, name, preamble.kind, preamble.sender, preamble.nonce, preamble.iat,
            received_at,
        )  # fmt: skip
        try:
            self.tx.run("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *entry)
        except NotUniqueError as error:
            raise RemoteError(ErrorCode.REPLAYED, "nonce was used before") from error
        self.tx.run("INSERT INTO payload VALUES (?, ?, ?)", index, salt, envelope.encode())
        return Logged(index, name, salt, received_at)

    def add_evidence(self, index: int, parts: Iterable[bytes]) -> None:
        """Keep what the entry's statement commits to, for the auditor."""
        for part, data in enumerate(parts):
            self.tx.run("INSERT INTO evidence VALUES (?, ?, ?)", index, part, data)

    def leaves(self, start: int, limit: int) -> list[bytes]:
        """Leaves in order from `start`."""
        sql = "SELECT leaf FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?"
        return [row["leaf"] for row in self.tx.rows(sql, start, limit)]

    def payloads(self, start: int, end: int) -> list[Row]:
        """idx, salt, envelope of the entries in [start, end) whose payload still lives."""
        sql = "SELECT idx, salt, envelope FROM payload WHERE idx >= ? AND idx < ? ORDER BY idx"
        return self.tx.rows(sql, start, end)

    def evidence(self, index: int) -> list[bytes]:
        """The evidence of one entry, in order."""
        sql = "SELECT data FROM evidence WHERE idx = ? ORDER BY part"
        return [row["data"] for row in self.tx.rows(sql, index)]

    def count_rejection(self, sender: str, day: int) -> int:
        """Count one more refused statement of a sender; how many it is today."""
        self.tx.run("INSERT OR IGNORE INTO rejection_count VALUES (?, ?, 0)", sender, day)
        self.tx.run(
            "UPDATE rejection_count SET count = count + 1 WHERE sender = ? AND day = ?", sender, day
        )
        row = self.tx.one(
            "SELECT count FROM rejection_count WHERE sender = ? AND day = ?", sender, day
        )
        return int(row["count"]) if row else 0

    def count_entries(self, sender: str, kind: str, since: int) -> int:
        """How many statements of a kind a sender has in the log with iat >= since."""
        row = self.tx.one(
            "SELECT COUNT(*) AS n FROM entry WHERE sender = ? AND kind = ? AND iat >= ?",
            sender, kind, since,
        )  # fmt: skip
        return int(row["n"]) if row else 0

    def head(self) -> tuple[int, bytes]:
        """Size and signed note of the newest checkpoint; (0, b"") before the first."""
        row = self.tx.one("SELECT size, note FROM head")
        return (row["size"], row["note"]) if row else (0, b"")

    def envelope(self, statement_id: str) -> bytes | None:
        """The envelope of a logged statement, while its payload is kept."""
        sql = "SELECT p.envelope FROM payload p JOIN entry e USING (idx) WHERE e.statement_id = ?"
        row = self.tx.one(sql, statement_id)
        return bytes(row["envelope"]) if row else None

    def witnessed(self) -> tuple[int, bytes]:
        """Size and note of the newest published checkpoint with a quorum; (0, b"") before one."""
        row = self.tx.one("SELECT size, note FROM witnessed")
        return (row["size"], bytes(row["note"])) if row else (0, b"")

    def set_witnessed(self, size: int, note: bytes) -> None:
        """Remember a checkpoint with a quorum that is about to be published."""
        self.tx.run("INSERT OR REPLACE INTO witnessed VALUES (1, ?, ?)", size, note)

    def move_head(self, expected_size: int, size: int, note: bytes) -> None:
        """Compare-and-swap of the log head: raises RemoteError(CONFLICT) if somebody was first."""
        if expected_size == 0 and self.tx.one("SELECT 1 FROM head") is None:
            self.tx.run("INSERT INTO head VALUES (1, ?, ?)", size, note)
            return
        moved = self.tx.run(
            "UPDATE head SET size = ?, note = ? WHERE id = 1 AND size = ?",
            size,
            note,
            expected_size,
        )
        if moved != 1:
            raise RemoteError(ErrorCode.CONFLICT, "the log head was moved by another writer")

    # Charter documents, invitations, applicants

    def charter_document(self, digest: str) -> bytes | None:
        """A charter document by its hash."""
        row = self.tx.one("SELECT document FROM charter_document WHERE hash = ?", digest)
        return row["document"] if row else None

    def charter_documents(self) -> dict[str, bytes]:
        """All charter documents by hash."""
        rows = self.tx.rows("SELECT hash, document FROM charter_document")
        return {row["hash"]: row["document"] for row in rows}

    def keep_charter_document(self, digest: str, document: bytes) -> None:
        """Store a charter document."""
        self.tx.run("INSERT OR IGNORE INTO charter_document VALUES (?, ?)", digest, document)

    def invite(self, code_hash: str, expires: int) -> None:
        """Store a one-time invitation by the hash of its code."""
        self.tx.run("INSERT INTO invitation VALUES (?, ?, NULL)", code_hash, expires)

    def use_invitation(self, code_hash: str, party_id: str, now: int) -> None:
        """Use an invitation once. Raises RemoteError(INVITATION) if unknown, used or expired."""
        used = self.tx.run(
            "UPDATE invitation SET used_by = ? WHERE code_hash = ? AND expires > ? "
            "AND used_by IS NULL",
            party_id, code_hash, now,
        )  # fmt: skip
        if used != 1:
            raise RemoteError(ErrorCode.INVITATION, "unknown, used or expired code")

    def apply(self, party_id: str, envelope: bytes, now: int) -> None:
        """Store an application that waits for the operator."""
        self.tx.run("INSERT INTO applicant VALUES (?, ?, ?, 'waiting')", party_id, envelope, now)

    def applicant(self, party_id: str) -> Row | None:
        """One applicant's row."""
        return self.tx.one("SELECT * FROM applicant WHERE party_id = ?", party_id)

    def applicants(self, state: str) -> list[Row]:
        """Applicants in a state, oldest first."""
        return self.tx.rows("SELECT * FROM applicant WHERE state = ? ORDER BY applied_at", state)

    def set_applicant(self, party_id: str, state: str) -> None:
        """Move an applicant to a state."""
        self.tx.run("UPDATE applicant SET state = ? WHERE party_id = ?", state, party_id)

    # Requests

    def request(self, request_id: str) -> Row | None:
        """One brokered request's row."""
        return self.tx.one("SELECT * FROM request WHERE request_id = ?", request_id)

    def add_request(self, row: Mapping[str, object]) -> None:
        """Store a request with the hub's decision on it."""
        self.tx.insert("request", row)

    def set_request(self, request_id: str, field: str, value: str) -> None:
        """Record the statement id of the next step of a request."""
        self.tx.update("request", {field: value}, {"request_id": request_id})

    def requests_since(self, requester: str, since: int) -> int:
        """How many requests an agency made with iat >= since."""
        row = self.tx.one(
            "SELECT COUNT(*) AS n FROM request WHERE requester = ? AND iat >= ?", requester, since
        )
        return int(row["n"]) if row else 0

    # Mailboxes

    def post(self, posts: Sequence[Post]) -> None:
        """Put messages into mailboxes, in order."""
        for post in posts:
            index, salt = (post.logged.index, post.logged.salt) if post.logged else (None, None)
            self.tx.run(
                "INSERT INTO mailbox (agency, idx, salt, envelope, sealed, proof) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                post.agency, index, salt, post.envelope, post.sealed, post.proof,
            )  # fmt: skip

    def acknowledge(self, agency: str, cursor: int) -> None:
        """Delete what was delivered up to `cursor`, ciphertexts included; nothing undelivered."""
        self.tx.run(
            "DELETE FROM mailbox WHERE agency = ? AND seq <= ? AND delivered = 1", agency, cursor
        )

    def has_post(self, agency: str, cursor: int) -> bool:
        """Whether anything waits after `cursor`."""
        sql = "SELECT 1 FROM mailbox WHERE agency = ? AND seq > ? LIMIT 1"
        return self.tx.one(sql, agency, cursor) is not None

    def deliveries(self, agency: str, cursor: int, limit: int) -> Iterator[Delivery]:
        """The next messages after `cursor`, marked as delivered."""
        sql = "SELECT * FROM mailbox WHERE agency = ? AND seq > ? ORDER BY seq LIMIT ?"
        for row in self.tx.rows(sql, agency, cursor, limit):
            self.tx.run("UPDATE mailbox SET delivered = 1 WHERE seq = ?", row["seq"])
            yield Delivery(
                seq=row["seq"],
                index=row["idx"],
                salt=row["salt"].hex() if row["salt"] is not None else None,
                envelope=to_base64(row["envelope"]),
                sealed=to_base64(row["sealed"]) if row["sealed"] is not None else None,
                proof=to_base64(row["proof"]) if row["proof"] is not None else None,
            )

    def generation(self) -> str:
        """The mailboxes' generation: changes when the hub's database is made anew."""
        row = self.tx.one("SELECT value FROM meta WHERE key = 'generation'")
        return str(row["value"]) if row else ""


HubEngine = Engine[HubTables]


def open_engine(folder: Path) -> HubEngine:
    """The hub's database."""
    return SqliteEngine(folder / "hub.sqlite", SCHEMA, HubTables)
