"""What a witness keeps: a key file and, in SQLite, each log's key and head: specs/05-log.md §10.

The database holds nothing secret; the key file is readable by its owner alone. Reading the head,
deciding and writing the new head is one transaction that is on the disk before the answer leaves.
Whoever can put back an old copy of the folder can make the witness sign a second history.
"""

import stat
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    verify_cosigners,
    verify_log_signature,
)
from protocol.log.note import Note, NoteSigner, SignatureType, VerifierKey, parse_vkey
from protocol.log.witness import (
    AddCheckpoint,
    Outcome,
    WitnessedLog,
    decide_add_checkpoint,
    parse_add_checkpoint,
    refusal,
)
from protocol.signing import SecretSeed
from runtime.files import put_new
from runtime.folders import WITNESS, require
from runtime.secrets import make_own_folder
from storage.engine import Row, Schema, Transaction
from storage.sqlite import SqliteDatabase

MAX_FORKS_KEPT = 16

_KEY_FILE = "witness.key"
_DATABASE = "witness.sqlite3"
_KEY_HEADER = "patchwork witness key v1"
_SCHEMA = """
CREATE TABLE log (origin TEXT PRIMARY KEY, vkey TEXT NOT NULL, head BLOB) STRICT;
CREATE TABLE fork (
    origin TEXT NOT NULL, note_hash BLOB NOT NULL, note BLOB NOT NULL, seen_at INTEGER NOT NULL,
    PRIMARY KEY (origin, note_hash)
) STRICT;
"""
_SCHEMA_2 = """
CREATE TABLE peer (vkey TEXT PRIMARY KEY, url TEXT NOT NULL) STRICT;
CREATE TABLE sighting (
    origin TEXT NOT NULL, key_id TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL,
    PRIMARY KEY (origin, key_id)
) STRICT;
"""


Result = TypeVar("Result")


class WitnessStore:
    """One witness's folder. Safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        self._signer = _read_signer(folder)
        self._lock = threading.Lock()
        schema = Schema([_SCHEMA, _SCHEMA_2])
        self._database = SqliteDatabase(folder / _DATABASE, schema, lambda tx: tx)
        self._database.opened()

    @property
    def key(self) -> VerifierKey:
        """The key under which this witness cosigns."""
        return self._signer.key

    def add_log(self, key: VerifierKey) -> None:
        """Witness the log of this key from now on; again is harmless, another key is refused."""
        if key.type is not SignatureType.ED25519:
            raise LocalError(ErrorCode.CONFIGURATION, "not the key of a log")

        def body(tx: Transaction) -> None:
            known = _find(tx, key.name)
            if known and known.key != key:
                raise LocalError(ErrorCode.CONFLICT, "this log is witnessed under another key")
            if not known:
                tx.insert("log", {"origin": key.name, "vkey": key.text})

        self._write(body)

    def add_checkpoint(self, body: bytes, now: int) -> Outcome:
        """Answer one add-checkpoint request; what it changes is on the disk on return."""
        try:
            request = parse_add_checkpoint(body)
        except RemoteError as error:
            return refusal(400, error)

        def decide(tx: Transaction) -> Outcome:
            log = _find(tx, request.checkpoint.origin)
            outcome = decide_add_checkpoint(log, request, now, self._signer)
            _keep(tx, request, outcome, now)
            return outcome

        return self._write(decide)

    def head(self, origin_hash: str) -> bytes | None:
        """The last cosigned note of the log whose origin has this lowercase hex SHA-256."""
        rows = self._read(lambda tx: tx.rows("SELECT origin, head FROM log"))
        heads = {sha256(row["origin"].encode()).hexdigest(): row["head"] for row in rows}
        head: bytes | None = heads.get(origin_hash)
        return head

    def forks(self, origin: str) -> list[bytes]:
        """Notes the log signed that contradict our head at the same size: proof against it."""
        query = "SELECT note FROM fork WHERE origin = ? ORDER BY seen_at, note_hash"
        return [row["note"] for row in self._read(lambda tx: tx.rows(query, origin))]

    def add_peer(self, key: VerifierKey, url: str) -> None:
        """Keep what this witness is seen to sign, and ask it at each start what it saw of us."""
        if key.type is not SignatureType.COSIGNATURE_V1 or key == self.key:
            raise LocalError(ErrorCode.CONFIGURATION, "not the key of another witness")
        self._write(lambda tx: tx.put("peer", {"vkey": key.text, "url": url}, ("vkey",)))

    def peers(self) -> list[tuple[VerifierKey, str]]:
        """The peers and where they answer."""
        rows = self._read(lambda tx: tx.rows("SELECT vkey, url FROM peer ORDER BY vkey"))
        return [(parse_vkey(row["vkey"]), row["url"]) for row in rows]

    def logs(self) -> list[WitnessedLog]:
        """The logs that are witnessed here."""
        rows = self._read(lambda tx: tx.rows("SELECT vkey, head FROM log ORDER BY origin"))
        return [_witnessed(row) for row in rows]

    def sighting(self, origin_hash: str, key_id: str) -> bytes | None:
        """The largest checkpoint of a log that was seen with this peer's line."""
        query = "SELECT origin, note FROM sighting WHERE key_id = ?"
        rows = self._read(lambda tx: tx.rows(query, key_id))
        notes: dict[str, bytes] = {
            sha256(row["origin"].encode()).hexdigest(): row["note"] for row in rows
        }
        return notes.get(origin_hash)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def _write(self, body: Callable[[Transaction], Result]) -> Result:
        with self._lock:
            return self._database.write(body)

    def _read(self, body: Callable[[Transaction], Result]) -> Result:
        with self._lock:
            return self._database.read(body)


