"""C2SP signed notes and verifier keys: specs/05-log.md §2.

Parsing says nothing about truth: a `Note` is untrusted until `verify_note` (log signatures) or
`protocol.checkpoint` (cosignatures) has accepted it against keys that came from elsewhere, never
from the note. Key names in a note are claims by whoever wrote it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.signing import (
    SecretSeed,
    check_public_key,
    public_key,
    sign_ed25519,
    verify_ed25519,
)

MAX_NOTE_BYTES = 2**18
MAX_SIGNATURE_LINES = 100
MAX_NAME_BYTES = 255
MAX_DECIMAL = 2**63 - 1
KEY_ID_BYTES = 4

_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_DASH = "— "


class SignatureType(IntEnum):
    """The C2SP signature type bytes that Patchwork meets."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04
    SUBTREE_V1 = 0x06


_KEY_LENGTHS = {
    SignatureType.ED25519: 32,
    SignatureType.COSIGNATURE_V1: 32,
    SignatureType.SUBTREE_V1: 1312,
}


@dataclass(frozen=True)
class VerifierKey:
    """A vkey: whose key it is said to be, what it signs, and the public key."""

    name: str
    type: SignatureType
    public_key: bytes

    @cached_property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || type || public key)[:4]."""
        preimage = self.name.encode() + b"\n" + bytes([self.type]) + self.public_key
        return hashlib.sha256(preimage).digest()[:KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The vkey: name+hex8+base64(type || public key)."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.type]) + self.public_key)}"


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: a claimed name, the key id, and what the key made."""

    name: str
    key_id: bytes
    payload: bytes

    def line(self) -> bytes:
        """The line as it stands in a note, newline included."""
        return f"{_DASH}{self.name} {_base64(self.key_id + self.payload)}\n".encode()


@dataclass(frozen=True)
class Note:
    """A parsed note: `text` ends in a newline; nothing has been verified."""

    text: bytes
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """Text, blank line, signature lines."""
        return self.text + b"\n" + b"".join(item.line() for item in self.signatures)

    def signatures_by(self, key: VerifierKey) -> tuple[NoteSignature, ...]:
        """The lines that claim to be by `key`: both name and key id fit."""
        wanted = (key.name, key.key_id)
        return tuple(item for item in self.signatures if (item.name, item.key_id) == wanted)

    def with_signatures(self, more: Iterable[NoteSignature]) -> "Note":
        """The same note with further lines; a line that is already there is not repeated."""
        return Note(self.text, tuple(dict.fromkeys([*self.signatures, *more])))


@dataclass(frozen=True)
class NoteSigner:
    """A key that signs notes under one name for one signature type."""

    name: str
    type: SignatureType
    seed: SecretSeed

    def __post_init__(self) -> None:
        """Refuse a name that no note could carry."""
        if not is_key_name(self.name):
            raise LocalError(ErrorCode.CONFIGURATION, "key name is empty, too long or has a space")

    @cached_property
    def key(self) -> VerifierKey:
        """The verifier key to give to others."""
        return VerifierKey(self.name, self.type, public_key(self.seed))

    def sign(self, message: bytes, prefix: bytes = b"") -> NoteSignature:
        """A line whose payload is prefix || Ed25519(message)."""
        payload = prefix + sign_ed25519(self.seed, message)
        return NoteSignature(self.name, self.key.key_id, payload)


def is_key_name(name: str) -> bool:
    """Non-empty, at most 255 bytes, without spaces, plus signs or control characters."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return False
    return len(encoded) <= MAX_NAME_BYTES and _KEY_NAME.fullmatch(name) is not None


@lru_cache(maxsize=1024)  # a charter's keys are read for every checkpoint
def parse_vkey(text: str) -> VerifierKey:
    """Read a vkey. Raises RemoteError: MALFORMED, UNKNOWN_KIND or WEAK_KEY."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise RemoteError(ErrorCode.MALFORMED, "vkey is not name+id+key")
    material = parse_base64(parts[2], "vkey key")
    try:
        kind = SignatureType(material[0])
    except (ValueError, IndexError) as error:
        raise RemoteError(ErrorCode.UNKNOWN_KIND, "vkey signature type") from error
    if len(material) != 1 + _KEY_LENGTHS[kind]:
        raise RemoteError(ErrorCode.MALFORMED, "vkey has the wrong length for its type")
    key = VerifierKey(parts[0], kind, material[1:])
    if key.key_id.hex() != parts[1]:
        raise RemoteError(ErrorCode.MALFORMED, "vkey id does not match its name and key")
    if kind is not SignatureType.SUBTREE_V1:
        check_public_key(key.public_key)
    return key


