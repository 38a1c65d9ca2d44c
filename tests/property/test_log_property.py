"""Every log parser reads its bytes or raises RemoteError; every proof holds, and no other does."""

import hashlib
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.errors import RemoteError
from protocol.log import checkpoint, leaf, merkle, note, tiles, tlog_proof, witness

MAX_SIZE = 70
VALID = (
    "hub.example/log\n2\nXDShEgWHfs8sTyjiVJXQgwGzPb+4YkGfeUb6b9+BJO8=\n\n"
    "— hub.example/log vRK/F584SahSj8einvbpTQe7J7jxDc7J4fO+6GoOEWrvaQLHwWGD5/1y74PCvDLs3CcNCjK3ZBY"
    "pUotHhryf6Nnl6wY=\n"
).encode()
HASH_LINE = b"XDShEgWHfs8sTyjiVJXQgwGzPb+4YkGfeUb6b9+BJO8=\n"
VKEY = "hub.example/log+bd12bf17+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"


def naive_root(leaves: tuple[bytes, ...]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = max(2**i for i in range(len(leaves).bit_length()) if 2**i < len(leaves))
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaves(low: int, high: int) -> tuple[bytes, ...]:
    return tuple(b"entry %d" % i for i in range(low, high))


@cache
def read_hash(level: int, index: int) -> bytes:
    return naive_root(leaves(index << level, (index + 1) << level))


@cache
def naive_tree(size: int) -> bytes:
    return naive_root(leaves(0, size))


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def flip_one(proof: tuple[bytes, ...], bit: int) -> tuple[bytes, ...]:
    changed = flipped(b"".join(proof), bit)
    return tuple(changed[i : i + 32] for i in range(0, len(changed), 32))


def test_roots_of_all_small_trees() -> None:
    frontier = merkle.Frontier()
    for size in range(MAX_SIZE + 1):
        hashes = [merkle.leaf_hash(entry) for entry in leaves(0, size)]
        assert merkle.root(hashes) == naive_tree(size)
        assert frontier.root() == naive_tree(size)
        assert frontier == merkle.frontier_of(size, read_hash)
        frontier = frontier.append([merkle.leaf_hash(b"entry %d" % size)])


def test_every_inclusion_proof_verifies_and_breaks_with_any_of_its_hashes() -> None:
    for size in range(1, MAX_SIZE + 1):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, read_hash)
            digest = read_hash(0, index)
            merkle.verify_inclusion(digest, index, size, proof, naive_tree(size))
            for position in range(len(proof)):
                broken = flip_one(proof, position * 256 + (index * 37 + size) % 256)
                with pytest.raises(RemoteError):
                    merkle.verify_inclusion(digest, index, size, broken, naive_tree(size))


def test_every_consistency_proof_verifies_and_breaks_with_any_of_its_hashes() -> None:
    for new in range(MAX_SIZE + 1):
        for old in range(new + 1):
            proof = merkle.consistency_proof(old, new, read_hash)
            roots = naive_tree(old), naive_tree(new)
            merkle.verify_consistency(old, new, proof, *roots)
            for position in range(len(proof)):
                broken = flip_one(proof, position * 256 + (old * 37 + new) % 256)
                with pytest.raises(RemoteError):
                    merkle.verify_consistency(old, new, broken, *roots)


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(2, 300))
    return draw(st.integers(0, size - 1)), size


@settings(max_examples=60, deadline=None)
@given(places(), st.data())
def test_any_flipped_bit_breaks_an_inclusion_proof(
    place: tuple[int, int], data: st.DataObject
) -> None:
    index, size = place
    proof = merkle.inclusion_proof(index, size, read_hash)
    digest, root = read_hash(0, index), naive_tree(size)
    merkle.verify_inclusion(digest, index, size, proof, root)
    bit = data.draw(st.integers(0, 255))
    with pytest.raises(RemoteError):
        merkle.verify_inclusion(flipped(digest, bit), index, size, proof, root)
    with pytest.raises(RemoteError):
        merkle.verify_inclusion(digest, index, size, proof, flipped(root, bit))
    anywhere = data.draw(st.integers(0, len(proof) * 256 - 1))
    with pytest.raises(RemoteError):
        merkle.verify_inclusion(digest, index, size, flip_one(proof, anywhere), root)
    for wrong in (proof[:-1], (*proof, root)):
        with pytest.raises(RemoteError):
            merkle.verify_inclusion(digest, index, size, wrong, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
    with pytest.raises(RemoteError):
        merkle.verify_inclusion(digest, other, size, proof, root)


@settings(max_examples=60, deadline=None)
@given(places(), st.data())
def test_any_flipped_bit_breaks_a_consistency_proof(
    place: tuple[int, int], data: st.DataObject
) -> None:
    old, new = place[0] or 1, place[1]
    proof = merkle.consistency_proof(old, new, read_hash)
    roots = naive_tree(old), naive_tree(new)
    bit = data.draw(st.integers(0, 255))
    with pytest.raises(RemoteError):
        merkle.verify_consistency(old, new, proof, flipped(roots[0], bit), roots[1])
    with pytest.raises(RemoteError):
        merkle.verify_consistency(old, new, proof, roots[0], flipped(roots[1], bit))
    anywhere = data.draw(st.integers(0, len(proof) * 256 - 1))
    with pytest.raises(RemoteError):
        merkle.verify_consistency(old, new, flip_one(proof, anywhere), *roots)
    for wrong in (proof[:-1], (*proof, roots[1])):
        with pytest.raises(RemoteError):
            merkle.verify_consistency(old, new, wrong, *roots)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=8))