def _find(tx: Transaction, origin: str) -> WitnessedLog | None:
    row = tx.one("SELECT vkey, head FROM log WHERE origin = ?", origin)
    return None if row is None else _witnessed(row)


def _witnessed(row: Row) -> WitnessedLog:
    try:
        head = parse_checkpoint(row["head"])[1] if row["head"] is not None else None
        return WitnessedLog(parse_vkey(row["vkey"]), head)
    except RemoteError as error:  # our own row: our fault, not theirs
        raise LocalError(ErrorCode.STORAGE, "the stored head or key is damaged") from error


def _keep(tx: Transaction, request: AddCheckpoint, outcome: Outcome, now: int) -> None:
    origin = request.checkpoint.origin
    if outcome.new_head is not None:
        tx.update("log", {"head": outcome.new_head.encode()}, {"origin": origin})
        _keep_sightings(tx, request)
    if outcome.fork is not None:
        # A few are proof enough; a log that forks all day must not fill our disk.
        kept = tx.rows("SELECT note_hash FROM fork WHERE origin = ?", origin)
        name = sha256(outcome.fork.text).digest()
        if len(kept) < MAX_FORKS_KEPT and name not in {row["note_hash"] for row in kept}:
            note = outcome.fork.encode()
            tx.insert("fork", {"origin": origin, "note_hash": name, "note": note, "seen_at": now})


def _keep_sightings(tx: Transaction, request: AddCheckpoint) -> None:
    """Keep the lines of peers on a checkpoint that we accepted, if they are the newest."""
    note, head = request.note, request.checkpoint
    log = _find(tx, head.origin)
    for peer in tx.rows("SELECT vkey FROM peer"):
        key = parse_vkey(peer["vkey"])
        try:
            if log is None or not verify_cosigners(note, [key]):
                continue
        except RemoteError:
            continue  # a line that is not valid tells nothing of its witness
        lines = (*note.signatures_by(log.key), *note.signatures_by(key))
        tx.run(
            "INSERT INTO sighting VALUES (?, ?, ?, ?) ON CONFLICT (origin, key_id) DO UPDATE "
            "SET size = excluded.size, note = excluded.note WHERE excluded.size >= sighting.size",
            head.origin, key.key_id.hex(), head.size, Note(note.text, lines).encode(),
        )  # fmt: skip


def own_sighting(note_bytes: bytes, log: WitnessedLog, own: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that the log and we ourselves signed. Raises RemoteError."""
    note, checkpoint = parse_checkpoint(note_bytes)
    verify_log_signature(note, checkpoint, log.key)
    if not verify_cosigners(note, [own]):
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "no line of ours is on it")
    return checkpoint


def is_older(held: Checkpoint | None, seen: Checkpoint) -> bool:
    """Whether a head is from before something that the same witness signed: an old copy."""
    if held is None or seen.size > held.size:
        return True
    return seen.size == held.size and seen.root != held.root


def has_witness(folder: Path) -> bool:
    """Whether a witness was made here."""
    return (folder / _KEY_FILE).exists()


def make_witness(folder: Path, name: str, seed: SecretSeed) -> VerifierKey:
    """Write a new witness's key file (mode 0600); its verifier key. Never replaces one."""
    signer = NoteSigner(name, SignatureType.COSIGNATURE_V1, seed)
    make_own_folder(folder)
    text = f"{_KEY_HEADER}\nname {name}\nseed {seed.value.hex()}\n"
    try:
        put_new(folder / _KEY_FILE, text.encode())
    except FileExistsError as error:
        raise LocalError(
            ErrorCode.CONFLICT, "this folder already holds a witness: choose another"
        ) from error
    return signer.key


def _read_signer(folder: Path) -> NoteSigner:
    require(folder, WITNESS)
    path = folder / _KEY_FILE
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise LocalError(ErrorCode.CONFIGURATION, f"{path.name}: run chmod 600 on it first")
        header, name, seed, end = path.read_text(encoding="utf-8").split("\n")
        labels = (header, name[:5], seed[:5], end)
        if labels != (_KEY_HEADER, "name ", "seed ", ""):
            raise ValueError("layout")
        secret = SecretSeed(bytes.fromhex(seed[5:]))
    except (OSError, ValueError):
        # Without a cause: a parse error's text could repeat part of the key.
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name} holds no witness's key") from None
    return NoteSigner(name[5:], SignatureType.COSIGNATURE_V1, secret)
