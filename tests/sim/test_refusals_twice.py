"""What a node does once though two of its processes, or two of its people, begin it; and what comes
too early, or again, after a fault.
"""

import asyncio
from typing import Any

import pytest

from node.identity_checks.initiating import IdentityAsking
from node.links.review import Opinion
from node.store.set_aside import Kind
from node.store.tables import NodeTables
from node.views.inbox import inbox_value
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.bodies import (
    LinkNotice,
    NoticeBody,
    RejectionBody,
    ReleaseBody,
    RequestBody,
    RoundsBody,
    ShownInvolvement,
)
from protocol.messages.log import ProvisionalBody
from protocol.messages.parts import LinkEvidence
from protocol.messages.review import QuestionsHeldBody, ReviewBody, ReviewItem
from tests.sim.federation import AMEERA, AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.lying_hub import delivered
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_lies import asked, cut
from tests.sim.test_node_faults import fault, set_aside, told
from tests.sim.test_recall import released
from tests.sim.test_refusals_hub import NOTHING, but, last
from tests.sim.test_refusals_node import signed_by_hub
from tests.sim.test_review import queue
from tests.sim.test_stolen_node import ordered
from tests.sim.test_unwitnessed_card import alarms, allowed, let_go, wake
from tests.sim.test_unwitnessed_card import notices as leads_list

Agencies = tuple[SimNode, SimNode]
E = ErrorCode


async def statements(node: SimNode, kind: str) -> int:
    """How many statements of a kind this node has made."""
    return [item["kind"] for item in await node.outbox()].count(kind)


class TestTwoProcessesOfOneNode:
    """The service and a command both find that something may leave."""

    async def test_one_card_leaves(self, federation: SimFederation, agencies: Agencies) -> None:
        health, _ = agencies
        request_id = await asked(federation, agencies)
        await health.answer(request_id)
        await federation.checkpoint()
        releasing = health.service.releasing
        both = await asyncio.gather(releasing.release_allowed(), releasing.release_allowed())
        assert sorted(both) == [0, 1]
        assert await statements(health, "release") == 1

    async def test_details_leave_once(self, federation: SimFederation, unsure: Agencies) -> None:
        _, care = unsure
        check_id = await check(care)
        await federation.checkpoint()
        await care.membership.sync()
        await care.service.receive(wait=0)
        asking = care.service.dispatcher.identity_asking
        both = await asyncio.gather(asking.send_allowed(), asking.send_allowed())
        assert sorted(both) == [0, 1]
        assert await statements(care, "identity_check") == 1
        assert (await sent_check(care, check_id))["state"] == "sending_details"
        sql = "UPDATE sent_check SET state = 'stopped'"
        await care.write(lambda tables: tables.tx.run(sql))
        await care.service.outbox.send()
        kept = await sent_check(care, check_id)
        assert (kept["state"], kept["openings"]) == ("stopped", None), "it had ended meanwhile"
        assert await set_aside(care) == []

    async def test_a_person_answers_once(self, federation: SimFederation, unsure: Agencies) -> None:
        """While the first answer has not reached the hub nobody can tell which would be last."""
        _, care = unsure
        (waiting,) = await queue(care)

        def say(tables: NodeTables) -> None:
            opinion = Opinion(waiting.link_id, "same", 1)
            care.service.dispatcher.reviewing.say(tables, opinion)

        await care.write(say)
        with pytest.raises(LocalError) as caught:
            await care.write(say)
        assert caught.value.code is E.CONFLICT
        assert await statements(care, "verdict") == 1


