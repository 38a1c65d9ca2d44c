"""Verify a case: tree, tiles, genesis, public leaves, checkpoint, quorum (specs/08-audit.md §2).

Pure over a case folder. The only thing taken on trust is the genesis fingerprint that the auditor
pinned; every key comes from the entries under it, none from the hub that served them.
"""

from dataclasses import dataclass, replace

from audit.case.case import Case
from audit.case.extra import extra_files
from audit.findings import Finding, FindingCode, broken, missing
from audit.verify.erasures import ErasureMarks
from audit.verify.tree import TreeReport, check_tree, logged_entries
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64
from protocol.governance.directory import Directory, apply_public_leaf
from protocol.governance.follow import log_key, verify_note_by_charter, witness_keys
from protocol.log.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    verify_cosigners,
    verify_log_signature,
)
from protocol.log.leaf import SEALED_LEAF_BYTES, LeafKind, parse_leaf
from protocol.log.merkle import EMPTY_ROOT
from protocol.log.tiles import TILE_WIDTH
from protocol.log.tlog_policy import TlogPolicy, verify_by_policy
from protocol.messages.log import SuccessionBody
from runtime.progress import Told, nobody, told_of

_EMPTY_TREE = TreeReport((), frozenset(), None, None, 0, 0)


@dataclass(frozen=True)
class Verified:
    """What verifying a case gave. `directory` holds whatever the public leaves prove.

    From `lost_at` on it is not known: the public leaf of that index stopped the replay. Between
    two of `public_indexes` nothing in it changes.
    """

    size: int
    tree: TreeReport
    directory: Directory
    lost_at: int | None
    cosigners: dict[str, int]
    public_indexes: tuple[int, ...]
    erased: ErasureMarks
    findings: tuple[Finding, ...]

    @property
    def end(self) -> int:
        """How many entries can be judged: all, or those before `lost_at`."""
        return self.size if self.lost_at is None else self.lost_at

    @property
    def checked(self) -> dict[str, int]:
        """How many of each thing were looked at."""
        return {
            "entries": self.size,
            "entry_bundles": self.tree.bundles,
            "hash_tiles": self.tree.tiles,
            "public_leaves": len(self.public_indexes),
            "charters": len(self.directory.charters),
            "members": len(self.directory.members),
            "witness_signatures": len(self.cosigners),
        }


class _Replay:
    """The directory from the public leaves of a case, up to one that cannot be accepted or read."""

    def __init__(self, case: Case, size: int) -> None:
        self._documents = case.documents
        self.directory = Directory()
        self.lost_at: int | None = None
        self.public_indexes: list[int] = []
        self.erased = ErasureMarks(size)
        self.gaps = False
        self.findings: list[Finding] = []

    def entry(self, index: int, entry: bytes | None) -> None:
        if entry is None:
            self.gaps = True
            self.lost_at = 0 if index == 0 else self.lost_at
            return
        if entry[:2] == LeafKind.SEALED.value and len(entry) == SEALED_LEAF_BYTES:
            return
        try:
            leaf = parse_leaf(entry)
        except RemoteError as error:
            detail = f"entry {index} is not a leaf: {error.code}"
            self.findings.append(broken(FindingCode.LEAF_MALFORMED, index, detail))
            return
        if leaf.kind is LeafKind.ERASURE:
            self.erased.take(index, leaf.body)
        if leaf.kind is not LeafKind.PUBLIC or self.lost_at is not None:
            return
        self.public_indexes.append(index)
        try:
            self.directory = apply_public_leaf(self.directory, index, leaf.body, self._documents)
        except RemoteError as error:
            # Never passed over: the next charter could pass as a first one, whoever signed it.
            self.lost_at = index
            self._fault(index, error)

    def _fault(self, index: int, error: RemoteError) -> None:
        if error.code is ErrorCode.NOT_FOUND:
            detail = f"the charter document of entry {index} is not in the case"
            self.findings.append(missing(FindingCode.CHARTER_MISSING, index, detail))
            return
        detail = f"the public leaf {index} is not valid: {error.code}"
        make = missing if self.gaps else broken
        self.findings.append(make(FindingCode.PUBLIC_LEAF, index, detail))


def verify_case(
    case: Case,
    old_note: bytes | None = None,
    policy: TlogPolicy | None = None,
    told: Told = nobody,
) -> Verified:
    """Check everything that needs no payloads. `old_note` is an earlier checkpoint of this log,
    `told` hears how far it is.

    A `policy` of the auditor's own asks for more than the charter does, never for less.
    Raises RemoteError if the pinned genesis cannot be read, LocalError if `old_note` is not a
    checkpoint; everything else is a finding.
    """
    genesis = case.genesis()
    old = _parse_old(old_note)
    try:
        note = case.note()
        _, checkpoint = parse_checkpoint(note)
    except RemoteError as error:
        return Verified(
            0, _EMPTY_TREE, Directory(), None, {}, (), ErasureMarks(0), (_no_checkpoint(error),)
        )
    tree = check_tree(case, checkpoint, old.size if old else None, told)
    replay = _Replay(case, min(checkpoint.size, tree.bundles * TILE_WIDTH))
    entries = logged_entries(case, checkpoint.size, tree)
    for index, entry in told_of(entries, "Public entries", checkpoint.size, told):
        replay.entry(index, entry)
    directory = replay.directory
    findings = [*tree.findings, *_check_first(tree, genesis), *replay.findings]
    known = replay.lost_at is None and not replay.gaps
    cosigners, faults = _check_note(note, directory, known=known)
    findings += [*faults, *extra_files(case, checkpoint.size)]
    findings += _check_policy(note, policy) if policy is not None else []
    if old is not None and old_note is not None:
        findings += _check_old(old, (old_note, note), checkpoint, tree, directory)
    return Verified(
        checkpoint.size,
        tree,
        directory,
        replay.lost_at,
        cosigners,
        tuple(replay.public_indexes),
        replay.erased,
        tuple(findings),
    )


