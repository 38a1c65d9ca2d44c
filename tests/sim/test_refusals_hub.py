"""What the hub refuses of members who sign properly what they may not send: each leaves no trace.

Every sender is a real member with its own key, who really posts it; what is refused is not logged
but as a `rejection`, changes nothing, and the honest statement goes through afterwards.
"""

import hashlib
from datetime import date
from typing import Any

import pytest

from node.records.importer.rows import Permission
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel
from protocol.messages.bodies import DecisionBody, ReceiptBody, ReleaseBody, RequestBody
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    RecallDoneBody,
    VerdictBody,
    WrongPersonBody,
)
from protocol.messages.statement import Statement, parse_statement
from tests.sim.federation import AMIRA, SimFederation, SimNode, row
from tests.sim.test_identity_check import check
from tests.sim.test_lies import asked
from tests.sim.test_recall import released
from tests.sim.test_refusals_named import card_on_its_way
from tests.sim.test_review import queue

Agencies = tuple[SimNode, SimNode]
NOBODY = "00" * 16
NOTHING = "00" * 32
CARD = b"a sealed card"
CARD_HASH = hashlib.sha256(CARD).hexdigest()
PROOF = b"a proof"
E = ErrorCode


async def says(
    node: SimNode,
    body: WireModel,
    aud: str,
    sealed: bytes | None = None,
    proof: bytes | None = None,
) -> ErrorCode | None:
    """How the hub refuses what a member signs and posts; None if it takes it."""
    envelope = node.membership.sign(body, aud).envelope.encode()
    try:
        await node.membership.post("/v1/statements", envelope, sealed, proof)
    except RemoteError as error:
        return error.code
    return None


async def last(federation: SimFederation, kind: str) -> Statement[Any]:
    """The last statement of a kind in the log."""
    return parse_statement((await federation.entries(kind))[-1]["envelope"])


def but(body: WireModel, **change: object) -> Any:
    """The same, with something else in it."""
    return type(body).model_validate({**body.model_dump(), **change})


