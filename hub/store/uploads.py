"""Publications on their way in: a signed manifest each, and those of its chunks that are here.

An upload is there until it is applied or refused, and then it is gone, chunks and all; a chunk of
tokens is kept peppered.
"""

from dataclasses import dataclass

from protocol.errors import ErrorCode, LocalError
from storage.engine import Transaction


@dataclass(frozen=True)
class Upload:
    """A manifest that waits for its chunks."""

    statement_id: str
    agency: str
    envelope: bytes
    received_at: int


class Uploads:
    """Uploads within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def is_here(self, statement_id: str) -> bool:
        """Whether an upload waits for chunks."""
        sql = "SELECT 1 FROM upload WHERE statement_id = ?"
        return self._tx.one(sql, statement_id) is not None

    def upload(self, statement_id: str) -> Upload | None:
        """An upload that waits, by its statement's id."""
        sql = "SELECT * FROM upload WHERE statement_id = ?"
        row = self._tx.one(sql, statement_id)
        if row is None:
            return None
        return Upload(row["statement_id"], row["agency"], row["envelope"], row["received_at"])

    def begin(self, upload: Upload, most: int) -> None:
        """Keep a manifest, and of its agency's others only the newest: `most` of them in all.

        Raises NotUniqueError for one that is here.
        """
        sql = (
            "SELECT statement_id FROM upload WHERE agency = ? "
            "ORDER BY received_at DESC, statement_id DESC"
        )
        others = [row["statement_id"] for row in self._tx.rows(sql, upload.agency)]
        for statement_id in others[most - 1 :]:
            self.drop(statement_id)
        self._tx.insert("upload", vars(upload))

    def chunk_hashes(self, statement_id: str) -> set[str]:
        """The hashes of the chunks that are here."""
        sql = "SELECT hash FROM upload_chunk WHERE statement_id = ?"
        return {row["hash"] for row in self._tx.rows(sql, statement_id)}

    def add_chunk(self, statement_id: str, digest: str, data: bytes) -> None:
        """Keep a chunk; one that is here already stays as it is.

        Raises LocalError(NOT_FOUND) where the upload is gone or never was.
        """
        if not self.is_here(statement_id):
            raise LocalError(ErrorCode.NOT_FOUND, "no upload waits for this chunk")
        self._tx.run(
            "INSERT INTO upload_chunk (statement_id, hash, data) VALUES (?, ?, ?) "
            "ON CONFLICT (statement_id, hash) DO NOTHING",
            statement_id, digest, data,
        )  # fmt: skip

    def chunk(self, statement_id: str, digest: str) -> bytes | None:
        """A chunk of an upload, if it is here."""
        row = self._tx.one(
            "SELECT data FROM upload_chunk WHERE statement_id = ? AND hash = ?",
            statement_id, digest,
        )  # fmt: skip
        return bytes(row["data"]) if row else None

    def drop(self, statement_id: str) -> None:
        """Forget an upload and its chunks. One that is not here is no fault."""
        self._tx.run("DELETE FROM upload_chunk WHERE statement_id = ?", statement_id)
        self._tx.run("DELETE FROM upload WHERE statement_id = ?", statement_id)
