"""Charter documents by their hash, and the one that waits for the running hub."""

from collections.abc import Collection

from storage.engine import Transaction

_PROPOSAL = "charter_proposal"


class Charters:
    """Charter documents within one open transaction. What is kept here need not be in force."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def document(self, digest: str) -> bytes | None:
        """A charter document by its hash."""
        return self.documents([digest]).get(digest)

    def documents(self, digests: Collection[str]) -> dict[str, bytes]:
        """Charter documents by hash; those that are not here are left out."""
        rows = self._tx.rows_among(
            "SELECT hash, document FROM charter_document WHERE hash IN (:among)", among=digests
        )
        return {row["hash"]: row["document"] for row in rows}

    def keep(self, digest: str, document: bytes) -> None:
        """Store a charter document. The same one again changes nothing."""
        self._tx.put("charter_document", {"hash": digest, "document": document}, ("hash",))

    def propose(self, digest: str) -> None:
        """Leave a document for the running hub; it takes the place of one that still waits."""
        self._tx.put("meta", {"key": _PROPOSAL, "value": digest}, ("key",))

    def proposal(self) -> bytes | None:
        """The document that the running hub has not written yet."""
        row = self._tx.one("SELECT value FROM meta WHERE key = ?", _PROPOSAL)
        return self.document(row["value"]) if row else None

    def drop_proposal(self) -> None:
        """Nothing waits any more."""
        self._tx.run("DELETE FROM meta WHERE key = ?", _PROPOSAL)
