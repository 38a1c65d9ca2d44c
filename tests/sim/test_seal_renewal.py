"""Seal keys end after a year: they are renewed without a person, and by nobody else."""

from pathlib import Path
from typing import Any

import pytest

import node.service
from node.alarms import AlarmCode, open_alarms
from node.membership.hub import NodeContext, load_membership
from node.membership.keys import add_seal, load_keys
from node.requests.sealed import open_part
from node.service import NodeService
from protocol.dsse import sign
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.messages.bodies import AcceptedBody, ReleaseBody
from protocol.messages.members import SealRenewalBody
from protocol.messages.statement import parse_statement
from protocol.requests.sealing import ContactCard
from protocol.wire import Message, Submitted, encode_wire, parse_wire
from runtime.secrets import read_secrets
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited
from tests.sim.test_node_faults import running
from tests.sim.test_stolen_node import ordered, steal

Agencies = tuple[SimNode, SimNode]
DAY = 86_400


async def renewals(federation: SimFederation) -> int:
    return len(await federation.entries("seal_renewal"))


async def alarms(agency: SimNode) -> list[AlarmCode]:
    hub_id = agency.membership.hub.hub_id
    return [item.code for item in await agency.read(lambda tables: open_alarms(tables, hub_id))]


async def later(federation: SimFederation, days: int) -> None:
    federation.clock.now += days * DAY
    await federation.checkpoint()


async def renewed(federation: SimFederation, agency: SimNode) -> None:
    """One pass of the loop that renews, and one that finds it in the log."""
    await agency.service.renewal.step()
    await federation.checkpoint()
    await agency.service.renewal.step()


def in_force(agency: SimNode) -> str:
    return agency.membership.me().body.keys.seal


async def restarted(agency: SimNode) -> SimNode:
    """The node's program starts anew from its folder."""
    held = agency.membership
    context = NodeContext(held.engine, held.http, held.env, held.shared_places)
    membership = await load_membership(agency.folder, held.hub, context)
    return SimNode(NodeService(membership, agency.service.answering._settings), agency.folder)


