"""Life or death while witnesses are away: a card without a quorum, and what is never let go so."""

import hashlib
from typing import Any

import pytest

import hub.exchange.requests
from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.report.figures import audit_case
from node.actions import people as acts
from node.membership.succession import move_on
from node.requests.without_quorum import Urgent
from node.views import inbox as screens
from node.views.governance import governance_value
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.bodies import ReceiptBody, RejectionBody
from protocol.messages.log import ProvisionalBody
from protocol.messages.statement import parse_statement
from protocol.requests.sealing import ContactCard, SealBinding
from protocol.wire import encode_wire
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited, rules
from tests.sim.test_lies import unlogged
from tests.sim.test_recall import wrong
from tests.sim.test_restart import restart_hub
from tests.sim.test_without_quorum import sleep
from transport.seal import seal

Agencies = tuple[SimNode, SimNode]
VITAL: dict[str, Any] = {
    "basis": "UK-VITAL",
    "facts": {"break_glass_reason": "child", "danger": "She is not breathing well."},
}


async def ask(federation: SimFederation, agencies: Agencies, **change: Any) -> str:
    """A request by social care that lies at health visiting."""
    _, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id, **change)
    await federation.settle()
    return request_id


async def allowed(federation: SimFederation, agencies: Agencies, **change: Any) -> str:
    """A request that a person has allowed while two of three witnesses sleep."""
    sleep(federation)
    request_id = await ask(federation, agencies, **(VITAL | change))
    await agencies[0].answer(request_id)
    await federation.settle()
    assert (await agencies[1].sent(request_id))["state"] == "allowed"
    return request_id


async def wake(federation: SimFederation) -> None:
    """Everybody is back, and so much time has passed that nothing promised is still to come."""
    sleep(federation, asleep=False)
    federation.clock.now += 600
    await federation.settle()
    await federation.settle()


async def let_go(node: SimNode, request_id: str) -> None:
    await acts.let_go_now(node.service, Urgent(request_id, 1))


async def alarms(node: SimNode) -> list[str]:
    value = await node.read(lambda tables: screens.inbox_value(tables, node.membership))
    return [alarm["code"] for alarm in value["alarms"]]


async def notices(node: SimNode) -> list[dict[str, Any]]:
    return await node.read(lambda tables: governance_value(tables, node.membership))


async def seen(node: SimNode) -> int:
    return await acts.mark_alerts_seen(node.service, 1)


async def one(federation: SimFederation, kind: str) -> Any:
    (entry,) = await federation.entries(kind)
    return parse_statement(entry["envelope"])


async def rejected(federation: SimFederation) -> list[tuple[str, str]]:
    """Kind and code of everything that the hub refused, from its log."""
    bodies = [
        parse_statement(entry["envelope"]).expect(RejectionBody).body
        for entry in await federation.entries("rejection")
    ]
    return [(body.kind, body.code) for body in bodies]


async def past_all_checks(health: SimNode, request_id: str) -> list[RemoteError]:
    """Send a card without a quorum past every check of our own node; how the hub refuses it."""

    def work(tables: Any) -> None:
        request = tables.received_requests.get(health.membership.hub.hub_id, request_id)
        assert health.service.releasing.let_go(tables, request, ProvisionalBody, None).gone

    await health.write(work)
    return await health.service.outbox.send()


async def provisional(health: SimNode, request_id: str) -> RemoteError:
    """The same, where the hub must refuse it."""
    (refused,) = await past_all_checks(health, request_id)
    return refused


