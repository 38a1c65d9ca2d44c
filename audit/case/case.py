"""A case folder: what was fetched of one log, read with limits (specs/08-audit.md §1).

Nothing here is trusted and nothing is fetched. Every reader answers with the parsed value or
raises RemoteError: NOT_FOUND for what is absent, another code for what cannot be read.
"""

import stat
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from protocol.dsse import DOCUMENT_LIMIT
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.leaf import SALT_BYTES
from protocol.log.merkle import HASH_BYTES, leaf_hash
from protocol.log.note import MAX_NOTE_BYTES
from protocol.log.tiles import (
    ENTRIES,
    MAX_ENTRY_BYTES,
    TILE_WIDTH,
    Tile,
    bundles_for_size,
    parse_entry_bundle,
    parse_hash_tile,
)
from protocol.wire import ExportRecord, parse_wire
from runtime.folders import kind_of

BUNDLE_LIMIT = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)
RECORD_LIMIT = 128 * 1024
EVIDENCE_LIMIT = 8 * 1024 * 1024
SPAN_BYTES = 2 * 1024 * 1024
_HEX = frozenset("0123456789abcdef")
_HEAD = b'{"envelope":'
_TAIL = b',"evidence":%d,"index":%d,"salt":"%b"}'
_EVIDENCE, _INDEX = b',"evidence":', b',"index":'
_START = len(_HEAD)
_SALT_END = 2 * SALT_BYTES + 2
_AFTER_NUMBERS = _SALT_END + len(b',"salt":"')
MAX_EVIDENCE = 1024
MAX_COUNT = 2**40


@dataclass(frozen=True)
class Payload:
    """One entry's payload as the hub exported it; `evidence` counts its evidence files.

    `verified`: audit/verify/signatures.py found it to match its leaf and its signature to be valid.
    """

    index: int
    salt: bytes
    envelope: bytes
    evidence: int
    verified: bool = False


@dataclass(frozen=True)
class Span:
    """A stretch of the payload file, in bytes: whole lines, but for what is after one too long."""

    start: int
    end: int


@dataclass(frozen=True)
class Bundle:
    """An entry bundle: the entries that could be told apart, and whether that was all of it."""

    entries: tuple[bytes, ...]
    whole: bool


class CharterDocuments(Mapping[str, bytes]):
    """Charter documents by hash, read when asked for. What they say is checked on use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, digest: str) -> bytes:
        """The document's bytes. Raises KeyError if it is not there to be read."""
        try:
            return _read(self._folder / f"{digest}.json", DOCUMENT_LIMIT)
        except RemoteError as error:
            raise KeyError(digest) from error

    def __iter__(self) -> Iterator[str]:
        """The hashes that are there, by file name."""
        return (path.stem for path in sorted(self._folder.glob("*.json")))

    def __len__(self) -> int:
        """How many files are there."""
        return sum(1 for _ in self)


class Case:
    """One case folder. Raises LocalError(NOT_READY) when the folder is none."""

    def __init__(self, folder: Path) -> None:
        other = kind_of(folder)
        if other is not None or not (folder / "genesis").is_file():
            found = f"is {other.title} folder, not a case" if other else "is not a case folder"
            detail = f"{folder.name} {found}: run patchwork-audit fetch first"
            raise LocalError(ErrorCode.NOT_READY, detail)
        self.folder = folder
        self.documents = CharterDocuments(folder / "charters")

    @property
    def has_payloads(self) -> bool:
        """Whether payloads were fetched at all."""
        return self._payload_file.is_file()

    def genesis(self) -> str:
        """The pinned genesis fingerprint, in hex."""
        return parse_genesis(_read(self.folder / "genesis", 128))

    def begins_as_pinned(self) -> bool:
        """Whether the log's first entry is the genesis. Raises RemoteError for what is not there to
        be read.
        """
        _, checkpoint = parse_checkpoint(self.note())
        first = next(iter(bundles_for_size(checkpoint.size)), None)
        entries = self.bundle(first).entries if first else ()
        return bool(entries) and leaf_hash(entries[0]).hex() == self.genesis()

    def note(self) -> bytes:
        """The checkpoint as the hub served it."""
        return _read(self.folder / "log" / "checkpoint", MAX_NOTE_BYTES)

    def hashes(self, tile: Tile) -> tuple[bytes, ...]:
        """The hashes of a hash tile."""
        data = _read(self.folder / "log" / tile.path, TILE_WIDTH * HASH_BYTES)
        return parse_hash_tile(data, tile.width)

    def bundle(self, tile: Tile) -> Bundle:
        """The entries of a bundle, as far as its framing holds."""
        return split_bundle(_read(self.folder / "log" / tile.path, BUNDLE_LIMIT), tile.width)

    def payload_spans(self) -> Iterator[Span]:
        """The payload file in stretches of a few megabytes."""
        size, start = self._payload_file.stat().st_size, 0
        with self._payload_file.open("rb") as file:
            while start < size:
                file.seek(min(start + SPAN_BYTES, size) - 1)
                end = file.tell() + len(file.readline(RECORD_LIMIT + 2))
                yield Span(start, end)
                start = end

    def payload_lines(self, span: Span) -> Iterator[bytes]:
        """The lines of a span, for `parse_payload`. Ends after a line over RECORD_LIMIT.

        A last line without its newline was cut off, and is empty here: that is no payload.
        """
        with self._payload_file.open("rb") as file:
            file.seek(span.start)
            data = file.read(span.end - span.start)
        *lines, rest = data.split(b"\n")
        for line in [*lines, b""] if rest else lines:
            yield line
            if len(line) > RECORD_LIMIT:
                return

    def evidence(self, index: int, part: int) -> bytes:
        """One piece of evidence of an entry."""
        return _read(self.folder / "payloads" / "evidence" / f"{index}.{part}", EVIDENCE_LIMIT)

    def begins_alike(self, narrow: Tile, wide: Tile) -> bool:
        """Whether one tile or bundle begins with the other. True if the wide one is absent."""
        limit = BUNDLE_LIMIT if narrow.level == ENTRIES else TILE_WIDTH * HASH_BYTES
        try:
            beginning = _read(self.folder / "log" / narrow.path, limit)
            return _read(self.folder / "log" / wide.path, limit).startswith(beginning)
        except RemoteError as error:
            return error.code is ErrorCode.NOT_FOUND

    @property
    def _payload_file(self) -> Path:
        return self.folder / "payloads" / "payloads.jsonl"


