"""A witness's folder is put back from a backup: its peers remember what it signed."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from audit.witness.peers import ask_peers
from audit.witness.store import WitnessStore, make_witness
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import consistency_proof, leaf_hash, root
from protocol.log.note import NoteSigner, SignatureType, parse_signature_lines
from protocol.log.witness import encode_add_checkpoint
from protocol.signing import SecretSeed

LOG = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x01" * 32))
HASHES = [leaf_hash(b"%d" % number) for number in range(8)]
NOW = 1_790_000_000


def read_hash(level: int, index: int) -> bytes:
    return root(HASHES[index << level : (index + 1) << level])


class Peers:
    """Stands where HttpClient stands: each address is a store, or nobody."""

    def __init__(self, stores: dict[str, WitnessStore]) -> None:
        self.stores = stores

    async def get(self, url: str) -> bytes:
        base, _, path = url.removeprefix("https://").partition("/")
        if base not in self.stores:
            raise RemoteError(ErrorCode.UNREACHABLE, "away")
        origin_hash, _, key_id = path.split("/")
        note = self.stores[base].sighting(origin_hash, key_id)
        if note is None:
            raise RemoteError(ErrorCode.NOT_FOUND, "nothing seen")
        return note


def witness(folder: Path, number: int) -> WitnessStore:
    make_witness(folder, f"w{number}.example", SecretSeed(bytes([number]) * 32))
    store = WitnessStore(folder)
    store.add_log(LOG.key)
    return store


def grow(old: int, new: int, *stores: WitnessStore) -> bytes:
    """The log grows; each store signs in turn and sees the lines of those before. The note."""
    head = Checkpoint(LOG.name, new, root(HASHES[:new]))
    note = sign_checkpoint(head, LOG)
    proof = consistency_proof(old, new, read_hash)
    for store in stores:
        answer = store.add_checkpoint(encode_add_checkpoint(old, proof, note.encode()), NOW)
        assert answer.status == 200, answer.body
        note = note.with_signatures(parse_signature_lines(answer.body))
    return note.encode()


@pytest.fixture
def three(tmp_path: Path) -> Any:
    stores = [witness(tmp_path / f"w{number}", number) for number in (2, 3, 4)]
    for store in stores:
        for other in stores:
            if other is not store:
                store.add_peer(other.key, f"https://{other.key.name}")
    yield stores
    for store in stores:
        store.close()


def network(*stores: WitnessStore) -> Any:
    return Peers({store.key.name: store for store in stores})


async def test_an_old_copy_of_a_folder_does_not_sign_again(three: Any, tmp_path: Path) -> None:
    first, second, third = three
    grow(0, 3, first, second, third)
    shutil.copytree(tmp_path / "w2", tmp_path / "backup")
    grow(3, 6, first, second, third)
    assert await ask_peers(network(second, third), first) == 2, "it is up to date"
    restored = WitnessStore(tmp_path / "backup")
    with pytest.raises(LocalError, match="old copy") as caught:
        await ask_peers(network(second), restored)
    assert caught.value.code is ErrorCode.STORAGE
    assert await ask_peers(network(), restored) == 0, "nobody can say: the operator is told"
    restored.close()


async def test_a_peer_that_lies_keeps_nobody_from_signing(three: Any) -> None:
    first, second, third = three
    grow(0, 3, first, second, third)

    class Liar(Peers):
        async def get(self, url: str) -> bytes:
            head = Checkpoint(LOG.name, 7, root(HASHES[:7]))
            return sign_checkpoint(head, LOG).encode()  # without our line

    liar: Any = Liar({})
    assert await ask_peers(liar, first) == 0


def test_a_peer_is_another_witness(three: Any) -> None:
    first, *_ = three
    for key in (first.key, LOG.key):
        with pytest.raises(LocalError):
            first.add_peer(key, "https://x.example")
