"""Frontiers, tiles, sealed leaves and proof files, as a log follower meets them."""

import base64
import hashlib

import pytest

from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log import leaf, merkle, tiles
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, parse_checkpoint, sign_checkpoint
from protocol.log.note import (
    MAX_NOTE_BYTES,
    NoteSigner,
    SignatureType,
    VerifierKey,
    parse_note,
    verify_note,
)
from protocol.log.tlog_proof import TlogProof, parse_tlog_proof, verify_tlog_proof
from protocol.signing import SecretSeed

LOG = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x01" * 32))
WITNESSES = [
    NoteSigner(f"w{n}.example", SignatureType.COSIGNATURE_V1, SecretSeed(bytes([n + 1]) * 32))
    for n in (1, 2, 3)
]
WITNESS_KEYS = [witness.key for witness in WITNESSES]
NOON = 1_790_000_000

# The worked example of the specification, and the proof for its second leaf by hand.
LEAF_0_HASH = hashlib.sha256(b"\x00record 0").digest()
LEAF_1_HASH = hashlib.sha256(b"\x00record 1").digest()
ROOT_2 = hashlib.sha256(b"\x01" + LEAF_0_HASH + LEAF_1_HASH).digest()
CHECKPOINT_2 = (
    "hub.example/log\n2\nXDShEgWHfs8sTyjiVJXQgwGzPb+4YkGfeUb6b9+BJO8=\n\n"
    "— hub.example/log vRK/F584SahSj8einvbpTQe7J7jxDc7J4fO+6GoOEWrvaQLHwWGD5/1y74PCvDLs3CcNCjK3ZBY"
    "pUotHhryf6Nnl6wY=\n"
    "— w1.example wkTwFAAAAABqsTuAWjOX64p9pZReRdRHuor+zltb7B87JBcruRi0fhUrkJfJkRaYBe3X7b2rjGxcSYHns"
    "9eEuOYNvseOIhA1WhZoCg==\n"
)
PROOF_1 = (
    f"c2sp.org/tlog-proof@v1\nindex 1\n{base64.b64encode(LEAF_0_HASH).decode()}\n\n{CHECKPOINT_2}"
)


def refused(code: ErrorCode) -> "pytest.RaisesExc[RemoteError]":
    return pytest.raises(RemoteError, check=lambda error: error.code is code)


def test_a_follower_may_stop_and_go_on_from_stored_json() -> None:
    frontier = merkle.Frontier().append([LEAF_0_HASH])
    stored = frontier.to_json()
    assert stored == {"size": 1, "hashes": ["OzZ9bbe8UXJtkYsY6aeeD85T+Gf744Zx9gnmu1nUYDU="]}
    again = merkle.parse_frontier(stored).append([LEAF_1_HASH])
    assert again.size == 2
    assert again.root() == ROOT_2
    assert frontier.size == 1  # the old value did not move


H = "OzZ9bbe8UXJtkYsY6aeeD85T+Gf744Zx9gnmu1nUYDU="


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"size": 1},
        {"size": 1, "hashes": [H], "more": 1},
        {"size": "1", "hashes": [H]},
        {"size": True, "hashes": [H]},
        {"size": -1, "hashes": [H]},
        {"size": 2**53, "hashes": [H]},
        {"size": 1, "hashes": []},
        {"size": 3, "hashes": [H]},
        {"size": 1, "hashes": H},
        {"size": 1, "hashes": [1]},
        {"size": 1, "hashes": ["****"]},
        {"size": 1, "hashes": ["é"]},
        {"size": 1, "hashes": [H[:40]]},
        {"size": 1, "hashes": [H + "\n"]},
        {"size": 1, "hashes": [H.replace("DU=", "DV=")]},
    ],
)
def test_a_damaged_stored_frontier_is_refused(value: JsonValue) -> None:
    with refused(ErrorCode.MALFORMED):
        merkle.parse_frontier(value)


