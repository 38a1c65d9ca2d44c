"""DSSE envelopes over canonical JSON: specs/01-statements.md §3 (DSSE v1.0.2 protocol text).

One signature an envelope, one encoding an envelope. The key id is a hint for finding a mistake
early: the key that verifies is always taken from the log, never from the message.
"""

import binascii
import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import Base64, WireModel, from_base64, to_base64
from protocol.signing import SecretSeed, public_key, sign_ed25519, verify_ed25519

ENVELOPE_LIMIT = 16 * 1024
DOCUMENT_LIMIT = 1024 * 1024
PUBLIC_LEAF_LIMIT = 60 * 1024

_PREFIX = "application/vnd.patchwork."
_SUFFIX = "+json"

# An envelope in its usual form, told apart by its quotation marks. What fits this, with base64 in
# its one form, is canonical JSON already: no string in it has a character to escape.
_FORM = b'{"payload":"%%b","payloadType":"%b%%b%b","signatures":[{"keyid":"%%b","sig":"%%b"}]}' % (
    _PREFIX.encode(),
    _SUFFIX.encode(),
)
_QUOTES = 18
_KIND = re.compile(rb"[a-z0-9_]{1,40}")
_KEY_ID = re.compile(rb"[0-9a-f]{16}")


class _Signature(WireModel):
    keyid: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    sig: Base64


class _Envelope(WireModel):
    payload: Base64
    payloadType: Annotated[str, StringConstraints(max_length=100)]
    signatures: Annotated[list[_Signature], Field(min_length=1, max_length=1)]


@dataclass(frozen=True)
class Envelope:
    """A signed payload: `kind` (from the payload type), payload, key id, 64-byte signature."""

    kind: str
    payload: bytes
    key_id: str
    signature: bytes
    _verified_by: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @cached_property
    def statement_id(self) -> str:
        """SHA-256 of the pre-authentication encoding, in hex: the name of this statement."""
        return hashlib.sha256(pae(payload_type(self.kind), self.payload)).hexdigest()

    def encode(self) -> bytes:
        """The one encoding: canonical JSON."""
        payload, signature = to_base64(self.payload).encode(), to_base64(self.signature).encode()
        kind, key = self.kind.encode(), self.key_id.encode()
        if _KIND.fullmatch(kind) and _KEY_ID.fullmatch(key):
            return _FORM % (payload, kind, key, signature)
        return canonical.encode(
            {
                "payload": to_base64(self.payload),
                "payloadType": payload_type(self.kind),
                "signatures": [{"keyid": self.key_id, "sig": to_base64(self.signature)}],
            }
        )

    def verify(self, key: bytes) -> None:
        """Check the signature by a 32-byte key. Raises RemoteError(BAD_SIGNATURE, WEAK_KEY).

        Whoever may sign is asked again at each step; the arithmetic is done once for each key.
        """
        if key == self._verified_by:
            return
        if self.key_id != key_id(key):
            raise RemoteError(ErrorCode.BAD_SIGNATURE, "signed by another key than the log holds")
        verify_ed25519(key, pae(payload_type(self.kind), self.payload), self.signature)
        object.__setattr__(self, "_verified_by", key)


def payload_type(kind: str) -> str:
    """The media type of a kind of statement."""
    return f"{_PREFIX}{kind}{_SUFFIX}"


def key_id(key: bytes) -> str:
    """The hint in an envelope: the first 8 bytes of SHA-256(key), in hex."""
    return hashlib.sha256(key).hexdigest()[:16]


def pae(media_type: str, payload: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding."""
    kind = media_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(kind: str, payload: bytes, seed: SecretSeed) -> Envelope:
    """Sign payload bytes with an Ed25519 seed."""
    signature = sign_ed25519(seed, pae(payload_type(kind), payload))
    return Envelope(kind, payload, key_id(public_key(seed)), signature)


def parse_envelope(data: bytes, *, limit: int = ENVELOPE_LIMIT) -> Envelope:
    """Parse envelope bytes. Raises RemoteError and nothing else; checks no signature."""
    return (_parse_usual(data) if len(data) <= limit else None) or _parse_any(data, limit)


def _parse_usual(data: bytes) -> Envelope | None:
    """The same as `_parse_any` in a tenth of the time, or None: look closer."""
    parts = data.split(b'"')
    if len(parts) != _QUOTES + 1:
        return None
    texts = parts[3], parts[7], parts[13], parts[17]
    payload, kind = decode_base64(texts[0]), texts[1][len(_PREFIX) : -len(_SUFFIX)]
    signature = decode_base64(texts[3]) or b""
    plain = _KIND.fullmatch(kind) and _KEY_ID.fullmatch(texts[2])
    if payload is None or not plain or len(signature) != 64:
        return None
    if _FORM % (texts[0], kind, texts[2], texts[3]) != data:
        return None
    return Envelope(kind.decode(), payload, texts[2].decode(), signature)


def decode_base64(text: bytes) -> bytes | None:
    """The bytes, if `text` is their one base64 form."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None
    # What strictness leaves open is in the last group: bits that padding makes meaningless.
    rest = len(data) % 3 or 3
    return data if binascii.b2a_base64(data[-rest:], newline=False) == text[-4:] else None


def _parse_any(data: bytes, limit: int) -> Envelope:
    if data.count(b"[") > 1 or data.count(b"{") > 2:  # it is read before its signature is checked
        raise RemoteError(ErrorCode.MALFORMED, "not a DSSE envelope of the profile")
    value = canonical.parse(data, limit=limit)
    try:
        model = _Envelope.model_validate(value)
    except ValidationError as error:
        raise RemoteError(ErrorCode.MALFORMED, "not a DSSE envelope of the profile") from error
    media_type = model.payloadType
    if not (media_type.startswith(_PREFIX) and media_type.endswith(_SUFFIX)):
        raise RemoteError(ErrorCode.UNKNOWN_KIND, "payload type is not one of ours")
    signature = from_base64(model.signatures[0].sig)
    if len(signature) != 64:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "a signature is 64 bytes")
    kind = media_type[len(_PREFIX) : -len(_SUFFIX)]
    return Envelope(kind, from_base64(model.payload), model.signatures[0].keyid, signature)
