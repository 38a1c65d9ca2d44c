"""A new log in the place of a lost one: specs/05-log.md §15.

From what is left of a hub's folder and the last checkpoint that its witnesses signed. Links,
requests, mail and stubs are not taken over (docs/adr/0012): each agency publishes again what it
still may. Runs once, before the hub serves from the new folder.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from hub.log.ledger import HubSigner
from hub.members.charter_changes import charter_body
from hub.members.founding import FirstLedger
from hub.store.members import Applicant, ApplicantState
from hub.store.tables import HubTables, has_database, opened
from protocol import canonical
from protocol.dsse import PUBLIC_LEAF_LIMIT
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, to_base64
from protocol.governance.charter import Charter, parse_charter
from protocol.governance.directory import Directory, Member
from protocol.governance.follow import log_key, verify_note_by_charter, witness_keys
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.leaf import public_leaf
from protocol.log.merkle import leaf_hash
from protocol.log.note import NoteSigner, SignatureType, VerifierKey
from protocol.messages.bodies import KeyBirthBody
from protocol.messages.kinds import Party
from protocol.messages.log import SuccessionBody
from protocol.messages.statement import (
    Context,
    Stamp,
    Statement,
    make_statement,
    parse_statement,
)
from protocol.signing import SecretSeed
from runtime.environment import Environment
from runtime.lock import only_one
from runtime.secrets import make_own_folder, read_secrets, write_secrets

OF_MEMBERS = ("member", "seal_renewal", "details", "rename")


@dataclass(frozen=True)
class RecoveredState:
    """What is left of a lost log: who is who, the key generations, how much of it is still held."""

    genesis: str
    directory: Directory
    births: tuple[KeyBirthBody, ...]
    members: tuple[Statement[WireModel], ...]
    applicants: tuple[Applicant, ...]
    held: int
    head: int


@dataclass(frozen=True)
class NewLog:
    """A log in the place of a lost one, and how many witnessed entries of that one are gone."""

    genesis: str
    vkey: str
    lacks: int


async def begin(
    folder: Path, old: Path, notes: Sequence[bytes], origin: str, env: Environment
) -> NewLog:
    """Write the new hub's folder from what is left of the old one, and the witnesses' last notes.

    Everything is checked before the first file is written. Raises LocalError, RemoteError.
    """
    _make_folder(folder, old)
    with only_one(old, "hub"):
        return await _begin(folder, old, notes, origin, env)


def _make_folder(folder: Path, old: Path) -> None:
    if (folder / "keys.json").exists():
        raise LocalError(ErrorCode.CONFLICT, "the new folder holds a hub already")
    if not has_database(old):
        raise LocalError(ErrorCode.NOT_FOUND, "--from holds no hub.sqlite")
    make_own_folder(folder)


async def _begin(
    folder: Path, old: Path, notes: Sequence[bytes], origin: str, env: Environment
) -> NewLog:
    keys = read_secrets(old / "keys.json")
    plan = json.loads((old / "plan.json").read_text(encoding="utf-8"))
    async with opened(old) as lost:
        recovered = await lost.read(read_recovered)
    note = merge_cosignatures(notes, recovered)
    # The new log begins without tokens: a pepper that was lost with the folder is drawn anew.
    seeds = {"pepper": env.random(32), **keys, "log": env.random(32)}
    log_key = NoteSigner(origin, SignatureType.ED25519, SecretSeed(seeds["log"])).key
    signer = HubSigner(SecretSeed(seeds["sign"]), env)
    write_secrets(folder / "keys.json", seeds)
    async with opened(folder) as engine:
        genesis = await engine.write(
            lambda tables: succeed(tables, recovered, note, log_key, signer)
        )
    (folder / "plan.json").write_text(json.dumps(plan | {"origin": origin}), encoding="utf-8")
    (folder / "genesis").write_text(genesis + "\n", encoding="utf-8")
    (folder / "log.vkey").write_text(log_key.text + "\n", encoding="utf-8")
    lacks = max(0, parse_checkpoint(note)[1].size - recovered.held)
    return NewLog(genesis, log_key.text, lacks)


def read_recovered(tables: HubTables) -> RecoveredState:
    """Read the database of a lost hub, or of its backup. Raises LocalError(NOT_READY)."""
    directory = tables.directory.current()
    leaves = tables.log.leaves(0, 1)
    if not directory.charters:
        raise LocalError(ErrorCode.NOT_READY, "the old folder holds no log")
    return RecoveredState(
        genesis=leaf_hash(leaves[0]).hex(),
        directory=directory,
        births=tuple(
            parse_statement(entry.envelope, limit=PUBLIC_LEAF_LIMIT).expect(KeyBirthBody).body
            for entry in tables.log.of_kinds(["key_birth"])
        ),
        members=tuple(_last_said(tables, directory)),
        applicants=tuple(tables.members.applicants(ApplicantState.MEMBER)),
        held=tables.log.next_index(),
        head=tables.checkpoints.head().size,
    )


def _last_said(tables: HubTables, directory: Directory) -> Iterator[Statement[WireModel]]:
    """What the old log says of each member since the leaf that shows whose its keys are."""
    wanted = {state.index for states in directory.members.values() for state in _since_keys(states)}
    for entry in tables.log.of_kinds(OF_MEMBERS):
        if entry.index in wanted:
            yield parse_statement(entry.envelope, limit=PUBLIC_LEAF_LIMIT)


def _since_keys(states: Sequence[Member]) -> Iterator[Member]:
    """A member's states under its last enrolment or rotation; of `member` leaves in a row, the
    last one says it all.
    """
    enrolment = states[-1].body.enrolment
    kept = [state for state in states if state.body.enrolment == enrolment]
    for state, after in zip_longest(kept, kept[1:]):
        repeated = after is not None and after.leaf == after.index and state.leaf == state.index
        if not repeated:
            yield state


def merge_cosignatures(notes: Sequence[bytes], recovered: RecoveredState) -> bytes:
    """The largest of the witnesses' last checkpoints, with the lines of all who signed it.

    Raises RemoteError: NO_QUORUM, BAD_TREE when two witnesses signed two trees of one size or the
    log was longer than the checkpoint; BAD_SIGNATURE.
    """
    parsed = [parse_checkpoint(note) for note in notes]
    if not parsed:
        raise RemoteError(ErrorCode.NO_QUORUM, "no checkpoint was given")
    newest, last = max(parsed, key=lambda item: item[1].size)
    same = [note for note, checkpoint in parsed if checkpoint.size == last.size]
    if any(note.text != newest.text for note in same):
        raise RemoteError(ErrorCode.BAD_TREE, "the witnesses signed two different trees")
    if last.size < recovered.head:
        raise RemoteError(ErrorCode.BAD_TREE, "the old hub itself had signed a longer log")
    charter = recovered.directory.charter
    known = (log_key(charter), *witness_keys(charter))
    lines = [line for note in same for key in known for line in note.signatures_by(key)]
    merged = type(newest)(newest.text, ()).with_signatures(lines).encode()
    verify_note_by_charter(merged, charter)
    return merged


def next_charter(held: Charter, key: VerifierKey) -> Charter:
    """The old log's last charter with another log, and nothing else changed."""
    value = held.to_value()
    value |= {
        "version": held.version + 1,
        "predecessor": held.document_hash,
        "log": {"origin": key.name, "vkey": key.text},
    }
    return parse_charter(canonical.encode(value))


