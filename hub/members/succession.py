"""A new log in the place of a lost one: specs/05-log.md §15.

From what is left of a hub's folder and the last checkpoint that its witnesses signed. Links,
requests, mail and stubs are not taken over (docs/adr/0012): each agency publishes again what it
still may. Runs once, before the hub serves from the new folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.log.ledger import replay_directory
from hub.members.founding import Founder
from hub.store.tables import HubTables
from protocol import canonical
from protocol.dsse import PUBLIC_LEAF_LIMIT
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, to_base64
from protocol.governance.charter import Charter, parse_charter
from protocol.governance.directory import Directory
from protocol.governance.follow import log_key, verify_note_by_charter, witness_keys
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.leaf import public_leaf
from protocol.log.merkle import leaf_hash
from protocol.log.note import VerifierKey
from protocol.messages.bodies import CharterBody, KeyBirthBody
from protocol.messages.log import SuccessionBody
from protocol.messages.statement import Context, Stamp, make_statement, parse_statement
from protocol.signing import SecretSeed
from runtime.environment import Environment


@dataclass(frozen=True)
class RecoveredState:
    """What is left of a lost log: who is who, the key births, how much of it is still held."""

    genesis: str
    directory: Directory
    births: tuple[KeyBirthBody, ...]
    applicants: tuple[tuple[str, bytes, int], ...]
    held: int
    head: int


def read_recovered(tables: HubTables) -> RecoveredState:
    """Read the database of a lost hub, or of its backup. Raises LocalError(NOT_READY)."""
    directory = replay_directory(tables)
    leaves = tables.leaves(0, 1)
    if not leaves or not directory.charters:
        raise LocalError(ErrorCode.NOT_READY, "the old folder holds no log")
    births = tables.tx.rows(
        "SELECT p.envelope FROM payload p JOIN entry e USING (idx) "
        "WHERE e.kind = 'key_birth' ORDER BY idx"
    )
    return RecoveredState(
        genesis=leaf_hash(leaves[0]).hex(),
        directory=directory,
        births=tuple(
            parse_statement(row["envelope"], limit=PUBLIC_LEAF_LIMIT).expect(KeyBirthBody).body
            for row in births
        ),
        applicants=tuple(
            (row["party_id"], row["envelope"], row["applied_at"])
            for row in tables.applicants("member")
        ),
        held=tables.next_index(),
        head=tables.head()[0],
    )


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
    united = type(newest)(newest.text, ()).with_signatures(lines).encode()
    verify_note_by_charter(united, charter)
    return united


def next_charter(held: Charter, key: VerifierKey) -> Charter:
    """The old log's last charter with another log, and nothing else changed."""
    value = held.model_dump(mode="json")
    value |= {
        "version": held.version + 1,
        "predecessor": held.document_hash,
        "log": {"origin": key.name, "vkey": key.text},
    }
    return parse_charter(canonical.encode(value))


def succeed(
    tables: HubTables, recovered: RecoveredState, note: bytes, key: VerifierKey, signer: "HubSigner"
) -> str:
    """Write the first entries of the new log; its genesis fingerprint.

    `note` comes from `unite`, `key` is the new log's. Raises LocalError(CONFLICT) if a log has
    begun here, or for a key or name that the old log had.
    """
    if tables.next_index() != 0:
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
    writer = _Writer(tables, signer, charter)
    genesis = writer.first(body, held.version)
    tables.keep_charter_document(charter.document_hash, charter.encode())
    document = CharterBody(
        version=charter.version,
        predecessor=charter.predecessor,
        document_hash=charter.document_hash,
        document_length=len(charter.encode()),
    )
    writer.write(document, charter.charter_id)
    for birth in recovered.births:
        writer.write(birth, charter.charter_id)
    for party_id, states in recovered.directory.members.items():
        writer.write(states[-1].body, party_id)
    for party_id, envelope, applied_at in recovered.applicants:
        tables.apply(party_id, envelope, applied_at)
        tables.set_applicant(party_id, "member")
    tables.tx.run("INSERT INTO meta VALUES ('generation', ?)", signer.env.new_id())
    return genesis


@dataclass(frozen=True)
class HubSigner:
    """The hub's signing key, clock and randomness."""

    seed: SecretSeed
    env: Environment


class _Writer:
    """Writes the new log's public leaves, and follows them as everybody else will."""

    def __init__(self, tables: HubTables, signer: HubSigner, charter: Charter) -> None:
        self._tables = tables
        self._signer = signer
        self._ledger = Founder(signer.seed, signer.env, Directory(), charter)

    def first(self, body: SuccessionBody, version: int) -> str:
        """Entry 0, under the old log's charter version and the new log's name."""
        charter, env = self._ledger.charter, self._signer.env
        context = Context(charter.charter_id, version, charter.log.origin, charter.charter_id)
        stamp = Stamp(charter.charter_id, env.new_id(), env.clock())
        statement = make_statement(context, stamp, body, self._signer.seed)
        data = statement.envelope.encode()
        self._ledger.learn(self._tables, self._ledger.append(self._tables, statement), data)
        return leaf_hash(public_leaf(data)).hex()

    def write(self, body: WireModel, aud: str) -> None:
        statement, logged = self._ledger.issue(self._tables, body, aud)
        self._ledger.learn(self._tables, logged, statement.envelope.encode())
