"""RFC 6962 Merkle trees over SHA-256: hashes, compact frontiers and proofs: specs/05-log.md §5.

Proofs are made from a `HashReader`, which answers with the hash of any *complete* subtree, so the
same code serves a tile folder, a dictionary and a fetched case. A reader is trusted with nothing:
what it returns is bound only by comparing with a root that was signed.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from protocol.canonical import MAX_INTEGER, JsonValue
from protocol.errors import ErrorCode, LocalError, RemoteError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
MAX_PROOF_HASHES = 63

HashReader = Callable[[int, int], bytes]
"""(level, index) -> hash of leaves [index * 2**level, (index + 1) * 2**level)."""


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The RFC 6962 tree hash over leaf hashes; EMPTY_ROOT for none."""
    row = list(leaf_hashes)
    while len(row) > 1:
        above = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = above + row[len(above) * 2 :]
    return row[0] if row else EMPTY_ROOT


@dataclass(frozen=True)
class Frontier:
    """A compact range: all a follower needs to keep in order to extend a tree and know its root.

    `hashes` are the complete subtrees of the binary form of `size`, largest first.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a shape that no tree has."""
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise LocalError(ErrorCode.MALFORMED, "frontier hashes do not match its size")
        if any(len(item) != HASH_BYTES for item in self.hashes):
            raise LocalError(ErrorCode.MALFORMED, "frontier hash is not 32 bytes")

    def append(self, leaf_hashes: Iterable[bytes]) -> "Frontier":
        """The frontier after these leaf hashes."""
        stack = list(self.hashes)
        size = self.size
        for node in leaf_hashes:
            carry = size
            while carry & 1:
                node = node_hash(stack.pop(), node)
                carry >>= 1
            stack.append(node)
            size += 1
        return Frontier(size, tuple(stack))

    def root(self) -> bytes:
        """The root of the tree so far."""
        return _fold(self.hashes)

    def to_json(self) -> dict[str, JsonValue]:
        """{"size": n, "hashes": [base64, largest subtree first]}."""
        hashes = [base64.b64encode(item).decode("ascii") for item in self.hashes]
        return {"size": self.size, "hashes": hashes}


def parse_frontier(value: JsonValue) -> Frontier:
    """Read what `Frontier.to_json` wrote. Raises RemoteError and nothing else."""
    if not isinstance(value, dict) or set(value) != {"size", "hashes"}:
        raise RemoteError(ErrorCode.MALFORMED, "frontier fields")
    size, texts = value["size"], value["hashes"]
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_INTEGER:
        raise RemoteError(ErrorCode.MALFORMED, "frontier size")
    if not isinstance(texts, (list, tuple)):
        raise RemoteError(ErrorCode.MALFORMED, "frontier hashes")
    try:
        frontier = Frontier(size, tuple(base64.b64decode(_text(item)) for item in texts))
    except (LocalError, ValueError) as error:
        raise RemoteError(ErrorCode.MALFORMED, "frontier hashes") from error
    if frontier.to_json()["hashes"] != list(texts):
        raise RemoteError(ErrorCode.MALFORMED, "frontier hashes are not in canonical base64")
    return frontier


def frontier_of(size: int, read_hash: HashReader) -> Frontier:
    """The frontier of the first `size` leaves of the tree behind `read_hash`."""
    return Frontier(size, tuple(_complete_subtrees(0, size, read_hash)))


def inclusion_proof(index: int, size: int, read_hash: HashReader) -> tuple[bytes, ...]:
    """RFC 6962 §2.1.1 path for leaf `index` in the tree of `size`, the leaf's sibling first."""
    if not 0 <= index < size:
        raise LocalError(ErrorCode.NOT_FOUND, "leaf index is not in the tree")
    path = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_hash(middle, high, read_hash))
            high = middle
        else:
            path.append(_range_hash(low, middle, read_hash))
            low = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, read_hash: HashReader) -> tuple[bytes, ...]:
    """RFC 6962 §2.1.2 proof that the tree of `new` leaves extends the tree of `old` leaves."""
    if not 0 <= old <= new:
        raise LocalError(ErrorCode.NOT_FOUND, "sizes are not in order")
    if old in (0, new):
        return ()
    path = []
    low, high = 0, new
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range_hash(middle, high, read_hash))
            high = middle
        else:
            path.append(_range_hash(low, middle, read_hash))
            low = middle
    if low > 0:  # the old tree is not itself one of the complete subtrees: name its last part
        path.append(_range_hash(low, high, read_hash))
    return tuple(reversed(path))


