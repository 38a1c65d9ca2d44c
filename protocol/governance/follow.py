"""Following the log: specs/05-log.md §9. Sans-IO; the caller fetches.

A follower pins the genesis fingerprint and nothing else. Everything it knows, every key included,
it has from entries whose tree it computed itself and whose root a quorum of witnesses signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from protocol.errors import ErrorCode, RemoteError
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory, apply_public_leaf
from protocol.log.checkpoint import VerifiedCheckpoint, parse_checkpoint, verify_checkpoint
from protocol.log.leaf import LeafKind, parse_leaf
from protocol.log.merkle import Frontier, leaf_hash
from protocol.log.note import VerifierKey, parse_vkey


@dataclass(frozen=True)
class PublicLeaf:
    """A public leaf's envelope and where it stands: what a follower keeps on disk."""

    index: int
    envelope: bytes


@dataclass(frozen=True)
class LogView:
    """What a follower knows of the log. Start from `LogView(genesis)`.

    `genesis` is the hex RFC 6962 leaf hash of entry 0, which is also the root at size 1.
    """

    genesis: str
    frontier: Frontier = field(default_factory=Frontier)
    directory: Directory = field(default_factory=Directory)
    note: bytes = b""

    @property
    def size(self) -> int:
        """Number of entries followed."""
        return self.frontier.size


class BadLeaf(RemoteError):
    """A leaf that stands in the tree as stated and breaks the rules (or is newer than we)."""


def advance(
    view: LogView, note: bytes, entries: Sequence[bytes], documents: Mapping[str, bytes]
) -> LogView:
    """The view after `entries`, if the checkpoint `note` covers exactly them with a quorum.

    Raises RemoteError: BAD_TREE when the entries do not give the stated root (a fork, a rollback,
    a changed entry), NO_QUORUM when too few witnesses signed; BadLeaf for a leaf that lies.
    """
    _, claimed = parse_checkpoint(note)
    if claimed.size < view.size:
        raise RemoteError(ErrorCode.BAD_TREE, "the log is shorter than what we have seen")
    frontier = view.frontier.append(leaf_hash(entry) for entry in entries)
    if view.size == 0 and entries and leaf_hash(entries[0]).hex() != view.genesis:
        raise RemoteError(ErrorCode.BAD_TREE, "entry 0 is not the genesis we were given")
    if claimed.size != frontier.size or claimed.root != frontier.root():
        raise RemoteError(ErrorCode.BAD_TREE, "the entries do not give the stated root")
    before = view.directory.charter if view.directory.charters else None
    if before is not None:
        # Those who watched until now must have seen a change of witnesses, or the hub alone could
        # name witnesses of its own making.
        verify_note_by_charter(note, before)
    try:
        directory = replay(view.directory, view.size, entries, documents)
    except RemoteError as error:
        raise BadLeaf(error.code, error.detail) from error
    if directory.charter is not before:
        verify_note_by_charter(note, directory.charter)
    return LogView(view.genesis, frontier, directory, note)


def replay(
    directory: Directory, start: int, entries: Sequence[bytes], documents: Mapping[str, bytes]
) -> Directory:
    """The directory after the public leaves among `entries`, the first of which is at `start`."""
    for index, entry in enumerate(entries, start):
        leaf = parse_leaf(entry)
        if leaf.kind is LeafKind.PUBLIC:
            directory = apply_public_leaf(directory, index, leaf.body, documents)
    return directory


def verify_note_by_charter(note: bytes, charter: Charter) -> VerifiedCheckpoint:
    """Verify a checkpoint by the charter's log key, witnesses and quorum. Raises RemoteError."""
    return verify_checkpoint(note, log_key(charter), witness_keys(charter), charter.quorum)


def log_key(charter: Charter) -> VerifierKey:
    """The charter's log verifier key."""
    return parse_vkey(charter.log.vkey)


def witness_keys(charter: Charter) -> tuple[VerifierKey, ...]:
    """The charter's witness keys."""
    return tuple(parse_vkey(witness.vkey) for witness in charter.witnesses)
