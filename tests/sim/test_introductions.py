"""Services that nobody sees meet where both clients' consents and the charter say so; anybody else
is told at most that the duty desk can help. specs/06-requests.md §12.
"""

import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from audit.findings import FindingCode as Code
from hub.matching.explain import explain_link
from node.actions.asking import Grounds
from node.actions.consents import receipt_of
from node.actions.introductions import Introduce, introduce_now, service_of
from node.actions.people import recall_now
from node.actions.records import withdraw_now
from node.actions.resync import resync_now
from node.cli.printing import print_team
from node.membership.outbox import Sent
from node.requests.introductions import IntroductionRequest
from node.store.hints import Hint as Kept
from node.store.hints import HintState
from node.store.people import PersonKind
from node.views.inbox import inbox_value
from node.views.who_asked import who_asked
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.messages.bodies import AcceptedBody, PublishedInvolvement
from protocol.messages.introductions import (
    HintItem,
    HintsBody,
    IntroductionDecisionBody,
    IntroductionRequestBody,
)
from protocol.messages.statement import parse_statement
from protocol.requests.decide import Allow, Refer, Refuse, introducible
from protocol.requests.hints import Hint
from protocol.requests.refusals import RefusalCode
from protocol.wire import Message
from tests.sim.federation import AMEERA, AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_audit_people import audited, rules
from tests.sim.test_charter_change import accept, amend
from tests.sim.test_ends import mail, polled, shown
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town
from tests.sim.test_stolen_node import ordered

TRUST, CHARITY = "Lea Mental Health", "Lea Recovery"
CONSENT: dict[str, Any] = {"basis": "UK-CONSENT", "purpose": "direct_care"}
DAY = 86_400
Three = tuple[SimNode, SimNode, SimNode]


async def meet(federation: SimFederation, *consents: str) -> Three:
    """A statutory adult mental health service and a charity's drug service with one woman, and her
    child's social worker; she has agreed at those named, both if none is.
    """
    await federation.begin(_agreed, *consents)
    trust, charity, care = federation.nodes.values()
    return trust, charity, care


async def _agreed(federation: SimFederation, *consents: str) -> None:
    trust = await federation.join(TRUST, "health_provider")
    charity = await federation.join(CHARITY, "charity")
    care = await federation.join("Social care", "childrens_social_care")
    await trust.take_in(row("m1", AMIRA, "adult_mental_health", None, "M. Nurse"))
    await charity.take_in(row("d1", AMIRA, "drug_and_alcohol", None, "D. Worker"))
    await care.take_in(row("c1", AMEERA, "child_in_need", DUTY, "S. Worker"))
    for node in (trust, charity, care):
        await node.publish()
    await federation.round()
    if TRUST in (consents or (TRUST,)):
        await trust.agree("m1", classes=["charity"])
    if CHARITY in (consents or (CHARITY,)):
        await charity.agree("d1", classes=["health_provider"])


async def met(federation: SimFederation) -> Three:
    """The same, both consents given, after the round that tells of it."""
    await federation.begin(_told)
    trust, charity, care = federation.nodes.values()
    return trust, charity, care


async def _told(federation: SimFederation) -> None:
    await _agreed(federation)
    await federation.round()


async def hints_told(federation: SimFederation) -> list[HintsBody]:
    """What one round puts into mailboxes; then everybody reads theirs."""
    await federation.hub.jobs.ends()
    await federation.hub.jobs.round()
    found = await mail(federation, HintsBody)
    await federation.settle()
    return found


async def told(node: SimNode, local_id: str) -> list[tuple[str, str]]:
    """The kinds of services that can be reached, and how far we are."""
    return [(item.kind, item.state) for item in (await node.team(local_id)).services]


async def introduce(federation: SimFederation, node: SimNode, local_id: str, **said: Any) -> None:
    """Ask who is behind the only hint of a client, and let everybody read their mail."""
    (hint,) = (await node.team(local_id)).services
    found = await service_of(node.service, local_id, hint.reference)
    role = said.pop("role", "social_worker")
    grounds = Grounds(**{**CONSENT, "facts": {}, **said})
    await introduce_now(node.service, Introduce(found, 1, role, grounds))
    await federation.settle()


