"""What a node refuses by itself, whatever the hub delivers: signed by a real member, past the hub.

The hub of these tests logs and passes on what it must refuse. What the honest party sends goes
through afterwards, so it is the one thing that is wrong which is refused.
"""

from typing import Any

import pytest

from node.views.inbox import inbox_value
from protocol.fields import WireModel
from protocol.messages.bodies import (
    HubDecisionBody,
    LinkNotice,
    NoticeBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
)
from protocol.messages.log import DailyStatementBody, ProvisionalBody
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityRequestBody,
    RecallDoneBody,
    ReviewBody,
    ReviewItem,
    WrongPersonBody,
)
from protocol.messages.statement import Statement
from tests.sim.federation import SimFederation, SimNode
from tests.sim.lying_hub import delivered
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import received as received_check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_lies import asked
from tests.sim.test_recall import notices, released
from tests.sim.test_refusals_hub import NOBODY, NOTHING, but, decision, last

Agencies = tuple[SimNode, SimNode]
CARD = b"a sealed card"


async def signed_by_hub(federation: SimFederation, body: WireModel, aud: str) -> Statement[Any]:
    """What the hub itself signs."""
    return await federation.hub_write(lambda tables: federation.ledger(tables).sign(body, aud))


async def nothing_set_aside(*nodes: SimNode) -> None:
    """What was refused is the sender's fault: no fault of ours, of which a person would be told."""
    for node in nodes:
        assert await node.read(lambda tables: tables.count("set_aside")) == 0


async def dropped(federation: SimFederation, node: SimNode) -> None:
    """The hub loses what lies in a node's mailbox."""
    sql = "DELETE FROM mailbox WHERE agency = ?"
    await federation.hub_write(lambda tables: tables.tx.run(sql, node.party_id))


async def request_of(federation: SimFederation, agencies: Agencies) -> tuple[RequestBody, bytes]:
    """A request that care has made and whose delivery is lost, and its sealed part."""
    health, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await dropped(federation, health)
    body = (await last(federation, "request")).expect(RequestBody).body
    return body, (await care.outbox())[-1]["sealed"]


