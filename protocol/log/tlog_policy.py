"""C2SP tlog-policy files: which logs, which witnesses, and how many of whom: specs/05-log.md §11.

A policy is its reader's own: it comes from an auditor's desk or a node's operator, never from the
hub whose checkpoint it is held against. Names in it are opaque bytes that mean nothing outside it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from protocol.errors import ErrorCode, RemoteError
from protocol.log.checkpoint import (
    VerifiedCheckpoint,
    parse_checkpoint,
    verify_checkpoint,
    verify_cosigners,
)
from protocol.log.note import SignatureType, VerifierKey, parse_decimal, parse_vkey

MAX_POLICY_BYTES = 64 * 1024
MAX_LINES = 1000
_NONE = b"none"
_OTHER = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_SPACE = re.compile(rb"[ \t]+")


@dataclass(frozen=True)
class Named:
    """A log's or a witness's key, and perhaps where it answers."""

    key: VerifierKey
    url: bytes | None = None


@dataclass(frozen=True)
class Group:
    """At least `threshold` of the members, each a witness or a group, must have witnessed."""

    threshold: int
    members: tuple[bytes, ...]


@dataclass(frozen=True)
class TlogPolicy:
    """A parsed policy. `quorum` is the name of a witness or a group; None asks for nobody."""

    quorum: bytes | None
    logs: tuple[Named, ...] = ()
    witnesses: Mapping[bytes, Named] = field(default_factory=dict)
    groups: Mapping[bytes, Group] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The policy in one plain layout: logs, witnesses, groups in order, quorum."""
        lines = [_line(b"log", log) for log in self.logs]
        lines += [_line(b"witness %b" % name, item) for name, item in self.witnesses.items()]
        lines += [
            b"group %b %d %b" % (name, group.threshold, b" ".join(group.members))
            for name, group in self.groups.items()
        ]
        return b"\n".join([*lines, b"quorum " + (self.quorum or _NONE), b""])

    def is_met_by(self, cosigned: set[bytes]) -> bool:
        """Whether these witnesses, by their names here, are enough."""
        met = set(cosigned) & set(self.witnesses)
        for name, group in self.groups.items():  # a group comes after its members
            if len(met.intersection(group.members)) >= group.threshold:
                met.add(name)
        return self.quorum is None or self.quorum in met


def simple_policy(
    log_key: VerifierKey, witness_keys: Sequence[VerifierKey], quorum: int
) -> TlogPolicy:
    """One log, and any `quorum` of the witnesses: what a charter says."""
    witnesses = {key.name.encode(): Named(key) for key in witness_keys}
    group = Group(quorum, tuple(witnesses))
    return TlogPolicy(b"charter-quorum", (Named(log_key),), witnesses, {b"charter-quorum": group})


def parse_tlog_policy(data: bytes) -> TlogPolicy:
    """Read a policy file. Raises RemoteError and nothing else; the detail names the line."""
    if len(data) > MAX_POLICY_BYTES or data.count(b"\n") > MAX_LINES:
        raise RemoteError(ErrorCode.TOO_LARGE, "policy is over 64 KiB or 1000 lines")
    if _OTHER.search(data) or not data.endswith(b"\n"):
        raise RemoteError(ErrorCode.MALFORMED, "policy has a control character or no last newline")
    reader = _Reader()
    for number, line in enumerate(data[:-1].split(b"\n"), 1):
        words = [word for word in _SPACE.split(line) if word]
        if words and not words[0].startswith(b"#"):
            try:
                reader.take(words)
            except RemoteError as error:
                raise RemoteError(error.code, f"policy line {number}: {error.detail}") from error
    return reader.policy()


def verify_by_policy(note_bytes: bytes, policy: TlogPolicy) -> VerifiedCheckpoint:
    """The checkpoint, if one of the policy's logs and enough of its witnesses signed it.

    Raises RemoteError as `verify_checkpoint` does: NO_QUORUM for too few witnesses.
    """
    note, checkpoint = parse_checkpoint(note_bytes)
    known = {name: item.key for name, item in policy.witnesses.items()}
    for log in policy.logs:
        if log.key.name == checkpoint.origin and note.signatures_by(log.key):
            verified = verify_checkpoint(note_bytes, log.key, list(known.values()), 0)
            cosigned = {name for name, key in known.items() if verify_cosigners(note, [key])}
            if not policy.is_met_by(cosigned):
                detail = f"{len(cosigned)} of the policy's witnesses signed: not its quorum"
                raise RemoteError(ErrorCode.NO_QUORUM, detail)
            return verified
    raise RemoteError(ErrorCode.BAD_SIGNATURE, "no log of the policy signed this checkpoint")