async def test_details_that_met_a_fault_wait_until_they_are_tried_again(
    federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = unsure
    tried = []

    async def throws(_: object, allowed: Any) -> bool:
        tried.append(allowed.check_id)
        raise fault()

    with monkeypatch.context() as patched:
        patched.setattr(IdentityAsking, "_send_witnessed", throws)
        check_id = await check(care)
        await federation.settle()
        await care.service.advance()
    assert tried == [check_id], "once, and not again and again"
    assert await told(care) == [f"check:{check_id}"]
    assert await care.service.retry() == []
    assert (await sent_check(care, check_id))["state"] == "compared"
    assert await told(care) == []


class TestADiskThatIsFull:
    """Nothing is written, so nothing may count as dealt with."""

    async def test_while_a_message_is_set_aside(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        health, care = agencies

        def full(*_: object) -> None:
            raise LocalError(E.STORAGE, "the disk is full")

        def throws(*_: object) -> None:
            raise fault()

        handlers = health.service.dispatcher._incoming
        real = handlers[RequestBody]
        handlers[RequestBody] = throws
        request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        await federation.checkpoint()
        before = health.membership.hub
        with monkeypatch.context() as patched:
            patched.setattr(health.membership.faults, "put", full)
            with pytest.raises(LocalError):
                await health.service.receive(wait=0)
        assert health.membership.hub == before
        handlers[RequestBody] = real
        await federation.settle()
        assert (await health.received(request_id))["state"] == "asks_person"

    async def test_while_it_is_tried_again(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        handlers = health.service.dispatcher._incoming
        real = handlers[RequestBody]
        met: list[Exception] = [fault(), LocalError(E.STORAGE, "the disk is full")]

        def throws(*_: object) -> None:
            raise met[0]

        handlers[RequestBody] = throws
        await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        await federation.settle()
        kept = [item.item for item in await set_aside(health)]
        assert [item.what for item in kept] == [Kind.MESSAGE] * 2, "the request, and its decision"
        await health.service.retry()
        bad = await signed_by_hub(
            federation,
            RejectionBody(statement=NOTHING, kind="request", code="over_quota"),
            health.party_id,
        )
        await delivered(federation, health, bad)
        assert [item.item for item in await set_aside(health)] == kept, "both wait for the first"
        met.pop(0)
        with pytest.raises(LocalError) as caught:
            await health.service.retry()
        assert caught.value.code is E.STORAGE, "whoever asked for it is told"
        assert [item.item for item in await set_aside(health)] == kept
        handlers[RequestBody] = real
        assert await health.service.retry() == []


class TestWhatTheHubSaysOfLinks:
    async def test_is_not_believed_of_a_member(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """That its questions are held, or that the next round is never."""
        health, care = agencies
        before = await care.team("c1")
        for body in (
            QuestionsHeldBody(agency=health.party_id, held=1),
            RoundsBody(compared_below=10**6, next_round=0),
        ):
            await delivered(federation, care, health.membership.sign(body, care.party_id))
        assert await care.team("c1") == before
        assert await alarms(care) == []
        late = RoundsBody(compared_below=0, next_round=before.next_round or 0)
        await delivered(federation, care, await signed_by_hub(federation, late, care.party_id))
        assert await care.team("c1") == before, "what was compared stays so"
        (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
        ended = LinkNotice(
            link_id=link["link_id"],
            state="ended",
            stub_id=link["stub_id"],
            agency_id=None,
            involvements=[],
            evidence=None,
        )
        end = NoticeBody(round=NOTHING, links=[ended])
        await delivered(federation, care, await signed_by_hub(federation, end, care.party_id))
        (kept,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
        assert {**kept, "state": "match"} == dict(link), "what it was about is still named by it"
        assert (await care.team("c1")).others == ()

    async def test_a_link_that_rests_on_nothing_is_not_asked_over(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """No evidence, a token that we do not publish, a holder that the hub puts in its place."""
        health, care = agencies
        charity = await federation.join("Charity", "charity")
        (old,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
        involvement = (await care.team("c1")).others[0].involvement_id
        link = await care.read(lambda tables: tables.links.get(old["hub_id"], old["link_id"]))
        assert link is not None
        assert link.evidence is not None
        invented = LinkEvidence(match_key_id=link.evidence.match_key_id, epoch=1, ordinal=15)
        wanted = await care.request("c1", involvement)
        for change, code in (
            ({"evidence": None}, E.NOT_READY),
            ({"evidence": invented}, E.NOT_READY),
            ({"agency_id": charity.party_id}, E.NOT_FOUND),
        ):
            notice = LinkNotice(
                link_id=link.link_id,
                state="match",
                stub_id=link.stub_id,
                agency_id=health.party_id,
                involvements=[
                    ShownInvolvement(id=item.id, type=item.type, label=item.label)
                    for item in link.involvements
                ],
                evidence=link.evidence,
            )
            body = NoticeBody(round=NOTHING, links=[but(notice, **change)])
            await delivered(federation, care, await signed_by_hub(federation, body, care.party_id))
            with pytest.raises(LocalError) as caught:
                await care.write(lambda tables: care.service.asking.ask(tables, wanted))
            assert caught.value.code is code, change
        assert await statements(care, "request") == 0

    async def test_a_question_that_came_meanwhile_stays(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        """The answer that was on its way is to another question: it hides nothing."""
        _, care = unsure
        (waiting,) = await queue(care)
        opinion = Opinion(waiting.link_id, "not_same", 1)
        await care.write(lambda tables: care.service.dispatcher.reviewing.say(tables, opinion))
        (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
        item = ReviewItem(link_id=link["link_id"], stub_id=link["stub_id"], question=NOTHING)
        body = ReviewBody(round=NOTHING, links=[item])
        await delivered(federation, care, await signed_by_hub(federation, body, care.party_id))
        await care.service.advance()
        assert len(await federation.entries("verdict")) == 1
        assert [item.link_id for item in await queue(care)] == [waiting.link_id]


async def test_nothing_is_asked_before_the_publication_it_rests_on_is_confirmed(
    federation: SimFederation,
) -> None:
    """The hub has taken it and told of a link; its answer was lost."""
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    await care.take_in(row("c1", AMEERA, "child_in_need", DUTY))
    team = await care.team("c1")
    assert (team.published, team.compared, team.next_round) == (False, False, None)
    assert (team.others, team.waiting, team.overdue) == ((), 0, False), "nothing was said yet"
    await health.publish()
    chunks = []

    def second_is_cut(data: bytes) -> bytes:
        chunks.append(data)
        return cut(data) if len(chunks) == 2 else data

    federation.network.tamper["/chunks$"] = second_is_cut
    with pytest.raises(RemoteError):
        await care.publish()
    federation.network.tamper.clear()
    await federation.round()
    (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    opinion = Opinion(link["link_id"], "not_same", 1)
    with pytest.raises(LocalError, match="publish first") as caught:
        await care.write(lambda tables: care.service.dispatcher.reviewing.say(tables, opinion))
    assert caught.value.code is E.NOT_READY
    with pytest.raises(LocalError) as caught:
        await care.team("nobody")
    assert caught.value.code is E.NOT_FOUND


class TestWhoCannotBeSealedTo:
    @pytest.mark.parametrize("why", ["suspended", "its seal key has ended"])
    async def test_nothing_is_asked_of_them(
        self, federation: SimFederation, agencies: Agencies, why: str
    ) -> None:
        health, care = agencies
        wanted = await care.request("c1", (await care.team("c1")).others[0].involvement_id)
        if why == "suspended":
            await ordered(federation, health, "suspended")
            await care.membership.sync()
            assert (await care.team("c1")).others == (), "nor are they shown any more"
        else:
            federation.clock.now += 367 * 86_400
        with pytest.raises(RemoteError) as caught:
            await care.write(lambda tables: care.service.asking.ask(tables, wanted))
        assert caught.value.code is (E.UNKNOWN_MEMBER if why == "suspended" else E.EXPIRED)
        assert await care.read(lambda tables: tables.count("sent_request")) == 0


class TestACardWithoutAQuorum:
    async def test_that_comes_twice_is_opened_once(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """Signed anew by the holder, with the same part."""
        health, care = agencies
        request_id = await allowed(federation, agencies)
        await let_go(health, request_id)
        await federation.settle()
        assert (await care.sent(request_id))["state"] == "opened"
        await wake(federation)
        body = (await last(federation, "provisional")).expect(ProvisionalBody).body
        part = next(item for item in await health.outbox() if item["kind"] == "provisional")
        again = health.membership.sign(body, care.party_id)
        await delivered(federation, care, again, part["sealed"])
        assert await statements(care, "receipt") == 1
        assert await set_aside(care) == []
        assert len(await leads_list(care)) == 1

    async def test_is_offered_only_where_a_person_allowed_it_on_such_a_basis(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """A screen that offered it would have people press what is then refused."""
        health, care = agencies
        vital = await allowed(federation, agencies)
        section47 = await care.request("c1", "00" * 16)
        other = await allowed(
            federation, agencies, basis=section47.basis, facts=dict(section47.facts)
        )
        await health.service.monitor.look()

        async def offered() -> dict[str, bool]:
            value = await health.read(lambda tables: inbox_value(tables, health.membership))
            return {item["request_id"]: item["may_go_now"] for item in value["received"]}

        assert await offered() == {vital: True, other: False}
        federation.clock.now += 15 * 86_400
        assert await offered() == {vital: False, other: False}, "it has expired"
        federation.clock.now -= 15 * 86_400
        await let_go(health, vital)
        assert await offered() == {vital: False, other: False}, "it has left"


async def test_a_release_that_the_holder_sends_under_a_decision_it_took_back(
    federation: SimFederation, agencies: Agencies
) -> None:
    """A second card for a request that is closed opens nothing any more."""
    health, care = agencies
    request_id = await released(federation, agencies)
    body = (await last(federation, "release")).expect(ReleaseBody).body
    part = next(item for item in await health.outbox() if item["kind"] == "release")
    for state in ("closed", "recalled"):
        sql = "UPDATE sent_request SET state = ?, card = NULL"
        await care.write(lambda tables, sql=sql, state=state: tables.tx.run(sql, state))  # type: ignore[misc]
        again = health.membership.sign(body, care.party_id)
        await delivered(federation, care, again, part["sealed"], part["proof"])
        kept = await care.sent(request_id)
        assert (kept["state"], kept["card"]) == (state, None)
        assert await set_aside(care) == []
