"""Four checks that once could be taken out and nothing went red: each by who really does it."""

import json
from typing import Any

import pytest

import node.requests.answering
import node.requests.asking
from hub.store.tables import HubTables
from node.requests.facts import request_facts
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.messages.bodies import HubDecisionBody, ReceiptBody
from protocol.messages.parts import DecisionFacts
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.decide import Allow
from protocol.requests.sealing import Opening
from tests.sim.federation import SimFederation, SimNode
from tests.sim.lying_hub import delivered
from tests.sim.test_identity_check import answer as compare
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import received as received_check
from tests.sim.test_lies import asked
from tests.sim.test_tampered import in_mail

Agencies = tuple[SimNode, SimNode]


async def hub_refuses(node: SimNode, statement: Statement[Any]) -> ErrorCode:
    """What the hub says to a statement that a node has signed."""
    with pytest.raises(RemoteError) as caught:
        await node.membership.post("/v1/statements", statement.envelope.encode())
    return caught.value.code


async def card_on_its_way(federation: SimFederation, agencies: Agencies) -> str:
    """A request whose card has left, and which nobody has opened yet."""
    health, _ = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    await federation.checkpoint()
    await health.service.advance()
    assert (await health.received(request_id))["state"] == "released"
    return request_id


class TestAReceiptFromAPartyThatDidNotAsk:
    """Who holds another agency's release id says that it has the card: the holder believes none."""

    async def receipt(
        self, federation: SimFederation, agencies: Agencies
    ) -> tuple[str, Statement[Any]]:
        charity = await federation.join("Charity", "charity")
        request_id = await card_on_its_way(federation, agencies)
        (release,) = await federation.entries("release")
        card = parse_statement(release["envelope"])
        body = ReceiptBody(
            request_id=request_id,
            release=card.id,
            sealed_hash=card.body.sealed_hash,  # type: ignore[attr-defined]
        )
        return request_id, charity.membership.sign(body, agencies[0].party_id)

    async def test_the_hub_does_not_take_it(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        _, receipt = await self.receipt(federation, agencies)
        code = await hub_refuses(federation.nodes["Charity"], receipt)
        assert code is ErrorCode.NOT_FOUND
        assert await federation.entries("receipt") == []

    async def test_the_holder_does_not_believe_it(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        request_id, receipt = await self.receipt(federation, agencies)
        await delivered(federation, health, receipt)
        assert (await health.received(request_id))["state"] == "released"
        await federation.settle()
        assert (await health.received(request_id))["state"] == "opened", "by who asked"


class TestAHubDecisionNotSignedByTheHub:
    """An asker decides its own request, or somebody decides it on the way."""

    async def test_the_hub_takes_none_from_a_member(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        _, care = agencies
        forged = care.membership.sign(_decision("ab" * 16, "cd" * 32), federation_id(federation))
        assert await hub_refuses(care, forged) is ErrorCode.UNKNOWN_KIND

    async def test_the_holder_goes_by_the_hubs_alone(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """The hub refers the request to a person; the asker says that it is allowed by rule."""
        health, care = agencies

        def forge(item: dict[str, Any]) -> dict[str, Any]:
            statement = parse_statement(from_base64(item["envelope"]))
            if not isinstance(statement.body, HubDecisionBody):
                return item
            body = _decision(statement.body.request_id, statement.body.request)
            forged = care.membership.sign(body, health.party_id)
            return {**item, "envelope": to_base64(forged.envelope.encode())}

        federation.network.tamper["/v1/polls"] = in_mail(forge)
        request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        await federation.settle()
        kept = await health.received(request_id)
        assert (kept["state"], kept["hub_decision"]) == ("arrived", None)
        assert await federation.entries("decision") == []

    async def test_the_asker_goes_by_the_hubs_alone(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """Another member's word comes back in the place of the hub's refusal."""
        health, care = agencies

        def forge(data: bytes) -> bytes:
            answer = json.loads(data)
            if answer["decision"] is not None:
                real = parse_statement(from_base64(answer["decision"]))
                assert isinstance(real.body, HubDecisionBody)
                forged = health.membership.sign(real.body, care.party_id)
                answer["decision"] = to_base64(forged.envelope.encode())
            return json.dumps(answer, separators=(",", ":")).encode()

        federation.network.tamper["/v1/statements"] = forge
        request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        assert (await care.sent(request_id))["state"] == "failed"


class TestAnAnswerOverALinkThatNoLongerMatches:
    """The link ended or became doubtful after the request came, and somebody allows it."""

    @pytest.mark.parametrize("state", ["possible", "ended"])
    async def test_the_holders_own_node_allows_no_more(
        self, federation: SimFederation, agencies: Agencies, state: str
    ) -> None:
        health, care = agencies
        request_id = await asked(federation, agencies)
        await health.write(lambda tables: _set_link(tables, state))
        await health.answer(request_id)
        await federation.settle()
        (decision,) = await federation.entries("decision")
        said = json.loads(from_base64(json.loads(decision["envelope"])["payload"]))["body"]
        assert (said["outcome"], said["code"]) == ("refuse", "link_not_proven")
        assert (await care.sent(request_id))["state"] == "refused"

    @pytest.mark.parametrize("state", ["possible", "ended"])
    async def test_the_hub_takes_no_yes(
        self,
        federation: SimFederation,
        agencies: Agencies,
        monkeypatch: pytest.MonkeyPatch,
        state: str,
    ) -> None:
        """The holder's node was patched: it allows whatever its people say."""
        health, care = agencies
        request_id = await asked(federation, agencies)
        await federation.hub_write(lambda tables: _set_link(tables, state))
        monkeypatch.setattr(node.requests.answering, "decide_holder", lambda _: Allow())
        await health.answer(request_id)
        assert await federation.entries("decision") == []
        assert [item["error"] for item in await health.outbox()] == ["not_allowed"]
        assert (await care.sent(request_id))["card"] is None

    async def test_the_hub_takes_no_comparison_over_a_link_that_has_ended(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        health, care = unsure
        check_id = await check(care)
        await federation.settle()
        await federation.hub_write(lambda tables: _set_link(tables, "ended"))
        await compare(health, check_id, "same")
        assert await federation.entries("identity_answer") == []
        assert (await received_check(health, check_id))["state"] == "stopped"
        (link,) = await federation.hub_read(
            lambda tables: tables.tx.rows("SELECT link_id FROM link")
        )
        said = await federation.hub_read(lambda tables: tables.links.answers(link["link_id"]))
        assert said == {}, "nor does it count as what that side says"


class TestADemandedFactThatWasNotOpened:
    """The asker commits to a fact that the law demands and keeps it to itself, or opens another."""

    @pytest.mark.parametrize("opened", ["nothing", "another"])
    async def test_the_holder_does_not_take_the_request(
        self,
        federation: SimFederation,
        agencies: Agencies,
        monkeypatch: pytest.MonkeyPatch,
        opened: str,
    ) -> None:
        health, care = agencies

        def patched(*given: Any) -> tuple[dict[str, str], dict[str, Opening]]:
            facts, openings = request_facts(*given)
            assert openings, "there is one that must be opened"
            other = {name: Opening(salt="00" * 32, value="S47-2") for name in openings}
            return facts, {} if opened == "nothing" else other

        monkeypatch.setattr(node.requests.asking, "request_facts", patched)
        request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        assert (await care.sent(request_id))["state"] == "waiting", "the hub cannot know"
        await federation.settle()
        rows = await health.read(lambda tables: tables.count("received_request"))
        assert rows == 0
        aside = await health.read(lambda tables: tables.set_aside.all(federation_id(federation)))
        assert [kept.fault.error for kept in aside] == [], "no fault of ours"
        assert await federation.entries("decision") == []


def federation_id(federation: SimFederation) -> str:
    """The hub's party id."""
    return federation.nodes["Social care"].membership.hub.hub_id


def _decision(request_id: str, request: str) -> HubDecisionBody:
    """Somebody's word that the hub allows a request."""
    facts = DecisionFacts(
        charter="00" * 32,
        requester_membership=None,
        holder_membership=None,
        round=None,
        requester_publication=None,
        holder_publication=None,
    )
    return HubDecisionBody(
        request=request, request_id=request_id, outcome="allow", code=None, field=None, facts=facts
    )


def _set_link(tables: HubTables | NodeTables, state: str) -> None:
    tables.tx.run("UPDATE link SET state = ?", state)