def succeed(
    tables: HubTables, recovered: RecoveredState, note: bytes, key: VerifierKey, signer: HubSigner
) -> str:
    """Write the first entries of the new log; its genesis fingerprint.

    `note` comes from `merge_cosignatures`, `key` is the new log's. Raises LocalError(CONFLICT) if a
    log has begun here, or for a key or name that the old log had.
    """
    if tables.log.next_index() != 0:
        raise LocalError(ErrorCode.CONFLICT, "a log has begun in this folder already")
    held = recovered.directory.charter
    if key.name == held.log.origin:
        raise LocalError(ErrorCode.CONFLICT, "the new log needs another name (--origin)")
    charter = next_charter(held, key)
    body = SuccessionBody(
        old_genesis=recovered.genesis,
        old_origin=held.log.origin,
        note=to_base64(note),
        held=recovered.held,
        charter=held.document_hash,
    )
    ledger = FirstLedger(tables, signer, charter)
    genesis = _write_first(ledger, body, held.version, signer)
    tables.charters.keep(charter.document_hash, charter.encode())
    ledger.issue(charter_body(charter), charter.charter_id)
    for birth in recovered.births:
        ledger.issue(birth, charter.charter_id)
    for statement in recovered.members:
        if statement.kind.sender is Party.HUB:
            ledger.issue(statement.body, statement.preamble.aud)
        else:
            ledger.append(statement)  # the member's own word, as it signed it
    for applicant in recovered.applicants:
        tables.members.take_over(applicant.party_id, applicant.envelope, applicant.applied_at)
    tables.mailboxes.begin(signer.env.new_id())
    return genesis


def _write_first(ledger: FirstLedger, body: SuccessionBody, version: int, signer: HubSigner) -> str:
    """Entry 0, under the old log's charter version and the new log's name; its leaf hash."""
    charter, env = ledger.charter, signer.env
    context = Context(charter.charter_id, version, charter.log.origin, charter.charter_id)
    stamp = Stamp(charter.charter_id, env.new_id(), env.clock())
    statement = make_statement(context, stamp, body, signer.seed)
    ledger.append(statement)
    return leaf_hash(public_leaf(statement.envelope.encode())).hex()
