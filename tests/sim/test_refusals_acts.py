"""What a node refuses of its own people, of a patched node's sealed parts, and of strange mail."""

import json
from typing import Any

import pytest

import node.identity_checks.initiating
from node.identity_checks.initiating import IdentityAsking
from node.requests.sealed import Recipient, seal_for
from node.store.people import PersonKind as Kind
from node.store.team_roles import ALL_TEAMS, TeamRole
from protocol.dsse import sign
from protocol.errors import ErrorCode, LocalError
from protocol.fields import from_base64, to_base64
from protocol.messages.bodies import (
    HubDecisionBody,
    LinkNotice,
    NoticeBody,
    ReceiptBody,
    ShownInvolvement,
)
from protocol.messages.review import (
    IdentityCheckBody,
    IdentityRequestBody,
    VerdictBody,
    WrongPersonBody,
)
from protocol.messages.statement import parse_statement
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import SealedRequest
from protocol.signing import SecretSeed
from tests.sim.federation import SAMIR, SimFederation, SimNode
from tests.sim.federation import row as imported
from tests.sim.lying_hub import delivered
from tests.sim.test_identity_check import answer as compare
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import received as received_check
from tests.sim.test_lies import asked
from tests.sim.test_recall import released
from tests.sim.test_refusals_hub import NOBODY, NOTHING, but, last
from tests.sim.test_refusals_node import dropped, request_of, signed_by_hub
from tests.sim.test_review import queue, say
from tests.sim.test_tampered import in_mail

Agencies = tuple[SimNode, SimNode]
E = ErrorCode


@pytest.mark.parametrize("missing", ["index", "salt"])
async def test_mail_without_its_place_in_the_log(
    federation: SimFederation, agencies: Agencies, missing: str
) -> None:
    """What is not to be found in the log would never be missed."""
    health, care = agencies
    federation.network.tamper["/v1/polls"] = in_mail(lambda item: {**item, missing: None})
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    assert await health.read(lambda tables: tables.count("received_request")) == 0


async def test_a_salt_beside_what_is_in_no_log_harms_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    salted = in_mail(lambda item: {**item, "salt": item["salt"] or NOTHING})
    federation.network.tamper["/v1/polls"] = salted
    body = NoticeBody(round=NOTHING, links=[])
    await delivered(federation, care, await signed_by_hub(federation, body, care.party_id))
    assert await care.read(lambda tables: tables.count("set_aside")) == 0
    assert await care.service.receive(wait=0) == 0


