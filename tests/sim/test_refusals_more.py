"""What the hub names no evidence for, and what a person cannot do twice or to nobody."""

from node.views.review import queue_value
from protocol.errors import ErrorCode
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import HubDecisionBody, RequestBody
from protocol.messages.review import IdentityDecisionBody, IdentityRequestBody
from tests.sim.federation import DUTY, SimFederation, SimNode, row
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_identity_check import unsure as unsure  # a fixture
from tests.sim.test_lies import asked
from tests.sim.test_refusals_hub import NOBODY, NOTHING, but, decision, last, says
from tests.sim.test_review import queue

Agencies = tuple[SimNode, SimNode]


async def test_a_check_over_records_that_no_longer_agree(
    federation: SimFederation, unsure: Agencies
) -> None:
    """The record was corrected and no round has come since: no value is left to lock details by."""
    _, care = unsure
    (waiting,) = await queue(care)
    other = ClientRecord(None, "Peter", None, "Moss", "2001-01-01", "M", "9 Oak Way", "LX9 8YY")
    await care.take_in(row("c1", other, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    check_id = await check(care, waiting.link_id)
    decided = (await last(federation, "identity_decision")).expect(IdentityDecisionBody).body
    assert (decided.outcome, decided.evidence) == ("allow", None)
    await federation.settle()
    assert (await sent_check(care, check_id))["state"] == "refused"
    assert await federation.entries("identity_check") == []
    assert await care.read(lambda tables: queue_value(tables, care.membership)) is not None


async def test_an_identity_request_under_pins_that_are_not_so(
    federation: SimFederation, unsure: Agencies
) -> None:
    _, care = unsure
    await check(care)
    real = (await last(federation, "identity_request")).expect(IdentityRequestBody).body
    new, hub_id = but(real, check_id="ab" * 16), care.membership.hub.hub_id

    def pinned(**change: str) -> IdentityRequestBody:
        return but(new, pins={**real.pins.model_dump(), **change})  # type: ignore[no-any-return]

    stranger, old = pinned(requester_membership=NOTHING), pinned(charter=NOTHING)
    assert await says(care, stranger, hub_id) is ErrorCode.CONFLICT
    assert await says(care, old, hub_id) is ErrorCode.WRONG_CHARTER
    assert len(await federation.entries("identity_request")) == 1


async def test_a_request_through_a_record_that_is_not_the_askers(
    federation: SimFederation, agencies: Agencies
) -> None:
    """One that nobody has, and the other side's own: the refusal names nothing of either."""
    health, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    real = (await last(federation, "request")).expect(RequestBody).body
    sealed = (await care.outbox())[-1]["sealed"]
    (theirs, *_) = await health.read(
        lambda tables: tables.tx.rows(
            "SELECT s.stub_id FROM stub s JOIN client c ON c.id = s.client WHERE c.local_id = 'h1'"
        )
    )
    for number, stub_id in enumerate((NOBODY, theirs["stub_id"])):
        body = but(real, request_id=f"{number:032x}", stub_id=stub_id)
        assert await says(care, body, health.party_id, sealed) is None, "it is logged, and decided"
        decided = (await last(federation, "hub_decision")).expect(HubDecisionBody).body
        assert (decided.outcome, decided.code) == ("refuse", "not_available")
        named = (decided.facts.requester_publication, decided.facts.holder_publication)
        assert (named, decided.facts.round) == ((None, None), None)


async def test_an_identity_check_through_a_record_that_is_not_the_askers(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    await check(care)
    real = (await last(federation, "identity_request")).expect(IdentityRequestBody).body
    (theirs,) = await health.read(lambda tables: tables.tx.rows("SELECT stub_id FROM stub"))
    for number, stub_id in enumerate((NOBODY, theirs["stub_id"])):
        body = but(real, check_id=f"{number:032x}", stub_id=stub_id)
        assert await says(care, body, care.membership.hub.hub_id) is None
        decided = (await last(federation, "identity_decision")).expect(IdentityDecisionBody).body
        assert (decided.outcome, decided.holder, decided.evidence) == ("refuse", None, None)
        assert decided.facts.requester_publication is None


async def test_what_the_hub_refused_reaches_nobody(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    request_id = await care.ask("c1", involvement, role="nobody_of_that_name")
    assert (await care.sent(request_id))["state"] == "refused"
    assert await health.service.receive(wait=0) == 0
    await federation.settle()
    assert await health.read(lambda tables: tables.count("received_request")) == 0


async def test_a_no_is_taken_whatever_has_ended(
    federation: SimFederation, agencies: Agencies
) -> None:
    """And a yes by rule needs no person where the hub referred nothing."""
    health, care = agencies
    first, second = [await asked(federation, agencies) for _ in range(2)]
    by_rule = but(await decision(federation, health, first), decided_by=None)
    assert await says(health, by_rule, care.party_id) is None
    await federation.hub_write(lambda tables: tables.tx.run("UPDATE link SET state = 'ended'"))
    no = but(await decision(federation, health, second), outcome="refuse", code="objection")
    assert await says(health, no, care.party_id) is None
    await federation.settle()
    assert (await care.sent(second))["state"] == "refused"
