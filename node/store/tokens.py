"""The store of tokens that were evaluated: sealed, under a keyed digest of their input.

It sees neither tokens nor inputs: the node's cache key opens them (node/publishing/tokens.py).
"""

from collections.abc import Collection, Mapping

from storage.engine import Transaction

_COLUMNS = ("hub_id", "input_digest", "sealed")


class SealedTokens:
    """Sealed tokens and link secrets within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def known(self, hub_id: str, digests: Collection[bytes]) -> set[bytes]:
        """Those of the digests that are kept for a hub."""
        sql = "SELECT input_digest FROM token_cache WHERE hub_id = ? AND input_digest IN (:among)"
        return {digest for (digest,) in self._tx.tuples_among(sql, hub_id, among=digests)}

    def sealed(self, hub_id: str, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """What is kept for a hub under these digests; one under which nothing is is left out."""
        sql = (
            "SELECT input_digest, sealed FROM token_cache "
            "WHERE hub_id = ? AND input_digest IN (:among) ORDER BY id"
        )
        return dict(self._tx.tuples_among(sql, hub_id, among=digests))

    def put(self, hub_id: str, sealed: Mapping[bytes, bytes]) -> None:
        """Keep these for a hub. Where two publications evaluated a token at one time it is kept
        twice, and what came last counts: to look for each would cost more than that row.
        """
        rows = [(hub_id, digest, data) for digest, data in sorted(sealed.items())]
        self._tx.insert_rows("token_cache", _COLUMNS, rows)

    def forget(self, hub_id: str) -> None:
        """Delete all that is kept for a hub."""
        self._tx.run("DELETE FROM token_cache WHERE hub_id = ?", hub_id)