async def test_a_kind_that_no_node_takes(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    body = VerdictBody(
        link_id=NOBODY,
        stub_id=NOBODY,
        question=None,
        round=NOTHING,
        publication=NOTHING,
        answer="same",
        rests_on="records",
        decided_by=NOBODY,
    )
    await delivered(federation, care, health.membership.sign(body, care.party_id))
    assert await care.read(lambda tables: tables.count("set_aside")) == 0, "it is no fault of ours"


async def test_what_nobody_signed_is_not_entered_in_the_journal(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    body = ReceiptBody(request_id=NOBODY, release=NOTHING, sealed_hash=NOTHING)
    real = care.membership.sign(body, health.party_id)
    forged = sign("receipt", real.envelope.payload, SecretSeed(b"k" * 32)).encode()
    entered = await health.read(lambda tables: tables.count("received_entry"))
    await delivered(federation, health, parse_statement(forged))
    assert await health.read(lambda tables: tables.count("received_entry")) == entered
    assert await health.read(lambda tables: tables.count("set_aside")) == 0, (
        "it is no fault of ours"
    )


async def test_the_same_message_twice_is_acted_on_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await released(federation, agencies)
    release = await last(federation, "release")
    body = WrongPersonBody(request_id=request_id, release=release.id, decided_by="cd" * 16)
    statement = health.membership.sign(body, care.party_id)
    for _ in range(2):
        await delivered(federation, care, statement)
        await care.service.advance()
    kinds = [item["kind"] for item in await care.outbox()]
    assert kinds.count("recall_done") == 1


async def test_an_old_notice_that_comes_again_brings_no_link_back(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    (entry,) = (await care.team("c1")).others
    (row,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    shown = ShownInvolvement(id=entry.involvement_id, type="health_visiting", label=entry.label)
    notice = LinkNotice(
        link_id=row["link_id"],
        state="match",
        stub_id=row["stub_id"],
        agency_id=row["agency_id"],
        involvements=[shown],
        evidence=None,
    )
    gone = but(notice, state="ended", agency_id=None, involvements=[])
    match, end = [
        await signed_by_hub(federation, NoticeBody(round=NOTHING, links=[link]), care.party_id)
        for link in (notice, gone)
    ]
    teams = []
    for statement in (match, end, match):
        await delivered(federation, care, statement)
        teams.append(len((await care.team("c1")).others))
    assert teams == [1, 0, 0]


async def test_a_card_that_comes_twice_is_opened_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Signed anew by the holder, with the same part and proof: no second receipt, and no fault."""
    health, care = agencies
    await released(federation, agencies)
    body = (await last(federation, "release")).body
    part = next(item for item in await health.outbox() if item["kind"] == "release")
    again = health.membership.sign(body, care.party_id)
    await delivered(federation, care, again, part["sealed"], part["proof"])
    assert [item["kind"] for item in await care.outbox()].count("receipt") == 1
    assert await care.read(lambda tables: tables.count("set_aside")) == 0


async def test_a_card_says_who_works_with_the_client_and_else_whom_to_ring(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Each line of it as it was imported; of who has no phone, or has left, no line is made up."""
    health, care = agencies
    await health.write(lambda tables: tables.people.register("D. Uty", "", Kind.DUTY_WORKER, 1))
    await health.write(lambda tables: tables.team_roles.put(2, TeamRole.DUTY, [ALL_TEAMS]))
    by_duty = {"duty_line": "01632 960100", "duty_hours": "Always"}
    nobody = dict.fromkeys(("practitioner", "role", "phone", "email", "team"))
    visitor = {
        "practitioner": "H. Visitor",
        "role": "Practitioner",
        "phone": "07700 900123",
        "email": "w@agency.example",
        "team": "East",
    }
    for change, named in (
        ("phone = phone", visitor),
        ("phone = NULL", visitor | {"phone": None}),
        ("closed_at = 1", nobody),
    ):
        sql = f"UPDATE practitioner SET {change} WHERE id = 1"  # noqa: S608 - our own words
        await health.write(lambda tables, sql=sql: tables.tx.run(sql))  # type: ignore[misc]
        card = json.loads((await care.sent(await released(federation, agencies)))["card"])
        assert card == named | by_duty | {"last_contact": None, "next_visit": None}


class TestWhatTheHubAnswers:
    @pytest.mark.parametrize("answer", ["no decision", "another's decision", "unsigned"])
    async def test_to_a_request(
        self, federation: SimFederation, agencies: Agencies, answer: str
    ) -> None:
        _, care = agencies
        involvement = (await care.team("c1")).others[0].involvement_id
        await care.ask("c1", involvement)
        earlier = (await last(federation, "hub_decision")).envelope.encode()
        given = None if answer == "no decision" else to_base64(earlier)

        def change(data: bytes) -> bytes:
            value = json.loads(data)
            if answer == "unsigned":
                real = parse_statement(from_base64(value["decision"])).envelope
                forged = sign(real.kind, real.payload, SecretSeed(b"k" * 32))
                value["decision"] = to_base64(forged.encode())
            else:
                value["decision"] = given
            return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

        federation.network.tamper["/v1/statements"] = change
        request_id = await care.ask("c1", involvement)
        assert (await care.sent(request_id))["state"] != "waiting"
        assert await care.read(lambda tables: tables.count("set_aside")) == 0


class TestALinkThatIsNotTheAskers:
    async def decided(
        self,
        federation: SimFederation,
        agencies: Agencies,
        asker: SimNode,
        **change: str,
    ) -> tuple[str, str | None]:
        """A request past the hub, which allows it, and the holder's people too."""
        health, _ = agencies
        body, _ = await request_of(federation, agencies)
        recipient = Recipient("request", health.party_id, body.request_id)
        body = but(body, facts={"informed": "informed"}, **change)
        plain = SealedRequest(practitioner="S. Worker", openings={})
        sealed = seal_for(asker.membership, recipient, plain)
        request = asker.membership.sign(but(body, sealed_hash=sealed.hash), health.party_id)
        await delivered(federation, health, request, sealed.data)
        real = (await last(federation, "hub_decision")).expect(HubDecisionBody).body
        yes = but(real, request=request.id)
        await delivered(federation, health, await signed_by_hub(federation, yes, health.party_id))
        row = (await health.outbox())[-1]
        said = json.loads(row["body"])
        assert said["request_id"] == body.request_id
        return said["outcome"], said["code"]

    @pytest.mark.parametrize("over", ["nothing", "the link", "the work"])
    async def test_by_an_agency_that_is_not_at_its_other_end(
        self, federation: SimFederation, agencies: Agencies, over: str
    ) -> None:
        """With the other's proof, also of work that has ended and of which we are told no more."""
        charity = await federation.join("Charity", "charity")
        sql = {
            "nothing": "SELECT 1",
            "the link": "UPDATE link SET state = 'ended'",
            "the work": "UPDATE involvement SET ended_at = 1",
        }[over]
        await agencies[0].write(lambda tables: tables.tx.run(sql))
        said = await self.decided(federation, agencies, charity)
        assert said == ("refuse", "link_not_proven")

    @pytest.mark.parametrize("state", ["ended", "possible"])
    async def test_that_is_no_match_any_more(
        self, federation: SimFederation, agencies: Agencies, state: str
    ) -> None:
        sql = "UPDATE link SET state = ?"
        await agencies[0].write(lambda tables: tables.tx.run(sql, state))
        said = await self.decided(federation, agencies, agencies[1])
        assert said == ("refuse", "link_not_proven")

    async def test_for_work_that_went_over_to_a_client_who_is_not_published(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """Over a link that we know nothing of; who has no record with the hub has no proof."""
        health, care = agencies
        await health.take_in(imported("h3", SAMIR, "health_visiting", None))
        sql = "UPDATE involvement SET client = (SELECT id FROM client WHERE local_id = 'h3')"
        await health.write(lambda tables: tables.tx.run(sql))
        said = await self.decided(federation, agencies, care, link_id=NOBODY)
        assert said == ("refuse", "link_not_proven")

    async def test_for_another_client_than_it_is_of(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """The twin's health visitor, over the link through Amira."""
        health, care = agencies
        sql = (
            "SELECT s.involvement_id FROM stub_involvement s JOIN involvement i "
            "ON i.id = s.involvement JOIN client c ON c.id = i.client WHERE c.local_id = 'h2'"
        )
        (twins,) = await health.read(lambda tables: tables.tx.rows(sql))
        change = {"involvement_id": twins["involvement_id"]}
        said = await self.decided(federation, agencies, care, **change)
        assert said == ("refuse", "link_not_proven")

    @pytest.mark.parametrize("basis", ["UK-CA89-S47", "UK-CONSENT"])
    @pytest.mark.parametrize("field", ["link_id", "involvement_id"])
    async def test_through_what_nobody_knows(
        self, federation: SimFederation, agencies: Agencies, field: str, basis: str
    ) -> None:
        change = {field: NOBODY, "basis": basis}
        said = await self.decided(federation, agencies, agencies[1], **change)
        assert said == ("refuse", "link_not_proven")

    async def test_through_another_link_after_the_one_that_was_told_of_ended(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        await agencies[0].write(lambda tables: tables.tx.run("UPDATE link SET state = 'ended'"))
        said = await self.decided(federation, agencies, agencies[1], link_id=NOBODY)
        assert said == ("refuse", "link_not_proven")

    async def test_over_a_record_that_is_nobodys(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """The hub told of the link anew, with a record that we never published."""
        sql = "UPDATE link SET stub_id = ?"
        await agencies[0].write(lambda tables: tables.tx.run(sql, NOBODY))
        said = await self.decided(federation, agencies, agencies[1])
        assert said == ("refuse", "link_not_proven")


class TestWhatPeopleCannotDo:
    async def test_answer_too_late(self, federation: SimFederation, agencies: Agencies) -> None:
        health, _ = agencies
        request_id = await asked(federation, agencies)
        federation.clock.now += 14 * 86_400
        with pytest.raises(LocalError) as caught:
            await health.answer(request_id)
        assert caught.value.code is E.TOO_LATE
        assert (await health.received(request_id))["state"] == "asks_person"

    async def test_answer_what_does_not_wait_for_them(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        request_id = await asked(federation, agencies)
        await health.answer(request_id, RefusalCode.OBJECTION)
        await federation.settle()
        for number in (NOBODY, request_id):
            with pytest.raises(LocalError) as caught:
                await health.answer(number)
            assert caught.value.code is E.NOT_FOUND
        assert len(await federation.entries("decision")) == 1
        assert (await health.received(request_id))["state"] == "refused"
        assert await federation.entries("release") == [], "a refusal lets nothing go"

    async def test_ask_about_nobody_or_as_nobody(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        charity = await federation.join("Charity", "charity")
        await care.membership.sync()
        involvement = (await care.team("c1")).others[0].involvement_id
        right = await care.request("c1", involvement)
        link_id, holder = right.link_id, right.holder
        await care.take_in(imported("c2", SAMIR, "child_in_need", None))
        for change, code in (
            ({"local_id": "nobody"}, E.NOT_READY),
            ({"local_id": "c2"}, E.NOT_READY),
            ({"involvement_id": NOBODY}, E.NOT_FOUND),
            ({"involvement_id": NOBODY, "link_id": link_id, "holder": holder}, E.NOT_FOUND),
            ({"holder": care.party_id}, E.NOT_FOUND),
            ({"holder": charity.party_id}, E.NOT_FOUND),
            ({"basis": "UK-NONE"}, E.MALFORMED),
            ({"practitioner": 999}, E.NOT_FOUND),
            ({"facts": {"informed": "perhaps"}}, E.MALFORMED),
            ({"facts": {"shoe_size": "44"}}, E.MALFORMED),
        ):
            values: dict[str, Any] = {"local_id": "c1", "involvement_id": involvement, **change}
            with pytest.raises(LocalError) as caught:
                await care.ask(values.pop("local_id"), values.pop("involvement_id"), **values)
            assert caught.value.code is code, change
        with pytest.raises(LocalError) as caught:
            await health.ask("h2", (await health.team("h1")).others[0].involvement_id)
        assert caught.value.code is E.NOT_FOUND, "that is of her brother's team"
        assert await care.read(lambda tables: tables.count("sent_request")) == 0

    async def test_compare_what_does_not_wait_for_them(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        health, care = unsure
        with pytest.raises(LocalError) as caught:
            await check(care, NOBODY)
        assert caught.value.code is E.NOT_FOUND
        check_id = await check(care)
        await federation.settle()
        await compare(health, check_id, "cannot_say")
        for number in (NOBODY, check_id):
            with pytest.raises(LocalError) as caught:
                await compare(health, number, "same")
            assert caught.value.code is E.NOT_FOUND
        assert len(await federation.entries("identity_answer")) == 1

    async def test_compare_too_late(self, federation: SimFederation, unsure: Agencies) -> None:
        """Somebody at the other side has said that it is the same: that is no reason not to ask."""
        health, care = unsure
        (waiting,) = await queue(care)
        await say(care, "same", waiting.link_id)
        check_id = await check(care, waiting.link_id)
        await federation.settle()
        federation.clock.now += 7 * 86_400
        with pytest.raises(LocalError) as caught:
            await compare(health, check_id, "same")
        assert caught.value.code is E.TOO_LATE


class TestDetailsOfAPatchedNode:
    async def test_that_are_of_another_check(
        self, federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        health, care = unsure
        real = IdentityAsking._details
        monkeypatch.setattr(
            IdentityAsking, "_details", lambda *given: but(real(*given), check_id=NOBODY)
        )
        check_id = await check(care)
        await federation.settle()
        kept = await received_check(health, check_id)
        assert (kept["state"], kept["details"]) == ("arrived", None)

    async def test_that_are_locked_by_another_value(
        self, federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        health, care = unsure
        monkeypatch.setattr(node.identity_checks.initiating, "details_key", lambda *_: b"k" * 32)
        check_id = await check(care)
        await federation.settle()
        kept = await received_check(health, check_id)
        assert (kept["state"], kept["details"]) == ("arrived", None)
        assert await health.read(lambda tables: tables.count("set_aside")) == 0

    async def test_a_request_for_it_that_goes_to_the_other_side_at_once(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        """Past the hub: it would say who asks before anybody has decided."""
        health, care = unsure
        await check(care)
        real = (await last(federation, "identity_request")).expect(IdentityRequestBody).body
        statement = care.membership.sign(but(real, check_id="ab" * 16), health.party_id)
        await delivered(federation, health, statement)
        known = await health.read(
            lambda tables: tables.received_checks.get(health.membership.hub.hub_id, "ab" * 16)
        )
        assert known is None

    async def test_that_come_before_the_hubs_decision(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        health, care = unsure
        check_id, body, sealed, proof = await lost_details(federation, unsure)
        await delivered(federation, health, await last(federation, "identity_request"))
        statement = care.membership.sign(body, health.party_id)
        await delivered(federation, health, statement, sealed, proof)
        kept = await received_check(health, check_id)
        assert (kept["state"], kept["details"]) == ("arrived", None)
        assert await health.read(lambda tables: tables.count("set_aside")) == 0

    async def test_that_come_again_after_the_answer(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        """They were deleted with it, and stay so."""
        health, care = unsure
        check_id, body, sealed, proof = await lost_details(federation, unsure)
        for kind in ("identity_request", "identity_decision"):
            await delivered(federation, health, await last(federation, kind))
        first = await last(federation, "identity_check")
        await delivered(federation, health, first, sealed, proof)
        await compare(health, check_id, "same")
        again = care.membership.sign(body, health.party_id)
        await delivered(federation, health, again, sealed, proof)
        kept = await received_check(health, check_id)
        assert (kept["state"], kept["details"]) == ("answered", None)
        assert await health.read(lambda tables: tables.count("set_aside")) == 0


async def lost_details(
    federation: SimFederation, unsure: Agencies
) -> tuple[str, IdentityCheckBody, bytes, bytes]:
    """Details that have left, and nothing of which has reached the other side."""
    health, care = unsure
    check_id = await check(care)
    await federation.checkpoint()
    await care.membership.sync()
    await care.service.receive(wait=0)
    await care.service.advance()
    body = (await last(federation, "identity_check")).expect(IdentityCheckBody).body
    row = next(item for item in await care.outbox() if item["kind"] == "identity_check")
    await dropped(federation, health)
    return check_id, body, row["sealed"], row["proof"]
