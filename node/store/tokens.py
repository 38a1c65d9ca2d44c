"""The store of tokens that were evaluated: sealed, under a keyed digest of their input.

It sees neither tokens nor inputs: the node's cache key opens them (node/publishing/tokens.py).
"""

from collections.abc import Collection, Mapping

from storage.engine import Transaction


class SealedTokens:
    """Sealed tokens and link secrets within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def known(self, hub_id: str, digests: Collection[bytes]) -> set[bytes]:
        """Those of the digests that are kept for a hub."""
        sql = "SELECT input_digest FROM token_cache WHERE hub_id = ? AND input_digest IN (:among)"
        found = self._tx.rows_among(sql, hub_id, among=digests)
        return {row["input_digest"] for row in found}

    def sealed(self, hub_id: str, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """What is kept for a hub under these digests; one under which nothing is is left out."""
        sql = (
            "SELECT input_digest, sealed FROM token_cache "
            "WHERE hub_id = ? AND input_digest IN (:among)"
        )
        found = self._tx.rows_among(sql, hub_id, among=digests)
        return {row["input_digest"]: row["sealed"] for row in found}

    def put(self, hub_id: str, sealed: Mapping[bytes, bytes]) -> None:
        """Keep these for a hub, in the place of what was there."""
        rows = [
            {"hub_id": hub_id, "input_digest": digest, "sealed": data}
            for digest, data in sealed.items()
        ]
        self._tx.put_many("token_cache", rows, ("hub_id", "input_digest"))

    def forget(self, hub_id: str) -> None:
        """Delete all that is kept for a hub."""
        self._tx.run("DELETE FROM token_cache WHERE hub_id = ?", hub_id)