async def asks(federation: SimFederation, asker: SimNode, holder: SimNode) -> str:
    """Ask the service that was named for its contact details."""
    (entry,) = [o for o in (await asker.team("m1")).others if o.agency == CHARITY]
    request_id = await asker.ask(
        "m1", entry.involvement_id, link_id=entry.link_id, holder=holder.party_id,
        role="social_worker", facts={}, **CONSENT,
    )  # fmt: skip
    await federation.settle()
    return request_id


async def introduced(node: SimNode) -> list[dict[str, Any]]:
    return (await node.read(lambda tables: inbox_value(tables, node.membership)))["introduced"]


async def last_decision(federation: SimFederation) -> IntroductionDecisionBody:
    entries = await federation.entries("introduction_decision")
    return parse_statement(entries[-1]["envelope"]).expect(IntroductionDecisionBody).body


async def test_two_sensitive_services_meet_unnamed_until_one_asks_and_a_person_answers(
    federation: SimFederation,
) -> None:
    trust, charity, care = await meet(federation)
    hints = await hints_told(federation)
    assert await told(trust, "m1") == [("Contracted charity", "open")]
    assert await told(charity, "d1") == [("Health provider", "open")]
    assert len({hint.round for hint in hints}) == 1, "both are told by one round"
    sent = json.dumps([hint.model_dump() for hint in hints])
    links = await federation.hub_read(lambda tables: tables.links.open_links())
    ids = {link.link_id for link in links}
    for hidden in (trust.party_id, charity.party_id, "Drug", "Adult mental", *ids):
        assert hidden not in sent, "neither an agency, nor the work, nor a link is named"
    assert await shown(trust, "m1") == await shown(charity, "d1") == ["Child in need"]
    assert await told(care, "c1") == []

    charity.service.answering._settings.answer_rule = "allow"
    await introduce(federation, trust, "m1")
    assert await told(trust, "m1") == [("Contracted charity", "named")]
    (asked,) = await introduced(charity)
    assert (asked["client"], asked["agency"], asked["role"]) == ("d1", TRUST, "social worker")
    assert (asked["purpose"], asked["basis"]) == (
        "Give direct care", "Explicit consent (UK-CONSENT)",
    )  # fmt: skip
    assert await introduced(care) == await introduced(trust) == []
    assert sorted(await shown(trust, "m1")) == ["Child in need", "Drug and alcohol service"]
    sides = ((trust, "m1", CHARITY, True), (charity, "d1", TRUST, False))
    for node, client, other, ours in sides:
        (one,) = await node.read(lambda t, n=node: who_asked(t, n.membership, 0, 2**40))  # type: ignore[misc]
        assert (one["what"], one["client"], one["agency"], one["outcome"], one["ours"]) == (
            "introduction", client, other, "named", ours,
        )  # fmt: skip
        assert (one["purpose"], one["basis"]) == ("Give direct care", "Explicit consent")
        assert one["practitioner"] == ("M. Nurse (East)" if ours else "social worker")
    for _ in range(2):
        request_id = await asks(federation, trust, charity)
        assert (await charity.received(request_id))["state"] == "asks_person", "never by rule"
        await charity.answer(request_id)
        await federation.settle()
        card = await trust.sent(request_id)
        assert (card["state"], "D. Worker" in card["card"]) == ("opened", True)
    assert await told(charity, "d1") == [("Health provider", "open")]
    assert await shown(care, "c1") == []
    assert await audited(federation) == set()


@pytest.mark.parametrize("agreed", [TRUST, CHARITY, "nobody"])
async def test_without_both_consents_nobody_is_told_anything(
    federation: SimFederation, agreed: str
) -> None:
    trust, charity, _ = await meet(federation, agreed)
    assert await hints_told(federation) == []
    assert await told(trust, "m1") == await told(charity, "d1") == []


async def trust_withdraws(federation: SimFederation, trust: SimNode, charity: SimNode) -> None:
    await withdraw_now(trust.service, "m1", 1)


async def charity_withdraws(federation: SimFederation, trust: SimNode, charity: SimNode) -> None:
    await withdraw_now(charity.service, "d1", 1)


async def charity_agrees_anew(federation: SimFederation, trust: SimNode, charity: SimNode) -> None:
    """To somebody else."""
    await charity.agree("d1", on="2026-09-20", classes=["charity"])


async def work_ends(federation: SimFederation, trust: SimNode, charity: SimNode) -> None:
    await charity.write(lambda t: t.tx.run("UPDATE involvement SET ended_at = 1"))
    await charity.publish()


