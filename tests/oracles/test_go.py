"""Go's own transparency log library reads what we write, and we read what it writes.

It knows signed notes, RFC 6962 trees, proofs and tiles. It does not know the empty tree's root,
cosignature/v1, tlog-proof, tlog-policy or the witness protocol: specs/05-log.md §12 says what
nothing independent covers.
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.verify.tree import check_tree
from hub.log.tile_store import TileStore
from protocol.errors import RemoteError
from protocol.log import merkle
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, parse_checkpoint, sign_checkpoint
from protocol.log.note import (
    NoteSigner,
    SignatureType,
    parse_note,
    parse_vkey,
    sign_note,
    verify_note,
)
from protocol.signing import SecretSeed
from tests.oracles.oracle import Oracle

LOG = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x01" * 32))
OTHER = NoteSigner("other.example/log", SignatureType.ED25519, SecretSeed(b"\x08" * 32))
WITNESS = NoteSigner("w1.example", SignatureType.COSIGNATURE_V1, SecretSeed(b"\x02" * 32))
HEAD = Checkpoint(LOG.name, 600, hashlib.sha256(b"a root").digest())
SIZES = (1, 2, 3, 255, 256, 257, 600)


def records(count: int) -> list[bytes]:
    return [b"record %d" % index for index in range(count)]


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def secret(signer: NoteSigner) -> str:
    """A signer's key as Go writes them."""
    key = base64.b64encode(bytes([signer.type]) + signer.seed.value).decode()
    return f"PRIVATE+KEY+{signer.name}+{signer.key.key_id.hex()}+{key}"


class TestNotes:
    def test_go_opens_our_checkpoint_and_passes_over_the_witness(self, go: Oracle) -> None:
        line = cosign_checkpoint(HEAD, WITNESS, 1_790_000_000)
        note = sign_checkpoint(HEAD, LOG).with_signatures([line]).encode()
        (answer,) = go.ask({"op": "open_note", "note": note, "keys": [LOG.key.text]})
        assert answer["error"] == ""
        assert answer["text"] == HEAD.text()
        assert answer["names"] == [LOG.name]

    def test_go_refuses_it_with_one_bit_changed_anywhere(self, go: Oracle) -> None:
        note = sign_checkpoint(HEAD, LOG).encode()
        changed = [
            note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :]
            for place in range(len(note))
        ]
        jobs = [{"op": "open_note", "note": item, "keys": [LOG.key.text]} for item in changed]
        assert all(answer["error"] for answer in go.ask(*jobs))
        for item in changed:
            with pytest.raises(RemoteError):
                verify_note(parse_note(item), [LOG.key])

    def test_we_open_a_note_that_go_signed(self, go: Oracle) -> None:
        for text in (HEAD.text(), "Grüße\n\n— a line that looks like a signature\n".encode()):
            (answer,) = go.ask({"op": "sign_note", "text": text, "secret": secret(LOG)})
            assert answer["note"] == sign_note(text, LOG).encode(), "to the byte"
            note = parse_note(answer["note"])
            assert note.text == text
            assert verify_note(note, [LOG.key, OTHER.key]) == (LOG.key,)
            with pytest.raises(RemoteError):
                verify_note(note, [OTHER.key])

    def test_a_note_by_two_logs_is_read_alike(self, go: Oracle) -> None:
        both = sign_note(b"text\n", LOG).with_signatures(sign_note(b"text\n", OTHER).signatures)
        keys = [LOG.key.text, OTHER.key.text]
        (answer,) = go.ask({"op": "open_note", "note": both.encode(), "keys": keys})
        ours = verify_note(parse_note(both.encode()), [parse_vkey(key) for key in keys])
        assert answer["names"] == [key.name for key in ours]

    @pytest.mark.parametrize(
        "note",
        [
            b"",
            b"text\n",
            b"text\n\n",
            b"text\n\nno dash x AAAA\n",
            "text\n\n— name\n".encode(),
            "text\n\n— name !!!!\n".encode(),
            "text\n\n— na+me AAAAAAAA\n".encode(),
            "te\x01xt\n\n— name AAAAAAAA\n".encode(),
            b"\xff\n\n" + "— name AAAAAAAA\n".encode(),
            "text\n\n— name AAAAAAAA".encode(),
        ],
    )
    def test_what_is_no_note_for_go_is_none_for_us(self, go: Oracle, note: bytes) -> None:
        assert not go.accepts(op="open_note", note=note, keys=[LOG.key.text])
        with pytest.raises(RemoteError):
            verify_note(parse_note(note), [LOG.key])


