"""Every payload's signature, checked by several processes (specs/08-audit.md §2).

A worker marks a line of the payload file *verified* when salt and envelope match the leaf of its
index and the signature is by the key that the log held there. It does nothing else: what it does
not mark is looked at again (audit/rules/signed.py, audit/rules/open.py) to find out what is wrong.
So a worker can be too strict, but a fault cannot get past it. What a statement says is
audit/rules/open.py's part.
"""

import gc
import multiprocessing
import os
import re
import threading
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hmac import compare_digest

from audit.case.case import Case, Payload, Span, parse_payload
from audit.verify.tree import EntryReader
from audit.verify.verify import Verified
from protocol.dsse import ENVELOPE_LIMIT, decode_base64, key_id, pae, payload_type
from protocol.errors import RemoteError
from protocol.log.leaf import NO_SALT, SEALED_LEAF_BYTES, LeafKind, parse_leaf, sealed_leaf
from protocol.signing import SIGNATURE_BYTES, verify_signed

# Below this many entries another process costs more than it gains.
WORTH_A_PROCESS = 2000
MAX_KNOWN = 10_000

# How every canonical statement ends. No string can hold an unescaped quotation mark, and the object
# ends there, so these are the statement's own fields, if it is a statement at all.
_CHARTER = b',"charter_id":"'
_HEAD = _CHARTER + b'%b","charter_version":'
_MIDDLE = b',"kind":"%b","log_origin":"%b","nonce":"'
_PROTOCOL = b'","protocol":1,"sender":"'
_ID = 32
_AFTER_NONCE = len(_PROTOCOL) + _ID + len(b'"}')

_SEALED, _PUBLIC = LeafKind.SEALED.value, LeafKind.PUBLIC.value

# The one encoding of an envelope: this, the payload, what fits _SEAL, the signature, and _END.
_START = b'{"payload":"'
_SEAL = re.compile(
    rb'","payloadType":"application/vnd\.patchwork\.([a-z0-9_]{1,40})\+json",'
    rb'"signatures":\[\{"keyid":"([0-9a-f]{16})","sig":"'
)
_MAX_SEAL = 200
_END = b'"}]}'
_SIGNATURE = 88 + len(_END)


@dataclass(frozen=True)
class _Signer:
    """The key that must have signed, what was signed, and what it must say of itself."""

    key: bytes
    pae: bytes
    head: bytes
    middle: bytes


@dataclass(frozen=True)
class VerifiedSpan:
    """A span with one byte a line: 1 if it was verified. `first`, `last`: indexes if all were."""

    span: Span
    lines: bytes
    first: int
    last: int

    @property
    def whole(self) -> bool:
        """Whether every line was verified, and their indexes rise."""
        return bool(self.lines) and 0 not in self.lines


class _Signers:
    """Who signs for whom at which index, looked up once between two public leaves."""

    def __init__(self, verified: Verified) -> None:
        self._directory = verified.directory
        self._changes = verified.public_indexes
        self._known: dict[tuple[bytes, bytes, int], _Signer | None] = {}

    def find(self, sender: bytes, seal: bytes, index: int) -> _Signer | None:
        """The one who signs for `sender` just before `index`, if kind and key id fit the seal."""
        place = sender, seal, bisect_left(self._changes, index)
        if place not in self._known:
            if len(self._known) > MAX_KNOWN:  # whoever wrote the log may have made up senders
                self._known.clear()
            self._known[place] = self._look_up(sender, seal, index)
        return self._known[place]

    def _look_up(self, sender: bytes, seal: bytes, index: int) -> _Signer | None:
        said = _SEAL.fullmatch(seal)
        if said is None:
            return None
        kind = said[1].decode()
        try:
            charter = self._directory.charter_at(index).charter
            key = self._directory.key_for(sender.decode("ascii", "replace"), kind, index)
        except RemoteError:
            return None
        if key_id(key).encode() != said[2]:
            return None
        head = _HEAD % charter.charter_id.encode()
        middle = _MIDDLE % (said[1], charter.log.origin.encode())
        return _Signer(key, pae(payload_type(kind), b"").removesuffix(b"0 "), head, middle)


