"""Write statements into the request log, and sign the hub's own: specs/05-log.md §7.

Works inside the caller's transaction, so that a statement and what it changes are written together
or not at all. Trusted with the hub's signing key, never with the log key (hub/log/publisher.py).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from hub.store.tables import HubTables, Logged
from protocol.fields import WireModel
from protocol.governance.changes import unaccepted
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory, apply_public_leaf
from protocol.log.leaf import NO_SALT, SALT_BYTES, erasure_leaf, public_leaf, sealed_leaf
from protocol.messages.kinds import Leaf, kinds_that
from protocol.messages.statement import Context, Stamp, Statement, make_statement
from protocol.signing import SecretSeed
from runtime.environment import Environment

Body = TypeVar("Body", bound=WireModel)
OPEN_LEAVES = {Leaf.PUBLIC: public_leaf, Leaf.ERASURE: erasure_leaf}


@dataclass
class Ledger:
    """The hub's pen: its signing key, its surroundings, and the directory as of the last commit."""

    sign_seed: SecretSeed = field(repr=False)
    env: Environment
    directory: Directory
    _unbound: dict[str, Charter | None] = field(default_factory=dict, init=False, repr=False)

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        return self.directory.charter

    def terms(self, *agencies: str) -> tuple[Charter, ...]:
        """The charter in force and, for agencies that it does not bind yet, those they signed.

        What is done between these agencies must be right by every one of them.
        """
        for agency in agencies:
            if agency not in self._unbound:
                bound = not unaccepted(self.directory, agency)
                signed = None if bound else self.directory.accepted_charter(agency)
                self._unbound[agency] = signed
        own = (self._unbound[agency] for agency in agencies)
        return (self.charter, *(charter for charter in own if charter is not None))

    def sign(self, body: Body, aud: str) -> Statement[Body]:
        """A statement by the hub."""
        charter = self.charter
        context = Context(
            charter.charter_id, charter.version, charter.log.origin, charter.charter_id
        )
        stamp = Stamp(aud, self.env.new_id(), self.env.clock())
        return make_statement(context, stamp, body, self.sign_seed)

    def append(
        self,
        tables: HubTables,
        statement: Statement[WireModel],
        evidence: Iterable[bytes] = (),
    ) -> Logged:
        """Log a statement: in the open for public kinds and erasures, else as a salted leaf."""
        envelope = statement.envelope
        data = envelope.encode()
        opened = OPEN_LEAVES.get(statement.kind.leaf)
        salt = NO_SALT if opened else self.env.random(SALT_BYTES)
        leaf = opened(data) if opened else sealed_leaf(salt, data)
        logged = tables.append(leaf, envelope, statement.preamble, salt, self.env.clock())
        tables.add_evidence(logged.index, evidence)
        return logged

    def issue(
        self, tables: HubTables, body: Body, aud: str, evidence: Iterable[bytes] = ()
    ) -> tuple[Statement[Body], Logged]:
        """Sign a statement by the hub and log it."""
        statement = self.sign(body, aud)
        return statement, self.append(tables, statement, evidence)

    def learn(self, tables: HubTables, logged: Logged, envelope: bytes) -> None:
        """Take a public leaf into the directory. Call last in a transaction."""
        documents = tables.charter_documents()
        self.directory = apply_public_leaf(self.directory, logged.index, envelope, documents)
        self._unbound.clear()


def replay_directory(tables: HubTables) -> Directory:
    """The directory from the hub's own public leaves, as everybody else builds it."""
    documents = tables.charter_documents()
    directory = Directory()
    sql = (
        "SELECT p.idx, p.envelope FROM payload p JOIN entry e USING (idx) "
        "WHERE e.kind IN (SELECT value FROM json_each(?)) ORDER BY p.idx"
    )
    for row in tables.tx.rows(
        sql, json.dumps(sorted(kinds_that(lambda kind: kind.leaf is Leaf.PUBLIC)))
    ):
        directory = apply_public_leaf(directory, row["idx"], row["envelope"], documents)
    return directory
