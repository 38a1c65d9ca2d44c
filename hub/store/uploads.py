"""Publications on their way in: a signed manifest each, and those of its chunks that are here.

An upload waits until it is logged or refused. What it has brought then goes bit by bit, so that
nobody waits for it; a chunk of tokens is kept peppered.
"""

from dataclasses import dataclass

from protocol.errors import ErrorCode, LocalError
from storage.engine import Row, Transaction


@dataclass(frozen=True)
class Upload:
    """A manifest that waits for its chunks, or its place in the log."""

    statement_id: str
    agency: str
    envelope: bytes
    received_at: int
    index: int | None = None
    number: int | None = None
    """Of the try to apply it: see hub/store/staging.py."""


class Uploads:
    """Uploads within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def is_here(self, statement_id: str) -> bool:
        """Whether an upload waits for chunks."""
        sql = "SELECT 1 FROM upload WHERE statement_id = ? AND state = 'waiting'"
        return self._tx.one(sql, statement_id) is not None

    def upload(self, statement_id: str) -> Upload | None:
        """An upload that waits, by its statement's id."""
        sql = "SELECT * FROM upload WHERE statement_id = ? AND state = 'waiting'"
        row = self._tx.one(sql, statement_id)
        return _upload(row) if row else None

    def logged(self) -> list[Upload]:
        """Uploads in the log that are not all in force yet, in its order."""
        rows = self._tx.rows("SELECT * FROM upload WHERE state = 'logged' ORDER BY idx")
        return [_upload(row) for row in rows]

    def begin(self, upload: Upload, most: int) -> None:
        """Keep a manifest, and of its agency's others only the newest: `most` of them in all.

        Raises NotUniqueError for one that is here.
        """
        sql = (
            "SELECT statement_id FROM upload WHERE agency = ? AND state = 'waiting' "
            "ORDER BY received_at DESC, statement_id DESC"
        )
        others = [row["statement_id"] for row in self._tx.rows(sql, upload.agency)]
        for statement_id in others[most - 1 :]:
            self.drop(statement_id)
            self.sweep(statement_id)
        sql = "SELECT statement_id FROM upload WHERE statement_id = ? AND state = 'dropped'"
        for row in self._tx.rows(sql, upload.statement_id):
            self._delete(row["statement_id"])
        given = ("statement_id", "agency", "envelope", "received_at")
        self._tx.insert("upload", {name: vars(upload)[name] for name in given})

    def is_logged(self, statement_id: str) -> bool:
        """Whether an upload is in the log and not all in force yet."""
        return statement_id in {upload.statement_id for upload in self.logged()}

    def chunk_hashes(self, statement_id: str) -> set[str]:
        """The hashes of the chunks that are here."""
        sql = (
            "SELECT hash FROM upload_chunk JOIN upload USING (statement_id) "
            "WHERE statement_id = ? AND state = 'waiting'"
        )
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
            "SELECT data FROM upload_chunk JOIN upload USING (statement_id) "
            "WHERE statement_id = ? AND hash = ? AND state = 'waiting'",
            statement_id, digest,
        )  # fmt: skip
        return bytes(row["data"]) if row else None

    def drop(self, statement_id: str) -> None:
        """Be done with an upload; `sweep` forgets its chunks. One that is not here is no fault."""
        self._tx.update("upload", {"state": "dropped"}, {"statement_id": statement_id})

    def dropped(self) -> str | None:
        """An upload that is to be swept away."""
        row = self._tx.one("SELECT statement_id FROM upload WHERE state = 'dropped'")
        return str(row["statement_id"]) if row else None

    def sweep(self, statement_id: str) -> None:
        """Forget a chunk of a dropped upload, or with the last one the upload."""
        sql = "SELECT hash FROM upload_chunk WHERE statement_id = ? LIMIT 1"
        row = self._tx.one(sql, statement_id)
        if row is None:
            self._delete(statement_id)
            return
        sql = "DELETE FROM upload_chunk WHERE statement_id = ? AND hash = ?"
        self._tx.run(sql, statement_id, row["hash"])

    def _delete(self, statement_id: str) -> None:
        self._tx.run("DELETE FROM upload_chunk WHERE statement_id = ?", statement_id)
        self._tx.run("DELETE FROM upload WHERE statement_id = ?", statement_id)


def _upload(row: Row) -> Upload:
    return Upload(
        row["statement_id"],
        row["agency"],
        row["envelope"],
        row["received_at"],
        row["idx"],
        row["number"],
    )