def _no_checkpoint(error: RemoteError) -> Finding:
    if error.code is ErrorCode.NOT_FOUND:
        return missing(FindingCode.CHECKPOINT_MISSING, None, "log/checkpoint is not in the case")
    detail = f"log/checkpoint cannot be read: {error.code}"
    return broken(FindingCode.CHECKPOINT_MALFORMED, None, detail)


def _check_first(tree: TreeReport, genesis: str) -> list[Finding]:
    if tree.first is None or tree.first.hex() == genesis:
        return []
    detail = "entry 0 is not the genesis that was pinned: this is another log"
    return [broken(FindingCode.GENESIS_DIFFERS, 0, detail)]


def _check_note(
    note: bytes, directory: Directory, *, known: bool
) -> tuple[dict[str, int], list[Finding]]:
    """Log signature, cosignatures and quorum, by the charter in force at the end of the log.

    If that is not `known` for sure, a signature that is not valid proves nothing.
    """
    if not directory.charters:
        detail = "no charter could be read from the log, so no signature can be checked"
        return {}, [missing(FindingCode.NO_CHARTER, None, detail)]
    try:
        return verify_note_by_charter(note, directory.charter).cosigners, []
    except RemoteError as error:
        if error.code is ErrorCode.NO_QUORUM:
            return {}, [missing(FindingCode.NO_QUORUM, None, f"log/checkpoint: {error.detail}")]
        detail = f"log/checkpoint: {error.code}: {error.detail}"
        make = broken if known else missing
        return {}, [make(FindingCode.CHECKPOINT_SIGNATURE, None, detail)]


def _check_policy(note: bytes, policy: TlogPolicy) -> list[Finding]:
    try:
        verify_by_policy(note, policy)
    except RemoteError as error:
        detail = f"log/checkpoint, by your policy: {error.code}: {error.detail}"
        if error.code is ErrorCode.NO_QUORUM:
            return [missing(FindingCode.NO_QUORUM, None, detail)]
        return [broken(FindingCode.CHECKPOINT_SIGNATURE, None, detail)]
    return []


def _parse_old(old_note: bytes | None) -> Checkpoint | None:
    if old_note is None:
        return None
    try:
        return parse_checkpoint(old_note)[1]
    except RemoteError as error:
        raise LocalError(ErrorCode.BAD_FILE, "the old checkpoint cannot be read") from error


def _check_old(
    old: Checkpoint,
    notes: tuple[bytes, bytes],
    checkpoint: Checkpoint,
    tree: TreeReport,
    directory: Directory,
) -> list[Finding]:
    """Whether the log extends an earlier checkpoint that it signed."""
    unsure = "the old checkpoint was not compared: "
    if not directory.charters:
        return [missing(FindingCode.OLD_NOT_CHECKED, None, unsure + "no charter")]
    if directory.succession is not None and old.origin == directory.succession.body.old_origin:
        return _check_lost(old, notes[0], directory.succession.body, directory)
    try:
        verify_log_signature(parse_checkpoint(notes[0])[0], old, log_key(directory.charter))
    except RemoteError as error:
        reason = f"this log's key did not sign it ({error.code})"
        return [missing(FindingCode.OLD_NOT_CHECKED, None, unsure + reason)]
    if old.size > checkpoint.size:
        detail = f"the log signed {old.size} entries before and shows {checkpoint.size} now"
        return [_proven(FindingCode.ROLLED_BACK, detail, notes)]
    root = EMPTY_ROOT if old.size == 0 else tree.old_root
    if root is None:
        return [missing(FindingCode.OLD_NOT_CHECKED, None, unsure + "the tree is incomplete")]
    if root != old.root:
        detail = f"the first {old.size} entries are not those that the log signed before: a fork"
        return [_proven(FindingCode.OLD_DIFFERS, detail, notes)]
    return []


def _check_lost(
    old: Checkpoint, note: bytes, succession: SuccessionBody, directory: Directory
) -> list[Finding]:
    """Whether a checkpoint of the lost log is no newer than where entry 0 says that it ended.

    The witnesses are the same, so their lines speak for it; the lost log's key is not needed.
    """
    unsure = "the old checkpoint is of the log before this one and was not compared: "
    last, first = from_base64(succession.note), directory.charters[0].charter
    try:
        end = parse_checkpoint(last)[1]
        signed = verify_cosigners(parse_checkpoint(note)[0], witness_keys(first))
    except RemoteError as error:
        return [missing(FindingCode.OLD_NOT_CHECKED, None, f"{unsure}{error.code}")]
    if len(signed) < first.quorum:
        return [missing(FindingCode.OLD_NOT_CHECKED, None, unsure + "no quorum signed it")]
    if old.size > end.size:
        detail = f"entry 0 ends the lost log at {end.size}, but witnesses saw {old.size} entries"
        return [_proven(FindingCode.ROLLED_BACK, detail, (note, last))]
    if old.size == end.size and old.root != end.root:
        detail = f"entry 0 ends the lost log in another tree of {end.size} entries: a fork"
        return [_proven(FindingCode.OLD_DIFFERS, detail, (note, last))]
    if old.size < end.size:
        reason = "verify a case of the lost log with it"
        return [missing(FindingCode.OLD_NOT_CHECKED, None, unsure + reason)]
    return []


def _proven(code: FindingCode, detail: str, notes: tuple[bytes, bytes]) -> Finding:
    """A finding with the two signed notes that contradict each other: earlier and present."""
    return replace(broken(code, None, detail), notes=tuple(note.decode() for note in notes))