async def test_a_year_passes_and_everything_works_without_a_person(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PAUSE_SECONDS", "RENEW_SECONDS"):
        monkeypatch.setattr(node.service, name, 0.01)
    health, care = agencies
    for agency in agencies:
        assert await agency.service.monitor.look() == []
    await later(federation, 305)
    for agency in agencies:
        await agency.service.renewal.step()
    assert await renewals(federation) == 0, "not before it is due"
    await later(federation, 2)
    for number, agency in enumerate(agencies, 1):

        async def is_done(number: int = number) -> bool:
            return await renewals(federation) == number

        async with running(agency.service) as loops:
            await loops.until(is_done)
    await later(federation, 60)
    assert health.membership.env.clock() > 1_790_000_000 + 366 * DAY
    await federation.settle()
    for agency in agencies:
        news = {alarm.code for alarm in await agency.service.monitor.look()}
        assert news <= {AlarmCode.STATEMENT_OVERDUE}, "this hub made no daily statements meanwhile"
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    for agency in agencies:
        await agency.service.renewal.step()
    assert await renewals(federation) == 2, "once a year, not more"
    assert await audited(federation) == set()


async def test_what_was_sealed_to_the_old_key_opens_after_the_renewal(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await later(federation, 310)
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await renewed(federation, health)
    await health.service.receive(wait=0)
    assert (await health.received(request_id))["state"] == "asks_person", "a request"
    await health.answer(request_id)
    await federation.checkpoint()
    await health.service.advance()
    assert len(await federation.entries("release")) == 1
    before = in_force(care)
    await renewed(federation, care)
    assert in_force(care) != before
    assert await alarms(care) == [], "it is in the log, as the hub promised"
    (part,) = [item for item in await health.outbox() if item["kind"] == "release"]
    named = ReleaseBody.model_validate_json(part["body"])
    another = named.model_copy(update={"seal_key": in_force(care)})
    statement = health.membership.sign(another, care.party_id)
    with pytest.raises(RemoteError) as caught:
        open_part(care.membership, statement, request_id, part["sealed"], ContactCard)
    assert caught.value.code is ErrorCode.NOT_OPENED, "it is sealed to another than it says"
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened", "and a card"
    assert await audited(federation) == set()


async def test_a_hub_cannot_forge_a_renewal(federation: SimFederation, agencies: Agencies) -> None:
    """With its own key in the agency's name, to read the cards that are sealed to the agency."""
    health, care = agencies
    await federation.settle()
    body = SealRenewalBody(replaces=in_force(health), seal="5e" * 32, seal_expires=1_900_000_000)
    pen = federation.hub.jobs.signer

    def forge(tables: Any) -> None:
        forged = health.membership.sign(body, health.membership.hub.hub_id)
        resigned = sign("seal_renewal", forged.envelope.payload, pen.seed)
        federation.slip_in(tables, parse_statement(resigned.encode()))

    await federation.hub_write(forge)
    holders, federation.network.holders = federation.network.holders, {}
    await federation.checkpoint()
    for agency in agencies:
        await agency.service.monitor.look()
        assert await alarms(agency) == [AlarmCode.LEAF_REFUSED]
        member = agency.membership.directory.active(health.party_id)
        assert member is not None
        assert member.body.keys.seal != "5e" * 32, "nobody seals to it"
    assert "public_leaf" in {code.value for _, code in await audited(federation)}
    federation.network.holders = holders
    del care


async def test_a_renewal_by_stolen_keys_is_an_alarm_and_is_not_signed_over(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    assert await health.service.monitor.look() == []
    await later(federation, 310)
    thief = steal(care, tmp_path / "stolen")
    thief.membership.keys = add_seal(
        thief.folder, thief.membership.hub.hub_id, thief.membership.env
    )
    await renewed(federation, thief)
    assert in_force(thief) in thief.membership.keys.seals()
    await care.service.renewal.step()
    await care.service.monitor.look()
    assert AlarmCode.OWN_KEYS_DIFFER in await alarms(care)
    await later(federation, 310)
    await care.service.renewal.step()
    assert await renewals(federation) == 1, "nor when it is due again"
    await health.service.monitor.look()
    assert AlarmCode.KEYS_CHANGED not in await alarms(health)
    await thief.membership.engine.close()


async def test_a_renewal_that_is_cut_off_goes_on_with_the_key_that_is_on_the_disk(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, _ = agencies
    hub_id, before = health.membership.hub.hub_id, in_force(health)
    await later(federation, 310)
    real, on_disk = federation.network.post, []

    async def lost(url: str, body: bytes, headers: Any = None) -> bytes:
        on_disk.append(list(load_keys(health.folder, hub_id).seals()))
        raise RemoteError(ErrorCode.UNREACHABLE, "the line is cut")

    monkeypatch.setattr(federation.network, "post", lost)
    with pytest.raises(RemoteError):
        await health.service.renewal.step()
    ((fresh, old),) = on_disk
    assert old == before
    assert fresh != before, "the new key was on the disk before anything left"

    async def taken_and_lost(url: str, body: bytes, headers: Any = None) -> bytes:
        await real(url, body, headers)
        raise RemoteError(ErrorCode.UNREACHABLE, "the answer is lost")

    monkeypatch.setattr(federation.network, "post", taken_and_lost)
    again = await restarted(health)
    with pytest.raises(RemoteError):
        await again.service.renewal.step()
    monkeypatch.setattr(federation.network, "post", real)
    again = await restarted(health)
    with pytest.raises(RemoteError) as caught:
        await again.service.renewal.step()
    assert caught.value.code is ErrorCode.CONFLICT, "the hub has it, the log does not show it yet"
    await again.service.renewal.step()
    assert len(await federation.entries("rejection")) == 1, "it does not go on asking"
    await federation.checkpoint()
    await again.service.renewal.step()
    assert in_force(again) == fresh
    await again.service.monitor.look()
    assert AlarmCode.OWN_KEYS_DIFFER not in await alarms(again)


async def test_a_renewal_that_the_hub_promised_and_left_out_is_an_alarm(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    await later(federation, 310)
    real = federation.network.post

    async def promised(url: str, body: bytes, headers: Any = None) -> bytes:
        statement = parse_statement(from_base64(parse_wire(Message, body).envelope))
        if not isinstance(statement.body, SealRenewalBody):
            return await real(url, body, headers)

        def lie(tables: Any) -> bytes:
            place = AcceptedBody(
                statement=statement.id,
                index=tables.log.next_index(),
                received_at=federation.clock(),
            )
            said = federation.ledger(tables).sign(place, health.membership.hub.hub_id)
            answer = to_base64(said.envelope.encode())
            return encode_wire(Submitted(accepted=answer, salt=None, decision=None))

        return await federation.hub_write(lie)

    monkeypatch.setattr(federation.network, "post", promised)
    await health.service.renewal.step()
    await health.service.renewal.step()
    assert AlarmCode.NOT_IN_LOG not in await alarms(health), "the log has not come so far"
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    await health.service.renewal.step()
    assert AlarmCode.NOT_IN_LOG in await alarms(health)


async def test_an_old_key_is_deleted_when_nothing_can_come_to_it_any_more(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    path = health.folder / f"keys-{health.membership.hub.hub_id}.json"
    first = read_secrets(path)["seal"]
    await later(federation, 310)
    await renewed(federation, health)
    retention = health.membership.charter.retention_days
    for days in (56, retention - 1):
        await later(federation, days)
        await renewed(federation, health)
        assert first in read_secrets(path).values()
    await later(federation, 2)
    await health.service.renewal.step()
    assert first not in read_secrets(path).values()
    assert in_force(health) in load_keys(health.folder, health.membership.hub.hub_id).seals()


async def test_a_node_that_comes_back_after_years_still_renews_what_was_cut_off(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The key in force has long ended, and lies behind the new one that nobody heard of."""
    health, _ = agencies
    before = in_force(health)
    await later(federation, 310)
    federation.network.hub_down = True
    with pytest.raises(RemoteError):
        await health.service.renewal.renew(health.membership.me())
    federation.network.hub_down = False
    await later(federation, 60 + health.membership.charter.retention_days)
    await renewed(federation, health)
    assert await renewals(federation) == 1
    assert in_force(health) != before


async def test_who_is_suspended_renews_nothing_and_goes_on_when_it_is_back(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await ordered(federation, care, "suspended")
    await later(federation, 400)
    await renewed(federation, care)
    assert await renewals(federation) == 0
    await ordered(federation, care, "active")
    await renewed(federation, care)
    await renewed(federation, health)
    await federation.settle()
    await federation.round()
    await federation.settle()
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    assert (await care.sent(request_id))["state"] == "waiting"


async def test_nobody_fills_the_public_log_with_keys(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    membership = health.membership
    seal = in_force(health)
    for number in range(11):
        fresh = f"{number + 1:02x}" * 32
        body = SealRenewalBody(replaces=seal, seal=fresh, seal_expires=1_900_000_000)
        statement = membership.sign(body, membership.hub.hub_id)
        sending = membership.post("/v1/statements", statement.envelope.encode())
        if number < 10:
            await sending
            seal = fresh
            continue
        with pytest.raises(RemoteError) as caught:
            await sending
        assert caught.value.code is ErrorCode.OVER_QUOTA
    assert await renewals(federation) == 10
