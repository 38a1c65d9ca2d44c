"""What the hub refuses of a publication: a patched node signs and posts it, and nothing is kept.

Each case is a publication that would be taken but for one thing. All of a group are tried in one
federation; what fits goes through at the end under the very number that was refused before.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

import hub.matching.uploading
from hub.matching.applying import Applying, Checked
from protocol.commitments import commit
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, to_base64
from protocol.messages.bodies import (
    ChunkRef,
    PublicationBody,
    PublishedInvolvement,
    RowsChunk,
    StubRow,
    StubTokens,
    TokensChunk,
)
from protocol.wire import Message, encode_wire
from tests.sim.federation import SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]
E = ErrorCode
SALT, SOMEBODY, ANOTHER = "5a" * 32, "d1" * 16, "d2" * 16
WORK = PublishedInvolvement.model_validate(
    {
        "id": "1b" * 16,
        "type": "health_visiting",
        "label": "Health visiting",
        "permission": {"basis_class": "duty", "valid_until": 1_800_000_000},
        "active_until": None,
        "facts_commitment": "fa" * 32,
    }
)
Tokens = dict[str, list[str]]


def token(text: str, length: int = 16) -> str:
    """A token of nobody."""
    return to_base64(hashlib.sha256(text.encode()).digest()[:length])


NAMED: Tokens = {"name_dob.1": [token("name")], "given_dob.3": [token("given")]}


def opened(stub_id: str, tokens: Tokens) -> StubTokens:
    """What opens a row's commitment."""
    return StubTokens.model_construct(stub_id=stub_id, salt=SALT, tokens=tokens)


def stub(stub_id: str = SOMEBODY, tokens: Tokens = NAMED, **change: Any) -> StubRow:
    """A row for these tokens."""
    value: Any = {"stub_id": stub_id, "tokens": tokens}
    values = {"stub_id": stub_id, "revision": 1, "retired": False, "involvements": [WORK]}
    values["token_commitment"] = commit(bytes.fromhex(SALT), value)
    return StubRow(**{**values, **change})


@dataclass(frozen=True)
class Published:
    """A publication: rows in chunks, token sets in chunks, and what the manifest says of them."""

    rows: Sequence[Sequence[StubRow]] = ((stub(),),)
    tokens: Sequence[Sequence[StubTokens]] = ((opened(SOMEBODY, NAMED),),)
    manifest: dict[str, Any] = field(default_factory=dict)
    of_rows: dict[str, Any] = field(default_factory=dict)
    of_tokens: dict[str, Any] = field(default_factory=dict)


def of(tokens: Tokens, **change: Any) -> Published:
    """A publication of one stub with these tokens."""
    return Published([[stub(tokens=tokens, **change)]], [[opened(SOMEBODY, tokens)]])


def _chunk(value: WireModel, count: int, said: dict[str, Any]) -> tuple[ChunkRef, bytes]:
    data = encode_wire(value)
    ref = {"hash": hashlib.sha256(data).hexdigest(), "length": len(data), "count": count}
    return ChunkRef(**{**ref, **said}), data


def signed(node: SimNode, what: Published) -> tuple[Any, list[bytes]]:
    """The manifest as the node signs it, and the chunks."""
    rows = [_chunk(RowsChunk(rows=list(some)), len(some), what.of_rows) for some in what.rows]
    sets = [
        _chunk(TokensChunk(tokens=list(some)), len(some), what.of_tokens) for some in what.tokens
    ]
    values: dict[str, Any] = {"sequence": 2, "epoch": 1, **what.manifest}
    values |= {"rows": [ref for ref, _ in rows], "tokens": [ref for ref, _ in sets]}
    statement = node.membership.sign(PublicationBody(**values), node.membership.hub.hub_id)
    return statement, [data for _, data in (*rows, *sets)]


async def says(federation: SimFederation, node: SimNode, what: Published) -> ErrorCode | None:
    """How the hub refuses it; None if it takes it."""
    statement, chunks = signed(node, what)
    intake, envelope = federation.services.intake, to_base64(statement.envelope.encode())
    try:
        await intake.begin_publication(Message(envelope=envelope, sealed=None, proof=None))
        for data in chunks:
            await intake.add_chunk(statement.id, data)
    except RemoteError as error:
        return error.code
    return None