class _Reader:
    """Takes the lines of a policy one by one; each may name only what came before it."""

    def __init__(self) -> None:
        self._logs: list[Named] = []
        self._witnesses: dict[bytes, Named] = {}
        self._groups: dict[bytes, Group] = {}
        self._used: set[bytes] = set()
        self._quorums: list[bytes] = []

    def take(self, words: list[bytes]) -> None:
        """One line that is not empty."""
        takers: dict[bytes, Callable[[list[bytes]], None]] = {
            b"log": self._log,
            b"witness": self._witness,
            b"group": self._group,
            b"quorum": self._quorum,
        }
        taker = takers.get(words[0])
        if taker is None:
            raise _malformed("not a log, witness, group or quorum line")
        taker(words[1:])

    def policy(self) -> TlogPolicy:
        """All of it."""
        if len(self._quorums) != 1:
            raise _malformed("a policy has exactly one quorum line")
        quorum = None if self._quorums[0] == _NONE else self._quorums[0]
        return TlogPolicy(quorum, tuple(self._logs), self._witnesses, self._groups)

    def _log(self, words: list[bytes]) -> None:
        if not 1 <= len(words) <= 2:
            raise _malformed("a log line is a vkey and perhaps a URL")
        log = Named(_key(words[0], {SignatureType.ED25519}), *words[1:])
        _refuse_repeats(log, self._logs)
        self._logs.append(log)

    def _witness(self, words: list[bytes]) -> None:
        if not 2 <= len(words) <= 3:
            raise _malformed("a witness line is a name, a vkey and perhaps a URL")
        types = {SignatureType.COSIGNATURE_V1, SignatureType.SUBTREE_V1}
        witness = Named(_key(words[1], types), *words[2:])
        _refuse_repeats(witness, self._witnesses.values())
        self._new(words[0])
        self._witnesses[words[0]] = witness

    def _group(self, words: list[bytes]) -> None:
        if len(words) < 3:
            raise _malformed("a group line is a name, a threshold and members")
        name, threshold, members = words[0], words[1], words[2:]
        for member in members:
            self._known(member)
            if member in self._used:
                raise _malformed("a name is a member twice")
            self._used.add(member)
        self._new(name)
        numbers = {b"any": 1, b"all": len(members)}
        least = numbers.get(threshold)
        if least is None:
            least = parse_decimal(threshold.decode("latin-1"), "threshold")
        if not 1 <= least <= len(members):
            raise _malformed("the threshold is not between 1 and the number of members")
        self._groups[name] = Group(least, tuple(members))

    def _quorum(self, words: list[bytes]) -> None:
        if len(words) != 1:
            raise _malformed("a quorum line is one name")
        if words[0] != _NONE:
            self._known(words[0])
        self._quorums.append(words[0])

    def _new(self, name: bytes) -> None:
        if name == _NONE or name in self._witnesses or name in self._groups:
            raise _malformed("the name is taken")

    def _known(self, name: bytes) -> None:
        if name not in self._witnesses and name not in self._groups:
            raise _malformed("a name that no line before this one defines")


def _key(word: bytes, types: set[SignatureType]) -> VerifierKey:
    try:
        key = parse_vkey(word.decode())
    except UnicodeDecodeError as error:
        raise _malformed("the vkey is not UTF-8") from error
    if key.type not in types:
        raise RemoteError(ErrorCode.UNKNOWN_KIND, "the key is of a type for another use")
    return key


def _refuse_repeats(item: Named, others: Iterable[Named]) -> None:
    if item.key.public_key in {other.key.public_key for other in others}:
        raise RemoteError(ErrorCode.CONFLICT, "the same key is named twice")


def _line(start: bytes, item: Named) -> bytes:
    words = [start, item.key.text.encode()]
    return b" ".join(words if item.url is None else [*words, item.url])


def _malformed(detail: str) -> RemoteError:
    return RemoteError(ErrorCode.MALFORMED, detail)
