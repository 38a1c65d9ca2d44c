"""What leaves, notes, checkpoints and proofs refuse, each by who makes the very thing that fits
otherwise. Hashes and ids are made here by hand."""

import base64
import hashlib
from collections.abc import Callable

import pytest

from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log import leaf, merkle, tiles
from protocol.log.checkpoint import (
    Checkpoint,
    cosign_checkpoint,
    merge_cosignatures,
    parse_checkpoint,
    verify_checkpoint,
    verify_cosigners,
)
from protocol.log.note import (
    NoteSignature,
    NoteSigner,
    SignatureType,
    VerifierKey,
    sign_note,
    verify_note,
)
from protocol.log.tlog_proof import TlogProof, parse_tlog_proof
from protocol.log.witness import encode_add_checkpoint, parse_add_checkpoint
from protocol.signing import SecretSeed
from tests.unit.test_log_formats import (
    CHECKPOINT_2,
    LEAF_0_HASH,
    LEAF_1_HASH,
    LOG,
    NOON,
    PROOF_1,
    ROOT_2,
    WITNESS_KEYS,
    WITNESSES,
    refused,
)

OTHER = hashlib.sha256(b"some node or other").digest()
MANY = 2**63 - 1
PATH_LINE = base64.b64encode(LEAF_0_HASH).decode() + "\n"