def test_a_rollback_is_named_as_such() -> None:
    with refused(ErrorCode.BAD_TREE):
        merkle.verify_consistency(2, 1, (), ROOT_2, LEAF_0_HASH)


def test_a_proof_for_a_smaller_tree_does_not_carry_a_larger_size() -> None:
    merkle.verify_consistency(1, 2, (LEAF_1_HASH,), LEAF_0_HASH, ROOT_2)
    with refused(ErrorCode.BAD_TREE):
        merkle.verify_consistency(1, 4, (LEAF_1_HASH,), LEAF_0_HASH, ROOT_2)


def test_two_roots_for_one_size_are_a_fork() -> None:
    merkle.verify_consistency(2, 2, (), ROOT_2, ROOT_2)
    with refused(ErrorCode.BAD_TREE):
        merkle.verify_consistency(2, 2, (), ROOT_2, LEAF_0_HASH)


def test_nothing_may_be_proved_about_the_empty_tree_but_its_root() -> None:
    merkle.verify_consistency(0, 2, (), merkle.EMPTY_ROOT, ROOT_2)
    with refused(ErrorCode.BAD_TREE):
        merkle.verify_consistency(0, 2, (ROOT_2,), merkle.EMPTY_ROOT, ROOT_2)
    with refused(ErrorCode.BAD_TREE):
        merkle.verify_consistency(0, 2, (), LEAF_0_HASH, ROOT_2)


@pytest.mark.parametrize(
    ("proof", "index", "size"),
    [
        ((), 1, 2),
        ((LEAF_0_HASH, LEAF_0_HASH), 1, 2),
        ((LEAF_0_HASH[:31],), 1, 2),
        ((LEAF_0_HASH,), 0, 2),
        ((LEAF_0_HASH,), 2, 2),
        ((LEAF_0_HASH,), -1, 2),
        ((LEAF_0_HASH,), 1, 4),  # the right root, but of a smaller tree than is claimed
        ((LEAF_0_HASH,) * 64, 1, 2**63 - 1),
    ],
)
def test_inclusion_proofs_of_the_wrong_shape(
    proof: tuple[bytes, ...], index: int, size: int
) -> None:
    merkle.verify_inclusion(LEAF_1_HASH, 1, 2, (LEAF_0_HASH,), ROOT_2)
    with refused(ErrorCode.BAD_TREE):
        merkle.verify_inclusion(LEAF_1_HASH, index, size, proof, ROOT_2)


@pytest.mark.parametrize("index", [-1, 2])
def test_no_proof_is_made_for_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(LocalError):
        merkle.inclusion_proof(index, 2, lambda level, position: ROOT_2)


