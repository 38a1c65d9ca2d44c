"""At the hub's door for statements: who may send which kind, under which charter, how large."""

import pytest

from hub.members.office import order
from hub.store.members import MemberStatus
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, to_base64
from protocol.messages.audit import SampleCommitmentBody
from protocol.messages.bodies import (
    CharterAcceptBody,
    PollBody,
    ReceiptBody,
    RequestBody,
)
from protocol.messages.evaluations import EvaluationCount, EvaluationCountBody
from protocol.messages.log import StatementAnswerBody
from protocol.messages.statement import Context, Stamp, make_statement
from protocol.requests.sealing import SEALED_LIMIT
from protocol.signing import SecretSeed
from protocol.wire import Message
from runtime.secrets import read_secrets
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_refusals_hub import NOBODY, NOTHING, but, last, says

Agencies = tuple[SimNode, SimNode]
E = ErrorCode


async def by_holder(federation: SimFederation, body: WireModel, aud: str) -> ErrorCode | None:
    """What the hub says to the first key holder, who is no member and signs all the same."""
    charter = await federation.charter()
    holder = charter.token_key.holders[0]
    context = Context(charter.charter_id, charter.version, charter.log.origin, holder.holder_id)
    stamp = Stamp(aud, federation.random(16).hex(), federation.clock())
    seed = SecretSeed(read_secrets(federation.folder / "holder-1" / "keys.json")["sign"])
    envelope = make_statement(context, stamp, body, seed).envelope.encode()
    message = Message(envelope=to_base64(envelope), sealed=None, proof=None)
    try:
        await federation.services.intake.submit(message)
    except RemoteError as error:
        return error.code
    return None


async def test_a_part_over_the_limit(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    body = ReceiptBody(request_id=NOBODY, release=NOTHING, sealed_hash=NOTHING)
    large = bytes(SEALED_LIMIT + 1)
    assert await says(care, body, health.party_id, large) is E.TOO_LARGE
    assert await says(care, body, health.party_id, None, large) is E.TOO_LARGE
    fits = bytes(SEALED_LIMIT)
    assert await says(care, body, health.party_id, fits, fits) is E.NOT_FOUND
    assert [1 for _ in await federation.entries("rejection")] == [1], "nobody is heard before that"


async def test_who_has_the_hubs_key_writes_through_no_door(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    charter = health.membership.charter
    body = CharterAcceptBody(version=charter.version, document_hash=charter.document_hash)
    statement = await federation.hub_write(
        lambda tables: federation.ledger(tables).sign(body, charter.charter_id)
    )
    message = Message(envelope=to_base64(statement.envelope.encode()), sealed=None, proof=None)
    with pytest.raises(RemoteError) as caught:
        await federation.services.intake.submit(message)
    assert caught.value.code is E.NOT_ALLOWED


async def test_kinds_that_are_not_for_everybody(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    hub_id = care.membership.hub.hub_id
    count = EvaluationCountBody(
        day=1, epoch=1, counts=[EvaluationCount(party_id=care.party_id, evaluations=1)]
    )
    poll = PollBody(generation=None, cursor=0, wait=0, instance=NOBODY)
    daily = StatementAnswerBody(statement=NOTHING, answer="agree", count=0, indexes_hash=NOTHING)
    assert {
        "a count of evaluations by a member": await says(care, count, hub_id),
        "a sample by who audits nobody": await says(
            care, SampleCommitmentBody(commitment=NOTHING, count=1), hub_id
        ),
        "a poll at the wrong address": await says(care, poll, hub_id),
        "an answer to a statement that nobody made": await says(care, daily, hub_id),
    } == {
        "a count of evaluations by a member": E.NOT_ALLOWED,
        "a sample by who audits nobody": E.NOT_ALLOWED,
        "a poll at the wrong address": E.UNKNOWN_KIND,
        "an answer to a statement that nobody made": E.NOT_FOUND,
    }


async def test_a_key_holder_asks_for_no_contact_details(
    federation: SimFederation, agencies: Agencies
) -> None:
    """It is no member, and has accepted no agreement."""
    health, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    real = (await last(federation, "request")).expect(RequestBody).body
    sealed_by_nobody = but(real, request_id="ab" * 16)
    code = await by_holder(federation, sealed_by_nobody, health.party_id)
    assert code is E.NOT_READY
    sample = SampleCommitmentBody(commitment=NOTHING, count=1)
    code = await by_holder(federation, sample, care.membership.hub.hub_id)
    assert code is E.NOT_ALLOWED, "nor does it draw samples"
    assert len(await federation.entries("request")) == 1


async def test_an_agreement_that_is_not_in_force_or_was_signed(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    charter, hub_id = care.membership.charter, care.membership.hub.hub_id
    real = CharterAcceptBody(version=charter.version, document_hash=charter.document_hash)
    entries = len(await federation.entries("charter_accept"))
    assert await says(care, but(real, version=2), hub_id) is E.WRONG_CHARTER
    assert await says(care, but(real, document_hash=NOTHING), hub_id) is E.WRONG_CHARTER
    assert await says(care, real, hub_id) is E.CONFLICT
    assert len(await federation.entries("charter_accept")) == entries


async def test_under_a_charter_that_is_not_in_force(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    body = ReceiptBody(request_id=NOBODY, release=NOTHING, sealed_hash=NOTHING)
    charter = care.membership.charter
    context = Context(charter.charter_id, 2, charter.log.origin, care.party_id)
    stamp = Stamp(health.party_id, "ef" * 16, federation.clock())
    envelope = make_statement(context, stamp, body, care.membership.keys.sign).envelope.encode()
    with pytest.raises(RemoteError) as caught:
        await care.membership.post("/v1/statements", envelope)
    assert caught.value.code is E.WRONG_CHARTER


async def test_to_an_agency_that_is_suspended(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Whom the sender still believes a member: its view of the log is from before."""
    health, care = agencies
    suspended = MemberStatus("suspended")
    await federation.hub_write(lambda tables: order(tables, health.party_id, suspended))
    await federation.hub.jobs.admit()
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    assert (await care.sent(request_id))["code"] in {"not_allowed", "not_available"}