def parse_genesis(data: bytes) -> str:
    """64 lower-case hex digits and perhaps a newline. Raises RemoteError and nothing else."""
    text = data.decode("ascii", "replace").removesuffix("\n")
    if len(text) != 64 or not set(text) <= _HEX:
        raise RemoteError(ErrorCode.MALFORMED, "genesis is not 64 hex digits")
    return text


def encode_payload(payload: Payload) -> bytes:
    """The line of a payload, without its newline."""
    plain = payload.envelope[:1] == b"{" and b"\n" not in payload.envelope
    envelope = payload.envelope if plain else b'"%b"' % b64encode(payload.envelope)
    tail = _TAIL % (payload.evidence, payload.index, payload.salt.hex().encode())
    return _HEAD + envelope + tail


def parse_payload(line: bytes) -> Payload:
    """Read one line of the payload file. Raises RemoteError and nothing else."""
    usual = _parse_usual(line) if len(line) <= RECORD_LIMIT else None
    return usual or payload_of(parse_wire(ExportRecord, line, limit=RECORD_LIMIT))


def payload_of(record: ExportRecord) -> Payload:
    """The payload in a record of the hub's export."""
    envelope = from_base64(record.envelope)
    return Payload(record.index, bytes.fromhex(record.salt), envelope, record.evidence)


def _parse_usual(line: bytes) -> Payload | None:
    """A line with its envelope as it is. None: it is base64, or cannot be read."""
    end = line.rfind(_EVIDENCE)
    numbers, salt_text = line[end + len(_EVIDENCE) : -_AFTER_NUMBERS], line[-_SALT_END:-2]
    evidence, _, index = numbers.partition(_INDEX)
    try:
        payload = Payload(
            int(index), bytes.fromhex(salt_text.decode()), line[_START:end], int(evidence)
        )
    except ValueError:
        return None
    # Written again, numbers and digits have the one form that they may have.
    tail = _TAIL % (payload.evidence, payload.index, payload.salt.hex().encode())
    whole = line.startswith(_HEAD + b"{") and line.endswith(tail) and len(line) == end + len(tail)
    in_range = payload.evidence <= MAX_EVIDENCE and payload.index <= MAX_COUNT
    return payload if whole and in_range and len(payload.salt) == SALT_BYTES else None


def split_bundle(data: bytes, width: int) -> Bundle:
    """At most `width` entries, up to where the framing breaks."""
    try:
        return Bundle(parse_entry_bundle(data, width), whole=True)
    except RemoteError:
        entries: list[bytes] = []
        position = 0
        while len(entries) < width:
            start = position + 2
            position = start + int.from_bytes(data[position:start], "big")
            if max(start, position) > len(data):
                break
            entries.append(data[start:position])
        return Bundle(tuple(entries), whole=False)


def _read(path: Path, limit: int) -> bytes:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise RemoteError(ErrorCode.MALFORMED, "something in the case is not a plain file")
        if status.st_size > limit:
            raise RemoteError(ErrorCode.TOO_LARGE, f"a file in the case is over {limit} bytes")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise RemoteError(ErrorCode.NOT_FOUND, "a file of the case is missing") from error
    except OSError as error:
        raise RemoteError(ErrorCode.MALFORMED, "a file of the case cannot be read") from error