def test_the_tiles_of_a_tree_of_70000() -> None:
    """The example in the tlog-tiles text."""
    found = list(tiles.tiles_for_size(70_000))
    assert [tile.path for tile in found[:2]] == ["tile/0/000", "tile/0/001"]
    assert [tile.path for tile in found[272:]] == [
        "tile/0/272",
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert len(list(tiles.bundles_for_size(70_000))) == 274


def test_a_tree_of_256_has_one_full_tile_and_one_hash_above() -> None:
    assert [t.path for t in tiles.tiles_for_size(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(tiles.tiles_for_size(0)) == []


def test_growing_fetches_only_what_changed() -> None:
    assert [t.path for t in tiles.new_tiles(300, 301)] == ["tile/0/001.p/45"]
    assert [t.path for t in tiles.new_tiles(511, 513)] == [
        "tile/0/001",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
    ]
    assert [t.path for t in tiles.new_bundles(511, 513)] == [
        "tile/entries/001",
        "tile/entries/002.p/1",
    ]
    assert list(tiles.new_tiles(301, 301)) == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/tile/0/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/000.p/0",
        "tile/0/000.p/05",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000\n",
        "tile/0/../000",
        "tile/0/٠٠٠",
        "tile/entries/000/",
        "tile/data/000",
        "tile/8/0/000",
    ],
)
def test_tile_paths_have_one_spelling(path: str) -> None:
    with refused(ErrorCode.MALFORMED):
        tiles.parse_tile_path(path)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\2a", b"\0\1ab", b"\0\1a\0\1b"])
def test_an_entry_bundle_ends_where_it_should(data: bytes) -> None:
    assert tiles.parse_entry_bundle(b"\0\1a", 1) == (b"a",)
    with refused(ErrorCode.MALFORMED):
        tiles.parse_entry_bundle(data, 1)


def test_an_entry_of_64_kib_does_not_fit() -> None:
    assert len(tiles.encode_entry_bundle([bytes(65_535)])) == 65_537
    with pytest.raises(LocalError):
        tiles.encode_entry_bundle([bytes(65_536)])


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_tile_of_one_is_32_bytes(length: int) -> None:
    with refused(ErrorCode.MALFORMED):
        tiles.parse_hash_tile(bytes(length), 1)


SALT = bytes(range(32))


@pytest.mark.parametrize(
    ("salt", "envelope"),
    [
        (SALT, b"request for Amira."),
        (SALT[:31] + b"\x00", b"request for Amira"),
        (SALT[:31], b"\x1frequest for Amira"),  # the boundary between the two may not move
        (SALT + b"r", b"equest for Amira"),
    ],
)
def test_a_payload_swapped_after_logging_is_seen(salt: bytes, envelope: bytes) -> None:
    logged = leaf.sealed_leaf(SALT, b"request for Amira")
    leaf.verify_sealed(logged, SALT, b"request for Amira")
    with refused(ErrorCode.BAD_TREE):
        leaf.verify_sealed(logged, salt, envelope)


def test_a_public_leaf_does_not_pass_for_a_sealed_one() -> None:
    commitment = leaf.sealed_leaf(SALT, b"envelope")[2:]
    with refused(ErrorCode.BAD_TREE):
        leaf.verify_sealed(leaf.public_leaf(commitment), SALT, b"envelope")


def test_a_sealed_leaf_holds_nothing_of_its_envelope() -> None:
    logged = leaf.sealed_leaf(SALT, b"Amira Haddad 1999-04-03")
    assert len(logged) == 34
    assert b"Amira" not in logged


@pytest.mark.parametrize("envelope", [b"", bytes(65_534)])
def test_an_envelope_has_to_fit_an_entry(envelope: bytes) -> None:
    assert len(leaf.public_leaf(bytes(65_533))) == 65_535
    for make in (leaf.public_leaf, leaf.erasure_leaf):
        with pytest.raises(LocalError):
            make(envelope)


def test_a_note_over_its_limit_is_not_even_looked_at() -> None:
    with refused(ErrorCode.TOO_LARGE):
        parse_note(b"a" * (MAX_NOTE_BYTES + 1))


def test_two_known_keys_that_look_alike_in_a_note_are_refused() -> None:
    """Found by search: one name, one key id, two public keys."""
    keys = [
        VerifierKey("hub.example/log", SignatureType.ED25519, number.to_bytes(32, "big"))
        for number in (71_890, 76_812)
    ]
    assert [key.key_id.hex() for key in keys] == ["6afc07c8", "6afc07c8"]
    with refused(ErrorCode.MALFORMED):
        verify_note(parse_note(CHECKPOINT_2.encode()), keys)


def test_the_worked_example_as_a_proof_file() -> None:
    proof = parse_tlog_proof(PROOF_1.encode())
    assert (proof.index, proof.path, proof.extra) == (1, (LEAF_0_HASH,), b"")
    verified = verify_tlog_proof(proof, b"record 1", LOG.key, WITNESS_KEYS[:1], 1)
    assert verified.cosigners == {"w1.example": NOON}
    assert proof.encode().decode() == PROOF_1


def test_extra_data_is_carried_and_not_believed() -> None:
    text = PROOF_1.replace("index 1", "extra aGludA==\nindex 1")
    proof = parse_tlog_proof(text.encode())
    assert proof.extra == b"hint"
    assert proof.encode().decode() == text
    verify_tlog_proof(proof, b"record 1", LOG.key, WITNESS_KEYS[:1], 1)


def test_a_release_without_enough_witnesses_does_not_open() -> None:
    proof = parse_tlog_proof(PROOF_1.encode())
    with refused(ErrorCode.NO_QUORUM):
        verify_tlog_proof(proof, b"record 1", LOG.key, WITNESS_KEYS, 2)


def test_a_proof_for_one_leaf_does_not_serve_for_another() -> None:
    proof = parse_tlog_proof(PROOF_1.encode())
    for other in (b"record 0", b"record 1 ", b""):
        with refused(ErrorCode.BAD_TREE):
            verify_tlog_proof(proof, other, LOG.key, WITNESS_KEYS, 1)
    moved = TlogProof(0, proof.path, proof.checkpoint_note)
    with refused(ErrorCode.BAD_TREE):
        verify_tlog_proof(moved, b"record 1", LOG.key, WITNESS_KEYS, 1)


def test_an_inner_node_cannot_be_passed_off_as_a_leaf() -> None:
    """Why RFC 6962 hashes leaves and nodes with different first bytes."""
    tree = Checkpoint("hub.example/log", 1, ROOT_2)
    signed = sign_checkpoint(tree, LOG).encode()
    with refused(ErrorCode.BAD_TREE):
        verify_tlog_proof(
            TlogProof(0, (), signed), LEAF_0_HASH + LEAF_1_HASH, LOG.key, WITNESS_KEYS, 0
        )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("index 1", "index 01"),
        ("index 1", "index"),
        ("index 1", "Index 1"),
        ("index 1", "index 1\nindex 1"),
        ("index 1", "extra \nindex 1"),
        ("index 1", "extra e\nindex 1"),
        ("index 1\n", ""),
        ("OzZ", " OzZ"),
        ("=\n\nhub", "=\nhub"),
        ("=\n\nhub", "=\n\n\nhub"),
        ("— hub", "- hub"),
    ],
)
def test_proof_files_that_cannot_be_read(old: str, new: str) -> None:
    assert old in PROOF_1
    with refused(ErrorCode.MALFORMED):
        parse_tlog_proof(PROOF_1.replace(old, new, 1).encode())