class TestTrees:
    def test_roots_are_gos(self, go: Oracle) -> None:
        answers = go.ask(*({"op": "tree", "leaves": records(size)} for size in SIZES))
        for size, answer in zip(SIZES, answers, strict=True):
            assert merkle.root([merkle.leaf_hash(leaf) for leaf in records(size)]) == answer["root"]

    @pytest.mark.parametrize("size", SIZES)
    def test_inclusion_proofs_in_both_directions(
        self, go: Oracle, tmp_path: Path, size: int
    ) -> None:
        store = TileStore(tmp_path)
        store.append(0, records(size))
        root = store.root(size)
        indexes = sorted({0, size // 2, size - 1})
        jobs: list[dict[str, Any]] = []
        for index in indexes:
            place = {"index": index, "size": size, "leaf": b"record %d" % index}
            proof = store.inclusion_proof(index, size)
            check = {"op": "check_inclusion", **place, "proof": proof}
            jobs += [
                {**check, "root": root},
                {**check, "root": flipped(root)},
                {"op": "prove_inclusion", "leaves": records(size), "index": index},
            ]
        answers = go.ask(*jobs)
        for place_in, index in enumerate(indexes):
            ours, wrong, theirs = answers[place_in * 3 : place_in * 3 + 3]
            assert (ours["error"], bool(wrong["error"])) == ("", True)
            digest = hashlib.sha256(b"\x00record %d" % index).digest()
            merkle.verify_inclusion(digest, index, size, theirs["proof"], root)
            with pytest.raises(RemoteError):
                merkle.verify_inclusion(digest, index, size, theirs["proof"], flipped(root))

    @pytest.mark.parametrize("size", SIZES)
    def test_consistency_proofs_in_both_directions(
        self, go: Oracle, tmp_path: Path, size: int
    ) -> None:
        store = TileStore(tmp_path)
        store.append(0, records(size))
        olds = sorted({1, max(1, size // 2), size})
        jobs: list[dict[str, Any]] = []
        for old in olds:
            sizes = {"old": old, "oldroot": store.root(old), "size": size, "root": store.root(size)}
            check = {"op": "check_consistency", "proof": store.consistency_proof(old, size)}
            jobs += [
                {**check, **sizes},
                {**check, **sizes, "oldroot": flipped(store.root(old))},
                {"op": "prove_consistency", "leaves": records(size), "old": old},
            ]
        answers = go.ask(*jobs)
        for place, old in enumerate(olds):
            ours, wrong, theirs = answers[place * 3 : place * 3 + 3]
            assert (ours["error"], bool(wrong["error"])) == ("", True)
            roots = store.root(old), store.root(size)
            merkle.verify_consistency(old, size, theirs["proof"], *roots)
            with pytest.raises(RemoteError):
                merkle.verify_consistency(old, size, theirs["proof"], flipped(roots[0]), roots[1])


class TestTiles:
    @pytest.mark.parametrize("size", [1, 255, 256, 600, 70_000])
    def test_go_authenticates_every_entry_of_our_folder(
        self, go: Oracle, tmp_path: Path, size: int
    ) -> None:
        store = TileStore(tmp_path)
        for start in range(0, size, 20_000):
            store.append(start, records(size)[start : start + 20_000])
        job = {"op": "read_tiles", "folder": str(tmp_path), "size": size}
        (answer,) = go.ask({**job, "root": store.root(size)})
        assert (answer["error"], answer["count"]) == ("", size)
        assert not go.accepts(**job, root=flipped(store.root(size)))

    @pytest.mark.parametrize("name", ["tile/0/001", "tile/1/000.p/2", "tile/entries/001"])
    def test_go_sees_a_changed_byte_in_our_folder(
        self, go: Oracle, tmp_path: Path, name: str
    ) -> None:
        store = TileStore(tmp_path)
        store.append(0, records(600))
        root = store.root(600)
        path = tmp_path / name
        path.write_bytes(flipped(path.read_bytes()))
        assert not go.accepts(op="read_tiles", folder=str(tmp_path), size=600, root=root)

    @pytest.mark.parametrize("size", [1, 255, 256, 600, 66_000])
    def test_our_auditor_accepts_a_folder_that_go_wrote(
        self, go: Oracle, tmp_path: Path, size: int
    ) -> None:
        folder = tmp_path / "log"
        (answer,) = go.ask({"op": "write_tiles", "folder": str(folder), "leaves": records(size)})
        (tmp_path / "genesis").write_text("0" * 64)
        head = Checkpoint(LOG.name, size, answer["root"])
        report = check_tree(Case(tmp_path), head)
        assert report.findings == ()
        proof = TileStore(folder).inclusion_proof(size - 1, size)
        digest = hashlib.sha256(b"\x00record %d" % (size - 1)).digest()
        merkle.verify_inclusion(digest, size - 1, size, proof, answer["root"])

    def test_go_signs_over_tiles_and_we_follow_its_checkpoint(
        self, go: Oracle, tmp_path: Path
    ) -> None:
        (tree,) = go.ask({"op": "write_tiles", "folder": str(tmp_path), "leaves": records(300)})
        text = Checkpoint(LOG.name, 300, tree["root"]).text()
        (answer,) = go.ask({"op": "sign_note", "text": text, "secret": secret(LOG)})
        note, head = parse_checkpoint(answer["note"])
        verify_note(note, [LOG.key])
        assert TileStore(tmp_path).root(head.size) == head.root
