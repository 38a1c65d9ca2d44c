"""`openssl pkeyutl` checks cosignature/v1 and DSSE envelopes: bytes taken apart here, by hand."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from protocol.dsse import sign
from protocol.log.checkpoint import (
    Checkpoint,
    cosign_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
)
from protocol.log.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed
from tests.oracles.oracle import INSTALL

LOG = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x01" * 32))
WITNESS = NoteSigner("w1.example", SignatureType.COSIGNATURE_V1, SecretSeed(b"\x02" * 32))
TIME = 1_790_000_000
PUBLIC_DER = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, before the 32 bytes
PRIVATE_DER = bytes.fromhex("302e020100300506032b657004220420")


class OpenSsl:
    """The command, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        assert shutil.which("openssl"), f"the tests need openssl: {INSTALL}"
        self._folder = folder

    def _run(self, *arguments: str) -> int:
        command = ["openssl", "pkeyutl", "-rawin", "-keyform", "DER", *arguments]
        return subprocess.run(command, cwd=self._folder, capture_output=True).returncode

    def verifies(self, key: bytes, message: bytes, signature: bytes) -> bool:
        (self._folder / "key").write_bytes(PUBLIC_DER + key)
        (self._folder / "message").write_bytes(message)
        (self._folder / "signature").write_bytes(signature)
        files = ("-inkey", "key", "-in", "message", "-sigfile", "signature")
        return self._run("-verify", "-pubin", *files) == 0

    def signs(self, seed: bytes, message: bytes) -> bytes:
        (self._folder / "seed").write_bytes(PRIVATE_DER + seed)
        (self._folder / "message").write_bytes(message)
        assert self._run("-sign", "-inkey", "seed", "-in", "message", "-out", "signed") == 0
        return (self._folder / "signed").read_bytes()


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSsl:
    return OpenSsl(tmp_path)


def checkpoint() -> Checkpoint:
    return Checkpoint(LOG.name, 2, base64.b64decode("XDShEgWHfs8sTyjiVJXQgwGzPb+4YkGfeUb6b9+BJO8="))


def test_a_cosignature_in_a_note(openssl: OpenSsl) -> None:
    head = checkpoint()
    cosigned = sign_checkpoint(head, LOG).with_signatures([cosign_checkpoint(head, WITNESS, TIME)])
    text, _, lines = cosigned.encode().decode().partition("\n\n")
    log_line, witness_line = (line.split(" ") for line in lines.splitlines())
    assert (log_line[1], witness_line[1]) == ("hub.example/log", "w1.example")
    blob = base64.b64decode(witness_line[2])
    time, signature = int.from_bytes(blob[4:12], "big"), blob[12:]
    message = f"cosignature/v1\ntime {time}\n{text}\n".encode()
    assert time == TIME
    assert openssl.verifies(WITNESS.key.public_key, message, signature)
    assert not openssl.verifies(
        WITNESS.key.public_key, message.replace(b"\n2\n", b"\n3\n"), signature
    )
    assert not openssl.verifies(LOG.key.public_key, message, signature)
    log_signature = base64.b64decode(log_line[2])[4:]
    assert openssl.verifies(LOG.key.public_key, f"{text}\n".encode(), log_signature)


def test_a_cosignature_that_openssl_made_counts(openssl: OpenSsl) -> None:
    head = checkpoint()
    message = b"cosignature/v1\ntime %d\n" % TIME + head.text()
    signature = openssl.signs(b"\x02" * 32, message)
    blob = WITNESS.key.key_id + TIME.to_bytes(8, "big") + signature
    line = f"— w1.example {base64.b64encode(blob).decode()}\n"
    note = sign_checkpoint(head, LOG).encode() + line.encode()
    assert verify_checkpoint(note, LOG.key, [WITNESS.key], 1).cosigners == {"w1.example": TIME}


def test_a_dsse_envelope(openssl: OpenSsl) -> None:
    data = sign("request", b'{"a":1}', SecretSeed(b"\x07" * 32)).encode()
    envelope = json.loads(data)
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    key = NoteSigner("a", SignatureType.ED25519, SecretSeed(b"\x07" * 32)).key.public_key
    assert openssl.verifies(key, pae, signature)
    assert not openssl.verifies(key, pae + b" ", signature)
    assert openssl.signs(b"\x07" * 32, pae) == signature, "Ed25519 has one signature a message"