def test_a_proof_path_of_64_hashes_is_refused() -> None:
    line = base64.b64encode(LEAF_0_HASH).decode() + "\n"
    assert parse_tlog_proof(PROOF_1.replace(line, line * 63).encode()).index == 1
    with refused(ErrorCode.MALFORMED):
        parse_tlog_proof(PROOF_1.replace(line, line * 64).encode())


def test_a_key_signs_only_what_its_type_says() -> None:
    tree = Checkpoint("hub.example/log", 2, ROOT_2)
    with pytest.raises(LocalError):
        cosign_checkpoint(tree, LOG, NOON)
    as_log = NoteSigner("hub.example/log", SignatureType.COSIGNATURE_V1, LOG.seed)
    with pytest.raises(LocalError):
        sign_checkpoint(tree, as_log)


def test_a_log_does_not_sign_under_another_origin() -> None:
    with pytest.raises(LocalError):
        sign_checkpoint(Checkpoint("other.example/log", 2, ROOT_2), LOG)


@pytest.mark.parametrize("time", [0, -1, 2**63])
def test_a_witness_without_a_clock_does_not_sign(time: int) -> None:
    with pytest.raises(LocalError):
        cosign_checkpoint(Checkpoint("hub.example/log", 2, ROOT_2), WITNESSES[0], time)


def test_a_heartbeat_adds_a_line_and_repeats_none() -> None:
    note, tree = parse_checkpoint(CHECKPOINT_2.encode())
    same = cosign_checkpoint(tree, WITNESSES[0], NOON)
    later = cosign_checkpoint(tree, WITNESSES[0], NOON + 300)
    assert note.with_signatures([same]).encode() == CHECKPOINT_2.encode()
    assert len(note.with_signatures([same, later]).signatures) == 3