async def own_stub(node: SimNode) -> str:
    """A stub that this agency has published."""
    row = await node.read(lambda tables: tables.tx.one("SELECT stub_id FROM stub"))
    assert row is not None
    return str(row["stub_id"])


TOO_MANY = {**NAMED, "name_dob.1": [token(f"name {number}") for number in range(16)]}
SETS = opened(SOMEBODY, NAMED)
FORTUNES, HOUSING = (
    [WORK.model_copy(update=change)]
    for change in ({"type": "fortune_telling"}, {"label": "Housing tenancy"})
)
REFUSED = {
    "retired, and yet somebody works with them": (
        Published([[stub(retired=True)]], []), E.MALFORMED,
    ),
    "work that the charter does not know": (of(NAMED, involvements=FORTUNES), E.NOT_ALLOWED),
    "work under another work's name": (of(NAMED, involvements=HOUSING), E.NOT_ALLOWED),
    "no tokens": (Published(tokens=[]), E.MALFORMED),
    "another stub's tokens": (Published(tokens=[[opened(ANOTHER, NAMED)]]), E.MALFORMED),
    "other tokens than were committed to": (
        Published(tokens=[[opened(SOMEBODY, {**NAMED, "name_dob.1": [token("x")]})]]), E.BAD_PROOF,
    ),
    "one token set too many": (Published(tokens=[[SETS, opened(ANOTHER, NAMED)]]), E.MALFORMED),
    "one chunk of token sets too many": (
        Published(tokens=[[SETS], [opened(ANOTHER, NAMED)]]), E.MALFORMED,
    ),
    "another number of rows": (Published(of_rows={"count": 2}), E.MALFORMED),
    "another number of token sets": (Published(of_tokens={"count": 2}), E.MALFORMED),
    "another length": (Published(of_rows={"length": 7}), E.NOT_FOUND),
    "tokens of another epoch": (Published(manifest={"epoch": 2}), E.WRONG_CHARTER),
    "out of turn": (Published(manifest={"sequence": 3}), E.CONFLICT),
    "an unknown type": (of({**NAMED, "shoe_size.1": [token("9")]}), E.NOT_ALLOWED),
    "a token twice": (of({**NAMED, "name_dob.1": [token("a"), token("a")]}), E.MALFORMED),
    "more tokens of a type than its cap": (of(TOO_MANY), E.OVER_LIMIT),
    "a token of fifteen bytes": (of({**NAMED, "name_dob.1": [token("a", 15)]}), E.MALFORMED),
    "nobody's name": (of({"dob_addr.1": [token("a")]}), E.OVER_LIMIT),
    "a first revision that is not the first": (
        Published([[stub(revision=2)]]), E.CONFLICT,
    ),
    "one stub in two chunks": (
        Published([[stub()], [stub()]], [[SETS], [SETS]]), E.MALFORMED,
    ),
}  # fmt: skip