def node(left: bytes, right: bytes) -> bytes:
    """RFC 6962's hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class TestTrees:
    """A log that signs roots of its own choosing, and whoever shows its proofs."""

    def test_a_tree_of_one_leaf_has_no_sibling_to_name(self) -> None:
        """The log signs size 1 with the root of two leaves."""
        with refused(ErrorCode.BAD_TREE):
            merkle.verify_inclusion(LEAF_1_HASH, 0, 1, (LEAF_0_HASH,), ROOT_2)

    def test_bytes_do_not_slide_from_one_hash_into_the_next(self) -> None:
        slid = LEAF_0_HASH[31:] + LEAF_1_HASH
        assert node(LEAF_0_HASH[:31], slid) == ROOT_2
        with refused(ErrorCode.BAD_TREE):
            merkle.verify_inclusion(slid, 1, 2, (LEAF_0_HASH[:31],), ROOT_2)
        with refused(ErrorCode.BAD_TREE):
            merkle.verify_consistency(
                1, 2, (LEAF_1_HASH[1:],), LEAF_0_HASH + LEAF_1_HASH[:1], ROOT_2
            )

    def test_a_path_has_63_hashes_at_most_even_where_64_lead_to_the_root(self) -> None:
        root = LEAF_0_HASH
        for _ in range(64):
            root = node(root, OTHER)
        with refused(ErrorCode.BAD_TREE):
            merkle.verify_inclusion(LEAF_0_HASH, 0, 2**64, (OTHER,) * 64, root)

    def test_a_log_that_became_smaller_does_not_follow_from_itself(self) -> None:
        """Its proof from 3 back to 2 leads to both roots."""
        with refused(ErrorCode.BAD_TREE):
            merkle.verify_consistency(3, 2, (ROOT_2, OTHER), ROOT_2, node(ROOT_2, OTHER))

    def test_a_proof_that_is_too_long_shows_nothing_of_two_trees_of_another_shape(self) -> None:
        third, fourth = LEAF_0_HASH, LEAF_1_HASH
        proof = (third, fourth, ROOT_2)
        old, new = node(ROOT_2, third), node(ROOT_2, node(third, fourth))
        merkle.verify_consistency(3, 4, proof, old, new)
        with refused(ErrorCode.BAD_TREE):
            merkle.verify_consistency(3, 4, (*proof, OTHER), node(OTHER, old), node(OTHER, new))

    @pytest.mark.parametrize(("old", "new"), [(-1, 2), (3, 2)])
    def test_no_proof_is_made_from_what_is_not_before(self, old: int, new: int) -> None:
        with pytest.raises(LocalError):
            merkle.consistency_proof(old, new, lambda level, index: OTHER)

    @pytest.mark.parametrize("old", [0, 2])
    def test_between_nothing_or_the_same_no_proof_is_needed(self, old: int) -> None:
        assert merkle.consistency_proof(old, 2, lambda level, index: OTHER) == ()

    @pytest.mark.parametrize("size", [-1, 2, 3])
    def test_a_frontier_has_one_hash_for_each_subtree(self, size: int) -> None:
        hashes = (OTHER,) * (2 if size == 2 else 1)
        with pytest.raises(LocalError):
            merkle.Frontier(size, hashes)

    @pytest.mark.parametrize("hashes", [5, None])
    def test_a_stored_frontier_without_a_list_is_damaged(self, hashes: JsonValue) -> None:
        with refused(ErrorCode.MALFORMED):
            merkle.parse_frontier({"size": 1, "hashes": hashes})


@pytest.mark.parametrize(
    "make",
    [
        lambda: leaf.sealed_leaf(bytes(31), b"{}"),
        lambda: leaf.sealed_leaf(bytes(32), b""),
        lambda: Checkpoint("", 2, ROOT_2),
        lambda: Checkpoint("hub.example/log\n3", 2, ROOT_2),
        lambda: Checkpoint("hub.example/log", -1, ROOT_2),
        lambda: Checkpoint("hub.example/log", MANY + 1, ROOT_2),
        lambda: Checkpoint("hub.example/log", 2, ROOT_2[:31]),
        lambda: TlogProof(-1, (), b""),
        lambda: TlogProof(MANY + 1, (), b""),
        lambda: TlogProof(1, (OTHER,) * 64, b""),
        lambda: TlogProof(1, (OTHER[:31],), b""),
        lambda: tiles.Tile(64, 0),
        lambda: tiles.Tile(-2, 0),
        lambda: tiles.Tile(0, 0, 0),
        lambda: tiles.Tile(0, 0, 257),
        lambda: tiles.Tile(0, -1),
        lambda: tiles.Tile(0, 1000**6),
        lambda: tiles.encode_hash_tile([]),
        lambda: tiles.encode_hash_tile([OTHER] * 257),
        lambda: tiles.encode_hash_tile([OTHER[:31]]),
        lambda: tiles.encode_entry_bundle([]),
        lambda: tiles.encode_entry_bundle([b""] * 257),
        lambda: sign_note(b"no newline at the end", LOG),
        lambda: sign_note(b"a tab\tand a newline\n", LOG),
        lambda: sign_note(b"text\n", WITNESSES[0]),
    ],
)
def test_nothing_is_made_that_nobody_could_read(make: Callable[[], object]) -> None:
    with pytest.raises(LocalError):
        make()


def test_a_leaf_over_an_entry_is_refused_as_such() -> None:
    assert leaf.parse_leaf(b"\x01\x02" + bytes(65_533)).kind is leaf.LeafKind.PUBLIC
    with refused(ErrorCode.TOO_LARGE):
        leaf.parse_leaf(b"\x01\x02" + bytes(65_534))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("index 1", "1"),
        ("index 1\n" + PATH_LINE, ""),
        ("index 1", "index 1é"),
        (PATH_LINE, PATH_LINE[:40] + "\n"),
        ("index 1", "extra \nindex 1"),
        (PROOF_1.partition("\n\n")[2], ""),
        ("=\n\nhub", "=\nhub"),
    ],
)
def test_a_proof_file_with_one_thing_wrong(old: str, new: str) -> None:
    assert parse_tlog_proof(PROOF_1.encode()).index == 1
    with refused(ErrorCode.MALFORMED):
        parse_tlog_proof(PROOF_1.replace(old, new, 1).encode())


def test_a_witness_is_asked_by_an_old_size_and_not_by_a_number() -> None:
    good = encode_add_checkpoint(1, (LEAF_1_HASH,), CHECKPOINT_2.encode())
    assert parse_add_checkpoint(good).old_size == 1
    for old, new in (("old 1", "1"), ("old 1", "old 1é"), ("=\n\nhub", "=\nhub")):
        with refused(ErrorCode.MALFORMED):
            parse_add_checkpoint(good.decode().replace(old, new, 1).encode())
    with refused(ErrorCode.TOO_LARGE):
        parse_add_checkpoint(b"old 1\n\n" + b"x" * 270_000)


def test_a_note_ends_in_a_newline_and_in_nothing_in_its_place() -> None:
    for text in (f"{CHECKPOINT_2[:-1]}x", f"{CHECKPOINT_2}\n", CHECKPOINT_2[:-1]):
        with refused(ErrorCode.MALFORMED):
            parse_checkpoint(text.encode())


def test_a_proof_file_over_its_limit_is_not_even_looked_at() -> None:
    with refused(ErrorCode.TOO_LARGE):
        extra = base64.b64encode(bytes(300_000)).decode()
        parse_tlog_proof(PROOF_1.replace("index 1", f"extra {extra}\nindex 1").encode())


class TestKeys:
    """Keys of a policy in the place of others."""

    POST_QUANTUM = VerifierKey("w9.example", SignatureType.SUBTREE_V1, bytes(1312))

    def test_a_key_of_another_type_is_passed_over_or_refused(self) -> None:
        note, _ = parse_checkpoint(CHECKPOINT_2.encode())
        assert verify_cosigners(note, [self.POST_QUANTUM, *WITNESS_KEYS]) == {"w1.example": NOON}
        with refused(ErrorCode.UNKNOWN_KIND):
            verify_cosigners(note, [LOG.key])
        assert verify_note(note, [self.POST_QUANTUM, LOG.key]) == (LOG.key,)
        with refused(ErrorCode.UNKNOWN_KIND):
            verify_note(note, [WITNESS_KEYS[0], LOG.key])

    def test_one_public_key_under_two_names_would_count_twice(self) -> None:
        twin = NoteSigner("w7.example", SignatureType.COSIGNATURE_V1, WITNESSES[0].seed)
        note, tree = parse_checkpoint(CHECKPOINT_2.encode())
        both = note.with_signatures([cosign_checkpoint(tree, twin, NOON)]).encode()
        for keys in ([WITNESS_KEYS[0], twin.key], [twin.key, WITNESS_KEYS[0]]):
            with refused(ErrorCode.CONFLICT):
                verify_checkpoint(both, LOG.key, keys, 2)

    def test_a_log_that_cosigns_for_itself_is_no_witness(self) -> None:
        own = NoteSigner("w8.example", SignatureType.COSIGNATURE_V1, LOG.seed)
        note, tree = parse_checkpoint(CHECKPOINT_2.encode())
        cosigned = note.with_signatures([cosign_checkpoint(tree, own, NOON)]).encode()
        with refused(ErrorCode.CONFLICT):
            verify_checkpoint(cosigned, LOG.key, [own.key], 1)


class TestMerging:
    """Cosignatures that come late, beside those that are there."""

    def test_of_each_witness_the_latest_line_stays_and_of_others_none_comes(self) -> None:
        note, tree = parse_checkpoint(CHECKPOINT_2.encode())
        later = cosign_checkpoint(tree, WITNESSES[0], NOON + 300)
        second = cosign_checkpoint(tree, WITNESSES[1], NOON)
        stranger = NoteSigner("w6.example", SignatureType.COSIGNATURE_V1, SecretSeed(b"\x99" * 32))
        lines = [later, second, cosign_checkpoint(tree, stranger, NOON)]
        merged = merge_cosignatures(note, lines, [TestKeys.POST_QUANTUM, *WITNESS_KEYS])
        assert merged.signatures == (note.signatures[0], later, second)
        assert verify_cosigners(merged, WITNESS_KEYS) == {
            "w1.example": NOON + 300, "w2.example": NOON,
        }  # fmt: skip

    def test_what_is_there_already_or_is_older_changes_not_a_byte(self) -> None:
        note, tree = parse_checkpoint(CHECKPOINT_2.encode())
        two = note.with_signatures([cosign_checkpoint(tree, WITNESSES[1], NOON)])
        for keys in (WITNESS_KEYS, WITNESS_KEYS[::-1]):
            assert merge_cosignatures(two, [], keys).encode() == two.encode()
        older = cosign_checkpoint(tree, WITNESSES[0], NOON - 300)
        both = merge_cosignatures(note, [older, *note.signatures], WITNESS_KEYS)
        assert both.encode() == CHECKPOINT_2.encode()

    def test_a_line_of_a_type_that_nobody_reads_yet_stays_as_it_is(self) -> None:
        note, tree = parse_checkpoint(CHECKPOINT_2.encode())
        unread = TestKeys.POST_QUANTUM
        line = NoteSignature(unread.name, unread.key_id, b"anything")
        second = cosign_checkpoint(tree, WITNESSES[1], NOON)
        merged = merge_cosignatures(note.with_signatures([line]), [second], [unread, *WITNESS_KEYS])
        assert merged.signatures == (*note.signatures, line, second)

    def test_a_line_over_another_checkpoint_spoils_nothing(self) -> None:
        note, _ = parse_checkpoint(CHECKPOINT_2.encode())
        forked = cosign_checkpoint(Checkpoint("hub.example/log", 2, OTHER), WITNESSES[1], NOON)
        with refused(ErrorCode.BAD_SIGNATURE):
            merge_cosignatures(note, [forked], WITNESS_KEYS)


def test_a_cosignature_of_another_length_does_not_fit() -> None:
    note, tree = parse_checkpoint(CHECKPOINT_2.encode())
    line = cosign_checkpoint(tree, WITNESSES[1], NOON)
    for payload in (line.payload[:-1], line.payload + b"\0", line.payload[:4]):
        broken = note.with_signatures([type(line)(line.name, line.key_id, payload)])
        with pytest.raises(RemoteError) as caught:
            verify_cosigners(broken, WITNESS_KEYS)
        assert caught.value.code is ErrorCode.BAD_SIGNATURE
