"""Identity checks: after a decision, sealed twice, answered by a person, counted as its answer."""

from collections.abc import Mapping
from typing import Any

import pytest

from node.identity_checks.comparing import Comparison, Found
from node.identity_checks.initiating import IdentityCheckRequest, shown
from node.views.review import queue_value
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.messages.review import (
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityRequestBody,
)
from protocol.messages.statement import parse_statement
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import IdentityDetails, SealBinding
from protocol.wire import Message, parse_wire
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_privacy import layers
from tests.sim.test_review import Agencies, logged_states, queue, say
from tests.sim.test_tampered import in_mail
from transport.seal import unseal


async def check(node: SimNode, link_id: str | None = None, **change: Any) -> str:
    """Ask for an identity check over the waiting link, under Children Act s47; its id."""
    if link_id is None:
        (waiting,) = await queue(node)
        link_id = waiting.link_id
    values: dict[str, Any] = {
        "link_id": link_id,
        "practitioner": 1,
        "role": "social_worker",
        "purpose": "safeguarding_child",
        "basis": "UK-CA89-S47",
        "facts": {"enquiry_reference": "S47-1", "informed": "informed"},
    }
    inquiry = IdentityCheckRequest(**{**values, **change})
    await node.membership.sync()
    check_id = await node.write(
        lambda tables: node.service.dispatcher.identity_asking.ask(tables, inquiry)
    )
    await node.service.advance()
    return check_id


async def answer(
    node: SimNode, check_id: str, found: Found = "same", refusal: RefusalCode | None = None
) -> None:
    comparison = Comparison(check_id, 1, found, refusal)
    await node.write(
        lambda tables: node.service.dispatcher.identity_answering.answer(tables, comparison)
    )
    await node.service.advance()


async def sent(node: SimNode, check_id: str) -> Mapping[str, Any]:
    return await _row(node, "SELECT * FROM sent_check WHERE check_id = ?", check_id)


async def received(node: SimNode, check_id: str) -> Mapping[str, Any]:
    return await _row(node, "SELECT * FROM received_check WHERE check_id = ?", check_id)


async def _row(node: SimNode, sql: str, check_id: str) -> Mapping[str, Any]:
    found = await node.read(lambda tables: tables.tx.one(sql, check_id))
    assert found is not None
    return found


async def screen(node: SimNode) -> dict[str, Any]:
    return await node.read(lambda tables: queue_value(tables, node.membership))