async def test_what_is_wrong_in_itself(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    said = {name: await says(federation, health, what) for name, (what, _) in REFUSED.items()}
    assert said == {name: code for name, (_, code) in REFUSED.items()}
    assert len(await federation.entries("publication")) == 2
    assert await federation.hub_read(lambda tables: tables.stubs.stub(SOMEBODY)) is None
    assert await says(federation, health, Published()) is None
    assert len(await federation.entries("publication")) == 3


async def test_a_chunk_of_the_right_length_and_of_other_bytes(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    statement, chunks = signed(health, Published())
    intake, envelope = federation.services.intake, to_base64(statement.envelope.encode())
    await intake.begin_publication(Message(envelope=envelope, sealed=None, proof=None))
    for data in chunks:
        with pytest.raises(RemoteError) as caught:
            await intake.add_chunk(statement.id, data.replace(b"d1", b"d2"))
        assert caught.value.code is E.NOT_FOUND


async def test_what_is_already_somebodys(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    own, theirs = await own_stub(health), await own_stub(care)

    def of_stub(stub_id: str, revision: int) -> Published:
        row = stub(stub_id, NAMED, revision=revision)
        return Published([[row]], [[opened(stub_id, NAMED)]])

    assert {
        "its own at a revision that it had": await says(federation, health, of_stub(own, 1)),
        "its own at one further on": await says(federation, health, of_stub(own, 3)),
        "another agency's as if new": await says(federation, health, of_stub(theirs, 1)),
        "another agency's at its next": await says(federation, health, of_stub(theirs, 2)),
    } == dict.fromkeys(
        (
            "its own at a revision that it had",
            "its own at one further on",
            "another agency's as if new",
            "another agency's at its next",
        ),
        E.CONFLICT,
    )
    assert await says(federation, health, of_stub(own, 2)) is None


async def test_a_stub_that_another_agency_brings_at_this_moment(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Both would be its first owner: who has staged it first is, and the other is told at once."""
    health, care = agencies
    statement, chunks = signed(care, Published())
    intake, envelope = federation.services.intake, to_base64(statement.envelope.encode())
    await intake.begin_publication(Message(envelope=envelope, sealed=None, proof=None))
    staged: list[ErrorCode | None] = []
    real = Applying.log

    def meanwhile(self: Applying, tables: Any, checked: Checked) -> Any:
        if self.statement.id == statement.id and not staged:
            other, data = signed(health, Published())
            staged.append(_at_once(federation, tables, other, data))
        return real(self, tables, checked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Applying, "log", meanwhile)
        for data in chunks:
            await intake.add_chunk(statement.id, data)
    assert set(staged) == {E.CONFLICT}
    owner = await federation.hub_read(lambda tables: tables.stubs.stub(SOMEBODY))
    assert owner is not None
    assert owner.agency == care.party_id


def _at_once(
    federation: SimFederation, tables: Any, statement: Any, chunks: list[bytes]
) -> ErrorCode | None:
    """Stage a publication within the transaction that is open; how it is refused."""
    row = RowsChunk.model_validate_json(chunks[0]).rows[0]
    applying = Applying(federation.services.signer, statement)
    try:
        applying._put(tables, [(row, {})], Checked(0, 1))
    except RemoteError as error:
        return error.code
    return None


async def test_of_two_uploads_of_one_number_the_first_that_is_whole_is_the_next(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    intake = federation.services.intake
    late, chunks = signed(health, Published([[stub(ANOTHER)]], [[opened(ANOTHER, NAMED)]]))
    envelope = to_base64(late.envelope.encode())
    await intake.begin_publication(Message(envelope=envelope, sealed=None, proof=None))
    rows, tokens = chunks
    await intake.add_chunk(late.id, rows)
    assert await says(federation, health, Published()) is None
    with pytest.raises(RemoteError) as caught:
        await intake.add_chunk(late.id, tokens)
    assert caught.value.code is E.CONFLICT
    assert await federation.hub_read(lambda tables: tables.stubs.stub(ANOTHER)) is None


async def test_an_upload_that_the_agency_itself_has_pushed_out_meanwhile(
    federation: SimFederation, agencies: Agencies
) -> None:
    """It began its fifth one while the first was being applied, and the oldest goes."""
    health, _ = agencies
    swept, dropped = "DELETE FROM upload_chunk", "UPDATE upload SET state = 'dropped'"
    for step, done, code in (
        ("_put", swept, E.NOT_READY),
        ("_put", dropped, E.NOT_FOUND),
        ("_begin", swept, E.NOT_READY),
    ):
        real: Any = getattr(Applying, step)

        def meanwhile(
            self: Applying, tables: Any, real: Any = real, sql: str = done, **after: Any
        ) -> Any:
            answer = real(self, tables, **after)
            tables.tx.run(sql)
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Applying, step, meanwhile)
            assert await says(federation, health, Published()) is code, (step, done)
    assert len(await federation.entries("publication")) == 2
    assert await federation.hub_read(lambda tables: tables.stubs.stub(SOMEBODY)) is None


async def test_what_was_interrupted_behind_its_leaf_is_put_in_force_with_the_next_round(
    federation: SimFederation, agencies: Agencies
) -> None:
    """And not by whoever publishes next, beside the one that may still be at it."""
    health, care = agencies

    def stops(_upload: object) -> None:
        raise OSError("disk full")

    async def waiting() -> list[str]:
        uploads = await federation.hub_read(lambda tables: tables.uploads.logged())
        return [upload.agency for upload in uploads]

    other = Published([[stub(ANOTHER)]], [[opened(ANOTHER, NAMED)]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub.matching.uploading, "put_in_force", stops)
        with pytest.raises(OSError, match="disk full"):
            await says(federation, care, other)
    assert await says(federation, health, Published()) is None
    assert await waiting() == [care.party_id]
    await federation.round()
    assert await waiting() == []
    assert await federation.hub_read(lambda tables: tables.stubs.stub(ANOTHER)) is not None
