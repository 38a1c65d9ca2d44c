"""The request log's rows: entries, the payloads beside them, evidence, and refusals counted.

Nothing here decides what may be written (hub/log/ledger.py) or erased (hub/log/retention.py).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from protocol.dsse import Envelope
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.statement import Preamble
from storage.engine import NotUniqueError, Transaction


@dataclass(frozen=True)
class Logged:
    """A log entry as it was written."""

    index: int
    statement_id: str
    salt: bytes
    received_at: int


@dataclass(frozen=True)
class Payload:
    """What is kept beside one leaf until it is erased."""

    index: int
    salt: bytes
    envelope: bytes


@dataclass(frozen=True)
class JournalEntry:
    """An entry as daily statements look at it; `refused`: a request that the hub refused."""

    index: int
    envelope: bytes
    refused: bool


@dataclass(frozen=True)
class HeldEntry:
    """What is still held of an old entry."""

    index: int
    statement_id: str
    received_at: int
    payload: bool
    disclosures: bool


class Log:
    """The log within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def logged(self, statement_id: str) -> Logged | None:
        """Where a statement stands in the log, if it does."""
        row = self._tx.one(
            "SELECT e.idx, p.salt, e.received_at FROM entry e LEFT JOIN payload p USING (idx) "
            "WHERE e.statement_id = ?",
            statement_id,
        )
        if row is None:
            return None
        return Logged(row["idx"], statement_id, row["salt"] or b"", row["received_at"])

    def sender(self, statement_id: str) -> str | None:
        """Who sent a statement, if it stands in the log."""
        row = self._tx.one("SELECT sender FROM entry WHERE statement_id = ?", statement_id)
        return str(row["sender"]) if row else None

    def next_index(self) -> int:
        """The index that the next entry will have."""
        row = self._tx.one("SELECT COALESCE(MAX(idx) + 1, 0) AS n FROM entry")
        return int(row["n"]) if row else 0

    def append(
        self, leaf: bytes, envelope: Envelope, preamble: Preamble, salt: bytes, received_at: int
    ) -> Logged:
        """Write one entry with its payload. A used nonce is refused as REPLAYED.

        What a public leaf says of who is who is another matter: hub/store/directory.py.
        """
        index, name = self.next_index(), envelope.statement_id
        try:
            self._tx.insert(
                "entry",
                {
                    "idx": index,
                    "leaf": leaf,
                    "statement_id": name,
                    "kind": preamble.kind,
                    "sender": preamble.sender,
                    "nonce": preamble.nonce,
                    "iat": preamble.iat,
                    "received_at": received_at,
                },
            )
        except NotUniqueError as error:
            raise RemoteError(ErrorCode.REPLAYED, "nonce was used before") from error
        payload = {"idx": index, "salt": salt, "envelope": envelope.encode()}
        self._tx.insert("payload", payload)
        return Logged(index, name, salt, received_at)

    def nonce_is_used(self, sender: str, nonce: str) -> bool:
        """Whether a statement of this sender with this nonce is in the log."""
        sql = "SELECT 1 FROM entry WHERE sender = ? AND nonce = ?"
        return self._tx.one(sql, sender, nonce) is not None

    def add_evidence(self, index: int, parts: Iterable[bytes]) -> None:
        """Keep what the entry's statement commits to, for the auditor."""
        rows = [{"idx": index, "part": part, "data": data} for part, data in enumerate(parts)]
        self._tx.insert_many("evidence", rows)

    def leaves(self, start: int, limit: int) -> list[bytes]:
        """Leaves in order from `start`."""
        sql = "SELECT leaf FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?"
        return [row["leaf"] for row in self._tx.rows(sql, start, limit)]

    def payloads(self, start: int, end: int) -> list[Payload]:
        """The payloads that still live of the entries in [start, end), in order."""
        sql = "SELECT idx, salt, envelope FROM payload WHERE idx >= ? AND idx < ? ORDER BY idx"
        rows = self._tx.rows(sql, start, end)
        return [Payload(row["idx"], row["salt"], row["envelope"]) for row in rows]

    def evidence(self, start: int, end: int) -> dict[int, list[bytes]]:
        """The evidence of the entries in [start, end) that have any, each in order."""
        sql = "SELECT idx, data FROM evidence WHERE idx >= ? AND idx < ? ORDER BY idx, part"
        found: dict[int, list[bytes]] = {}
        for row in self._tx.rows(sql, start, end):
            found.setdefault(row["idx"], []).append(row["data"])
        return found

    def envelope(self, statement_id: str) -> bytes | None:
        """The envelope of a logged statement, while its payload is kept."""
        sql = "SELECT p.envelope FROM payload p JOIN entry e USING (idx) WHERE e.statement_id = ?"
        row = self._tx.one(sql, statement_id)
        return bytes(row["envelope"]) if row else None

    def of_kinds(self, kinds: Collection[str]) -> list[Payload]:
        """The payloads of all entries of these kinds, in order."""
        rows = self._tx.rows_among(
            "SELECT p.idx, p.salt, p.envelope FROM payload p JOIN entry e USING (idx) "
            "WHERE e.kind IN (:among) ORDER BY p.idx",
            among=kinds,
        )
        return [Payload(row["idx"], row["salt"], row["envelope"]) for row in rows]

    def last_of(self, sender: str, kinds: Collection[str]) -> int | None:
        """When a sender signed the newest of its statements of these kinds (Unix seconds)."""
        sql = "SELECT MAX(iat) AS at FROM entry WHERE sender = ? AND kind = ?"
        rows = [self._tx.one(sql, sender, kind) for kind in kinds]
        return max((row["at"] for row in rows if row and row["at"] is not None), default=None)

    def newest_of(self, sender: str, kind: str, most: int) -> list[bytes]:
        """The envelopes of a sender's newest statements of a kind that still live, those first."""
        sql = (
            "SELECT p.envelope FROM entry e JOIN payload p USING (idx) "
            "WHERE e.sender = ? AND e.kind = ? ORDER BY e.iat DESC LIMIT ?"
        )
        return [bytes(row["envelope"]) for row in self._tx.rows(sql, sender, kind, most)]

    def journal(self, start: int, end: int, kinds: Collection[str]) -> list[JournalEntry]:
        """The entries of these kinds in [start, end) whose payload still lives, in order."""
        rows = self._tx.rows_among(
            "SELECT p.idx, p.envelope, r.hub_outcome FROM entry e JOIN payload p USING (idx) "
            "LEFT JOIN request r ON r.statement_id = e.statement_id "
            "WHERE e.idx >= ? AND e.idx < ? AND e.kind IN (:among) ORDER BY e.idx",
            start, end,
            among=kinds,
        )  # fmt: skip
        return [
            JournalEntry(row["idx"], row["envelope"], row["hub_outcome"] == "refuse")
            for row in rows
        ]

    def count_entries(self, sender: str, kind: str, since: int) -> int:
        """How many statements of a kind a sender has in the log with iat >= since."""
        row = self._tx.one(
            "SELECT COUNT(*) AS n FROM entry WHERE sender = ? AND kind = ? AND iat >= ?",
            sender, kind, since,
        )  # fmt: skip
        return int(row["n"]) if row else 0

    def count_rejection(self, sender: str, day: int) -> int:
        """Count one more refused statement of a sender; how many it is today."""
        (row,) = self._tx.rows(
            "INSERT INTO rejection_count (sender, day, count) VALUES (?, ?, 1) "
            "ON CONFLICT (sender, day) DO UPDATE SET count = rejection_count.count + 1 "
            "RETURNING count",
            sender, day,
        )  # fmt: skip
        return int(row["count"])

    def received_at(self, statement_ids: Collection[str]) -> dict[str, int]:
        """When each of these statements was logged; those that were not are left out."""
        rows = self._tx.rows_among(
            "SELECT statement_id, received_at FROM entry WHERE statement_id IN (:among)",
            among=statement_ids,
        )
        return {row["statement_id"]: row["received_at"] for row in rows}

    def held(self, before: int, kinds: Collection[str]) -> list[HeldEntry]:
        """Entries of these kinds that were logged by `before` and of which anything is kept."""
        rows = self._tx.rows_among(
            "SELECT idx, statement_id, received_at, p.idx IS NOT NULL AS payload, "
            "EXISTS (SELECT 1 FROM evidence v WHERE v.idx = e.idx) AS disclosures "
            "FROM entry e LEFT JOIN payload p USING (idx) WHERE received_at <= ? "
            "AND (p.idx IS NOT NULL OR EXISTS (SELECT 1 FROM evidence v WHERE v.idx = e.idx)) "
            "AND kind IN (:among) ORDER BY idx",
            before,
            among=kinds,
        )
        return [
            HeldEntry(
                row["idx"],
                row["statement_id"],
                row["received_at"],
                bool(row["payload"]),
                bool(row["disclosures"]),
            )
            for row in rows
        ]

    def erase_evidence(self, indexes: Collection[int]) -> None:
        """Delete what these entries' statements commit to."""
        self._tx.run_among("DELETE FROM evidence WHERE idx IN (:among)", among=indexes)

    def erase_payloads(self, indexes: Collection[int]) -> None:
        """Delete the envelopes and salts of these entries. Their leaves stay."""
        self._tx.run_among("DELETE FROM payload WHERE idx IN (:among)", among=indexes)
