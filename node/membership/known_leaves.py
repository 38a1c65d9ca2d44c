"""What this process read of a log while it followed it: what stands where is then known for good.

A leaf that gave a root which witnesses signed is in the log, and a root of ours is of our log: for
neither does anybody have to be asked again. In memory only, and only the newest.
"""

from collections.abc import Collection

from protocol.log.leaf import sealed_leaf
from protocol.log.merkle import leaf_hash
from transport.logsync import NEWEST


class Seen:
    """Hashes of leaves by index, and roots by size."""

    def __init__(self) -> None:
        self._leaves: dict[int, bytes] = {}
        self._roots: dict[int, bytes] = {}

    def take(self, leaves: Collection[bytes], size: int, root: bytes) -> None:
        """Take in the last leaves of the tree of this size and root."""
        self._leaves.update(enumerate(leaves, size - len(leaves)))
        self._roots[size] = root
        for kept in (self._leaves, self._roots):
            while len(kept) > NEWEST:
                del kept[next(iter(kept))]

    def has(self, index: int, salt: str | None, envelope: bytes) -> bool:
        """Whether an envelope was seen to be the entry at this place; False: not known."""
        leaf = self._leaves.get(index)
        if leaf is None or not salt:
            return False
        return leaf == leaf_hash(sealed_leaf(bytes.fromhex(salt), envelope))

    def is_ours(self, size: int, root: bytes) -> bool:
        """Whether our log was seen to have this root at this size; False: not known."""
        return self._roots.get(size) == root