def verify_inclusion(
    digest: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes
) -> None:
    """Raise RemoteError(BAD_TREE) unless leaf hash `digest` is at `index` (RFC 9162 §2.1.3.2)."""
    _check_hashes(proof)
    if not 0 <= index < size:
        raise RemoteError(ErrorCode.BAD_TREE, "leaf index is not in the tree")
    position, last, node = index, size - 1, digest
    for sibling in proof:
        if last == 0:
            raise RemoteError(ErrorCode.BAD_TREE, "inclusion proof is too long")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            position, last = _skip_right_edge(position, last)
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    if last != 0 or node != expected_root:
        raise RemoteError(ErrorCode.BAD_TREE, "inclusion proof does not lead to the root")


def verify_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Raise RemoteError(BAD_TREE) unless the new tree extends the old one (RFC 9162 §2.1.4.2)."""
    _check_hashes(proof)
    if not 0 <= old_size <= new_size:
        raise RemoteError(ErrorCode.BAD_TREE, "the log became smaller")
    if old_size in (0, new_size):
        _verify_trivial(old_size, proof, old_root, new_root if old_size == new_size else None)
        return
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if len(path) < 2:
        raise RemoteError(ErrorCode.BAD_TREE, "consistency proof is too short")
    position, last = _skip_trailing_ones(old_size - 1, new_size - 1)
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise RemoteError(ErrorCode.BAD_TREE, "consistency proof is too long")
        if position & 1 or position == last:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            position, last = _skip_right_edge(position, last)
        else:
            new_node = node_hash(new_node, sibling)
        position, last = position >> 1, last >> 1
    if last != 0 or old_node != old_root or new_node != new_root:
        raise RemoteError(ErrorCode.BAD_TREE, "the new tree does not extend the old one")


def _verify_trivial(
    old_size: int, proof: Sequence[bytes], old_root: bytes, same_root: bytes | None
) -> None:
    if proof:
        raise RemoteError(ErrorCode.BAD_TREE, "no proof is needed, so none may be sent")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise RemoteError(ErrorCode.BAD_TREE, "the root of the empty tree is wrong")
    if same_root is not None and same_root != old_root:
        raise RemoteError(ErrorCode.BAD_TREE, "two roots for one size: the log was forked")


def _check_hashes(proof: Sequence[bytes]) -> None:
    if len(proof) > MAX_PROOF_HASHES or any(len(item) != HASH_BYTES for item in proof):
        raise RemoteError(ErrorCode.BAD_TREE, "proof has a hash of the wrong length, or too many")


def _skip_right_edge(position: int, last: int) -> tuple[int, int]:
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _skip_trailing_ones(position: int, last: int) -> tuple[int, int]:
    while position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _split(width: int) -> int:
    return 1 << ((width - 1).bit_length() - 1)


def _complete_subtrees(low: int, high: int, read_hash: HashReader) -> Iterable[bytes]:
    while low < high:
        level = (high - low).bit_length() - 1
        yield read_hash(level, low >> level)
        low += 1 << level


def _range_hash(low: int, high: int, read_hash: HashReader) -> bytes:
    return _fold(tuple(_complete_subtrees(low, high, read_hash)))


def _fold(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return EMPTY_ROOT
    node = hashes[-1]
    for left in reversed(hashes[:-1]):
        node = node_hash(left, node)
    return node


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise RemoteError(ErrorCode.MALFORMED, "frontier hash is not text")
    return value
