"""Evidence of one entry, for a court's expert with other tools (specs/08-audit.md §7).

A folder of plain files: the envelope, its salt, leaf and proof, the cosigned checkpoint, the public
leaf that holds the signer's key, and every charter with its proof. `openssl` and a short script
check it; nothing in it has to be believed but the genesis fingerprint, which is no part of it.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

from audit.case.case import Case
from audit.case.files import write_file
from audit.report.bundle_text import read_me
from audit.rules.history import Line, lines
from audit.verify.verify import Verified
from protocol.dsse import pae, payload_type
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.governance.directory import CharterVersion
from protocol.governance.follow import log_key, witness_keys
from protocol.log import merkle
from protocol.log.checkpoint import (
    cosigned_message,
    parse_checkpoint,
    verify_checkpoint,
)
from protocol.log.merkle import inclusion_proof
from protocol.log.tiles import TILE_HEIGHT, TILE_WIDTH, Tile
from protocol.log.tlog_proof import TlogProof, verify_tlog_proof
from protocol.messages.statement import Statement

_PEM_PREFIX = bytes.fromhex("302a300506032b6570032100")


@dataclass(frozen=True)
class Source:
    """A verified case and the entry that the evidence is of."""

    case: Case
    verified: Verified
    index: int


def make_bundle(source: Source, folder: Path) -> dict[str, bytes]:
    """Write the evidence of one entry into a new folder; the files by name.

    Raises LocalError if the folder exists or the entry is not in the log, RemoteError if the
    case cannot prove it.
    """
    if folder.exists():
        raise LocalError(ErrorCode.CONFLICT, "the folder already exists: choose a new one")
    if not 0 <= source.index < source.verified.size:
        raise LocalError(ErrorCode.NOT_FOUND, "the log of this case has no such entry")
    files = _files(source)
    for name, data in files.items():
        write_file(folder / name, data)
    return files


def hash_reader(case: Case, size: int) -> merkle.HashReader:
    """Hashes of complete subtrees of a tree of `size` leaves, from the hash tiles of a case."""

    def read(level: int, index: int) -> bytes:
        row, within = divmod(level, TILE_HEIGHT)
        first = index << within
        number, start = divmod(first, TILE_WIDTH)
        width = min(TILE_WIDTH, (size >> (row * TILE_HEIGHT)) - number * TILE_WIDTH)
        hashes = case.hashes(Tile(row, number, width))
        return merkle.root(hashes[start : start + (1 << within)])

    return read


def _files(source: Source) -> dict[str, bytes]:
    found = _find(source)
    statement, envelope = found.statement, found.envelope
    if found.entry is None or statement is None or envelope is None:
        raise RemoteError(ErrorCode.NOT_FOUND, "the case does not hold this entry with its message")
    files = {
        "entry/leaf": found.entry,
        "entry/envelope": envelope,
        "entry/proof": _proof(source, source.index, found.entry),
        **_signature("entry", statement),
        **_checkpoint(source),
        **_charters(source),
    }
    if found.salt is not None:
        files["entry/salt"] = found.salt
    signer, says = _signer(source, statement)
    files.update(signer)
    files["README.txt"] = read_me(source.index, source.verified, statement, says, files).encode()
    return files


def _find(source: Source) -> Line:
    for line in lines(source.case, source.verified):
        if line.index == source.index:
            return line
    raise RemoteError(ErrorCode.BAD_TREE, "members and keys at that entry are not known")


def _proof(source: Source, index: int, leaf: bytes) -> bytes:
    """The tlog-proof of a leaf, verified before it leaves."""
    size = source.verified.size
    path = inclusion_proof(index, size, hash_reader(source.case, size))
    proof = TlogProof(index, path, source.case.note())
    charter = source.verified.directory.charter
    verify_tlog_proof(proof, leaf, log_key(charter), witness_keys(charter), charter.quorum)
    return proof.encode()


def _signature(place: str, statement: Statement[WireModel]) -> dict[str, bytes]:
    """What was signed, and the signature, as `openssl pkeyutl` wants them."""
    envelope = statement.envelope
    return {
        f"{place}/signed": pae(payload_type(envelope.kind), envelope.payload),
        f"{place}/signature": envelope.signature,
    }


def _signer(source: Source, statement: Statement[WireModel]) -> tuple[dict[str, bytes], str]:
    """The signer's key as PEM, and where the log says that it is the signer's."""
    directory, preamble = source.verified.directory, statement.preamble
    if preamble.kind == "charter":
        version = _signing_charter(source)
        key = bytes.fromhex(version.charter.hub.sign)
    else:
        key = directory.key_for(preamble.sender, preamble.kind, source.index)
        version = directory.charter_at(source.index)
    statement.envelope.verify(key)
    member = directory.active(preamble.sender, source.index)
    if member is None or preamble.sender == version.charter.charter_id:
        return _named(key, version), f"charters/{version.charter.version}/document"
    leaf = _entry(source, member.leaf)
    files = {"signer/leaf": leaf, "signer/proof": _proof(source, member.leaf, leaf)}
    return {**_named(key, directory.charter_at(member.leaf)), **files}, "signer/leaf"


def _named(key: bytes, version: CharterVersion) -> dict[str, bytes]:
    """The signer's key, and the charter by which the log holds it."""
    return {"signer/key.pem": pem(key), "signer/charter": b"%d\n" % version.charter.version}