class TestARequest:
    @pytest.mark.parametrize("wrong", ["no part", "another part", "sealed for another request"])
    async def test_whose_sealed_part_is_not_its_own(
        self, federation: SimFederation, agencies: Agencies, wrong: str
    ) -> None:
        health, care = agencies
        body, sealed = await request_of(federation, agencies)
        parts = {"no part": None, "another part": sealed + b"x"}
        if wrong == "sealed for another request":
            body = but(body, request_id="ab" * 16)
        statement = care.membership.sign(body, health.party_id)
        await delivered(federation, health, statement, parts.get(wrong, sealed))
        assert await health.read(lambda tables: tables.count("received_request")) == 0
        await nothing_set_aside(health)

    async def test_under_an_id_that_was_used(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """The second one would take the place of the first, which somebody has looked at; it asks
        on a basis that no charter knows, of which the hub has its say.
        """
        health, care = agencies
        body, sealed = await request_of(federation, agencies)
        body = but(body, basis="UK-NONE")
        first = care.membership.sign(body, health.party_id)
        await delivered(federation, health, first, sealed)
        second = care.membership.sign(but(body, purpose="safeguarding_adult"), health.party_id)
        await delivered(federation, health, second, sealed)
        kept = await health.received(body.request_id)
        assert (kept["statement_id"], kept["purpose"]) == (first.id, "safeguarding_child")
        await nothing_set_aside(health)

    async def test_to_another_agency(self, federation: SimFederation, agencies: Agencies) -> None:
        health, care = agencies
        charity = await federation.join("Charity", "charity")
        body, sealed = await request_of(federation, agencies)
        statement = care.membership.sign(body, charity.party_id)
        await delivered(federation, health, statement, sealed)
        assert await health.read(lambda tables: tables.count("received_request")) == 0


class TestAHubDecision:
    async def decided(
        self, federation: SimFederation, agencies: Agencies
    ) -> tuple[str, HubDecisionBody]:
        """A request that has arrived without the hub's decision, and that decision."""
        health, care = agencies
        body, sealed = await request_of(federation, agencies)
        request = care.membership.sign(body, health.party_id)
        await delivered(federation, health, request, sealed)
        real = (await last(federation, "hub_decision")).expect(HubDecisionBody).body
        return body.request_id, but(real, request=request.id)

    @pytest.mark.parametrize(
        "change",
        [
            {"request": NOTHING},
            {"request_id": NOBODY},
            {"outcome": "refuse", "code": "not_available"},
        ],
        ids=["on another request", "on none", "that refuses"],
    )
    async def test_that_lets_nobody_decide(
        self, federation: SimFederation, agencies: Agencies, change: dict[str, str]
    ) -> None:
        health, _ = agencies
        request_id, real = await self.decided(federation, agencies)
        forged = await signed_by_hub(federation, but(real, **change), health.party_id)
        await delivered(federation, health, forged)
        kept = await health.received(request_id)
        assert (kept["state"], kept["hub_decision"]) == ("arrived", None)
        await nothing_set_aside(health)
        await delivered(federation, health, await signed_by_hub(federation, real, health.party_id))
        assert (await health.received(request_id))["state"] == "asks_person"

    async def test_a_second_time(self, federation: SimFederation, agencies: Agencies) -> None:
        """By then a person may have answered: that is not undone."""
        health, _ = agencies
        request_id, real = await self.decided(federation, agencies)
        first = await signed_by_hub(federation, real, health.party_id)
        await delivered(federation, health, first)
        await delivered(federation, health, await signed_by_hub(federation, real, health.party_id))
        kept = await health.received(request_id)
        assert (kept["state"], kept["hub_decision"]) == ("asks_person", first.id)


class TestADecision:
    async def test_by_who_was_not_asked_or_on_another_request(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        charity = await federation.join("Charity", "charity")
        request_id = await asked(federation, agencies)
        real = await decision(federation, health, request_id)
        for node, body in (
            (charity, real),
            (health, but(real, request=NOTHING)),
            (health, but(real, request_id=NOBODY)),
        ):
            await delivered(federation, care, node.membership.sign(body, care.party_id))
            assert (await care.sent(request_id))["state"] == "waiting"
        await nothing_set_aside(care)
        await delivered(federation, care, health.membership.sign(real, care.party_id))
        assert (await care.sent(request_id))["state"] == "allowed"

    async def test_a_second_time(self, federation: SimFederation, agencies: Agencies) -> None:
        health, care = agencies
        request_id = await asked(federation, agencies)
        real = await decision(federation, health, request_id)
        first = health.membership.sign(real, care.party_id)
        await delivered(federation, care, first)
        no = but(real, outcome="refuse", code="objection")
        for another in (no, real):
            await delivered(federation, care, health.membership.sign(another, care.party_id))
        kept = await care.sent(request_id)
        assert (kept["state"], kept["decision_id"]) == ("allowed", first.id)


class TestACard:
    async def card(
        self, federation: SimFederation, agencies: Agencies
    ) -> tuple[str, ReleaseBody, bytes, bytes]:
        """A card that has left and whose delivery is lost: the request, body, part and proof."""
        health, care = agencies
        request_id = await asked(federation, agencies)
        await health.answer(request_id)
        await federation.checkpoint()
        await care.membership.sync()
        await care.service.receive(wait=0)
        assert (await care.sent(request_id))["state"] == "allowed"
        await health.service.advance()
        await dropped(federation, care)
        body = (await last(federation, "release")).expect(ReleaseBody).body
        row = (await health.outbox())[-1]
        return request_id, body, row["sealed"], row["proof"]

    @pytest.mark.parametrize(
        "wrong", ["no proof", "another's proof", "no card", "another card", "another key"]
    )
    async def test_that_does_not_open_and_is_told(
        self, federation: SimFederation, agencies: Agencies, wrong: str
    ) -> None:
        """By the holder itself: nothing else will come, so the asker is to ring."""
        health, care = agencies
        request_id, body, sealed, proof = await self.card(federation, agencies)
        given: dict[str, bytes | None] = {"sealed": sealed, "proof": proof}
        if wrong == "no proof":
            given["proof"] = None
        elif wrong == "another's proof":
            (request,) = await federation.entries("request")
            given["proof"] = await federation.services.publisher.proof(request["idx"])
        elif wrong == "no card":
            given["sealed"] = None
        elif wrong == "another card":
            given["sealed"] = CARD
        else:
            body = but(body, seal_key=health.membership.me().body.keys.seal)
        statement = health.membership.sign(body, care.party_id)
        await delivered(federation, care, statement, **given)
        kept = await care.sent(request_id)
        assert (kept["state"], kept["card"]) == ("closed", None)
        await nothing_set_aside(care)
        value = await care.read(lambda tables: inbox_value(tables, care.membership))
        assert [alarm["code"] for alarm in value["alarms"]] == ["card_closed"]
        assert await federation.entries("receipt") == []

    async def test_by_another_or_by_another_decision(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """That tells nothing of the holder's own card, which opens when it comes."""
        health, care = agencies
        charity = await federation.join("Charity", "charity")
        request_id, body, sealed, proof = await self.card(federation, agencies)
        for node, changed in (
            (charity, body),
            (health, but(body, decision=NOTHING)),
            (health, but(body, request_id=NOBODY)),
        ):
            statement = node.membership.sign(changed, care.party_id)
            await delivered(federation, care, statement, sealed, proof)
            kept = await care.sent(request_id)
            assert (kept["state"], kept["card"]) == ("allowed", None)
            await nothing_set_aside(care)
        statement = health.membership.sign(body, care.party_id)
        await delivered(federation, care, statement, sealed, proof)
        assert (await care.sent(request_id))["state"] == "opened"

    async def test_before_the_holder_decided(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        request_id = await asked(federation, agencies)
        body = ReleaseBody(
            request_id=request_id,
            decision=NOTHING,
            seal_key=care.membership.me().body.keys.seal,
            sealed_hash=NOTHING,
            tree_size=1,
        )
        statement = health.membership.sign(body, care.party_id)
        for proof in (b"proof", None):
            await delivered(federation, care, statement, CARD, proof)
            assert (await care.sent(request_id))["state"] == "waiting"
            statement = health.membership.sign(body, care.party_id)
        await nothing_set_aside(care)

    async def test_without_a_quorum_where_nobodys_life_was_in_danger(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """A release is made a provisional card, which needs no proof: s47 is no such basis."""
        health, care = agencies
        request_id, body, sealed, _ = await self.card(federation, agencies)
        provisional = ProvisionalBody.model_validate(body.model_dump())
        statement = health.membership.sign(provisional, care.party_id)
        await delivered(federation, care, statement, sealed)
        assert (await care.sent(request_id))["card"] is None
        assert await notices(care) == []


class TestAReceipt:
    async def test_for_what_has_not_left(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """By the asker itself, before anybody has decided: it would count as trust."""
        health, care = agencies
        request_id = await asked(federation, agencies)
        body = ReceiptBody(request_id=request_id, release=NOTHING, sealed_hash=NOTHING)
        await delivered(federation, health, care.membership.sign(body, health.party_id))
        assert (await health.received(request_id))["state"] == "asks_person"
        unknown = but(body, request_id=NOBODY)
        await delivered(federation, health, care.membership.sign(unknown, health.party_id))
        await nothing_set_aside(health)
        await health.answer(request_id)
        await federation.settle()
        release = (await health.received(request_id))["release_id"]
        sql = "UPDATE received_request SET state = 'released'"
        await health.write(lambda tables: tables.tx.run(sql))
        await delivered(federation, health, care.membership.sign(body, health.party_id))
        kept = await health.received(request_id)
        assert (kept["state"], kept["release_id"]) == ("opened", release), "whatever it names"


class TestAWrongPerson:
    async def test_by_another_or_of_another_card(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        charity = await federation.join("Charity", "charity")
        request_id = await released(federation, agencies)
        release = await last(federation, "release")
        real = WrongPersonBody(request_id=request_id, release=release.id, decided_by="cd" * 16)
        for node, body in (
            (charity, real),
            (health, but(real, release=NOTHING)),
            (health, but(real, request_id=NOBODY)),
        ):
            await delivered(federation, care, node.membership.sign(body, care.party_id))
            kept = await care.sent(request_id)
            assert kept["state"] == "opened"
            assert kept["card"] is not None
            await nothing_set_aside(care)
        await delivered(federation, care, health.membership.sign(real, care.party_id))
        assert (await care.sent(request_id))["card"] is None

    async def test_before_any_card(self, federation: SimFederation, agencies: Agencies) -> None:
        """It would end a request that is being decided, with no card to be wrong about."""
        health, care = agencies
        request_id = await asked(federation, agencies)
        body = WrongPersonBody(request_id=request_id, release=NOTHING, decided_by="cd" * 16)
        await delivered(federation, health, care.membership.sign(body, health.party_id))
        assert (await health.received(request_id))["state"] == "asks_person"
        assert await notices(health) == []

    async def test_a_recall_that_somebody_else_says_is_done(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        charity = await federation.join("Charity", "charity")
        request_id = await released(federation, agencies)
        release = await last(federation, "release")
        real = WrongPersonBody(request_id=request_id, release=release.id, decided_by="cd" * 16)
        await delivered(federation, health, care.membership.sign(real, health.party_id))
        done = RecallDoneBody(request_id=request_id, wrong_person=NOTHING)
        for node, body in ((charity, done), (care, but(done, request_id=NOBODY))):
            await delivered(federation, health, node.membership.sign(body, health.party_id))
            (notice,) = await notices(health)
            assert notice["recalled_at"] is None
        await delivered(federation, health, care.membership.sign(done, health.party_id))
        (notice,) = await notices(health)
        assert notice["recalled_at"] is not None


class TestWhatOnlyTheHubSays:
    async def test_by_a_member(self, federation: SimFederation, agencies: Agencies) -> None:
        """Links, questions, daily statements and decisions on identity: another agency signs."""
        health, care = agencies
        (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
        invented = LinkNotice(
            link_id="ab" * 16,
            state="match",
            stub_id=link["stub_id"],
            agency_id=health.party_id,
            involvements=[],
            evidence=None,
        )
        ended = invented.model_copy(update={"link_id": link["link_id"], "state": "ended"})
        question = ReviewItem(link_id=link["link_id"], stub_id=link["stub_id"], question=NOTHING)
        daily = DailyStatementBody(day=20_000, start=0, end=1, count=0, indexes_hash=NOTHING)
        for body in (
            NoticeBody(round=NOTHING, links=[invented, ended]),
            ReviewBody(round=NOTHING, links=[question]),
            daily,
        ):
            await delivered(federation, care, health.membership.sign(body, care.party_id))
        rows = await care.read(lambda tables: tables.tx.rows("SELECT link_id, state FROM link"))
        assert [dict(row) for row in rows] == [{"link_id": link["link_id"], "state": "match"}]
        assert await care.read(lambda tables: tables.count("review")) == 0
        assert await care.read(lambda tables: tables.count("daily_statement")) == 0


class TestAnIdentityCheck:
    async def test_a_decision_by_a_member(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        """The asker would learn nothing; the other side would be sent to."""
        health, care = unsure
        check_id = await check(care)
        real = (await last(federation, "identity_decision")).expect(IdentityDecisionBody).body
        await dropped(federation, care)
        await delivered(federation, care, health.membership.sign(real, care.party_id))
        assert (await sent_check(care, check_id))["state"] == "waiting"
        await delivered(federation, care, await signed_by_hub(federation, real, care.party_id))
        assert (await sent_check(care, check_id))["state"] == "allowed"

    async def test_a_decision_on_another_check_or_a_second_one(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        _, care = unsure
        check_id = await check(care)
        first = await last(federation, "identity_decision")
        real = first.expect(IdentityDecisionBody).body
        await dropped(federation, care)
        for change in ({"request": NOTHING}, {"check_id": NOBODY}):
            forged = await signed_by_hub(federation, but(real, **change), care.party_id)
            await delivered(federation, care, forged)
            assert (await sent_check(care, check_id))["state"] == "waiting"
        await nothing_set_aside(care)
        await delivered(federation, care, await signed_by_hub(federation, real, care.party_id))
        no = but(real, outcome="refuse", code="not_available", holder=None, evidence=None)
        for second in (no, but(real, holder=NOBODY)):
            signed = await signed_by_hub(federation, second, care.party_id)
            await delivered(federation, care, signed)
            kept = await sent_check(care, check_id)
            assert (kept["state"], kept["holder"]) == ("allowed", real.holder)

    @pytest.mark.parametrize(
        "change",
        [{"outcome": "refuse"}, {"holder": None}, {"evidence": None}],
        ids=lambda c: next(iter(c)),
    )
    async def test_a_decision_that_lets_no_details_leave(
        self, federation: SimFederation, unsure: Agencies, change: dict[str, str | None]
    ) -> None:
        """Whatever else it names: openings and details stay here, and the openings go."""
        _, care = unsure
        check_id = await check(care)
        real = (await last(federation, "identity_decision")).expect(IdentityDecisionBody).body
        await dropped(federation, care)
        forged = await signed_by_hub(federation, but(real, **change), care.party_id)
        await delivered(federation, care, forged)
        await care.service.advance()
        kept = await sent_check(care, check_id)
        assert (kept["state"], kept["openings"]) == ("refused", None)
        assert await federation.entries("identity_check") == []

    async def details(
        self, federation: SimFederation, unsure: Agencies
    ) -> tuple[str, IdentityCheckBody, bytes, bytes]:
        """Details that have left and whose delivery is lost, with all that came before them."""
        health, care = unsure
        check_id = await check(care)
        await federation.checkpoint()
        await care.membership.sync()
        await care.service.receive(wait=0)
        await care.service.advance()
        body = (await last(federation, "identity_check")).expect(IdentityCheckBody).body
        row = next(r for r in reversed(await care.outbox()) if r["kind"] == "identity_check")
        await dropped(federation, health)
        return check_id, body, row["sealed"], row["proof"]

    async def before(self, federation: SimFederation, unsure: Agencies) -> None:
        """The asker's request and the hub's decision reach the other side."""
        health, _ = unsure
        for kind in ("identity_request", "identity_decision"):
            await delivered(federation, health, await last(federation, kind))

    @pytest.mark.parametrize("wrong", ["no proof", "another's proof", "no part", "another part"])
    async def test_details_that_do_not_open(
        self, federation: SimFederation, unsure: Agencies, wrong: str
    ) -> None:
        health, care = unsure
        check_id, body, sealed, proof = await self.details(federation, unsure)
        await self.before(federation, unsure)
        given: dict[str, bytes | None] = {"sealed": sealed, "proof": proof}
        if wrong == "no proof":
            given["proof"] = None
        elif wrong == "another's proof":
            (request,) = await federation.entries("identity_request")
            given["proof"] = await federation.services.publisher.proof(request["idx"])
        else:
            given["sealed"] = None if wrong == "no part" else CARD
        statement = care.membership.sign(body, health.party_id)
        await delivered(federation, health, statement, **given)
        kept = await received_check(health, check_id)
        assert (kept["state"], kept["details"]) == ("arrived", None)
        await nothing_set_aside(health)

    async def test_details_by_another_or_after_another_decision(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        health, care = unsure
        charity = await federation.join("Charity", "charity")
        check_id, body, sealed, proof = await self.details(federation, unsure)
        early = care.membership.sign(body, health.party_id)
        await delivered(federation, health, early, sealed, proof)
        assert await health.read(lambda tables: tables.count("received_check")) == 0
        await self.before(federation, unsure)
        unproven = {**body.link_proof.model_dump(), "proof": NOTHING}
        for node, changed in (
            (charity, body),
            (charity, but(body, link_proof=unproven)),
            (care, but(body, decision=NOTHING)),
            (care, but(body, check_id=NOBODY)),
        ):
            statement = node.membership.sign(changed, health.party_id)
            await delivered(federation, health, statement, sealed, proof)
            kept = await received_check(health, check_id)
            assert (kept["state"], kept["details"]) == ("arrived", None)
            await nothing_set_aside(health)
        statement = care.membership.sign(body, health.party_id)
        await delivered(federation, health, statement, sealed, proof)
        assert (await received_check(health, check_id))["state"] == "asks_person"

    async def test_a_decision_that_sends_the_other_side_nothing(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        """A refusal, one for another agency, one on another request: details after it stay shut."""
        health, care = unsure
        charity = await federation.join("Charity", "charity")
        check_id, body, sealed, proof = await self.details(federation, unsure)
        await delivered(federation, health, await last(federation, "identity_request"))
        real = (await last(federation, "identity_decision")).expect(IdentityDecisionBody).body
        for change in (
            {"outcome": "refuse"},
            {"holder": charity.party_id},
            {"request": NOTHING},
            {"check_id": NOBODY},
        ):
            forged = await signed_by_hub(federation, but(real, **change), care.party_id)
            await delivered(federation, health, forged)
            after = care.membership.sign(but(body, decision=forged.id), health.party_id)
            await delivered(federation, health, after, sealed, proof)
            kept = await received_check(health, check_id)
            assert (kept["state"], kept["decision_id"]) == ("arrived", None)
            await nothing_set_aside(health)

    async def test_a_request_under_an_id_that_was_used(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        health, care = unsure
        check_id, *_ = await self.details(federation, unsure)
        first = (await last(federation, "identity_request")).expect(IdentityRequestBody)
        await delivered(federation, health, first)
        other = but(first.body, purpose="early_help")
        hub_id = care.membership.hub.hub_id
        await delivered(federation, health, care.membership.sign(other, hub_id))
        kept = await received_check(health, check_id)
        assert (kept["statement_id"], kept["purpose"]) == (first.id, "safeguarding_child")
        await nothing_set_aside(health)

    async def test_an_answer_by_another_or_to_another_check(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        health, care = unsure
        charity = await federation.join("Charity", "charity")
        check_id, *_ = await self.details(federation, unsure)
        sent = await last(federation, "identity_check")
        real = IdentityAnswerBody(
            check_id=check_id, check=sent.id, answer="same", code=None, decided_by="cd" * 16
        )
        for node, body in (
            (charity, real),
            (health, but(real, check=NOTHING)),
            (health, but(real, check_id=NOBODY)),
        ):
            await delivered(federation, care, node.membership.sign(body, care.party_id))
            assert (await sent_check(care, check_id))["state"] == "compared"
            await nothing_set_aside(care)
        await delivered(federation, care, health.membership.sign(real, care.party_id))
        assert (await sent_check(care, check_id))["answer"] == "same"
        no = but(real, answer="not_same")
        await delivered(federation, care, health.membership.sign(no, care.party_id))
        assert (await sent_check(care, check_id))["answer"] == "same", "the first one stays"