def test_a_frontier_does_not_care_how_the_leaves_were_batched(batches: list[int]) -> None:
    frontier, size = merkle.Frontier(), 0
    for batch in batches:
        frontier = frontier.append(read_hash(0, i) for i in range(size, size + batch))
        frontier = merkle.parse_frontier(frontier.to_json())
        size += batch
    assert frontier.size == size
    assert frontier.root() == naive_tree(size)


def bytes_near(valid: bytes) -> st.SearchStrategy[bytes]:
    """Anything at all, and the valid bytes with a piece replaced: where bugs live."""
    pieces = st.sampled_from(
        [b"", b"\n", b"\n\n", b" ", b"\0", b"\xff", b"0", b"99999999999999999999", b"=", b"+"]
    )
    places_in = st.integers(0, len(valid))
    near = st.builds(
        lambda start, length, piece: valid[:start] + piece + valid[start + length :],
        places_in,
        st.integers(0, 40),
        st.one_of(pieces, st.binary(max_size=8)),
    )
    return st.one_of(near, st.binary(max_size=200))


def parses_or_refuses(parse: Callable[[bytes], object], data: bytes) -> object:
    """What was parsed, or None if it was refused as it should be."""
    try:
        return parse(data)
    except RemoteError:
        return None


@settings(max_examples=200, deadline=None)
@given(bytes_near(VALID))
@example(VALID)
def test_notes_and_checkpoints(data: bytes) -> None:
    parsed = parses_or_refuses(note.parse_note, data)
    assert parsed is None or (isinstance(parsed, note.Note) and parsed.encode() == data)
    both = parses_or_refuses(checkpoint.parse_checkpoint, data)
    assert both is None or (isinstance(both, tuple) and both[0] == parsed)
    tree = parses_or_refuses(checkpoint.parse_checkpoint_text, data.partition(b"\n\n")[0] + b"\n")
    assert tree is None or isinstance(tree, checkpoint.Checkpoint)
    if isinstance(tree, checkpoint.Checkpoint):
        assert tree.text() == data.partition(b"\n\n")[0] + b"\n"


@settings(max_examples=200, deadline=None)
@given(bytes_near(b"c2sp.org/tlog-proof@v1\nextra aGludA==\nindex 1\n" + HASH_LINE + b"\n" + VALID))
def test_proof_files(data: bytes) -> None:
    parsed = parses_or_refuses(tlog_proof.parse_tlog_proof, data)
    assert parsed is None or isinstance(parsed, tlog_proof.TlogProof)
    if isinstance(parsed, tlog_proof.TlogProof):
        assert parsed.encode() == data


@settings(max_examples=200, deadline=None)
@given(bytes_near(b"old 1\n" + HASH_LINE + b"\n" + VALID))
def test_witness_requests(data: bytes) -> None:
    parsed = parses_or_refuses(witness.parse_add_checkpoint, data)
    if isinstance(parsed, witness.AddCheckpoint):
        again = witness.encode_add_checkpoint(parsed.old_size, parsed.proof, parsed.note.encode())
        assert again == data


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.text(max_size=120), bytes_near(VKEY.encode()).map(lambda b: b.decode("latin-1")))
)
@example("\ud800+bd12bf17+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c")
@example("a+bd12bf17+\ud800")
def test_verifier_keys(text: str) -> None:
    try:
        assert note.parse_vkey(text).text == text
    except RemoteError:
        assert text != VKEY


@settings(max_examples=200, deadline=None)
@given(bytes_near(b"\x01\x01" + bytes(32)), st.integers(1, 256))
def test_leaves_and_bundles(data: bytes, width: int) -> None:
    parsed = parses_or_refuses(leaf.parse_leaf, data)
    if isinstance(parsed, leaf.Leaf):
        assert parsed.encode() == data
    entries = parses_or_refuses(lambda raw: tiles.parse_entry_bundle(raw, width), data)
    if isinstance(entries, tuple):
        assert tiles.encode_entry_bundle(entries) == data
    hashes = parses_or_refuses(lambda raw: tiles.parse_hash_tile(raw, width), data)
    assert hashes is None or len(data) == 32 * width


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.text(max_size=30), st.from_regex(r"tile/[0-9ex]{1,7}/[x0-9/]{3,12}(\.p/[0-9]+)?"))
)
def test_tile_paths(path: str) -> None:
    try:
        assert tiles.parse_tile_path(path).path == path
    except RemoteError:
        return


@settings(max_examples=200, deadline=None)
@given(
    st.integers(-1, 63),
    st.integers(0, 10**18 - 1),
    st.integers(1, 256),
)
def test_tile_paths_come_back(level: int, index: int, width: int) -> None:
    tile = tiles.Tile(level, index, width)
    assert tiles.parse_tile_path(tile.path) == tile


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_come_back(entries: list[bytes]) -> None:
    data = tiles.encode_entry_bundle(entries)
    assert tiles.parse_entry_bundle(data, len(entries)) == tuple(entries)