@lru_cache(maxsize=16)  # a checkpoint goes through many hands, and each reads it
def parse_note(data: bytes) -> Note:
    """Split a note into text and signature lines. Raises RemoteError and nothing else."""
    if len(data) > MAX_NOTE_BYTES:
        raise RemoteError(ErrorCode.TOO_LARGE, f"note is over {MAX_NOTE_BYTES} bytes")
    if _CONTROL.search(data):
        raise RemoteError(ErrorCode.MALFORMED, "note holds a control character")
    text, blank, block = data.rpartition(b"\n\n")
    if not blank:
        raise RemoteError(ErrorCode.MALFORMED, "note has no signature lines after a blank line")
    _decode(text)
    return Note(text + b"\n", parse_signature_lines(block))


def parse_signature_lines(block: bytes) -> tuple[NoteSignature, ...]:
    """Read one or more signature lines, as a note ends and as a witness answers."""
    if not block.endswith(b"\n"):
        raise RemoteError(ErrorCode.MALFORMED, "signature line does not end in a newline")
    if block.count(b"\n") > MAX_SIGNATURE_LINES:
        raise RemoteError(ErrorCode.TOO_LARGE, f"over {MAX_SIGNATURE_LINES} signature lines")
    return tuple(_parse_signature_line(line) for line in _decode(block[:-1]).split("\n"))


def sign_note(text: bytes, signer: NoteSigner) -> Note:
    """A note over `text` (which must end in a newline) with one type 0x01 signature."""
    if signer.type is not SignatureType.ED25519:
        raise LocalError(ErrorCode.CONFIGURATION, "this key is not for signing whole notes")
    if not text.endswith(b"\n") or _CONTROL.search(text):
        raise LocalError(ErrorCode.MALFORMED, "note text has no newline, or a control character")
    return Note(text, (signer.sign(text),))


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """The keys (type 0x01) that signed the note, at least one.

    Unknown keys and type 0x06 keys are passed over; one line by a known key that does not fit
    rejects the whole note. Raises RemoteError(BAD_SIGNATURE).
    """
    signed = []
    for key in distinct_keys(keys):
        if key.type is SignatureType.SUBTREE_V1:
            continue
        if key.type is not SignatureType.ED25519:
            raise RemoteError(ErrorCode.UNKNOWN_KIND, "not a key for signing whole notes")
        lines = note.signatures_by(key)
        for line in lines:
            verify_ed25519(key.public_key, note.text, line.payload)
        signed += [key] if lines else []
    if not signed:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "no signature by a known key")
    return tuple(signed)


def distinct_keys(keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """The keys without repeats; two different keys with one name and id are refused."""
    unique = tuple(dict.fromkeys(keys))
    if len({(key.name, key.key_id) for key in unique}) != len(unique):
        raise RemoteError(ErrorCode.MALFORMED, "two keys share a name and a key id")
    return unique


def parse_base64(text: str, what: str) -> bytes:
    """Standard base64 in its one canonical form. `what` names the field in the error."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise RemoteError(ErrorCode.MALFORMED, f"{what} is not base64") from error
    if _base64(data) != text:
        raise RemoteError(ErrorCode.MALFORMED, f"{what} is not canonical base64")
    return data


def parse_decimal(text: str, what: str) -> int:
    """An ASCII decimal without leading zeros, at most 2^63-1."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_DECIMAL:
        raise RemoteError(ErrorCode.MALFORMED, f"{what} is not a decimal number in range")
    return int(text)


def _parse_signature_line(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not is_key_name(name):
        raise RemoteError(ErrorCode.MALFORMED, "signature line is not dash, name, base64")
    signature = parse_base64(encoded, "signature")
    if len(signature) <= KEY_ID_BYTES:
        raise RemoteError(ErrorCode.MALFORMED, "signature line holds no signature")
    return NoteSignature(name, signature[:KEY_ID_BYTES], signature[KEY_ID_BYTES:])


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise RemoteError(ErrorCode.MALFORMED, "note is not UTF-8") from error


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
