"""Manifests, exports and what is sent again: checked before anything is kept or given."""

import hashlib
from collections.abc import Callable

import pytest

from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.messages.bodies import (
    ChunkRef,
    ExportBody,
    PublicationBody,
    ReceiptBody,
    RowsChunk,
    StubRow,
)
from protocol.messages.review import IdentityCheckBody
from protocol.messages.statement import Context, Stamp, Statement, make_statement
from protocol.wire import Message, encode_wire
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_identity_check import check
from tests.sim.test_refusals_hub import CARD, CARD_HASH, NOTHING, PROOF, last, says
from tests.sim.test_refusals_named import card_on_its_way

Agencies = tuple[SimNode, SimNode]
E = ErrorCode
ROWS = encode_wire(
    RowsChunk(
        rows=[
            StubRow(
                stub_id="ab" * 16,
                revision=1,
                retired=True,
                involvements=[],
                token_commitment=NOTHING,
            )
        ]
    )
)


def manifest(node: SimNode, aud: str = "", version: int = 1) -> Statement[PublicationBody]:
    """The next publication of a node: one stub, retired as it comes."""
    charter = node.membership.charter
    ref = ChunkRef(hash=hashlib.sha256(ROWS).hexdigest(), length=len(ROWS), count=1)
    body = PublicationBody(sequence=2, epoch=1, rows=[ref], tokens=[])
    context = Context(charter.charter_id, version, charter.log.origin, node.party_id)
    env = node.membership.env
    stamp = Stamp(aud or charter.charter_id, env.new_id(), env.clock())
    return make_statement(context, stamp, body, node.membership.keys.sign)


def message(statement: Statement[PublicationBody] | Statement[ExportBody]) -> Message:
    """As it is posted."""
    return Message(envelope=to_base64(statement.envelope.encode()), sealed=None, proof=None)


@pytest.mark.parametrize(
    ("made", "late", "code"),
    [
        (lambda node: manifest(node, aud="cd" * 16), 0, E.WRONG_RECIPIENT),
        (lambda node: manifest(node, version=2), 0, E.WRONG_CHARTER),
        (manifest, 301, E.EXPIRED),
    ],
    ids=["for another hub", "under another charter", "signed long ago"],
)
async def test_a_manifest_that_is_not_taken_up(
    federation: SimFederation,
    agencies: Agencies,
    made: Callable[[SimNode], Statement[PublicationBody]],
    late: int,
    code: ErrorCode,
) -> None:
    health, _ = agencies
    statement, intake = made(health), federation.services.intake
    federation.clock.now += late
    with pytest.raises(RemoteError) as caught:
        await intake.begin_publication(message(statement))
    assert caught.value.code is code
    with pytest.raises(RemoteError) as caught:
        await intake.add_chunk(statement.id, ROWS)
    assert caught.value.code is E.NOT_FOUND, "its chunks belong to nothing"


async def test_a_manifest_that_was_taken_up_may_grow_old(
    federation: SimFederation, agencies: Agencies
) -> None:
    """An upload that was cut off is resumed the next morning."""
    health, _ = agencies
    statement, intake = manifest(health), federation.services.intake
    shown: list[str] = []

    async def begin(when: str) -> bool:
        taken = await intake.begin_publication(message(statement), lambda: shown.append(when))
        return taken.submitted is not None

    assert not await begin("on the day")
    federation.clock.now += 50_000
    assert not await begin("the next morning")
    done = await intake.add_chunk(statement.id, ROWS)
    assert done.submitted is not None
    assert await begin("afterwards"), "it is said again that it is in the log"
    assert shown == ["on the day"], "the same bytes anybody may send, and shows nothing by it"
    assert len(await federation.entries("publication")) == 3


async def test_an_export_that_is_sent_again_gives_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Whoever has seen an auditor's statement on its way does not get the payloads too."""
    del agencies
    auditor = await federation.join("Auditor", "auditor")
    hub_id = auditor.membership.hub.hub_id
    export = auditor.membership.sign(ExportBody(start=0, end=5), hub_id)
    intake = federation.services.intake
    assert (await intake.accept_export(message(export))).end == 5
    with pytest.raises(RemoteError) as caught:
        await intake.accept_export(message(export))
    assert caught.value.code is E.REPLAYED
    old = auditor.membership.sign(ExportBody(start=0, end=5), hub_id)
    federation.clock.now += 301
    with pytest.raises(RemoteError) as caught:
        await intake.accept_export(message(old))
    assert caught.value.code is E.EXPIRED
    assert len(await federation.entries("export")) == 1


async def test_what_was_sent_before_shows_nothing_of_who_sends_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Anybody on the way can send a statement again: a connection is not a member's for that."""
    health, care = agencies
    request_id = await card_on_its_way(federation, agencies)
    release = await last(federation, "release")
    body = ReceiptBody(
        request_id=request_id, release=release.id, sealed_hash=release.body.sealed_hash
    )
    receipt = care.membership.sign(body, health.party_id)
    posted = Message(envelope=to_base64(receipt.envelope.encode()), sealed=None, proof=None)
    shown: list[str] = []
    first = await federation.services.intake.submit(posted, lambda: shown.append("first"))
    again = await federation.services.intake.submit(posted, lambda: shown.append("again"))
    assert shown == ["first"]
    assert first.salt == again.salt


def details(holder: SimNode, check_id: str, decision: str) -> IdentityCheckBody:
    """What goes beside sealed details."""
    return IdentityCheckBody.model_validate(
        {
            "check_id": check_id,
            "decision": decision,
            "link_proof": {"match_key_id": "dob_addr.1", "epoch": 1, "proof": NOTHING},
            "seal_key": holder.membership.me().body.keys.seal,
            "sealed_hash": CARD_HASH,
            "tree_size": 1,
        }
    )


async def test_details_after_the_hub_refused_the_check(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    check_id = await check(care, role="nobody_of_that_name")
    decided = await last(federation, "identity_decision")
    assert decided.body.outcome == "refuse"
    body = details(health, check_id, decided.id)
    assert await says(care, body, health.party_id, CARD, PROOF) is E.NOT_FOUND


async def test_details_over_a_link_that_the_other_side_is_told_of_no_more(
    federation: SimFederation, unsure: Agencies
) -> None:
    """A name must not come to a side that is not to know that there is a link."""
    health, care = unsure
    check_id = await check(care)
    decided = await last(federation, "identity_decision")
    sql = "UPDATE link SET notice_a = NULL, notice_b = NULL"
    await federation.hub_write(lambda tables: tables.tx.run(sql))
    body = details(health, check_id, decided.id)
    assert await says(care, body, health.party_id, CARD, PROOF) is E.NOT_ALLOWED
    refused = await check(care, (await care_link(care)))
    decided = await last(federation, "identity_decision")
    assert (decided.body.check_id, decided.body.outcome) == (refused, "refuse")


async def care_link(node: SimNode) -> str:
    """The link that a node was told of."""
    (link,) = await node.read(lambda tables: tables.tx.rows("SELECT link_id FROM link"))
    return str(link["link_id"])