def _signing_charter(source: Source) -> CharterVersion:
    """A charter is signed by the hub of the one before it; the first one by its own."""
    versions = source.verified.directory.charters
    earlier = [version for version in versions if version.index < source.index]
    return earlier[-1] if earlier else versions[0]


def _charters(source: Source) -> dict[str, bytes]:
    files = {}
    for version in source.verified.directory.charters:
        place = f"charters/{version.charter.version}"
        leaf = _entry(source, version.index)
        files[f"{place}/leaf"] = leaf
        files[f"{place}/proof"] = _proof(source, version.index, leaf)
        files[f"{place}/document"] = source.case.documents[version.charter.document_hash]
    return files


def _entry(source: Source, index: int) -> bytes:
    """The bytes of a public entry, from its bundle."""
    number, place = divmod(index, TILE_WIDTH)
    width = min(TILE_WIDTH, source.verified.size - number * TILE_WIDTH)
    return source.case.bundle(Tile(-1, number, width)).entries[place]


def _checkpoint(source: Source) -> dict[str, bytes]:
    """The checkpoint, and each signature under it with what it signs and the signer's key."""
    charter = source.verified.directory.charter
    data = source.case.note()
    note, _ = parse_checkpoint(data)
    cosigners = verify_checkpoint(
        data, log_key(charter), witness_keys(charter), charter.quorum
    ).cosigners
    key = log_key(charter)
    files = {
        "checkpoint/note": data,
        "checkpoint/signed": note.text,
        "checkpoint/signature": note.signatures_by(key)[0].payload,
        "checkpoint/key.pem": pem(key.public_key),
    }
    for number, witness in enumerate(witness_keys(charter), 1):
        if witness.name not in cosigners:
            continue
        line = max(note.signatures_by(witness), key=lambda item: item.payload[:8])
        time = int.from_bytes(line.payload[:8], "big")
        files[f"witness-{number}/signed"] = cosigned_message(note.text, time)
        files[f"witness-{number}/signature"] = line.payload[8:]
        files[f"witness-{number}/key.pem"] = pem(witness.public_key)
    return files


def pem(key: bytes) -> bytes:
    """An Ed25519 public key as SubjectPublicKeyInfo in PEM (RFC 8410)."""
    text = base64.b64encode(_PEM_PREFIX + key)
    return b"-----BEGIN PUBLIC KEY-----\n" + text + b"\n-----END PUBLIC KEY-----\n"
