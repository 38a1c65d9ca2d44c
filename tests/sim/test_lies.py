"""Lies of the hub and bad luck on the way, which a node must see through or survive."""

import hashlib
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import hub.exchange.intake
import hub.exchange.requests
import node.publishing.drafts
import node.publishing.limits
import node.requests.answering
from hub.log.ledger import Ledger
from hub.matching.publications import check_limits
from hub.policies.packs import pack
from hub.server.service import HubService
from hub.store.log import Logged
from hub.store.members import ApplicantState
from node.actions.records import withdraw_now
from node.cli.inbox import print_inbox
from node.membership.keys import Keys
from node.publishing.publisher import Publisher
from node.records.clients import withdraw
from node.views import inbox as screens
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import (
    CharterAcceptBody,
    ChunkRef,
    PublicationBody,
    RowsChunk,
    StubRow,
)
from protocol.requests.decide import Allow, Refuse
from protocol.requests.refusals import RefusalCode
from protocol.wire import Message, encode_wire
from tests.sim.federation import AMEERA, AMIRA, DUTY, SAMIR, SimFederation, SimNode, row

ENGLAND = pack("england")

Agencies = tuple[SimNode, SimNode]


def cut(_: bytes) -> bytes:
    """An answer that never arrives."""
    raise RemoteError(ErrorCode.UNREACHABLE, "cut off")


async def asked(federation: SimFederation, agencies: Agencies) -> str:
    """A request that waits for a person at health visiting."""
    _, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    return request_id


def unlogged(monkeypatch: pytest.MonkeyPatch, *kinds: str, index: int | None = 0) -> None:
    """From now on the hub says that it logged these kinds, at `index` or next, and does not."""
    real = Ledger.append

    def lie(self: Ledger, statement: Any, evidence: Any = ()) -> Logged:
        if statement.preamble.kind in kinds:
            place = self.tables.log.next_index() if index is None else index
            return Logged(place, statement.id, b"\x01" * 32, self.env.clock())
        return real(self, statement, evidence)

    monkeypatch.setattr(Ledger, "append", lie)