class SignatureVerifier:
    """Verifies spans of one case. Takes entries from the log, keys from the directory."""

    def __init__(self, case: Case, verified: Verified) -> None:
        self._case = case
        self._verified = verified
        self._entries = EntryReader(case, verified.size, verified.tree)
        self._signers = _Signers(verified)

    def verify(self, span: Span) -> VerifiedSpan:
        """Look at every line of a span."""
        lines = bytearray()
        first = last = -1
        for line in self._case.payload_lines(span):
            index = self._line(line, last)
            lines.append(index is not None)
            if index is not None:
                first, last = index if first < 0 else first, index
        return VerifiedSpan(span, bytes(lines), first, last)

    def _line(self, line: bytes, last: int) -> int | None:
        """The line's index, if it is verified and after `last`."""
        try:
            payload = parse_payload(line)
            in_order = last < payload.index < self._verified.end
            return payload.index if in_order and self._is_verified(payload) else None
        except RemoteError:
            return None

    def _is_verified(self, payload: Payload) -> bool:
        entry = self._entries.read(payload.index)
        if entry is None:
            return False
        if len(entry) == SEALED_LEAF_BYTES and entry.startswith(_SEALED):
            matches = compare_digest(entry, sealed_leaf(payload.salt, payload.envelope))
        else:
            matches = (NO_SALT, parse_leaf(entry).body) == (payload.salt, payload.envelope)
        if not matches or entry.startswith(_PUBLIC):
            return matches  # the directory would have ended at a public leaf that is not signed
        return self._is_signed(payload.index, payload.envelope)

    def _is_signed(self, index: int, envelope: bytes) -> bool:
        end = envelope.find(b'"', len(_START))
        seal = envelope[end:-_SIGNATURE]
        framed = envelope.startswith(_START) and envelope.endswith(_END)
        if not framed or len(seal) > _MAX_SEAL or len(envelope) > ENVELOPE_LIMIT:
            return False
        text = decode_base64(envelope[len(_START) : end])
        signature = decode_base64(envelope[-_SIGNATURE : -len(_END)])
        if text is None or signature is None or len(signature) != SIGNATURE_BYTES:
            return False
        signer = self._signers.find(text[-_ID - 2 : -2], seal, index)
        if signer is None or not _ends_as(text, signer):
            return False
        verify_signed(signer.key, b"%b%b%d %b" % (signature, signer.pae, len(text), text))
        return True


def _ends_as(text: bytes, signer: _Signer) -> bool:
    """Whether a payload ends with the fields of a statement for this log by this signer."""
    end = len(text) - _AFTER_NONCE
    middle = end - _ID - len(signer.middle)
    start = text.rfind(_CHARTER, 0, max(middle, 0))
    version, _, iat = text[start + len(signer.head) : middle].partition(b',"iat":')
    return (
        start >= 0
        and text.startswith(signer.head, start)
        and version.isdigit()
        and iat.isdigit()
        and text.startswith(signer.middle, middle)
        and text.startswith(_PROTOCOL, end)
        and text.endswith(b'"}')
    )


def verify_spans(case: Case, verified: Verified, jobs: int | None = None) -> Iterator[VerifiedSpan]:
    """Verify every span of a case, in order, in `jobs` processes (None: one a core)."""
    verifier = SignatureVerifier(case, verified)
    wanted = len(os.sched_getaffinity(0)) if jobs is None else jobs
    workers = min(wanted, verified.size // WORTH_A_PROCESS)
    if workers < 2:
        yield from map(verifier.verify, case.payload_spans())
        return
    # A copy of this process starts at once; with threads about, only a fresh one is safe.
    method = "fork" if threading.active_count() == 1 else "spawn"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(workers, context, _adopt, (verifier,)) as pool:
        yield from pool.map(_verify, case.payload_spans())


_adopted: list[SignatureVerifier] = []


def _adopt(verifier: SignatureVerifier) -> None:
    gc.freeze()  # what was copied from the parent need not be looked through again and again
    _adopted[:] = [verifier]


def _verify(span: Span) -> VerifiedSpan:
    return _adopted[0].verify(span)
