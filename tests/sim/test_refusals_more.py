"""What the hub names no evidence for, and what a person cannot do twice or to nobody."""

from dataclasses import replace
from typing import Any

import pytest

from hub.exchange.intake import Intake
from hub.members.office import order
from hub.store.members import MemberStatus
from hub.store.tables import HubTables
from node.views.review import queue_value
from protocol.errors import ErrorCode
from protocol.fields import to_base64
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import HubDecisionBody, RequestBody
from protocol.messages.review import IdentityDecisionBody, IdentityRequestBody, VerdictBody
from protocol.wire import Message
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import sent as sent_check
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
    told = (decided.outcome, decided.code, decided.holder, decided.evidence)
    assert told == ("refuse", "not_available", None, None)
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


async def test_who_is_suspended_between_the_door_and_the_desk(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signature was checked a moment ago; then the operator's order was carried out."""
    _, care = agencies
    real = Intake._opened

    async def opened(self: Intake, message: Message) -> Any:
        found = await real(self, message)
        await federation.hub_write(
            lambda tables: order(tables, care.party_id, MemberStatus("suspended"))
        )
        await federation.hub.jobs.admit()
        return found

    monkeypatch.setattr(Intake, "_opened", opened)
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    assert (await care.sent(request_id))["code"] == "unknown_member"
    assert await federation.entries("request") == []


async def test_a_verdict_that_nobody_asked_for_on_a_record_that_has_just_changed(
    federation: SimFederation, agencies: Agencies
) -> None:
    """What they looked at may be gone: the next round says what there is now."""
    health, care = agencies
    (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    verdict = VerdictBody(
        link_id=link["link_id"],
        stub_id=link["stub_id"],
        question=None,
        round=NOTHING,
        publication=NOTHING,
        answer="not_same",
        rests_on="records",
        decided_by="cd" * 16,
    )
    married = replace(AMIRA, family="Hassan-Moss")
    await health.take_in(row("h1", married, "health_visiting", DUTY, "H. Visitor"))
    await health.publish()
    hub_id = care.membership.hub.hub_id
    assert await says(care, verdict, hub_id) is ErrorCode.CONFLICT
    assert await federation.entries("verdict") == []


async def test_an_asker_keeps_no_permission_alive_that_the_holder_ended(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Who asks publishes an involvement of its own under the very id that it asked for."""
    health, care = agencies
    request_id = await asked(federation, agencies)
    yes = await decision(federation, health, request_id)

    def copied(tables: HubTables) -> None:
        (link,) = tables.tx.rows("SELECT stub_a, stub_b FROM link")
        for stub_id in (link["stub_a"], link["stub_b"]):
            stub = tables.stubs.stub(stub_id)
            assert stub is not None
            if stub.agency == health.party_id:
                sql = "SELECT involvements FROM stub WHERE stub_id = ?"
                (theirs,) = tables.tx.rows(sql, stub_id)
                sql = "UPDATE stub SET involvements = ? WHERE agency = ?"
                tables.tx.run(sql, theirs["involvements"], care.party_id)
                tables.tx.run(sql, "[]", health.party_id)

    await federation.hub_write(copied)
    assert await says(health, yes, care.party_id) is ErrorCode.NOT_ALLOWED


async def test_another_permission_is_not_the_one_that_was_asked_for(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The holder works with the client still, in another way than the request names."""
    health, care = agencies
    request_id = await asked(federation, agencies)
    yes = await decision(federation, health, request_id)
    involvement = (await last(federation, "request")).expect(RequestBody).body.involvement_id
    sql = "UPDATE stub SET involvements = REPLACE(involvements, ?, ?)"
    await federation.hub_write(lambda tables: tables.tx.run(sql, involvement, "ab" * 16))
    assert await says(health, yes, care.party_id) is ErrorCode.NOT_ALLOWED


async def test_a_refusal_names_the_fact_that_is_missing(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    request_id = await care.ask("c1", involvement, facts={"informed": "informed"})
    kept = await care.sent(request_id)
    assert (kept["state"], kept["field"]) == ("refused", "enquiry_reference")


async def test_a_refused_check_names_the_fact_that_is_missing(
    federation: SimFederation, unsure: Agencies
) -> None:
    _, care = unsure
    check_id = await check(care, facts={"informed": "informed"})
    await federation.settle()
    kept = await sent_check(care, check_id)
    assert (kept["state"], kept["field"]) == ("refused", "enquiry_reference")


async def test_what_was_erased_is_still_known_to_have_been_taken(
    federation: SimFederation, agencies: Agencies
) -> None:
    """A node that never got the answer sends it again long after: there is no salt to give."""
    _, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    request = await last(federation, "request")
    sealed = (await care.outbox())[-1]["sealed"]
    sql = "DELETE FROM payload WHERE idx = (SELECT idx FROM entry WHERE kind = 'request')"
    await federation.hub_write(lambda tables: tables.tx.run(sql))
    message = Message(
        envelope=to_base64(request.envelope.encode()), sealed=to_base64(sealed), proof=None
    )
    again = await federation.services.intake.submit(message)
    assert again.salt is None
