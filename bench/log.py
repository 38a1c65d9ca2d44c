"""Durable log append and following, against bare hashing of the same tree in the same run."""

import tempfile
import time
from pathlib import Path

from hub.log.tile_store import TileStore
from protocol.leaf import sealed_leaf
from protocol.merkle import Frontier, leaf_hash, root

LEAVES = 50_000
BATCH = 1000


def main() -> None:
    """Measure."""
    leaves = [sealed_leaf(n.to_bytes(32, "big"), b"envelope") for n in range(LEAVES)]
    began = time.perf_counter()
    expected = root([leaf_hash(leaf) for leaf in leaves])
    bare = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        store = TileStore(Path(folder))
        began = time.perf_counter()
        for start in range(0, LEAVES, BATCH):
            store.append(start, leaves[start : start + BATCH])
        durable = time.perf_counter() - began
        if store.root(LEAVES) != expected:
            raise SystemExit("the tiles do not give the tree's root")
    began = time.perf_counter()
    frontier = Frontier()
    for start in range(0, LEAVES, BATCH):
        frontier = frontier.append(leaf_hash(leaf) for leaf in leaves[start : start + BATCH])
    following = time.perf_counter() - began
    if frontier.root() != expected:
        raise SystemExit("the frontier does not give the tree's root")
    print(f"{LEAVES} leaves in batches of {BATCH}")
    print(f"bare tree in memory      {LEAVES / bare:10.0f} leaves/s  1.00x")
    print(f"following (frontier)     {LEAVES / following:10.0f} leaves/s {bare / following:5.2f}x")
    print(f"durable tiles, synced    {LEAVES / durable:10.0f} leaves/s {bare / durable:5.2f}x")


if __name__ == "__main__":
    main()