async def test_no_card_leaves_on_a_proof_that_is_none(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    federation.network.tamper["/v1/proofs/"] = lambda _: b"no proof at all"
    await health.answer(request_id)
    await federation.settle()
    assert await federation.entries("release") == []
    federation.network.tamper.clear()
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened", "it goes when there is a proof"


async def test_no_card_leaves_for_a_decision_that_the_hub_did_not_log(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, _ = agencies
    request_id = await asked(federation, agencies)
    unlogged(monkeypatch, "decision")
    await health.answer(request_id)
    await federation.settle()
    assert await federation.entries("release") == []


async def test_a_request_that_the_hub_drops_unseen_is_seen(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = agencies
    refuse = Refuse(RefusalCode.NOT_AVAILABLE)
    monkeypatch.setattr(hub.exchange.requests, "decide_hub", lambda *_: refuse)
    unlogged(monkeypatch, "request", "hub_decision")
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.round()
    value = await care.read(lambda tables: screens.inbox_value(tables, care.membership))
    assert [alarm["code"] for alarm in value["alarms"]] == ["not_in_log"]


async def test_a_publication_that_the_hub_drops_unseen_is_seen(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, _ = agencies
    unlogged(monkeypatch, "publication", index=None)
    await health.take_in(row("h9", AMEERA, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    value = await health.read(lambda tables: screens.inbox_value(tables, health.membership))
    assert [alarm["code"] for alarm in value["alarms"]] == ["not_in_log"]


async def test_honest_messages_raise_no_alarm(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    await federation.settle()
    for agency in (health, care):
        assert {item["state"] for item in await agency.outbox()} == {"logged"}


async def test_a_link_opens_no_other_clients_involvement(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    twin = await health.read(
        lambda tables: tables.tx.one(
            "SELECT involvement_id FROM stub_involvement s JOIN involvement i "
            "ON i.id = s.involvement WHERE i.client = 2"
        )
    )
    assert twin is not None
    shown = f'[{{"id": "{twin["involvement_id"]}", "type": "x", "label": "x"}}]'
    await care.write(lambda tables: tables.tx.run("UPDATE link SET involvements = ?", shown))
    monkeypatch.setattr(hub.exchange.requests, "decide_hub", lambda *_: Allow())
    request_id = await care.ask("c1", twin["involvement_id"])
    await federation.settle()
    assert (await care.sent(request_id))["code"] == "link_not_proven"


async def test_duplicates_in_one_agency_do_not_stop_the_others(federation: SimFederation) -> None:
    agency = await federation.join("Health visiting", "health_provider")
    same = [row(f"d{number}", AMIRA, "health_visiting", DUTY) for number in range(4)]
    await agency.take_in(*same, row("ok", SAMIR, "health_visiting", DUTY))
    report = await agency.publish()
    assert report.changed == 1
    assert report.insufficient_identifiers == ["d0", "d1", "d2", "d3"]


async def test_news_of_a_link_before_the_publication_is_confirmed_is_kept(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    await care.take_in(row("c1", AMEERA, "child_in_need", DUTY))
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
    await care.publish()
    assert (await care.team("c1")).others


async def test_an_old_publication_does_not_stand_in_the_way_of_a_withdrawal(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    await health.publish()
    await health.take_in(row("h2", SAMIR, "health_visiting", DUTY))
    federation.network.tamper["/v1/publications$"] = cut
    federation.network.hub_down = True
    with pytest.raises(RemoteError):
        await Publisher(health.membership).publish()
    federation.network.tamper.clear()
    federation.network.hub_down = False
    federation.clock.now += 3600
    assert await withdraw_now(health.service, "h1", 1) == 1
    stubs = await federation.hub_read(lambda tables: tables.tx.rows("SELECT retired FROM stub"))
    assert sorted(stub["retired"] for stub in stubs) == [0, 1]


async def test_renaming_the_work_does_not_bring_back_a_withdrawn_permission(
    federation: SimFederation,
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    await health.write(lambda tables: withdraw(tables, "h1", federation.clock()))
    await health.take_in(row("h1", AMIRA, "school_nursing", DUTY))
    assert (await health.publish()).changed == 0


async def test_one_key_holder_that_refuses_is_replaced_by_another(
    federation: SimFederation,
) -> None:
    def behind(_: bytes) -> bytes:
        raise RemoteError(ErrorCode.UNKNOWN_MEMBER, "does not follow")

    agency = await federation.join("Health visiting", "health_provider")
    await agency.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    federation.network.tamper["holder-1.example"] = behind
    assert (await agency.publish()).changed == 1


async def test_a_seal_key_that_everybody_can_open_cannot_enrol(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Keys.record

    def weak(self: Keys, expires: int, recovery: str) -> Any:
        return real(self, expires, recovery).model_copy(update={"seal": "00" * 32})

    monkeypatch.setattr(Keys, "record", weak)
    with pytest.raises(RemoteError) as caught:
        await federation.join("Weak", "charity")
    assert caught.value.code is ErrorCode.WEAK_KEY


async def test_a_rejected_newcomer_may_apply_again(federation: SimFederation) -> None:
    joining, engine = federation.joining("Agency", "charity")
    first, _ = await joining.apply(engine, await federation.invite(b"a" * 32))
    party = first.hub.party_id
    rejected = ApplicantState.REJECTED
    await federation.hub_write(lambda tables: tables.members.move_applicant(party, rejected))
    await joining.apply(engine, await federation.invite(b"b" * 32))
    await engine.close()
    row_ = await federation.hub_read(lambda tables: tables.members.applicant(party))
    assert row_ is not None
    assert row_.state is ApplicantState.WAITING


async def test_big_news_of_one_agency_does_not_swallow_anothers(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [AMIRA] + [
        ClientRecord(None, f"Kid{c}", "", f"Fam{c}", f"2015-01-{n}", "F", f"{n} Elm Road",
                     f"LX{n - 9} 1AA")
        for n, c in enumerate("abcdefghijklmno", 10)
    ]  # fmt: skip
    victim = await federation.join("Social care", "childrens_social_care")
    rogue = await federation.join("Rogue", "health_provider")
    honest = await federation.join("Honest", "health_provider")
    await victim.take_in(*(row(f"v{n}", p, "child_in_need", DUTY) for n, p in enumerate(people)))
    await honest.take_in(row("h", AMIRA, "health_visiting", DUTY))
    rogues = enumerate(people[1:])
    await rogue.take_in(*(row(f"r{n}", p, "health_visiting", DUTY) for n, p in rogues))
    await victim.publish()
    await honest.publish()
    real = node.publishing.drafts.Drafter._involvements

    def twenty(self: Any, shown: Any, ids: Any) -> Any:
        (one,) = real(self, shown, ids)
        return [one.model_copy(update={"id": self._membership.env.new_id()}) for _ in range(20)]

    monkeypatch.setattr(node.publishing.drafts.Drafter, "_involvements", twenty)
    await rogue.publish()
    await federation.round()
    for number in range(len(people)):
        assert (await victim.team(f"v{number}")).others, f"client v{number}"


async def test_each_permission_that_ends_is_noticed(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    await care.take_in(row("c1", AMEERA, "child_in_need", DUTY))
    await care.publish()
    real, start = node.publishing.drafts.Drafter._involvements, federation.clock.now

    def two(self: Any, shown: Any, ids: Any) -> Any:
        (one,) = real(self, shown, ids)
        return [
            one.model_copy(
                update={
                    "id": letter * 32,
                    "permission": one.permission.model_copy(update={"valid_until": until}),
                }
            )
            for letter, until in (("a", start + 1000), ("b", start + 2000))
        ]

    with monkeypatch.context() as patched:
        patched.setattr(node.publishing.drafts.Drafter, "_involvements", two)
        await health.publish()
    seen = []
    for seconds in (0, 1500, 2500):
        federation.clock.now = start + seconds
        await federation.round()
        seen.append(len((await care.team("c1")).others))
    assert seen == [2, 1, 0]


async def test_a_whole_hub_folder_restored_from_a_backup_does_not_sign(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    del agencies
    folder = federation.folder / "hub"
    await federation.hub.engine.close()
    shutil.copytree(folder, tmp_path / "backup")

    async def start() -> None:
        federation.hub = HubService(folder, federation.hub.settings, federation.hub.env)
        federation.services = federation.network.hub = await federation.hub.start()

    await start()
    await federation.round()
    await federation.hub.engine.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    await start()
    before = federation.services.publisher.tiles.read_checkpoint()
    await federation.hub.jobs.round()
    for _ in range(2):
        with pytest.raises(LocalError, match="has seen a longer log"):
            await federation.services.publisher.step(federation.network)  # type: ignore[arg-type]
    assert federation.services.publisher.tiles.read_checkpoint() == before


async def test_what_another_agency_writes_is_shown_and_not_obeyed(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await care.write(lambda tables: tables.tx.run("UPDATE practitioner SET name = 'S [/b] Worker'"))
    facts = {"enquiry_reference": "[link=https://x.example]a\x1b[8mb", "informed": "informed"}
    involvement = (await care.team("c1")).others[0].involvement_id
    await care.ask("c1", involvement, facts=facts)
    await federation.settle()
    value = await health.read(lambda tables: screens.inbox_value(tables, health.membership))
    shown = io.StringIO()
    print_inbox(Console(file=shown, soft_wrap=True, force_terminal=True), value)
    assert "S [/b] Worker" in shown.getvalue()
    assert "[link=https://x.example]a [8mb" in shown.getvalue()


async def test_a_request_that_ran_out_says_so(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await asked(federation, agencies)
    federation.clock.now += 40 * 86_400
    for agency, side in ((health, "received"), (care, "sent")):
        own = agency.membership
        value = await agency.read(lambda tables, own=own: screens.inbox_value(tables, own))  # type: ignore[misc]
        assert value[side][0]["state_text"] == "expired; it can be asked again"


class TestWhatTheHubChecksOfAPatchedNode:
    """A node can be changed by its owner; the hub's own checks must hold without it."""

    async def test_one_person_in_too_many_stubs(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agency = await federation.join("Health visiting", "health_provider")
        same = [row(f"d{number}", AMIRA, "health_visiting", DUTY) for number in range(4)]
        await agency.take_in(*same)
        monkeypatch.setattr(node.publishing.limits.Limits, "overshared_tokens", lambda *_: {})
        with pytest.raises(RemoteError) as caught:
            await agency.publish()
        assert caught.value.code is ErrorCode.OVER_LIMIT
        assert await federation.hub_read(lambda tables: tables.tx.rows("SELECT 1 FROM stub")) == []

    def test_a_door_without_a_name_is_not_enough(self) -> None:
        tokens = {"dob_addr.1": [b"a" * 16], "dob_sex_pc.2": [b"b" * 16]}
        with pytest.raises(RemoteError, match="needs a name"):
            check_limits(ENGLAND, "ab" * 16, tokens)
        check_limits(ENGLAND, "ab" * 16, {**tokens, "name_pc.2": [b"c" * 16]})

    async def test_a_publication_out_of_turn(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        chunk = encode_wire(
            RowsChunk(
                rows=[
                    StubRow(
                        stub_id="ab" * 16,
                        revision=1,
                        retired=True,
                        involvements=[],
                        token_commitment="00" * 32,
                    )
                ]
            )
        )
        digest = hashlib.sha256(chunk).hexdigest()
        body = PublicationBody(
            sequence=7,
            epoch=1,
            rows=[ChunkRef(hash=digest, length=len(chunk), count=1)],
            tokens=[],
        )
        statement = health.membership.sign(body, health.membership.hub.hub_id)
        intake = federation.services.intake
        envelope = to_base64(statement.envelope.encode())
        await intake.begin_publication(Message(envelope=envelope, sealed=None, proof=None))
        with pytest.raises(RemoteError, match="has sequence 2") as caught:
            await intake.add_chunk(statement.id, chunk)
        assert caught.value.code is ErrorCode.CONFLICT

    async def test_a_holder_that_allows_after_the_permission_ended(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        health, care = agencies
        request_id = await asked(federation, agencies)
        await health.write(lambda tables: withdraw(tables, "h1", federation.clock()))
        await health.publish()
        monkeypatch.setattr(node.requests.answering, "decide_holder", lambda _: Allow())
        await health.answer(request_id)
        await federation.settle()
        assert await federation.entries("decision") == []
        assert (await care.sent(request_id))["card"] is None
        assert [item["error"] for item in await health.outbox()] == ["not_allowed"]


async def test_a_release_that_the_hub_refuses_ends_and_does_not_count_as_trust(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)

    def refuse(*_: object) -> None:
        raise RemoteError(ErrorCode.NOT_ALLOWED, "no longer in force")

    with monkeypatch.context() as patched:
        patched.setattr(hub.exchange.requests.Broker, "release", refuse)
        await health.answer(request_id)
        await federation.settle()
    assert (await health.received(request_id))["state"] == "stopped"
    health.service.answering._settings.answer_rule = "allow"
    second = await asked(federation, (health, care))
    assert (await health.received(second))["state"] == "asks_person", "no card ever went to them"


async def test_one_member_cannot_silence_or_flood_the_log(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    monkeypatch.setattr(hub.exchange.intake, "MAX_REJECTIONS_A_DAY", 3)
    charter = health.membership.charter
    again = CharterAcceptBody(version=1, document_hash=charter.document_hash)
    for agency, times in ((health, 6), (care, 1)):
        for _ in range(times):
            envelope = agency.membership.sign(again, charter.charter_id).envelope.encode()
            message = Message(envelope=to_base64(envelope), sealed=None, proof=None)
            with pytest.raises(RemoteError) as caught:
                await federation.services.intake.submit(message)
            assert caught.value.code is ErrorCode.CONFLICT
    assert len(await federation.entries("charter_accept")) == 2, "one each, however often"
    assert len(await federation.entries("rejection")) == 3 + 1, "care's refusal is still logged"