async def test_a_card_that_a_person_lets_go_opens_and_all_of_it_is_in_the_log_later(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await allowed(federation, agencies)
    await let_go(health, request_id)
    await federation.settle()
    opened = await care.sent(request_id)
    assert opened["state"] == "opened"
    assert "07700 900123" in opened["card"]
    assert (await health.received(request_id))["state"] == "opened", "the receipt came"
    left = await one(federation, "provisional")
    receipt = (await one(federation, "receipt")).expect(ReceiptBody)
    assert receipt.body.release == left.id
    assert left.body.tree_size <= (await health.received(request_id))["decision_index"]

    (here,), (there,) = await notices(health), await notices(care)
    assert (here["what"], here["practitioner"]) == ("unwitnessed", "H. Visitor")
    assert (there["what"], there["we_asked"]) == ("unwitnessed", True)
    for node in agencies:
        news = [alarm.code.value for alarm in await node.service.monitor.look()]
        assert "card_unwitnessed" in news, "the operator's command is run at once"

    await wake(federation)
    for node in agencies:
        await node.service.monitor.look()
        assert set(await alarms(node)) <= {"card_unwitnessed", "member_changed"}
        assert {item["state"] for item in await node.outbox()} == {"logged"}
        assert await seen(node) == 1
    assert await federation.entries("release") == [], "there is one or the other"
    assert await audited(federation) == set()
    for node in agencies:
        hub_row = node.membership.hub
        await node.write(lambda tables, left=hub_row: move_on(tables, left, "ee" * 32, 1))  # type: ignore[misc]
        assert "card_in_no_log" not in await alarms(node), "the log that was lost had shown it"


async def test_no_rule_ever_allows_such_a_request(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    first = await ask(federation, agencies)
    await health.answer(first)
    await federation.settle()
    health.service.answering._settings.answer_rule = "allow"
    by_rule = await ask(federation, agencies)
    assert (await care.sent(by_rule))["state"] == "opened"
    vital = await ask(federation, agencies, **VITAL)
    assert (await health.received(vital))["state"] == "asks_person"


async def test_an_enquiry_has_no_card_without_a_quorum_whoever_sends_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    section47 = await care.request("c1", "00" * 16)
    request_id = await allowed(
        federation, agencies, basis=section47.basis, facts=dict(section47.facts)
    )
    with pytest.raises(LocalError) as caught:
        await let_go(health, request_id)
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    assert (await provisional(health, request_id)).code is ErrorCode.NOT_ALLOWED
    assert await federation.entries("provisional") == []
    assert await rejected(federation) == [("provisional", "not_allowed")]


async def test_the_hub_takes_none_that_no_person_allowed(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    first = await ask(federation, agencies)
    await health.answer(first)
    await federation.settle()
    health.service.answering._settings.answer_rule = "allow"
    monkeypatch.setattr("node.requests.answering.allows_break_glass", lambda _: False)
    sleep(federation)
    request_id = await ask(federation, agencies, **VITAL)
    assert (await care.sent(request_id))["state"] == "allowed", "their node allowed it by rule"
    with pytest.raises(LocalError):
        await let_go(health, request_id)
    assert (await provisional(health, request_id)).code is ErrorCode.NOT_ALLOWED


async def test_what_witnesses_have_signed_leaves_with_its_proof(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await allowed(federation, agencies)
    await health.membership.follow()
    await health.write(
        lambda tables: health.service.dispatcher.unwitnessed.let_go(
            tables, Urgent(request_id, 1), witnessed=False
        )
    )
    # It was on its way when the witnesses came back.
    sleep(federation, asleep=False)
    await federation.checkpoint()
    await health.service.outbox.send()
    assert await rejected(federation) == [("provisional", "conflict")]
    assert (await health.received(request_id))["state"] == "allowed"
    assert await notices(health) == [], "nothing has left"
    assert "card_unwitnessed" not in await alarms(health)
    with pytest.raises(LocalError) as caught:
        await let_go(health, request_id)
    assert caught.value.code is ErrorCode.CONFLICT
    await wake(federation)
    assert (await care.sent(request_id))["state"] == "opened"
    assert len(await federation.entries("release")) == 1
    assert await federation.entries("provisional") == []


async def test_a_hub_that_was_started_again_still_knows_what_was_witnessed(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await ask(federation, agencies, **VITAL)
    del federation.nodes["Health visiting"], federation.nodes["Social care"]
    await health.answer(request_id)
    await federation.checkpoint()
    await health.membership.sync()
    sleep(federation)
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    await restart_hub(federation)
    await federation.checkpoint()
    with pytest.raises(LocalError, match="the card leaves by itself"):
        await let_go(health, request_id)
    await health.service.monitor.look()
    value = await health.read(lambda tables: screens.inbox_value(tables, health.membership))
    assert [item["may_go_now"] for item in value["received"]] == [False], "nor is it offered"
    assert (await provisional(health, request_id)).code is ErrorCode.CONFLICT
    await health.service.advance()
    await care.service.receive(wait=0)
    assert (await care.sent(request_id))["state"] == "opened", "by its proof, from before"
    await wake(federation)
    assert await audited(federation) == set(), "its tree size is the witnessed one"


async def test_no_second_card_and_none_beside_a_release(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    request_id = await allowed(federation, agencies)
    await let_go(health, request_id)
    for number in (request_id, "00" * 16):
        with pytest.raises(LocalError) as caught:
            await let_go(health, number)
        assert caught.value.code is ErrorCode.NOT_FOUND
    await health.write(
        lambda tables: tables.tx.run("UPDATE received_request SET state = 'allowed'")
    )
    assert (await provisional(health, request_id)).code is ErrorCode.NOT_ALLOWED
    assert len(await federation.entries("provisional")) == 1


async def test_a_card_that_the_hub_sealed_itself_stays_closed(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The binding is public, so anybody can seal one that opens; the signed hash says whose."""
    health, care = agencies
    request_id = await allowed(federation, agencies)
    await let_go(health, request_id)
    keys = care.membership.me().body.keys
    binding = SealBinding(
        kind="provisional",
        charter_id=care.membership.hub.hub_id,
        sender=health.party_id,
        recipient=care.party_id,
        sign_key=health.membership.me().body.keys.sign,
        request_id=request_id,
        seal_key=keys.seal,
    )
    theirs: dict[str, Any] = dict.fromkeys(ContactCard.model_fields) | {
        "duty_line": "0900 1",
        "duty_hours": "Day",
    }
    fake = seal(binding, encode_wire(ContactCard(**theirs)))
    await federation.hub_write(
        lambda tables: tables.tx.run("UPDATE mailbox SET sealed = ? WHERE sealed NOT NULL", fake)
    )
    await federation.settle()
    sent = await care.sent(request_id)
    assert (sent["state"], sent["card"]) == ("closed", None)
    assert "card_closed" in await alarms(care), "somebody is told, for no other card comes"


async def test_an_agency_that_the_charter_does_not_bind_lets_nothing_go(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, _ = agencies
    request_id = await allowed(federation, agencies)
    monkeypatch.setattr(health.membership, "unaccepted", lambda: ["A lawful basis is new."])
    with pytest.raises(LocalError) as caught:
        await let_go(health, request_id)
    assert caught.value.code is ErrorCode.NOT_READY
    assert await federation.entries("provisional") == []


async def test_a_permission_that_ended_stops_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await allowed(federation, agencies)
    await health.write(lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = 1"))
    with pytest.raises(RemoteError) as caught:
        await let_go(health, request_id)
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "allowed"
    assert await federation.entries("provisional") == []
    assert await notices(health) == []


async def test_a_card_that_the_hub_swapped_stays_closed(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await allowed(federation, agencies)
    await let_go(health, request_id)
    await federation.hub_write(
        lambda tables: tables.tx.run(
            "UPDATE mailbox SET sealed = ? WHERE sealed NOT NULL", b"x" * 99
        )
    )
    await federation.settle()
    sent = await care.sent(request_id)
    assert (sent["state"], sent["card"]) == ("closed", None)
    assert "card_closed" in await alarms(care), "somebody is told, for no other card comes"
    assert await notices(care) == []


async def test_a_card_that_we_did_not_ask_for_so_stays_closed_though_hub_and_holder_agree(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    section47 = await care.request("c1", "00" * 16)
    request_id = await allowed(
        federation, agencies, basis=section47.basis, facts=dict(section47.facts)
    )
    monkeypatch.setattr(hub.exchange.requests, "allows_break_glass", lambda _: True)
    assert await past_all_checks(health, request_id) == []
    await federation.settle()
    sent = await care.sent(request_id)
    assert (sent["state"], sent["card"]) == ("closed", None)
    assert "card_closed" in await alarms(care), "somebody is told, for no other card comes"
    await wake(federation)
    assert await audited(federation) == rules(Code.PROVISIONAL_NOT_ALLOWED)


async def test_a_hub_that_never_logs_it_is_found_out_when_the_quorum_is_back(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    request_id = await allowed(federation, agencies)
    unlogged(monkeypatch, "provisional", index=None)
    await let_go(health, request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened", "nobody can tell yet"
    await wake(federation)
    for node in agencies:
        assert "not_in_log" in await alarms(node)


async def test_a_wrong_person_is_recalled_over_it_and_both_stand_in_the_leads_list(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await allowed(federation, agencies)
    await let_go(health, request_id)
    await federation.settle()
    await wake(federation)
    await wrong(health, request_id)
    await federation.settle()
    gone = await care.sent(request_id)
    assert (gone["state"], gone["card"]) == ("recalled", None)
    for node in agencies:
        assert {item["what"] for item in await notices(node)} == {"unwitnessed", "wrong_person"}
    assert await audited(federation) == set()


async def test_an_agency_that_lets_a_card_go_though_a_quorum_had_signed_is_a_finding(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hub and holder agree to keep it out of the witnesses' sight; kept notes show that."""
    health, _ = agencies
    request_id = await allowed(federation, agencies)
    before = health.membership.view
    sleep(federation, asleep=False)
    await federation.checkpoint()
    note = federation.services.publisher.tiles.read_checkpoint()
    assert note is not None
    sleep(federation)
    federation.clock.now += 900
    publisher = federation.services.publisher
    monkeypatch.setattr(publisher, "quorum_is_missing", lambda *_: True)
    assert health.membership.view is before, "it says that it has seen nothing"
    assert await past_all_checks(health, request_id) == []
    await federation.settle()
    await wake(federation)
    assert await audited(federation) == set(), "in itself the log is in order"
    notes = federation.folder / "kept"
    notes.mkdir()
    (notes / "1").write_bytes(note)
    report = audit_case(Case(federation.folder / "case"), None, [notes]).report
    (left,) = await federation.entries("provisional")
    assert [(item.code, item.index) for item in report.findings] == [
        (Code.PROVISIONAL_WITH_QUORUM, left["idx"])
    ]


async def test_the_hub_takes_a_card_for_the_asker_alone(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    other = await federation.join("Housing", "housing")
    request_id = await allowed(federation, agencies)
    row = await health.received(request_id)
    body = ProvisionalBody(
        request_id=request_id,
        decision=row["decision_id"],
        seal_key=other.membership.me().body.keys.seal,
        sealed_hash="00" * 32,
        tree_size=health.membership.view.size,
    )
    for sealed in (b"another card", None):
        statement = health.membership.sign(body, other.party_id)
        with pytest.raises(RemoteError) as caught:
            await health.membership.post("/v1/statements", statement.envelope.encode(), sealed)
        assert caught.value.code is ErrorCode.MALFORMED
    named = body.model_copy(update={"sealed_hash": hashlib.sha256(b"x").hexdigest()})
    statement = health.membership.sign(named, other.party_id)
    with pytest.raises(RemoteError) as caught:
        await health.membership.post("/v1/statements", statement.envelope.encode(), b"x")
    assert caught.value.code is ErrorCode.WRONG_RECIPIENT
    stranger = other.membership.sign(named, agencies[1].party_id)
    with pytest.raises(RemoteError) as caught:
        await other.membership.post("/v1/statements", stranger.envelope.encode(), b"x")
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_what_comes_too_late_is_refused_once_and_not_sent_again_and_again(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    request_id = await ask(federation, agencies)
    federation.network.hub_down = True
    with pytest.raises(RemoteError):
        await health.answer(request_id)
    federation.clock.now += 14 * 86_400
    federation.network.hub_down = False
    for _ in range(3):
        await federation.settle()
    # Once as it was signed the day before, once signed anew; then a person must look.
    assert await rejected(federation) == [("decision", "expired"), ("decision", "too_late")]
    value = await health.read(lambda tables: screens.inbox_value(tables, health.membership))
    assert value["received"][0]["state_text"].startswith("expired")


async def test_an_allowed_request_whose_time_is_over_has_no_card(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    request_id = await allowed(federation, agencies)
    federation.clock.now += 14 * 86_400
    with pytest.raises(LocalError) as caught:
        await let_go(health, request_id)
    assert caught.value.code is ErrorCode.TOO_LATE
    sleep(federation, asleep=False)
    await federation.settle()
    assert await federation.entries("release") == []
    assert await rejected(federation) == []
