"""Write statements into the request log, and sign the hub's own: specs/05-log.md §7.

A ledger is made at the start of a transaction's body and ends with it: what it says of members and
charter is what that transaction finds, so a statement and what it changes are written together or
not at all. Trusted with the hub's signing key, never with the log key (hub/log/publisher.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from hub.store.log import Logged
from hub.store.tables import HubTables
from protocol.fields import WireModel
from protocol.governance.acceptance import unaccepted
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.log.leaf import NO_SALT, SALT_BYTES, erasure_leaf, public_leaf, sealed_leaf
from protocol.messages.kinds import Leaf
from protocol.messages.statement import Context, Stamp, Statement, make_statement
from protocol.signing import SecretSeed
from runtime.environment import Environment

Body = TypeVar("Body", bound=WireModel)
OPEN_LEAVES = {Leaf.PUBLIC: public_leaf, Leaf.ERASURE: erasure_leaf}


@dataclass(frozen=True)
class HubSigner:
    """The hub's signing key, clock and randomness."""

    seed: SecretSeed = field(repr=False)
    env: Environment


class Ledger:
    """The log, and who is who by it, within one open transaction."""

    def __init__(self, tables: HubTables, signer: HubSigner) -> None:
        self.tables = tables
        self.env = signer.env
        self._seed = signer.seed
        self._unbound: dict[str, Charter | None] = {}

    @property
    def directory(self) -> Directory:
        """Charters, members and acceptances, with what this transaction has appended."""
        return self.tables.directory.current()

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
        return make_statement(context, stamp, body, self._seed)

    def append(self, statement: Statement[WireModel], evidence: Iterable[bytes] = ()) -> Logged:
        """Log a statement: in the open for public kinds and erasures, else as a salted leaf.

        A public one is in force from here on. Raises RemoteError if everybody else would refuse it.
        """
        envelope, log = statement.envelope, self.tables.log
        data = envelope.encode()
        opened = OPEN_LEAVES.get(statement.kind.leaf)
        salt = NO_SALT if opened else self.env.random(SALT_BYTES)
        leaf = opened(data) if opened else sealed_leaf(salt, data)
        if statement.kind.leaf is Leaf.PUBLIC:
            self.tables.directory.append(log.next_index(), data, self.env.new_id())
            self._unbound.clear()
        logged = log.append(leaf, envelope, statement.preamble, salt, self.env.clock())
        log.add_evidence(logged.index, evidence)
        return logged

    def issue(
        self, body: Body, aud: str, evidence: Iterable[bytes] = ()
    ) -> tuple[Statement[Body], Logged]:
        """Sign a statement by the hub and log it."""
        statement = self.sign(body, aud)
        return statement, self.append(statement, evidence)