async def test_two_people_compare_and_both_say_the_same(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    link_id = (await queue(care))[0].link_id
    check_id = await check(care)
    await federation.settle()
    (shown,) = (await screen(health))["to_compare"]
    assert (shown["agency"], shown["practitioner"]) == ("Social care", "S. Worker")
    assert shown["facts"] == {"enquiry_reference": "S47-1", "informed": "informed"}
    assert shown["theirs"] == {
        "given": "Amira", "family": "Hassan", "date_of_birth": "2022-03-14", "postcode": "LX9 9ZZ",
    }  # fmt: skip
    assert shown["ours"]["postcode"] == "LX3 4AB"
    await answer(health, check_id, "same")
    await federation.settle()
    assert (await sent(care, check_id))["answer"] == "same"
    await federation.round()
    assert await logged_states(federation) == ["possible"], "one side has answered"
    await say(care, "same", link_id)
    await federation.round()
    assert await logged_states(federation) == ["match"]
    with pytest.raises(LocalError):
        await check(care, link_id)  # nobody doubts it
    kinds = ["identity_request", "identity_decision", "identity_check", "identity_answer"]
    places = [(await federation.entries(kind))[0]["idx"] for kind in kinds]
    assert places == sorted(places)


async def test_the_answer_counts_as_that_sides_verdict(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    link_id = (await queue(care))[0].link_id
    check_id = await check(care)
    await federation.settle()
    await answer(health, check_id, "not_same")
    await say(care, "not_same", link_id)
    await federation.round()
    assert await logged_states(federation) == ["ended"]


async def test_cannot_say_leaves_it_open(federation: SimFederation, unsure: Agencies) -> None:
    health, care = unsure
    check_id = await check(care)
    await federation.settle()
    await answer(health, check_id, "cannot_say")
    await federation.round()
    assert (await sent(care, check_id))["answer"] == "cannot_say"
    assert len(await queue(health)) == len(await queue(care)) == 1


async def test_details_are_deleted_with_the_answer_and_when_nobody_answers(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    first, second = await check(care), await check(care)
    await federation.settle()
    assert "LX9 9ZZ" in (await received(health, first))["details"]
    await answer(health, first, "cannot_say")
    assert (await received(health, first))["details"] is None
    federation.clock.now += 8 * 86_400
    await health.service.advance()
    late = await received(health, second)
    assert (late["details"], late["state"]) == (None, "expired")
    with pytest.raises(LocalError):
        await answer(health, second)
    await care.service.advance()
    assert (await sent(care, second))["state"] == "expired"


async def test_before_the_decision_nothing_says_who_is_at_the_other_end(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    federation.network.captured.clear()
    refused = await check(care, facts={"informed": "informed"})
    await federation.settle()
    row_ = await sent(care, refused)
    assert (row_["state"], row_["code"], row_["field"]) == (
        "refused", "missing_fact", "enquiry_reference",
    )  # fmt: skip
    (entry,) = await federation.entries("identity_decision")
    decision = parse_statement(entry["envelope"]).expect(IdentityDecisionBody).body
    assert (decision.holder, decision.evidence) == (None, None)
    assert decision.facts.holder_membership is decision.facts.holder_publication is None
    assert decision.facts.round is None
    assert health.party_id.encode() not in entry["envelope"]
    assert await health.read(lambda t: t.tx.rows("SELECT * FROM received_check")) == []


async def test_an_unknown_link_and_one_that_may_not_be_compared_get_one_answer(
    federation: SimFederation, unsure: Agencies
) -> None:
    _, care = unsure
    (waiting,) = await queue(care)
    await federation.hub_write(lambda tables: tables.tx.run("UPDATE link SET state = 'match'"))
    await check(care)
    await federation.hub_write(
        lambda tables: tables.tx.run("UPDATE link SET link_id = ?", "77" * 16)
    )
    await check(care, waiting.link_id)
    answers = []
    for entry in await federation.entries("identity_decision"):
        body = parse_statement(entry["envelope"]).expect(IdentityDecisionBody).body
        answers.append(body.model_dump(exclude={"request", "check_id"}))
    assert answers[0] == answers[1]
    assert (answers[0]["outcome"], answers[0]["code"]) == ("refuse", "not_available")


async def test_the_quota_is_its_own(federation: SimFederation, unsure: Agencies) -> None:
    _, care = unsure
    allowed = care.membership.charter.quotas.identity_checks_per_day
    for _ in range(allowed):
        last = await check(care)
    over = await check(care)
    await federation.settle()
    assert (await sent(care, last))["code"] is None
    assert (await sent(care, over))["code"] == "over_quota"


async def test_details_do_not_leave_without_a_quorum(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    check_id = await check(care)
    await federation.checkpoint()
    await care.service.receive(wait=0)
    assert (await sent(care, check_id))["state"] == "allowed"
    strip = _cut_witness
    federation.network.tamper["/v1/proofs/"] = strip
    await federation.settle()
    assert (await sent(care, check_id))["state"] == "allowed", "they wait here"
    assert await federation.entries("identity_check") == []
    del federation.network.tamper["/v1/proofs/"]
    await federation.settle()
    assert (await received(health, check_id))["state"] == "asks_person"


async def test_details_that_come_with_a_bad_proof_stay_closed(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure

    def strip(item: dict[str, Any]) -> dict[str, Any]:
        if item["proof"] is not None:
            item["proof"] = to_base64(_cut_witness(from_base64(item["proof"])))
        return item

    federation.network.tamper["/v1/polls"] = in_mail(strip)
    check_id = await check(care)
    await federation.settle()
    row_ = await received(health, check_id)
    assert (row_["state"], row_["details"]) == ("arrived", None)


async def test_an_agency_without_the_value_cannot_open_what_the_hub_sends_it(
    federation: SimFederation, unsure: Agencies
) -> None:
    """A hub that invents a link, and an agency that helps it, learn no name."""
    health, care = unsure
    stranger = await federation.join("Housing", "housing")
    other = AMIRA.__class__("9990000034", "Zoe", None, "Quill", "2001-01-05", "F", None, "LX8 8AA")
    await stranger.take_in(row("x1", other, "housing_tenancy", DUTY, "H. Officer"))
    await stranger.publish()
    stub = await stranger.read(lambda tables: tables.tx.one("SELECT stub_id FROM stub"))
    assert stub is not None

    def invent(tables: Any) -> None:
        link = tables.tx.one("SELECT * FROM link")
        side, sql = (
            ("a", "UPDATE link SET stub_a = ?, agency_a = ?")
            if link["agency_a"] == health.party_id
            else ("b", "UPDATE link SET stub_b = ?, agency_b = ?")
        )
        tables.tx.run(sql, stub["stub_id"], stranger.party_id)
        # The token of social care is named as what the stranger holds too.
        tables.tx.run("DELETE FROM token WHERE stub_id = ?", stub["stub_id"])
        ours = link["stub_b" if side == "a" else "stub_a"]
        tables.tx.run(
            "INSERT INTO token SELECT token, ?, match_key_id, put_by, ?, ordinal, since FROM token "
            "WHERE stub_id = ?",
            stub["stub_id"], stranger.party_id, ours,
        )  # fmt: skip

    await federation.hub_write(invent)
    link_row = await care.read(lambda tables: tables.tx.one("SELECT * FROM link"))
    assert link_row is not None
    await stranger.write(
        lambda tables: tables.tx.insert(
            "link",
            {**link_row, "stub_id": stub["stub_id"], "hub_id": stranger.membership.hub.hub_id},
        )
    )
    check_id = await check(care)
    await federation.settle()
    row_ = await received(stranger, check_id)
    assert (row_["state"], row_["code"], row_["details"]) == ("refused", "link_not_proven", None)
    assert (await sent(care, check_id))["answer"] == "refused"
    # Not even the outer lock is enough: inside, the details are locked by the shared value.
    opened = []
    for data in federation.network.captured:
        if b'"sealed":"' in data and b'"proof":"' in data and data.startswith(b'{"envelope"'):
            message = parse_wire(Message, data)
            opened.append(_outer(care, stranger, message))
    assert len(opened) == 1, "the sealed details did go out"
    assert b"S. Worker" in opened[0], "the stranger opens the outer lock"
    assert not any(b"LX9 9ZZ" in layer for layer in layers(opened[0]))


async def test_the_holder_may_refuse_and_the_asker_learns_the_code(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    check_id = await check(care)
    await federation.settle()
    with pytest.raises(LocalError, match="refuse with one of"):
        await answer(health, check_id, refusal=RefusalCode.MAY_NOT_ENQUIRE)
    await answer(health, check_id, refusal=RefusalCode.NOT_PROPORTIONATE)
    await federation.settle()
    row_ = await sent(care, check_id)
    assert (row_["answer"], row_["code"]) == ("refused", "not_proportionate")
    assert await logged_states(federation) == ["possible"]


async def test_a_withdrawn_permission_stops_the_comparison(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    check_id = await check(care)
    await federation.settle()
    await health.write(lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = 1"))
    await answer(health, check_id, "same")
    await federation.settle()
    row_ = await sent(care, check_id)
    assert (row_["answer"], row_["code"]) == ("refused", "permission_ended")


async def test_a_match_is_checked_only_when_somebody_doubts_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    link = await care.read(lambda tables: tables.tx.one("SELECT * FROM link"))
    assert link is not None
    with pytest.raises(LocalError) as caught:
        await check(care, link["link_id"])
    assert caught.value.code is ErrorCode.NOT_FOUND
    await say(health, "not_same", link["link_id"])
    await check(health, link["link_id"])  # nor does who doubts it wait to be asked
    await federation.round()
    check_id = await check(care)
    await federation.settle()
    assert (await received(health, check_id))["state"] == "asks_person"


async def test_only_the_asker_of_a_check_may_send_and_only_the_holder_answer(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    check_id = await check(care)
    await federation.settle()
    (request,) = await federation.entries("identity_request")
    statement = parse_statement(request["envelope"]).expect(IdentityRequestBody)
    again = care.membership.sign(statement.body, statement.preamble.aud)
    with pytest.raises(RemoteError) as caught:
        await care.membership.post("/v1/statements", again.envelope.encode())
    assert caught.value.code is ErrorCode.REPLAYED
    await answer(health, check_id, "same")
    (entry,) = await federation.entries("identity_answer")
    body = parse_statement(entry["envelope"]).body
    for node, aud in ((care, health.party_id), (health, care.party_id)):
        forged = node.membership.sign(body, aud)
        with pytest.raises(RemoteError) as refused:
            await node.membership.post("/v1/statements", forged.envelope.encode())
        assert refused.value.code in {ErrorCode.NOT_FOUND, ErrorCode.CONFLICT}


def _outer(sender: SimNode, recipient: SimNode, message: Message) -> bytes:
    """What a recipient gets behind the outer lock of a check."""
    statement = parse_statement(from_base64(message.envelope)).expect(IdentityCheckBody)
    binding = SealBinding(
        kind="identity_check",
        charter_id=sender.membership.hub.hub_id,
        sender=sender.party_id,
        recipient=recipient.party_id,
        sign_key=sender.membership.me().body.keys.sign,
        request_id=statement.body.check_id,
        seal_key=statement.body.seal_key,
    )
    assert message.sealed is not None
    return unseal(binding, recipient.membership.keys.seal.value, from_base64(message.sealed))


def _cut_witness(data: bytes) -> bytes:
    return data.split("— w2".encode())[0]


def test_what_no_screen_could_show_is_left_out() -> None:
    assert (shown("Ami\x07ra\u202e "), shown("\x07"), shown(None)) == ("Amira", None, None)


def test_the_details_are_four_fields_and_no_more() -> None:
    assert list(IdentityDetails.model_fields) == [
        "check_id", "given", "family", "date_of_birth", "postcode",
    ]  # fmt: skip


async def test_where_a_request_lives_for_three_days_a_check_does_not_ask_for_more(
    federation: SimFederation, unsure: Agencies
) -> None:
    _, care = unsure
    await amend(federation, {"request_lifetime_days": 3, "answering": None})
    await follow(care)
    check_id = await check(care)
    await federation.settle()
    sent = await care.read(lambda t: t.sent_checks.get(care.membership.hub.hub_id, check_id))
    assert sent is not None
    assert (sent.code, sent.expires - sent.asked_at) == (None, 3 * 86_400)