async def consent_runs_out(federation: SimFederation, trust: SimNode, charity: SimNode) -> None:
    await trust.agree("m1", on="2026-09-20", until="2026-09-22", classes=["charity"])
    await federation.round()
    federation.clock.now += 5 * DAY
    await federation.hub.jobs.expire()


async def charity_suspended(federation: SimFederation, trust: SimNode, charity: SimNode) -> None:
    await ordered(federation, charity, "suspended")


async def charter_parts_them(federation: SimFederation, trust: SimNode, charity: SimNode) -> None:
    types = (await federation.charter()).to_value()["involvement_types"]
    for kind in types:
        if kind["code"] == "drug_and_alcohol":
            kind["brokered_to"] = ["charity"]
    await amend(federation, {"involvement_types": types})


async def wrong_person(federation: SimFederation, trust: SimNode, charity: SimNode) -> None:
    rows = await charity.read(lambda t: t.tx.rows("SELECT request_id FROM received_request"))
    await recall_now(charity.service, rows[0]["request_id"], 1)
    assert await told(charity, "d1") == [("Health provider", "open")], "the hub tells of the end"
    await federation.checkpoint()
    await trust.service.receive(wait=0)
    assert "Drug and alcohol service" not in await shown(trust, "m1"), "the node itself forgets"


Cause = Callable[[SimFederation, SimNode, SimNode], Awaitable[None]]
CAUSES = [
    trust_withdraws, charity_withdraws, charity_agrees_anew, work_ends, consent_runs_out,
    charity_suspended, charter_parts_them, wrong_person,
]  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
async def test_what_ends_it_takes_both_hints_at_the_next_poll_and_whom_they_named(
    federation: SimFederation, cause: Cause
) -> None:
    trust, charity, _ = await met(federation)
    await introduce(federation, trust, "m1")
    request_id = await asks(federation, trust, charity)
    await charity.answer(request_id)
    await federation.settle()
    await cause(federation, trust, charity)
    await federation.hub.jobs.ends()
    ended = [item for body in await mail(federation, HintsBody) for item in body.hints]
    assert [(item.says, item.member_class) for item in ended] == [("ended", None)] * 2, (
        "both are told at once, and nobody why or of what"
    )
    await polled(federation, trust)
    assert await told(trust, "m1") == []
    left = [] if cause in {trust_withdraws, consent_runs_out} else ["Child in need"]
    assert await shown(trust, "m1") == left
    if cause is charity_suspended:
        return  # and polls no more
    await federation.settle()
    assert await told(charity, "d1") == []
    if cause in {charity_withdraws, charity_agrees_anew, work_ends, wrong_person}:
        assert (await trust.sent(request_id))["card"] is None, "what was released over it goes"
    assert await audited(federation) == set()


async def test_a_refusal_names_nobody_and_an_auditor_makes_it_again(
    federation: SimFederation,
) -> None:
    trust, charity, _ = await met(federation)
    for change, code in (
        ({"role": "astrologer"}, "role_not_known"),
        ({"basis": "UK-CA89-S17", "facts": {"views": "sought"}}, "missing_fact"),
    ):
        await introduce(federation, trust, "m1", **{"purpose": "early_help", **change})
        body = await last_decision(federation)
        assert (body.outcome, body.code, body.service) == ("refuse", code, None)
        facts = body.facts
        assert (facts.holder_membership, facts.round, facts.holder_publication) == (None,) * 3
        assert [item[1] for item in await told(trust, "m1")] == ["refused"]
    assert await introduced(charity) == []

    (hint,) = (await trust.team("m1")).services
    stale = await service_of(trust.service, "m1", hint.reference)
    # Withdrawn, and not told yet: the hub answers as if there had never been anything.
    await federation.hub_write(lambda t: t.tx.run("UPDATE link SET hint_a = NULL, hint_b = NULL"))
    await introduce_now(
        trust.service, Introduce(stale, 1, "social_worker", Grounds(**CONSENT, facts={}))
    )
    await federation.settle()
    assert (await last_decision(federation)).code == "not_available"
    assert await introduced(charity) == []
    assert await audited(federation) == set()


async def test_a_day_has_as_many_introductions_as_identity_checks(
    federation: SimFederation,
) -> None:
    trust, charity, _ = await met(federation)
    most = (await federation.charter()).quotas.identity_checks_per_day
    for _ in range(most):
        await introduce(federation, trust, "m1")
    await introduce(federation, trust, "m1")
    assert len(await introduced(charity)) == most
    assert len(await federation.entries("introduction_request")) == most
    assert [item[1] for item in await told(trust, "m1")] == ["failed"]
    assert await audited(federation) == set()


