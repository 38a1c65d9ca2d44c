"""A node whose folder was put back from a backup: it learns what it missed before it goes on."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from node.actions.people import recall_now
from node.actions.records import publish_now, withdraw_now
from node.actions.requests import answer_now
from node.actions.resync import resync_now
from node.alarms import AlarmCode, open_alarms
from node.links.team import team_of
from node.requests.answering import Answer
from node.store.resync import Lost, ResyncState
from node.views.inbox import inbox_value
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import NoticeBody
from protocol.messages.log import StatementAnswerBody
from protocol.messages.statement import Context, Stamp, make_statement, parse_statement
from protocol.wire import ExportRecord, encode_wire, parse_wire
from tests.sim.federation import AMIRA, DUTY, SAMIR, Network, SimFederation, SimNode, row
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_audit_people import audited

Agencies = tuple[SimNode, SimNode]
NADIA = ClientRecord("9990000042", "Nadia", None, "Karim", "2019-11-02", "F",
                     "3 Mill Lane", "LX3 5CD")  # fmt: skip


async def lost_by(node: SimNode) -> Lost:
    """What a node says it lost, once it is done."""
    hub_id = node.membership.hub.hub_id
    resync = await node.read(lambda tables: tables.resyncs.get(hub_id))
    assert resync is not None
    assert resync.state is ResyncState.DONE
    return resync.lost


async def shown_team(node: SimNode, local_id: str) -> list[str]:
    """The other agencies in a team, as a person is shown it."""

    def view(tables: Any, membership: Any) -> list[str]:
        return [who.agency for who in team_of(tables, membership, local_id).others]

    return await node.service.read(view)


async def stubs_at_hub(federation: SimFederation, node: SimNode) -> dict[str, bool]:
    """Which stubs the hub has of an agency, and whether each is retired."""
    sql = "SELECT stub_id, retired FROM stub WHERE agency = ?"
    rows = await federation.hub_read(lambda tables: tables.tx.rows(sql, node.party_id))
    return {row["stub_id"]: bool(row["retired"]) for row in rows}


async def alarm_codes(node: SimNode) -> set[AlarmCode]:
    hub_id = node.membership.hub.hub_id
    return {item.code for item in await node.read(lambda tables: open_alarms(tables, hub_id))}


async def test_it_publishes_and_withdraws_again(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """Noticed by nothing but that the hub has one publication more."""
    health, _ = agencies
    copy_aside(health, tmp_path / "copy")
    await health.take_in(row("h3", NADIA, "health_visiting", DUTY))
    await health.publish()
    health = await put_back(federation, health, tmp_path / "copy")
    await health.take_in(row("h4", replace(NADIA, given="Leila"), "health_visiting", DUTY))
    with pytest.raises(RemoteError) as caught:
        await publish_now(health.service, lambda step: None)
    assert caught.value.code is ErrorCode.CONFLICT
    with pytest.raises(LocalError, match="came back from a backup"):
        await publish_now(health.service, lambda step: None)
    await federation.settle()
    assert (await publish_now(health.service, lambda step: None))[0][1].changed == 1
    assert await withdraw_now(health.service, "h4", 1) == 1
    stubs = await stubs_at_hub(federation, health)
    assert sorted(stubs.values()) == [False, False, True, True], "h1, h2; the lost h3, and h4"
    assert (await lost_by(health)).unknown_clients == 1
    await federation.settle()
    assert await alarm_codes(health) == {AlarmCode.BACKUP_RESTORED}
    assert await audited(federation) == set()


async def test_who_was_withdrawn_since_does_not_come_back(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """Noticed by the mail that the lost copy had read. Nothing is shown until it has asked."""
    health, care = agencies
    copy_aside(health, tmp_path / "copy")
    await withdraw_now(health.service, "h1", 1)
    await federation.round()
    await federation.settle()
    health = await put_back(federation, health, tmp_path / "copy")
    assert await health.service.receive(wait=0) == 0, "the hub gives it no mail"
    for shows in (lambda: shown_team(health, "h1"), lambda: health.service.read(inbox_value)):
        with pytest.raises(LocalError) as caught:
            await shows()
        assert caught.value.code is ErrorCode.NOT_READY
    with pytest.raises(LocalError):
        await answer_now(health.service, Answer("00" * 16, 1))
    with pytest.raises(LocalError):
        await health.publish()
    await federation.settle()
    assert await shown_team(health, "h1") == []
    assert (await lost_by(health)).withdrawn == ("h1",)
    assert (await health.publish()).changed == 0, "what was withdrawn is not published again"
    await federation.round()
    assert (await care.team("c1")).others == ()
    await health.take_in(row("h1", replace(AMIRA, address="9 Elm Street"), "health_visiting", DUTY))
    assert (await health.publish()).changed == 0, "nor by the next feed"


async def test_records_that_changed_since_go_on_from_their_revision(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    copy_aside(health, tmp_path / "copy")
    shorter = replace(DUTY, valid_until=date(2026, 10, 1))
    await health.take_in(row("h1", replace(AMIRA, postcode="LX3 9ZZ"), "health_visiting", DUTY))
    await health.take_in(row("h2", SAMIR, "health_visiting", shorter))
    await health.publish()
    await federation.round()
    health = await put_back(federation, health, tmp_path / "copy")
    await federation.settle()
    lost = await lost_by(health)
    assert (lost.withdrawn, lost.shortened) == ((), ("h2",))
    report = await health.publish()
    assert (report.changed, report.retired, report.held) == (2, 0, [])
    rows = await federation.hub_read(
        lambda tables: tables.tx.rows(
            "SELECT revision, next_expiry FROM stub WHERE agency = ? ORDER BY next_expiry",
            health.party_id,
        )
    )
    assert [item["revision"] for item in rows] == [3, 3]
    october = 1_790_899_200  # 2026-10-02T00:00:00Z
    assert rows[0]["next_expiry"] == october, "the permission still ends when it was made to"
    await federation.round()
    assert await shown_team(health, "h1") == ["Social care"]
    assert await audited(federation) == set()


async def asked_and_opened(federation: SimFederation, agencies: Agencies) -> str:
    """Social care asks and has health visiting's card; the request's id."""
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    return request_id


async def test_a_card_that_was_recalled_since_is_gone(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    request_id = await asked_and_opened(federation, agencies)
    copy_aside(care, tmp_path / "copy")
    copy_aside(health, tmp_path / "health")
    await recall_now(health.service, request_id, 1)
    await federation.settle()
    care = await put_back(federation, care, tmp_path / "copy")
    health = await put_back(federation, health, tmp_path / "health")
    assert (await care.sent(request_id))["card"] is not None, "the copy has it"
    await federation.settle()
    await federation.settle()
    kept = await care.sent(request_id)
    assert (kept["state"], kept["card"]) == ("recalled", None)
    assert (await health.received(request_id))["state"] == "recalled", "by its own word"
    for node, client in ((care, "c1"), (health, "h1")):
        assert await shown_team(node, client) == [], "and the link has ended"
    assert (await lost_by(care)).recalled == 1
    assert len(await federation.entries("recall_done")) == 1, "that was said before"
    assert await audited(federation) == set()


async def test_what_was_answered_since_is_not_answered_again(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    copy_aside(health, tmp_path / "health")
    copy_aside(care, tmp_path / "care")
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    health = await put_back(federation, health, tmp_path / "health")
    care = await put_back(federation, care, tmp_path / "care")
    await federation.settle()
    await federation.settle()
    assert (await health.received(request_id))["state"] == "opened"
    with pytest.raises(LocalError):
        await answer_now(health.service, Answer(request_id, 1))
    assert (await care.sent(request_id))["state"] == "closed", "the card that came is lost"
    assert (await lost_by(care)).cards == 1
    assert len(await federation.entries("decision")) == 1
    await recall_now(health.service, request_id, 1)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "recalled"
    assert await audited(federation) == set()


async def test_what_was_sent_since_is_not_sent_again(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """A request that waited in the copy, and went since. Only the person knows that it is old."""
    _, care = agencies
    wanted = await care.request("c1", (await care.team("c1")).others[0].involvement_id)
    request_id = await care.write(lambda tables: care.service.asking.ask(tables, wanted))
    copy_aside(care, tmp_path / "copy")
    await care.service.advance()
    await federation.checkpoint()
    care = await put_back(federation, care, tmp_path / "copy")
    assert (await care.sent(request_id))["state"] == "sending"
    done = await resync_now(care.service, ask=True)
    assert done is not None
    assert (done.lost.asked, len(done.lost.ours)) == (0, 1), "it is not lost"
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "waiting"
    assert [item["state"] for item in await care.outbox()] == ["logged"]
    assert len(await federation.entries("request")) == 1
    assert await federation.entries("rejection") == []


async def test_what_is_lost_is_said(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """A request that came and one that went since; the links are as they are now."""
    health, care = agencies
    copy_aside(health, tmp_path / "health")
    copy_aside(care, tmp_path / "care")
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    health = await put_back(federation, health, tmp_path / "health")
    care = await put_back(federation, care, tmp_path / "care")
    await federation.hub.jobs.daily()
    await federation.settle()
    await federation.settle()
    assert (await lost_by(health)).unreadable == ((request_id, care.party_id),)
    lost = await lost_by(care)
    assert (lost.asked, [entry.kind for entry in lost.ours]) == (1, ["request"])
    assert await shown_team(care, "c1") == ["Health visiting"]
    await asked_and_opened(federation, (health, care))


async def test_mail_that_still_waits_is_not_lost(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    copy_aside(health, tmp_path / "copy")
    await health.take_in(row("h3", NADIA, "health_visiting", DUTY))
    await health.publish()
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    health = await put_back(federation, health, tmp_path / "copy")
    await health.take_in(row("h4", NADIA, "health_visiting", DUTY))
    with pytest.raises(RemoteError):
        await health.publish()
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person"
    assert (await lost_by(health)).unreadable == ()


async def test_a_hub_that_changes_what_it_gives_is_refused(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    copy_aside(health, tmp_path / "copy")
    await withdraw_now(health.service, "h1", 1)
    await federation.round()
    await federation.settle()
    health = await put_back(federation, health, tmp_path / "copy")
    await health.service.receive(wait=0)

    def other_rows(record: bytes) -> bytes:
        return record.replace(b'"retired":true', b'"retired":false')

    def other_salt(record: bytes) -> bytes:
        if not record.startswith(b'{"envelope"'):
            return record
        given = parse_wire(ExportRecord, record)
        return encode_wire(given.model_copy(update={"salt": "00" * 32}))

    for lie in (other_rows, other_salt, lambda record: record[:-1]):
        federation.network.tamper["/v1/resyncs"] = lie
        with pytest.raises(RemoteError):
            await health.service.receive(wait=0)
        with pytest.raises(LocalError):
            await shown_team(health, "h1")
    del federation.network.tamper["/v1/resyncs"]
    await federation.settle()
    assert (await lost_by(health)).withdrawn == ("h1",)
    assert len(await federation.entries("resync")) == 1, "it asked the same question each time"


Records = list[bytes]
Change = Callable[[Records], Records]


def is_question(item: bytes) -> bool:
    if not item.startswith(b'{"envelope"'):
        return False
    envelope = from_base64(parse_wire(ExportRecord, item).envelope)
    return parse_statement(envelope).preamble.kind == "resync"


def telling(*parts: bytes) -> Change:
    """What it is if the hub tells this of the links."""

    def tell(records: Records) -> Records:
        asked = next(item for item in records if is_question(item))
        record = parse_wire(ExportRecord, asked)
        changed = record.model_copy(update={"evidence": len(parts)})
        return [*records[: records.index(asked)], encode_wire(changed), *parts]

    return tell


def answering(federation: SimFederation, change: Change) -> None:
    """Have the hub give something else than it would."""
    given = Network.stream_records

    async def stream(url: str, body: bytes) -> AsyncIterator[bytes]:
        records = [record async for record in given(federation.network, url, body)]
        for record in change(records):
            yield record

    federation.network.stream_records = stream  # type: ignore[method-assign]


async def a_foreign_entry(federation: SimFederation, node: SimNode) -> bytes:
    """A publication of another agency, as it would be given to that one."""
    (entry,) = await federation.hub_read(
        lambda tables: tables.tx.rows(
            "SELECT p.idx, p.salt, p.envelope FROM payload p JOIN entry e USING (idx) "
            "WHERE e.kind = 'publication' AND e.sender = ?",
            node.party_id,
        )
    )
    salt, envelope = entry["salt"].hex(), to_base64(entry["envelope"])
    return encode_wire(ExportRecord(index=entry["idx"], salt=salt, envelope=envelope, evidence=0))


async def test_an_answer_that_is_not_whole_is_refused(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """Cut short, given twice, of somebody else, or telling links that the hub did not sign."""
    health, care = agencies
    copy_aside(health, tmp_path / "copy")
    await withdraw_now(health.service, "h1", 1)
    await federation.round()
    await federation.settle()
    health = await put_back(federation, health, tmp_path / "copy")
    await health.service.receive(wait=0)
    body = NoticeBody(round="00" * 32, links=[])
    ours, theirs = await federation.hub_read(
        lambda tables: [
            federation.ledger(tables).sign(body, node.party_id).envelope.encode()
            for node in (health, care)
        ]
    )
    forged = care.membership.sign(body, health.party_id).envelope.encode()
    charter = health.membership.charter
    as_the_hub = Context(charter.charter_id, 1, charter.log.origin, charter.charter_id)
    stamp = Stamp(health.party_id, "5a" * 16, federation.clock())
    by_care = make_statement(as_the_hub, stamp, body, care.membership.keys.sign).envelope.encode()
    foreign = await a_foreign_entry(federation, care)
    lies: list[Change] = [
        lambda records: [item for item in records if not is_question(item)],
        lambda records: [*records[:2], *records],
        lambda records: [foreign, *filter(is_question, records)],
        telling(ours, theirs),
        telling(forged),
        telling(by_care),
    ]
    for lie in lies:
        answering(federation, lie)
        with pytest.raises(RemoteError):
            await health.service.receive(wait=0)
        with pytest.raises(LocalError):
            await shown_team(health, "h2")
    answering(federation, telling(ours))
    await federation.settle()
    assert (await lost_by(health)).withdrawn == ("h1",)


async def test_a_hub_that_logs_in_our_name_is_not_believed(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """It stands in the log, but this agency's key has not signed it."""
    health, _ = agencies
    copy_aside(health, tmp_path / "copy")
    await withdraw_now(health.service, "h1", 1)
    await federation.round()
    await federation.settle()
    charter = health.membership.charter
    context = Context(charter.charter_id, 1, charter.log.origin, health.party_id)
    stamp = Stamp(charter.charter_id, "59" * 16, federation.clock())
    body = StatementAnswerBody(statement="00" * 32, answer="agree", count=0, indexes_hash="00" * 32)
    forged = make_statement(context, stamp, body, federation.hub.jobs.signer.seed)
    await federation.hub_write(lambda tables: federation.ledger(tables).append(forged))
    await federation.checkpoint()
    health = await put_back(federation, health, tmp_path / "copy")
    await health.service.receive(wait=0)
    with pytest.raises(RemoteError) as caught:
        await health.service.receive(wait=0)
    assert caught.value.code is ErrorCode.BAD_SIGNATURE
    with pytest.raises(LocalError):
        await shown_team(health, "h1")


