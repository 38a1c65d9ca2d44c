"""specs/vectors/c2sp-log.json and leaf.json: made by other implementations, read by ours."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.errors import RemoteError
from protocol.log import checkpoint, leaf, merkle, note, tiles
from protocol.log.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed

VECTORS = Path(__file__).parents[2] / "specs" / "vectors"
GO = json.loads((VECTORS / "c2sp-log.json").read_text())
OWN = json.loads((VECTORS / "leaf.json").read_text())

LOG = NoteSigner(
    "hub.example/log", SignatureType.ED25519, SecretSeed(bytes.fromhex(GO["log_seed_hex"]))
)
WITNESS = NoteSigner(
    "w1.example", SignatureType.COSIGNATURE_V1, SecretSeed(bytes.fromhex(GO["witness_seed_hex"]))
)

each_tree = pytest.mark.parametrize("tree", GO["trees"], ids=lambda tree: f"size {tree['size']}")


def cases(*path: str) -> pytest.MarkDecorator:
    values: Any = OWN
    for key in path:
        values = values[key]
    return pytest.mark.parametrize("case", values, ids=lambda case: case["name"])


def decode(text: str) -> bytes:
    return base64.b64decode(text)


def leaf_hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(b"record %d" % index) for index in range(count)]


def read_hash(level: int, index: int) -> bytes:
    """Complete subtrees straight from the leaves, by the definition in RFC 6962."""
    leaves = (b"record %d" % i for i in range(index << level, (index + 1) << level))
    row = [hashlib.sha256(b"\x00" + item).digest() for item in leaves]
    while len(row) > 1:
        row = [
            hashlib.sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row), 2)
        ]
    return row[0]


def test_there_are_eight_trees_up_to_a_full_tile() -> None:
    assert [tree["size"] for tree in GO["trees"]] == [0, 1, 2, 3, 7, 8, 255, 256]


def test_verifier_keys_are_the_ones_go_made() -> None:
    assert LOG.key.text == GO["log_vkey"]
    assert WITNESS.key.text == GO["witness_vkey"]
    assert note.parse_vkey(GO["log_vkey"]) == LOG.key
    assert note.parse_vkey(GO["witness_vkey"]) == WITNESS.key


@each_tree
def test_roots_are_the_ones_go_computed(tree: dict[str, Any]) -> None:
    hashes = leaf_hashes(tree["size"])
    assert merkle.root(hashes) == decode(tree["root_b64"])
    assert merkle.Frontier().append(hashes).root() == decode(tree["root_b64"])
    assert merkle.frontier_of(tree["size"], read_hash).root() == decode(tree["root_b64"])


@each_tree
def test_inclusion_proofs_are_gos_and_verify(tree: dict[str, Any]) -> None:
    for text, lines in tree.get("inclusion", {}).items():
        index, proof = int(text), tuple(decode(line) for line in lines)
        assert merkle.inclusion_proof(index, tree["size"], read_hash) == proof
        digest, expected = merkle.leaf_hash(b"record %d" % index), decode(tree["root_b64"])
        merkle.verify_inclusion(digest, index, tree["size"], proof, expected)


@each_tree
def test_consistency_proofs_are_gos_and_verify(tree: dict[str, Any]) -> None:
    for text, lines in tree.get("consistency_from", {}).items():
        old, proof = int(text), tuple(decode(line) for line in lines)
        assert merkle.consistency_proof(old, tree["size"], read_hash) == proof
        old_root = merkle.root(leaf_hashes(old))
        new_root = decode(tree["root_b64"])
        merkle.verify_consistency(old, tree["size"], proof, old_root, new_root)


@each_tree
def test_our_signed_checkpoint_is_gos_to_the_byte(tree: dict[str, Any]) -> None:
    tree_head = checkpoint.Checkpoint("hub.example/log", tree["size"], decode(tree["root_b64"]))
    assert checkpoint.sign_checkpoint(tree_head, LOG).encode().decode() == tree["checkpoint"]


@each_tree
def test_our_cosignature_is_gos_to_the_byte(tree: dict[str, Any]) -> None:
    _, tree_head = checkpoint.parse_checkpoint(tree["checkpoint"].encode())
    message = checkpoint.cosigned_message(tree_head.text(), tree["cosig_time"])
    assert hashlib.sha256(message).hexdigest() == tree["cosig_message_sha256"]
    line = checkpoint.cosign_checkpoint(tree_head, WITNESS, tree["cosig_time"]).line()
    assert line.decode() == tree["cosig_line"]


@each_tree
def test_gos_cosigned_checkpoint_verifies(tree: dict[str, Any]) -> None:
    signed = (tree["checkpoint"] + tree["cosig_line"]).encode()
    verified = checkpoint.verify_checkpoint(signed, LOG.key, [WITNESS.key], 1)
    assert verified.checkpoint.size == tree["size"]
    assert verified.cosigners == {"w1.example": 1790000000}


def test_our_cosignature_passes_an_ed25519_that_is_not_ours() -> None:
    tree_head = checkpoint.Checkpoint("hub.example/log", 5, b"\x07" * 32)
    payload = checkpoint.cosign_checkpoint(tree_head, WITNESS, 1_800_000_000).payload
    message = (
        b"cosignature/v1\ntime 1800000000\nhub.example/log\n5\n"
        b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"
    )
    assert payload[:8] == bytes.fromhex("000000006b49d200")
    Ed25519PublicKey.from_public_bytes(WITNESS.key.public_key).verify(payload[8:], message)


def test_entry_bundle_example() -> None:
    data = bytes.fromhex(GO["entry_bundle_example"]["hex"])
    assert tiles.encode_entry_bundle([b"", b"a", b"record 2"]) == data
    assert tiles.parse_entry_bundle(data, 3) == (b"", b"a", b"record 2")


@pytest.mark.parametrize(("key", "value"), GO["tile_paths_xmod"].items())
def test_tile_paths_are_gos_in_their_c2sp_spelling(key: str, value: str) -> None:
    found = re.fullmatch(r"L=(-?\d+) N=(\d+) W=(\d+)", key)
    assert found
    path = value.split(" ")[0].replace("tile/8/", "tile/").replace("/data/", "/entries/")
    tile = tiles.Tile(*(int(part) for part in found.groups()))
    assert tile.path == path
    assert tiles.parse_tile_path(path) == tile


def test_the_examples_in_the_specification_are_these_vectors() -> None:
    text = (VECTORS.parent / "05-log.md").read_text()
    blocks = [block.strip("\n") + "\n" for block in text.split("```")[1::2]]
    tree = GO["trees"][2]
    assert blocks[0] == tree["checkpoint"] + tree["cosig_line"]
    assert blocks[1].splitlines() == [GO["log_vkey"], GO["witness_vkey"]]
    assert hashlib.sha256(blocks[2].encode()).hexdigest() == tree["cosig_message_sha256"]
    assert blocks[3].splitlines()[2] == tree["inclusion"]["1"][0]
    assert blocks[4].splitlines()[1] == tree["consistency_from"]["1"][0]
    bundle = GO["entry_bundle_example"]["hex"]
    assert blocks[5].splitlines() == [OWN["leaves"]["valid"][0]["hex"], bundle]


@cases("leaves", "valid")
def test_leaves(case: dict[str, Any]) -> None:
    data, envelope = bytes.fromhex(case["hex"]), case["envelope"].encode()
    if case["kind"] == "sealed":
        made = leaf.sealed_leaf(bytes.fromhex(case["salt_hex"]), envelope)
        leaf.verify_sealed(data, bytes.fromhex(case["salt_hex"]), envelope)
    else:
        made = {"public": leaf.public_leaf, "erasure": leaf.erasure_leaf}[case["kind"]](envelope)
    assert made == data
    assert leaf.parse_leaf(data).kind.name.lower() == case["kind"]
    assert leaf.parse_leaf(data).body.hex() == case["body_hex"]
    assert merkle.leaf_hash(data).hex() == case["leaf_hash"]


@cases("leaves", "invalid")
def test_leaves_that_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteError) as caught:
        leaf.parse_leaf(bytes.fromhex(case["hex"]))
    assert caught.value.code == case["code"]


@cases("vkeys", "valid")
def test_verifier_keys(case: dict[str, Any]) -> None:
    key = note.parse_vkey(case["vkey"])
    assert (key.type, key.key_id.hex(), key.text) == (case["type"], case["key_id"], case["vkey"])


@cases("vkeys", "invalid")
def test_verifier_keys_that_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteError) as caught:
        note.parse_vkey(case["vkey"])
    assert caught.value.code == case["code"]


@cases("notes", "verified")
def test_notes_that_verify(case: dict[str, Any]) -> None:
    parsed = note.parse_note(case["note"].encode())
    signed = note.verify_note(parsed, [note.parse_vkey(key) for key in case["keys"]])
    assert [key.name for key in signed] == case["signed_by"]
    assert parsed.encode() == case["note"].encode()


@cases("notes", "rejected")
def test_notes_that_do_not_verify(case: dict[str, Any]) -> None:
    parsed = note.parse_note(case["note"].encode())
    with pytest.raises(RemoteError) as caught:
        note.verify_note(parsed, [note.parse_vkey(key) for key in case["keys"]])
    assert caught.value.code == case["code"]


@cases("notes", "unreadable")
def test_notes_that_cannot_be_read(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteError) as caught:
        note.parse_note(decode(case["note_base64"]))
    assert caught.value.code == case["code"]


@cases("checkpoints", "valid")
def test_checkpoint_texts(case: dict[str, Any]) -> None:
    parsed = checkpoint.parse_checkpoint_text(case["text"].encode())
    assert parsed.origin == case["origin"]
    assert str(parsed.size) == case.get("size_text", str(case.get("size")))
    assert parsed.root.hex() == case["root_hex"]
    assert parsed.text().decode() == case["text"]


@cases("checkpoints", "unreadable")
def test_checkpoint_texts_that_cannot_be_read(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteError) as caught:
        checkpoint.parse_checkpoint_text(decode(case["text_base64"]))
    assert caught.value.code == case["code"]


@cases("checkpoints", "verified")
def test_checkpoints_that_verify(case: dict[str, Any]) -> None:
    witnesses = [note.parse_vkey(key) for key in case["witnesses"]]
    verified = checkpoint.verify_checkpoint(
        case["note"].encode(), note.parse_vkey(case["log"]), witnesses, case["quorum"]
    )
    assert verified.checkpoint.size == 2
    assert verified.cosigners == case["cosigners"]


@cases("checkpoints", "rejected")
def test_checkpoints_that_do_not_verify(case: dict[str, Any]) -> None:
    witnesses = [note.parse_vkey(key) for key in case["witnesses"]]
    with pytest.raises(RemoteError) as caught:
        checkpoint.verify_checkpoint(
            case["note"].encode(), note.parse_vkey(case["log"]), witnesses, case["quorum"]
        )
    assert caught.value.code == case["code"]