async def test_a_hub_that_names_other_work_is_seen(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust, _, _ = await met(federation)
    monkeypatch.setattr(
        "hub.exchange.introductions.introducible",
        lambda *given: [renamed(item) for item in introducible(*given)],
    )
    await introduce(federation, trust, "m1")
    assert await audited(federation) == rules(Code.DECISION_DIFFERS)


def renamed(item: PublishedInvolvement) -> PublishedInvolvement:
    return item.model_copy(update={"label": "Something else"})


LIES: list[tuple[str, Any, Code]] = [
    ("decide_introduction", lambda *_: Refuse(RefusalCode.ROLE_NOT_KNOWN), Code.DECISION_DIFFERS),
    ("decide_introduction", lambda *_: Refer(), Code.DECISION_DIFFERS),
    ("identity_pins", lambda _decision, pins: pins, Code.FACTS_DIFFER),
]


@pytest.mark.parametrize(("what", "lie", "found"), LIES)
async def test_a_hub_that_decides_an_introduction_otherwise_is_seen(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch, what: str, lie: Any, found: Code
) -> None:
    trust, _, _ = await met(federation)
    monkeypatch.setattr(f"hub.exchange.introductions.{what}", lie)
    role = "astrologer" if what == "identity_pins" else "social_worker"
    await introduce(federation, trust, "m1", role=role)
    assert await audited(federation) == rules(found)


async def test_a_hub_that_leaves_a_request_unanswered_or_answers_none_is_seen(
    federation: SimFederation,
) -> None:
    trust, _, _ = await met(federation)
    asked = await asked_body(federation, trust)
    answer, hub_id = await last_decision(federation), trust.membership.hub.hub_id
    again = trust.membership.sign(asked, hub_id)
    await federation.hub_write(lambda tables: federation.ledger(tables).append(again))
    await federation.hub.jobs.expire()
    await federation.hub.jobs.ends()  # another entry comes in between
    late = answer.model_copy(update={"request": again.id})
    await federation.hub_write(lambda t: federation.ledger(t).issue(late, trust.party_id))
    await federation.checkpoint()
    assert await audited(federation) == rules(Code.CHAIN_BROKEN)
    await federation.hub_write(
        lambda tables: federation.ledger(tables).append(trust.membership.sign(asked, hub_id))
    )
    await federation.hub.jobs.expire()
    await federation.hub.jobs.ends()
    await federation.checkpoint()
    assert await audited(federation) == rules(Code.CHAIN_BROKEN, Code.REQUEST_UNDECIDED)


async def test_a_hub_that_introduces_where_nobody_agreed_is_seen_and_gets_no_card(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust, charity, _ = await meet(federation, TRUST)
    monkeypatch.setattr("hub.matching.terms.decide_hint", lambda *_: Hint.SERVICE)
    monkeypatch.setattr("hub.exchange.introductions.decide_introduction", lambda *_: Allow())
    monkeypatch.setattr(
        "hub.exchange.introductions.introducible", lambda *given: list(given[3].involvements)
    )
    monkeypatch.setattr("hub.exchange.requests.decide_hub", lambda *_: Refer())
    await charity.agree("d1", classes=["charity"])
    await federation.round()
    (hint,) = [one for one in (await trust.team("m1")).services if one.kind.endswith("charity")]
    found = await service_of(trust.service, "m1", hint.reference)
    grounds = Grounds(**CONSENT, facts={})
    await introduce_now(trust.service, Introduce(found, 1, "social_worker", grounds))
    await federation.settle()
    request_id = await asks(federation, trust, charity)
    assert (await trust.sent(request_id))["code"] == "permission_ended", "the holder's own word"
    assert await audited(federation) == rules(Code.DECISION_DIFFERS)


async def test_where_no_value_agrees_any_more_nobody_is_named(federation: SimFederation) -> None:
    trust, charity, _ = await met(federation)
    await federation.hub_write(
        lambda tables: tables.tx.run("DELETE FROM token WHERE agency = ?", charity.party_id)
    )
    await introduce(federation, trust, "m1")
    assert (await last_decision(federation)).code == "not_available"
    assert await introduced(charity) == []


async def test_a_hint_of_somebody_else_or_of_one_side_alone_leads_nowhere(
    federation: SimFederation,
) -> None:
    trust, charity, _ = await met(federation)
    body = await asked_body(federation, trust)
    hub_id = trust.membership.hub.hub_id
    (theirs,) = await charity.read(lambda t: t.tx.rows("SELECT hint_id, stub_id FROM hint"))
    lie = body.model_copy(update=dict(theirs))
    for name in ("hint_a", "hint_b"):
        signed = trust.membership.sign(lie, hub_id)
        message = Message(envelope=to_base64(signed.envelope.encode()), sealed=None, proof=None)
        await federation.services.intake.submit(message)
        assert (await last_decision(federation)).code == "not_available", name
        lie = body
        sql = f"UPDATE link SET {name} = NULL WHERE ? IN (agency_a, agency_b)"  # noqa: S608
        await federation.hub_write(lambda t, it=sql: t.tx.run(it, charity.party_id))  # type: ignore[misc]
    assert len(await introduced(charity)) == 1


async def asked_body(federation: SimFederation, node: SimNode) -> IntroductionRequestBody:
    """What a node sent to be introduced by its only hint."""
    await introduce(federation, node, "m1")
    entries = await federation.entries("introduction_request")
    return parse_statement(entries[-1]["envelope"]).expect(IntroductionRequestBody).body


async def test_a_request_that_names_another_charter_is_not_taken(federation: SimFederation) -> None:
    trust, _, _ = await met(federation)
    body = await asked_body(federation, trust)
    pins = body.pins.model_copy(update={"charter": "0e" * 32})
    stale = body.model_copy(update={"pins": pins})
    signed = trust.membership.sign(stale, trust.membership.hub.hub_id)
    message = Message(envelope=to_base64(signed.envelope.encode()), sealed=None, proof=None)
    with pytest.raises(RemoteError) as caught:
        await federation.services.intake.submit(message)
    assert caught.value.code is ErrorCode.WRONG_CHARTER


async def test_what_no_honest_party_sends_is_refused_and_changes_nothing(
    federation: SimFederation,
) -> None:
    trust, charity, care = await met(federation)
    asked = await asked_body(federation, trust)
    named, parts = await last_decision(federation), charity.service.dispatcher.introductions

    async def refused(take: Callable[[Any, Any], None], statement: Any) -> ErrorCode:
        with pytest.raises(RemoteError) as caught:
            await charity.write(lambda tables: take(tables, statement))
        return caught.value.code

    item = HintItem(hint_id="1a" * 16, stub_id="51" * 16, says="service", member_class="police")
    forged = trust.membership.sign(HintsBody(round="0e" * 32, hints=[item]), charity.party_id)
    assert await refused(parts.on_hints, forged) is ErrorCode.NOT_ALLOWED
    to_us = trust.membership.sign(asked, charity.party_id)
    assert await refused(parts.on_request, to_us) is ErrorCode.WRONG_RECIPIENT
    by_trust = trust.membership.sign(named, trust.party_id)
    assert await refused(parts.on_decision, by_trust) is ErrorCode.NOT_ALLOWED
    assert named.service is not None
    changes: list[dict[str, Any]] = [
        {"request": "0e" * 32},
        {"outcome": "refuse"},
        {"service": None},
        {"service": named.service.model_copy(update={"agency_id": care.party_id})},
        {"service": named.service.model_copy(update={"hint_id": "0e" * 16})},
    ]
    for change in changes:
        lie = named.model_copy(update=change)
        signed = await federation.hub_read(
            lambda t, body=lie: federation.ledger(t).sign(body, trust.party_id)  # type: ignore[misc]
        )
        assert await refused(parts.on_decision, signed) is ErrorCode.NOT_FOUND, change
    assert len(await introduced(charity)) == 1
    assert await told(charity, "d1") == [("Health provider", "open")]


async def test_an_answer_to_another_question_or_to_none_changes_nothing(
    federation: SimFederation,
) -> None:
    trust, _, _ = await met(federation)
    asked, hub_id = await asked_body(federation, trust), trust.membership.hub.hub_id
    answer, parts = await last_decision(federation), trust.service.dispatcher.introductions
    (hint,) = await trust.read(lambda tables: tables.hints.of_stub(hub_id, asked.stub_id))
    again = replace(hint, state=HintState.ASKING, service=None)
    await trust.write(lambda tables: tables.hints.change(hint, again))

    async def decided(**change: Any) -> list[str]:
        body = answer.model_copy(update=change)
        signed = await federation.hub_read(
            lambda tables: federation.ledger(tables).sign(body, trust.party_id)
        )
        await trust.write(lambda tables: parts.on_decision(tables, signed))
        return [state for _, state in await told(trust, "m1")]

    assert await decided(request="0e" * 32) == ["asking"]
    assert await decided(hint_id="0e" * 16) == ["asking"]
    assert await decided(outcome="refuse", code="not_available") == ["refused"]
    assert await shown(trust, "m1") == ["Child in need"], "whatever stands beside a refusal"
    assert await decided() == ["refused"], "it waits for nothing"
    (refused,) = await trust.read(lambda tables: tables.hints.of_stub(hub_id, asked.stub_id))
    waits = replace(refused, state=HintState.ASKING)
    await trust.write(lambda tables: tables.hints.change(refused, waits))
    assert await decided(service=None) == ["refused"], "an answer that names nobody"

    await trust.write(lambda tables: tables.hints.end(hub_id, hint.hint_id))
    lost, error = trust.membership.sign(asked, hub_id), RemoteError(ErrorCode.OVER_QUOTA, "over")
    await trust.write(lambda tables: parts.on_failed(tables, lost, error))
    accepted = AcceptedBody(statement=lost.id, index=9, received_at=federation.clock())
    sent = Sent(lost, accepted, None, None)
    await trust.write(lambda tables: parts.on_sent(tables, sent))
    assert await told(trust, "m1") == []


async def test_what_cannot_be_asked_is_said_before_anything_is_sent(
    federation: SimFederation,
) -> None:
    trust, _, _ = await met(federation)
    hub_id, parts = trust.membership.hub.hub_id, trust.service.dispatcher.introductions
    desk = Kept(hub_id, "1a" * 16, "51" * 16, "duty_desk", None, "0e" * 32)
    gone = Kept(hub_id, "1b" * 16, "52" * 16, "service", "charity", "0e" * 32)
    await trust.write(lambda tables: tables.hints.take([desk, gone]))

    async def code(hint_id: str) -> ErrorCode:
        wanted = IntroductionRequest(hint_id, 1, "nurse", **CONSENT, facts={})
        with pytest.raises(LocalError) as caught:
            await trust.write(lambda tables: parts.ask(tables, wanted))
        return caught.value.code

    for hint_id in (desk.hint_id, gone.hint_id, "1c" * 16):
        assert await code(hint_id) is ErrorCode.NOT_FOUND
    (hint,) = (await trust.team("m1")).services
    await amend(federation, {"request_lifetime_days": 60})
    await trust.membership.follow()
    assert await code(hint.hint_id) is ErrorCode.NOT_READY, "under no charter that is not signed"
    assert await told(trust, "m1") == [("Contracted charity", "open")]
    assert await federation.entries("introduction_request") == []


async def test_another_record_of_the_asker_that_is_seen_bars_nobody(
    federation: SimFederation,
) -> None:
    """The trust has her twice: its health visitor is seen by the charity, over another link."""
    trust, charity, _ = await met(federation)
    await trust.take_in(row("m2", AMIRA, "health_visiting", DUTY, "H. Visitor"))
    await trust.publish()
    await federation.round()
    assert "Health visiting" in await shown(charity, "d1")
    await introduce(federation, trust, "m1")
    request_id = await asks(federation, trust, charity)
    assert (await charity.received(request_id))["state"] == "asks_person"


async def test_what_a_charter_lets_meet_anew_waits_for_whoever_has_not_signed_it(
    federation: SimFederation,
) -> None:
    types = (await federation.charter()).to_value()["involvement_types"]
    narrow = [{**kind, "brokered_to": []} for kind in types]
    await amend(federation, {"involvement_types": narrow})
    trust, charity, _ = await met(federation)
    assert await told(trust, "m1") == await told(charity, "d1") == []
    await amend(federation, {"involvement_types": types})
    await federation.round()
    assert await told(trust, "m1") == await told(charity, "d1") == [], "it loosens"
    await accept(federation, *federation.nodes.values())
    await federation.round()
    assert await told(trust, "m1") == [("Contracted charity", "open")]
    assert await told(charity, "d1") == [("Health provider", "open")]


async def test_a_node_put_back_from_a_backup_is_told_again(
    federation: SimFederation, tmp_path: Path
) -> None:
    trust, charity, _ = await meet(federation)
    copy_aside(trust, tmp_path / "copy")
    await federation.round()
    await introduce(federation, trust, "m1")
    trust = await put_back(federation, trust, tmp_path / "copy")
    assert await told(trust, "m1") == []
    await resync_now(trust.service)
    assert await told(trust, "m1") == [("Contracted charity", "open")]
    await introduce(federation, trust, "m1")
    assert len(await introduced(charity)) == 2
    assert await audited(federation) == set()


async def test_a_backup_from_before_the_client_agreed_to_less_lets_nobody_meet_again(
    federation: SimFederation, tmp_path: Path
) -> None:
    trust, charity, _ = await met(federation)
    copy_aside(charity, tmp_path / "copy")
    await charity.agree("d1", on="2026-09-20", classes=["school"])
    await federation.settle()
    assert await told(trust, "m1") == []
    charity = await put_back(federation, charity, tmp_path / "copy")
    await resync_now(charity.service)
    await charity.publish()
    await federation.round()
    assert await told(trust, "m1") == await told(charity, "d1") == []


async def test_the_clients_receipt_says_who_may_learn_of_the_service(
    federation: SimFederation,
) -> None:
    trust, charity, _ = await met(federation)
    receipt = await receipt_of(trust.service, 1)
    (processing,) = receipt.value["pii_processing"]
    assert processing["recipient_third_parties"] == ["charity"]
    assert "  - Contracted charity" in receipt.text
    await charity.agree("d1", on="2026-09-20")
    (processing,) = (await receipt_of(charity.service, 2)).value["pii_processing"]
    assert processing["recipient_third_parties"] == [], "to all is to nobody, of such a service"
    await federation.round()
    assert await told(trust, "m1") == []


# The duty desk


async def hinted(federation: SimFederation, charities: int) -> tuple[SimNode, list[SimNode]]:
    """A drug service at one of so many charities, whose client agreed that social care may know;
    the charter lets the duty desk help from five organisations of a class on.
    """
    types = (await federation.charter()).to_value()["involvement_types"]
    for kind in types:
        if kind["code"] == "drug_and_alcohol":
            kind |= {"hint_from": 5, "visible_to": ["childrens_social_care", "charity"]}
    await amend(federation, {"involvement_types": types})
    care = await federation.join("Social care", "childrens_social_care")
    found = [await federation.join(f"Charity {n}", "charity") for n in range(charities)]
    await care.take_in(row("c1", AMEERA, "child_in_need", DUTY, "S. Worker"))
    await found[0].take_in(row("d1", AMIRA, "drug_and_alcohol", None, "D. Worker"))
    for node in (care, found[0]):
        await node.publish()
    await found[0].agree("d1", classes=["childrens_social_care", "charity"])
    await federation.round()
    return care, found


async def test_the_duty_desk_is_named_where_five_organisations_share_the_class_and_not_below(
    federation: SimFederation,
) -> None:
    care, charities = await hinted(federation, 4)
    assert (await care.team("c1")).desk_hints == ()
    charities.append(await federation.join("Charity 5", "charity"))
    await federation.round()
    team = await care.team("c1")
    (hint,) = team.desk_hints
    assert (team.services, await shown(care, "c1")) == ((), [])
    read = await read_team(care)
    says = f"The duty desk can put you in touch: Duty team, 01632 960000. Say this to them: {hint}."
    assert says in read
    assert "Charity" not in read.partition("A service that is not named")[2], "nor its class"
    said = await federation.hub_read(lambda t: explain_link(t, hint, federation.clock()))
    assert said == ["The service behind this hint is at Charity 0: 01632 960100 (Always)."]
    with pytest.raises(LocalError):
        await service_of(care.service, "c1", hint)

    await charities[1].take_in(row("y1", AMIRA, "youth_work", DUTY, "Y. Worker"))
    await charities[1].publish()
    await federation.round()
    assert (await charities[1].team("y1")).desk_hints == (), "beside itself there are four"
    assert len((await care.team("c1")).desk_hints) == 1

    for change in ("suspended", "active"):
        await ordered(federation, charities[-1], change)
        await polled(federation, care)
        assert (await care.team("c1")).desk_hints == (), change
    await federation.round()
    assert len((await care.team("c1")).desk_hints) == 1
    await withdraw_now(charities[0].service, "d1", 1)
    await polled(federation, care)
    assert (await care.team("c1")).desk_hints == ()
    assert await audited(federation) == set()


async def read_team(node: SimNode) -> str:
    text = io.StringIO()
    print_team(Console(file=text, width=400), "c1", await node.team("c1"))
    return text.getvalue()


async def test_one_organisation_that_is_five_members_is_one(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tests.sim.federation.SimFederation.settings",
        with_domain(SimFederation.settings, "Five in One"),
    )
    care, _ = await hinted(federation, 5)
    assert (await care.team("c1")).desk_hints == ()


CHARITIES = {f"Charity {n}" for n in range(5)}


def with_domain(settings: Callable[..., Any], domain: str) -> Callable[..., Any]:
    def given(self: SimFederation, name: str, member_class: str, **more: Any) -> Any:
        made = settings(self, name, member_class, **more)
        return made.model_copy(update={"control_domain": domain}) if name in CHARITIES else made

    return given


# As it is typed


def test_what_a_practitioner_reads_and_types(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.now(met(town.federation))
    by = {"who": "M. Nurse"}
    read = town.types(TRUST, "team", "m1", **by).output
    assert "A service of this kind works with them too: Contracted charity." in read
    (hint,) = town.now(town.federation.nodes[TRUST].team("m1")).services
    assert f"patchwork-node introduce m1 {hint.reference}" in read
    assert CHARITY not in read.partition("Somebody to call")[0].partition("No match")[0]
    typed = ("introduce", "m1", hint.reference, "--role", "social_worker", "--basis", "UK-CONSENT",
             "--purpose", "direct_care")  # fmt: skip
    no = town.types(TRUST, *typed, **by)
    assert no.exit_code == 1, "nobody is at a keyboard to say yes"
    assert "is told at once that your organisation asks" in no.output
    assert town.now(town.federation.entries("introduction_request")) == []
    for wrong in ("ZZZZ", hint.reference[:2]):
        assert town.types(TRUST, *typed[:2], wrong, *typed[3:], "--yes", **by).exit_code == 1
    unsaid = [word for word in typed if word not in {"--role", "social_worker"}]
    several = town.types(TRUST, *unsaid, "--yes", **by)
    assert (several.exit_code, "say it with --role" in several.output) == (1, True)
    trust = town.federation.nodes[TRUST]
    town.now(trust.write(lambda t: t.tx.run("UPDATE practitioner SET role = 'Social worker'")))
    yes = town.types(TRUST, *unsaid, "--yes", **by)
    assert (yes.exit_code, "The hub is deciding" in yes.output) == (0, True), yes.output
    town.now(town.federation.settle())
    assert "It was named to you" in town.types(TRUST, "team", "m1", **by).output
    inbox = town.types(CHARITY, "inbox", who="D. Worker").output
    assert f"{TRUST} (social worker) was told that you work with d1" in inbox
    value = json.loads(town.types(TRUST, "team", "m1", "--json", **by).output)
    assert [one["state"] for one in value["services"]] == ["named"]


async def test_the_same_over_http(federation: SimFederation) -> None:
    trust, charity, _ = await met(federation)
    await trust.write(
        lambda t: t.tx.run("UPDATE practitioner SET kind = ?", PersonKind.WORKER.value)
    )
    api = await client_of(trust.service)

    async def posts(path: str, **body: Any) -> tuple[int, Any]:
        answer = await api.post(f"/v1/clients/services{path}", headers=BEARER, json=body)
        return answer.status, await answer.json()

    try:
        assert (await api.post("/v1/clients/services", json={"client": "m1"})).status == 401
        status, value = await posts("", client="m1")
        (hint,) = value["services"]
        assert (status, hint["kind"], value["desk_hints"]) == (200, "Contracted charity", [])
        said = {"client": "m1", "reference": hint["reference"], "role": "social_worker", **CONSENT,
                "facts": {}, "practitioner": "M. Nurse"}  # fmt: skip
        assert (await posts("/introduce", **said))[0] == 400, "whoever asks knows who is told"
        assert await introduced(charity) == []
        assert (await posts("/introduce", **said, service_is_told=True))[0] == 200
        await federation.settle()
        assert [item["agency"] for item in await introduced(charity)] == [TRUST]
    finally:
        await api.close()