async def test_requests(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    real = (await last(federation, "request")).expect(RequestBody).body
    sealed = (await care.outbox())[-1]["sealed"]
    new = but(real, request_id="ab" * 16)

    def pinned(**change: str) -> Any:
        return but(new, pins={**real.pins.model_dump(), **change})

    aud, stranger = health.party_id, pinned(requester_membership=NOTHING)
    assert {
        "again under its id": await says(care, real, aud, sealed),
        "without its sealed part": await says(care, new, aud),
        "with another sealed part": await says(care, new, aud, CARD),
        "as another membership": await says(care, stranger, aud, sealed),
        "under another charter": await says(care, pinned(charter=NOTHING), aud, sealed),
    } == {
        "again under its id": E.REPLAYED,
        "without its sealed part": E.MALFORMED,
        "with another sealed part": E.MALFORMED,
        "as another membership": E.CONFLICT,
        "under another charter": E.WRONG_CHARTER,
    }
    assert len(await federation.entries("request")) == 1


async def decision(federation: SimFederation, node: SimNode, request_id: str) -> DecisionBody:
    """A yes, as the holder's node would give it."""
    kept = await node.received(request_id)
    return DecisionBody(
        request=kept["statement_id"],
        request_id=request_id,
        hub_decision=kept["hub_decision"],
        outcome="allow",
        code=None,
        decided_by="cd" * 16,
        facts_commitment=NOTHING,
    )


async def test_decisions(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    charity = await federation.join("Charity", "charity")
    request_id = await asked(federation, agencies)
    # As if a rule of the hub had referred it to a person: those of today refuse or allow.
    await federation.hub_write(
        lambda tables: tables.tx.run("UPDATE request SET hub_outcome = 'refer'")
    )
    real = await decision(federation, health, request_id)
    aud = care.party_id
    assert {
        "to somebody else": await says(health, real, charity.party_id),
        "on another request": await says(health, but(real, request=NOTHING), aud),
        "after another decision": await says(health, but(real, hub_decision=NOTHING), aud),
        "on none": await says(health, but(real, request_id=NOBODY), aud),
        "by who is not asked": await says(charity, real, aud),
        "by no person": await says(health, but(real, decided_by=None), aud),
    } == {
        "to somebody else": E.WRONG_RECIPIENT,
        "on another request": E.WRONG_RECIPIENT,
        "after another decision": E.WRONG_RECIPIENT,
        "on none": E.NOT_FOUND,
        "by who is not asked": E.NOT_FOUND,
        "by no person": E.NOT_ALLOWED,
    }
    assert await federation.entries("decision") == []
    assert await says(health, real, aud) is None
    no = but(real, outcome="refuse", code="holder_refused")
    assert await says(health, no, aud) is E.CONFLICT, "a yes is not taken back"
    assert len(await federation.entries("decision")) == 1


async def test_decisions_on_what_is_over(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    refused = await care.ask("c1", involvement, role="nobody_of_that_name")
    assert (await care.sent(refused))["state"] == "refused"
    hub_decision = await last(federation, "hub_decision")
    body = DecisionBody(
        request=hub_decision.body.request,
        request_id=refused,
        hub_decision=hub_decision.id,
        outcome="allow",
        code=None,
        decided_by="cd" * 16,
        facts_commitment=NOTHING,
    )
    assert await says(health, body, care.party_id) is E.NOT_FOUND, "the hub has refused it"
    request_id = await asked(federation, agencies)
    real = await decision(federation, health, request_id)
    federation.clock.now += 14 * 86_400
    assert await says(health, real, care.party_id) is E.TOO_LATE
    assert await federation.entries("decision") == []


async def test_releases(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    charity = await federation.join("Charity", "charity")
    request_id = await asked(federation, agencies)
    yes = await decision(federation, health, request_id)
    card = ReleaseBody(
        request_id=request_id,
        decision=NOTHING,
        seal_key=care.membership.me().body.keys.seal,
        sealed_hash=CARD_HASH,
        tree_size=health.membership.view.size,
        keep_until=federation.clock() + 86_400,
    )
    aud, both = care.party_id, (CARD, PROOF)
    undecided = await says(health, card, aud, *both)
    assert await says(health, yes, aud) is None
    card = but(card, decision=(await last(federation, "decision")).id)
    assert {
        "before a decision": undecided,
        "without a proof": await says(health, card, aud, CARD),
        "without a card": await says(health, card, aud, None, PROOF),
        "with another card": await says(health, card, aud, b"another", PROOF),
        "by another decision": await says(health, but(card, decision=NOTHING), aud, *both),
        "to somebody else": await says(health, card, charity.party_id, *both),
        "by somebody else": await says(charity, card, aud, *both),
        "for no request": await says(health, but(card, request_id=NOBODY), aud, *both),
    } == {
        "before a decision": E.NOT_ALLOWED,
        "without a proof": E.NO_QUORUM,
        "without a card": E.MALFORMED,
        "with another card": E.MALFORMED,
        "by another decision": E.NOT_ALLOWED,
        "to somebody else": E.WRONG_RECIPIENT,
        "by somebody else": E.NOT_FOUND,
        "for no request": E.NOT_FOUND,
    }
    assert await federation.entries("release") == []
    assert await says(health, card, aud, *both) is None
    assert await says(health, card, aud, *both) is E.NOT_ALLOWED, "one card for one decision"
    assert len(await federation.entries("release")) == 1


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        ("link", E.NOT_ALLOWED),
        ("involvement", E.NOT_ALLOWED),
        ("permission", E.NOT_ALLOWED),
        ("request", E.TOO_LATE),
    ],
)
async def test_a_decision_and_a_release_of_what_has_ended_since(
    federation: SimFederation, agencies: Agencies, ended: str, code: ErrorCode
) -> None:
    """Both while it was in force and after it: the hub looks again each time."""
    health, care = agencies
    until = date(2026, 9, 24) if ended == "permission" else date(2030, 1, 1)
    duty = Permission("UK-CA04-S10-S11", until, None)
    await health.take_in(row("h1", AMIRA, "health_visiting", duty, "H. Visitor"))
    await health.publish()
    await federation.round()
    first, second = [await asked(federation, agencies) for _ in range(2)]
    assert await says(health, await decision(federation, health, first), care.party_id) is None
    card = ReleaseBody(
        request_id=first,
        decision=(await last(federation, "decision")).id,
        seal_key=care.membership.me().body.keys.seal,
        sealed_hash=CARD_HASH,
        tree_size=health.membership.view.size,
        keep_until=federation.clock() + 86_400,
    )
    if ended == "link":
        await federation.hub_write(lambda tables: tables.tx.run("UPDATE link SET state = 'ended'"))
    elif ended == "involvement":
        sql = "UPDATE stub SET involvements = '[]' WHERE agency = ?"
        await federation.hub_write(lambda tables: tables.tx.run(sql, health.party_id))
    else:
        federation.clock.now += 4 * 86_400 if ended == "permission" else 14 * 86_400
    later = await decision(federation, health, second)
    assert await says(health, later, care.party_id) is code
    assert await says(health, card, care.party_id, CARD, PROOF) is code
    assert await federation.entries("release") == []


async def test_receipts(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    charity = await federation.join("Charity", "charity")
    request_id = await card_on_its_way(federation, agencies)
    release = await last(federation, "release")
    real = ReceiptBody(
        request_id=request_id, release=release.id, sealed_hash=release.body.sealed_hash
    )
    aud = health.party_id
    assert {
        "for another card": await says(care, but(real, release=NOTHING), aud),
        "for no request": await says(care, but(real, request_id=NOBODY), aud),
        "to somebody else": await says(care, real, charity.party_id),
        "by the holder": await says(health, real, care.party_id),
    } == {
        "for another card": E.NOT_FOUND,
        "for no request": E.NOT_FOUND,
        "to somebody else": E.CONFLICT,
        "by the holder": E.NOT_FOUND,
    }
    assert await federation.entries("receipt") == []
    assert await says(care, real, aud) is None
    assert await says(care, real, aud) is E.CONFLICT, "once"
    assert len(await federation.entries("receipt")) == 1


async def test_a_receipt_before_any_card(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    body = ReceiptBody(request_id=request_id, release=NOTHING, sealed_hash=NOTHING)
    assert await says(care, body, health.party_id) is E.NOT_FOUND


async def test_wrong_persons_and_recalls(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    charity = await federation.join("Charity", "charity")
    request_id = await released(federation, agencies)
    release = await last(federation, "release")
    real = WrongPersonBody(request_id=request_id, release=release.id, decided_by="cd" * 16)
    aud = care.party_id
    done = RecallDoneBody(request_id=request_id, wrong_person=NOTHING)
    early = await says(care, done, health.party_id)
    assert {
        "of another card": await says(health, but(real, release=NOTHING), aud),
        "of no request": await says(health, but(real, request_id=NOBODY), aud),
        "to somebody else": await says(health, real, charity.party_id),
        "to themselves": await says(health, real, health.party_id),
        "by somebody else": await says(charity, real, aud),
    } == {
        "of another card": E.NOT_FOUND,
        "of no request": E.NOT_FOUND,
        "to somebody else": E.WRONG_RECIPIENT,
        "to themselves": E.WRONG_RECIPIENT,
        "by somebody else": E.NOT_FOUND,
    }
    assert await federation.entries("wrong_person") == []
    assert await says(health, real, aud) is None
    assert await says(care, real, health.party_id) is E.CONFLICT, "said before, by whoever"
    done = but(done, wrong_person=(await last(federation, "wrong_person")).id)
    aud = health.party_id
    assert {
        "before any recall": early,
        "of another recall": await says(care, but(done, wrong_person=NOTHING), aud),
        "of no request": await says(care, but(done, request_id=NOBODY), aud),
        "by the holder": await says(health, done, care.party_id),
        "to somebody else": await says(care, done, charity.party_id),
    } == {
        "before any recall": E.NOT_FOUND,
        "of another recall": E.NOT_FOUND,
        "of no request": E.NOT_FOUND,
        "by the holder": E.NOT_FOUND,
        "to somebody else": E.CONFLICT,
    }
    assert await federation.entries("recall_done") == []
    assert await says(care, done, aud) is None
    assert await says(care, done, aud) is E.CONFLICT, "once"
    assert len(await federation.entries("recall_done")) == 1


async def test_verdicts(
    federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = unsure
    charity = await federation.join("Charity", "charity")
    (waiting,), (theirs,) = await queue(care), await queue(health)
    assert waiting.link_id == theirs.link_id
    review = await care.read(
        lambda tables: tables.reviews.get(care.membership.hub.hub_id, waiting.link_id)
    )
    other = await health.read(
        lambda tables: tables.reviews.get(health.membership.hub.hub_id, waiting.link_id)
    )
    assert review is not None
    assert other is not None
    real = VerdictBody(
        link_id=waiting.link_id,
        stub_id=review.stub_id,
        question=review.question,
        round=NOTHING,
        publication=NOTHING,
        answer="same",
        rests_on="records",
        decided_by="cd" * 16,
    )
    aud = care.membership.hub.hub_id
    assert {
        "of no link": await says(care, but(real, link_id=NOBODY), aud),
        "through the other side's record": await says(care, but(real, stub_id=other.stub_id), aud),
        "by somebody else": await says(charity, real, aud),
        "to another question": await says(care, but(real, question=NOTHING), aud),
        "to none, though there is one": await says(care, but(real, question=None), aud),
    } == {
        "of no link": E.NOT_FOUND,
        "through the other side's record": E.NOT_FOUND,
        "by somebody else": E.NOT_FOUND,
        "to another question": E.CONFLICT,
        "to none, though there is one": E.CONFLICT,
    }
    assert await federation.entries("verdict") == []
    monkeypatch.setattr("protocol.requests.quotas.VERDICTS_A_DAY", 1)
    assert await says(care, real, aud) is None
    assert await says(care, real, aud) is E.OVER_QUOTA
    assert len(await federation.entries("verdict")) == 1


async def test_identity_checks_and_answers(federation: SimFederation, unsure: Agencies) -> None:
    health, care = unsure
    charity = await federation.join("Charity", "charity")
    check_id = await check(care)
    decided = (await last(federation, "identity_decision")).expect(IdentityDecisionBody)
    evidence = decided.body.evidence
    assert evidence is not None
    proof = {"match_key_id": evidence.match_key_id, "epoch": evidence.epoch, "proof": NOTHING}
    real = IdentityCheckBody.model_validate(
        {
            "check_id": check_id,
            "decision": decided.id,
            "link_proof": proof,
            "seal_key": health.membership.me().body.keys.seal,
            "sealed_hash": CARD_HASH,
            "tree_size": care.membership.view.size,
        }
    )
    aud, both = health.party_id, (CARD, PROOF)
    answered = IdentityAnswerBody(
        check_id=check_id, check=NOTHING, answer="same", code=None, decided_by="cd" * 16
    )
    early = await says(health, answered, care.party_id)
    assert {
        "without its sealed part": await says(care, real, aud, None, PROOF),
        "with another": await says(care, real, aud, b"another", PROOF),
        "without a proof": await says(care, real, aud, CARD),
        "by the other side": await says(health, real, care.party_id, *both),
        "after another decision": await says(care, but(real, decision=NOTHING), aud, *both),
        "to somebody else": await says(care, real, charity.party_id, *both),
        "under no request": await says(care, but(real, check_id=NOBODY), aud, *both),
    } == {
        "without its sealed part": E.MALFORMED,
        "with another": E.MALFORMED,
        "without a proof": E.NO_QUORUM,
        "by the other side": E.NOT_FOUND,
        "after another decision": E.NOT_FOUND,
        "to somebody else": E.WRONG_RECIPIENT,
        "under no request": E.NOT_FOUND,
    }
    assert await federation.entries("identity_check") == []
    assert await says(care, real, aud, *both) is None
    assert await says(care, real, aud, *both) is E.CONFLICT, "one for one decision"
    answered = but(answered, check=(await last(federation, "identity_check")).id)
    aud = care.party_id
    assert {
        "before the details came": early,
        "to another check": await says(health, but(answered, check=NOTHING), aud),
        "to no check": await says(health, but(answered, check_id=NOBODY), aud),
        "by somebody else": await says(charity, answered, aud),
        "to somebody else": await says(health, answered, charity.party_id),
        "by no person": await says(health, but(answered, decided_by=None), aud),
    } == {
        "before the details came": E.NOT_FOUND,
        "to another check": E.NOT_FOUND,
        "to no check": E.NOT_FOUND,
        "by somebody else": E.NOT_FOUND,
        "to somebody else": E.CONFLICT,
        "by no person": E.NOT_ALLOWED,
    }
    assert await federation.entries("identity_answer") == []
    assert await says(health, answered, aud) is None
    assert await says(health, answered, aud) is E.CONFLICT, "once"
    assert len(await federation.entries("identity_answer")) == 1


@pytest.mark.parametrize("ended", ["link", "time"])
async def test_an_identity_check_of_what_has_ended_since(
    federation: SimFederation, unsure: Agencies, ended: str
) -> None:
    health, care = unsure
    check_id = await check(care)
    decided = (await last(federation, "identity_decision")).expect(IdentityDecisionBody)
    evidence = decided.body.evidence
    assert evidence is not None
    proof = {"match_key_id": evidence.match_key_id, "epoch": evidence.epoch, "proof": NOTHING}
    body = IdentityCheckBody.model_validate(
        {
            "check_id": check_id,
            "decision": decided.id,
            "link_proof": proof,
            "seal_key": health.membership.me().body.keys.seal,
            "sealed_hash": CARD_HASH,
            "tree_size": care.membership.view.size,
        }
    )
    if ended == "time":
        federation.clock.now += 7 * 86_400
    else:
        await federation.hub_write(lambda tables: tables.tx.run("UPDATE link SET state = 'ended'"))
    code = await says(care, body, health.party_id, CARD, PROOF)
    assert code is (E.TOO_LATE if ended == "time" else E.NOT_ALLOWED)
    assert await federation.entries("identity_check") == []
