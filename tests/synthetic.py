"""A founded hub with a real database and as many invented stubs as one likes; no network, no nodes.

Three agencies know the same people. The first two share each person's identifier, but not the
address; the last two share the address, but not the identifier: so one of three links is
supported. Ten people at a time hang together: two and two by their family, and each of two with
one of the next by their house. A fourth agency knows the identifier alone.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from hub.log.ledger import HubSigner, Ledger
from hub.matching.applying import Applying, Steps, put_in_force, sweep
from hub.matching.ends import EndsPass
from hub.matching.pepper import Pepper
from hub.matching.publications import Publications, kept_chunk
from hub.matching.rounds import Matcher
from hub.store.directory import DirectoryMemo
from hub.store.tables import SCHEMA, HubTables
from protocol.commitments import commit
from protocol.fields import to_base64
from protocol.messages.bodies import (
    ChunkRef,
    PublicationBody,
    PublishedInvolvement,
    RowsChunk,
    StubRow,
    StubTokens,
    TokensChunk,
)
from protocol.messages.statement import Statement, parse_statement
from protocol.wire import encode_wire
from runtime.environment import Environment
from storage.postgres import PostgresDatabase
from storage.sqlite import SqliteDatabase
from tests.unit.audit_log import CHARTER_ID, DAY, HUB, AuditLog, Party, work

Result = TypeVar("Result")
ROWS_A_CHUNK = 400


@dataclass(frozen=True)
class Agency:
    """An agency, what it does, and what it knows of everybody: the identifier; name, birth date
    and which address, or none of these.
    """

    party: Party
    member_class: str
    work: tuple[str, str]
    identifier: bool
    address: str | None


HEALTH = Agency(Party("A"), "health_provider", ("health_visiting", "Health visiting"), True, "old")
SCHOOL = Agency(Party("B"), "school", ("youth_work", "Youth work"), True, "new")
CARE = Agency(Party("C"), "childrens_social_care", ("child_in_need", "Child in need"), False, "new")
HOUSING = Agency(Party("D"), "housing", ("housing_tenancy", "Housing tenancy"), True, None)
AGENCIES = (HEALTH, SCHOOL, CARE)
MEMBERS = (*AGENCIES, HOUSING)


class SyntheticHub:
    """Publications are applied and rounds run as the hub does it."""

    def __init__(self, place: Path | str) -> None:
        """`place`: a file of SQLite, or the address of a database of PostgreSQL."""
        memo = DirectoryMemo()  # of this database, as the hub's own engine has it
        self._database: SqliteDatabase[HubTables] | PostgresDatabase[HubTables]
        if isinstance(place, Path):
            self._database = SqliteDatabase(place, SCHEMA, lambda tx: HubTables(tx, memo))
        else:
            self._database = PostgresDatabase(place, SCHEMA, lambda tx: HubTables(tx, memo))
        self.signer = AuditLog()
        self._drawn = 0
        env = Environment(clock=lambda: self.signer.now, random=self._random)
        self.pen = HubSigner(HUB.seed, env)
        self.pepper = Pepper(b"pepper" * 6)
        if not self.write(lambda tables: tables.log.next_index()):
            self.write(self._found)
        self._sequences: dict[str, int] = {}

    def write(self, body: Callable[[HubTables], Result]) -> Result:
        """One transaction."""
        return self._database.write(body)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def pass_days(self, days: int) -> None:
        """Move the clock."""
        self.signer.now += days * DAY

    def upload(
        self,
        agency: Agency,
        rows: Sequence[StubRow],
        tokens: Sequence[StubTokens],
        size: int = ROWS_A_CHUNK,
    ) -> Statement[PublicationBody]:
        """Hand in the manifest of a publication and its chunks; nothing is applied yet."""
        return self.receive(*self.prepare(agency, rows, tokens, size))

    def prepare(
        self,
        agency: Agency,
        rows: Sequence[StubRow],
        tokens: Sequence[StubTokens],
        size: int = ROWS_A_CHUNK,
    ) -> tuple[Statement[PublicationBody], list[bytes]]:
        """A node's part: the signed manifest, and the chunks."""
        row_chunks = [encode_wire(RowsChunk(rows=part)) for part in _parts(rows, size)]
        token_chunks = [encode_wire(TokensChunk(tokens=part)) for part in _parts(tokens, size)]
        number = self._sequences.get(agency.party.id, 0) + 1
        body = PublicationBody(
            sequence=number,
            epoch=1,
            rows=_refs(row_chunks, _parts(rows, size)),
            tokens=_refs(token_chunks, _parts(tokens, size)),
        )
        return self.signer.sign(agency.party, body, CHARTER_ID), [*row_chunks, *token_chunks]

    def receive(
        self, statement: Statement[PublicationBody], chunks: Sequence[bytes]
    ) -> Statement[PublicationBody]:
        """Take in a manifest and its chunks."""
        self.write(lambda tables: self.publications(tables).begin(tables, statement))
        for data in chunks:
            self.write(lambda tables, data=data: self._add(tables, statement, data))  # type: ignore[misc]
        return statement

    def apply(self, statement: Statement[PublicationBody]) -> None:
        """Apply what was uploaded."""
        applying = Applying(self.pen, statement)
        checked = self._run(applying.check())
        self.write(lambda tables: applying.log(tables, checked))
        self.finish()
        sender = statement.preamble.sender
        self._sequences[sender] = statement.body.sequence

    def finish(self) -> None:
        """Put in force what is logged."""
        for upload in self.write(lambda tables: tables.uploads.logged()):
            self._run(put_in_force(upload))
        self._run(sweep())

    def publish(self, agency: Agency, people: range, *, revision: int = 1, copy: str = "") -> None:
        """Publish these people's stubs, each with its tokens of this revision."""
        self.apply(self.upload(agency, *stubs(agency, people, revision, copy)))

    def retire(self, agency: Agency, people: range, revision: int) -> None:
        """Retire these people's stubs: this is their next revision."""
        rows, _ = stubs(agency, people, revision)
        gone = [row.model_copy(update={"retired": True, "involvements": []}) for row in rows]
        self.apply(self.upload(agency, gone, [], len(gone)))

    def round(self) -> int:
        """One round; how many links changed."""
        return self.write(lambda tables: Matcher(self.ledger(tables)).run(tables))

    def tell_ends(self) -> None:
        """All ends passes that are owed."""
        while self.write(lambda tables: tables.ends.owed()):
            self.write(lambda tables: EndsPass(self.ledger(tables)).run())

    def ledger(self, tables: HubTables) -> Ledger:
        """The hub's ledger within a transaction."""
        return Ledger(tables, self.pen)

    def publications(self, tables: HubTables) -> Publications:
        """The hub's publications within a transaction."""
        return Publications(self.ledger(tables))

    def _found(self, tables: HubTables) -> None:
        """Charter, members and acceptances, in the log."""
        signer = self.signer
        signer.put_charter(signer.charter)
        for agency in MEMBERS:
            signer.admit(agency.party, agency.member_class, clients=100_000)
        for agency in MEMBERS:
            signer.accept(agency.party)
        for entry in signer.entries:
            said = parse_statement(entry.envelope)
            tables.log.append(entry.leaf, said.envelope, said.preamble, entry.salt, signer.now)
        charter = signer.charter
        tables.charters.keep(charter.document_hash, charter.encode())

    def _add(self, tables: HubTables, statement: Statement[PublicationBody], data: bytes) -> None:
        kept = kept_chunk(self.pepper, statement, data)
        tables.uploads.add_chunk(statement.id, hashlib.sha256(data).hexdigest(), kept)

    def _run(self, steps: Steps[Result]) -> Result:
        """Each step in a transaction."""
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as done:
                return cast("Result", done.value)
            answer = self.write(step)

    def _random(self, size: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(b"%d" % self._drawn).digest(size)


def stub_id(agency: Agency, person: int, copy: str = "") -> str:
    """The stub of a person at an agency; a copy is another, of the same person."""
    return _hash(f"{agency.party.letter}/{person}{copy}")[:16].hex()


def stubs(
    agency: Agency, people: range, revision: int = 1, copy: str = ""
) -> tuple[list[StubRow], list[StubTokens]]:
    """Rows and token sets; a later revision has another address, and so other tokens."""
    rows, sets = [], []
    for person in people:
        own, tokens = stub_id(agency, person, copy), _tokens(agency, person, revision)
        salt = _hash(f"salt/{own}/{revision}")
        rows.append(
            StubRow(
                stub_id=own,
                revision=revision,
                retired=False,
                involvements=[_work(agency, person)],
                token_commitment=commit(salt, {"stub_id": own, "tokens": dict(tokens)}),
            )
        )
        sets.append(StubTokens(stub_id=own, salt=salt.hex(), tokens=tokens))
    return rows, sets


def _work(agency: Agency, person: int) -> PublishedInvolvement:
    return work(_hash(f"work/{agency.party.letter}/{person}")[:16].hex(), *agency.work)


def _tokens(agency: Agency, person: int, revision: int) -> dict[str, list[str]]:
    values = {}
    if agency.identifier:
        values = {key: [f"{person}"] for key in ("nid_dob.1", "nid_given.2", "nid_family.1")}
    if agency.address is not None:
        address = agency.address if revision == 1 else f"{agency.address} {revision}"
        values |= _names_and_places(person, address)
    return {
        key: [to_base64(_hash(f"{key}/{text}")[:16]) for text in texts]
        for key, texts in values.items()
    }


def _names_and_places(person: int, address: str) -> dict[str, list[str]]:
    family = person - person % 2
    house = person if person % 10 in {0, 9} else person + person % 2
    return {
        "given_dob.3": [f"{person}"],
        "name_dob.1": [f"{person}"],
        "given_dob_mi.4": [f"{person}"],
        "family_dob_mi.2": [f"{family}"],
        "sex_family_dob.2": [f"{family}"],
        "alias_dob_pc.4": [f"{person} {address}"],
        "dob_sex_pc.2": [f"{house} {address}"],
        "dob_addr.1": [f"{house} {address}"],
        "name_pc_dob.3": [f"{person} {address} {part}" for part in "ym"],
        "name_addr_dob.3": [f"{person} {address} {part}" for part in "ym"],
        "name_pc.2": [f"{person} {address}"],
        "given_addr.2": [f"{person} {address}"],
    }


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


Item = TypeVar("Item")


def _parts(items: Sequence[Item], size: int) -> list[list[Item]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _refs(chunks: Sequence[bytes], parts: Sequence[Sequence[object]]) -> list[ChunkRef]:
    return [
        ChunkRef(hash=hashlib.sha256(data).hexdigest(), length=len(data), count=len(part))
        for data, part in zip(chunks, parts, strict=True)
    ]