async def test_what_a_hub_leaves_out_shows_in_its_daily_statement(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """A recall that the hub does not give again."""
    health, care = agencies
    request_id = await asked_and_opened(federation, agencies)
    copy_aside(care, tmp_path / "copy")
    await recall_now(health.service, request_id, 1)
    await federation.settle()
    care = await put_back(federation, care, tmp_path / "copy")
    await care.service.receive(wait=0)
    (recall,) = await federation.entries("wrong_person")
    sql = "UPDATE entry SET kind = ? WHERE kind = ?"
    await federation.hub_write(lambda tables: tables.tx.run(sql, "hidden", "wrong_person"))
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened", "that much a lie can do"
    await federation.hub_write(lambda tables: tables.tx.run(sql, "wrong_person", "hidden"))
    await federation.hub.jobs.daily()
    await federation.settle()
    assert recall["sender"] == health.party_id
    assert AlarmCode.BOOKS_DIFFER in await alarm_codes(care)
    assert (await care.sent(request_id))["state"] == "recalled", "it asked once more"
    assert AlarmCode.BOOKS_DIFFER not in await alarm_codes(health)


async def test_a_backup_that_is_older_than_what_the_hub_keeps(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """The row that retired a client was erased: nobody can say any more who was withdrawn."""
    health, _ = agencies
    copy_aside(health, tmp_path / "copy")
    await withdraw_now(health.service, "h1", 1)
    await federation.round()
    await federation.settle()
    federation.clock.now += 1100 * 86_400  # disclosure_days are 1095
    await federation.checkpoint()
    await federation.hub.jobs.erase()
    assert await federation.entries("erasure"), "that row among others"
    await federation.settle()
    health = await put_back(federation, health, tmp_path / "copy")
    await health.service.receive(wait=0)
    with pytest.raises(LocalError, match="Restore a newer one"):
        await health.service.receive(wait=0)
    with pytest.raises(LocalError, match="came back from a backup"):
        await health.publish()


async def test_a_publication_that_the_hub_leaves_out_is_missed(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    copy_aside(health, tmp_path / "copy")
    await withdraw_now(health.service, "h1", 1)
    await health.take_in(row("h3", NADIA, "health_visiting", DUTY))
    await health.publish()
    await federation.round()
    await federation.settle()
    health = await put_back(federation, health, tmp_path / "copy")
    await health.service.receive(wait=0)

    def without_the_withdrawal(records: Records) -> Records:
        first = next(n for n, item in enumerate(records) if b'"retired":true' in item)
        return records[: first - 1] + records[first + 1 :]

    answering(federation, without_the_withdrawal)
    with pytest.raises(LocalError):
        await health.service.receive(wait=0)
    with pytest.raises(LocalError):
        await shown_team(health, "h1")


async def test_a_copy_that_missed_nothing_goes_on_at_once(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    copy_aside(health, tmp_path / "copy")
    health = await put_back(federation, health, tmp_path / "copy")
    await health.service.receive(wait=0)
    assert await shown_team(health, "h1") == ["Social care"]
    assert await federation.entries("resync") == []
