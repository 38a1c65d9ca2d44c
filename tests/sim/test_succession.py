"""The hub's disk is lost: a new log begins from a backup and the witnesses' last checkpoints."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.findings import Severity
from audit.monitor.monitor import Expected
from audit.monitor.monitor import Monitor as AuditMonitor
from audit.monitor.state import MonitorState
from audit.verify.verify import verify_case
from hub.members import succession as succeeding
from hub.members.office import rename
from hub.members.succession import RecoveredState, begin, read_recovered
from hub.server.service import HubService
from hub.store.tables import HubTables
from node.alarms import AlarmCode, open_alarms
from node.membership.charter import accept_charter
from node.membership.details import change_details
from node.membership.keys import Keys
from node.oversight.monitor import Monitor
from node.publishing.publisher import Publisher
from node.records.clients import withdraw
from protocol import canonical
from protocol.dsse import sign
from protocol.errors import RemoteError
from protocol.fields import to_base64
from protocol.governance.charter import Charter, parse_charter
from protocol.governance.succession import SuccessorRefused
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, parse_checkpoint, sign_checkpoint
from protocol.log.note import NoteSigner, SignatureType, VerifierKey, parse_vkey
from protocol.log.witness import WitnessedLog
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import EnrolmentBody
from protocol.messages.log import StatementAnswerBody
from protocol.messages.members import SealRenewalBody
from protocol.messages.statement import Context, Stamp, make_statement, parse_statement
from protocol.requests.daily import DAY
from protocol.signing import SecretSeed
from runtime.environment import Environment
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited
from tests.sim.test_stolen_node import ordered, rotated

Agencies = tuple[SimNode, SimNode]
NEW = "hub.example/log2"


def back_up(federation: SimFederation, to: Path, of: str = "hub") -> Path:
    """A backup of the hub's folder, as an operator takes it."""
    folder = federation.folder / of
    to.mkdir()
    with sqlite3.connect(folder / "hub.sqlite") as live, sqlite3.connect(to / "hub.sqlite") as copy:
        live.backup(copy)
    live.close()
    copy.close()
    shutil.copy(folder / "keys.json", to)
    (to / "plan.json").write_text('{"charter_id":"","hub_name":"Test hub"}', encoding="utf-8")
    return to


def last_note(federation: SimFederation) -> bytes:
    note = federation.services.publisher.tiles.read_checkpoint()
    assert note is not None
    return note


async def succeed(
    federation: SimFederation, backup: Path, note: bytes, to: str = "hub2", origin: str = NEW
) -> None:
    """The hub's disk is gone; the command runs; the witnesses' operators take the new log."""
    await federation.services.engine.close()
    new = federation.folder / to
    new.mkdir(mode=0o700)
    made = await begin(new, backup, [note], origin, Environment())
    federation.genesis, vkey = made.genesis, made.vkey
    for witness in federation.network.witnesses.values():
        witness.log = WitnessedLog(parse_vkey(vkey))
    old = federation.hub
    federation.hub = HubService(new, old.settings, old.env)
    federation.services = await federation.hub.start()
    federation.network.hub = federation.services


async def alarms(node: SimNode) -> list[AlarmCode]:
    hub_id = node.membership.hub.hub_id
    return [item.code for item in await node.read(lambda tables: open_alarms(tables, hub_id))]


async def test_after_the_loss_of_its_disk_a_council_goes_on_in_a_new_log(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    third = ClientRecord("9990000042", "Lena", None, "Frost", "2021-01-05", "F", None, "LX9 9ZZ")
    await health.take_in(row("h3", third, "health_visiting", DUTY))
    await health.publish()
    backup = back_up(federation, tmp_path / "backup")
    unanswered = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await health.write(lambda tables: withdraw(tables, "h2", federation.clock()))
    await health.publish()
    await federation.settle()
    stub = await health.read(lambda t: t.tx.one("SELECT stub_id FROM stub WHERE client = 1"))
    old_size = health.membership.view.size
    await succeed(federation, backup, last_note(federation))
    await federation.checkpoint()
    for node in (health, care):
        news = await Monitor(node.membership, []).look()
        assert [alarm.code for alarm in news] == [AlarmCode.SUCCESSOR], "and nothing false"
        assert AlarmCode.SUCCESSOR in await alarms(node)
        await node.service.charters.step()
    await health.write(lambda tables: withdraw(tables, "h3", federation.clock()))
    await Publisher(health.membership).tell_withdrawn()
    assert await federation.entries("publication") == [], "nothing before a person has accepted"
    assert (await care.sent(unanswered))["state"] == "log_lost"
    for node in (health, care):
        await accept_charter(node.membership)
        await federation.checkpoint()
        await node.service.charters.step()
    await federation.round()
    stubs = await federation.hub_read(lambda t: t.tx.rows("SELECT stub_id, revision FROM stub"))
    assert len(stubs) == 2, "those who were withdrawn since the backup do not come back"
    assert stub is not None
    assert (stub["stub_id"], 1) in {(item["stub_id"], item["revision"]) for item in stubs}
    request = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    assert (await care.sent(request))["state"] == "opened"
    kept = await health.read(lambda t: t.tx.rows("SELECT genesis FROM log_view"))
    assert len(kept) == 2, "the old view is kept"
    assert old_size > 0
    federation.genesis = health.membership.view.genesis
    assert await audited(federation) == set()
    federation.clock.now += DAY
    await federation.hub.jobs.daily()
    await federation.settle()
    answers = await federation.entries("statement_answer")
    said = [parse_statement(entry["envelope"]).expect(StatementAnswerBody) for entry in answers]
    assert [item.body.answer for item in said] == ["agree", "agree"]
    assert await audited(federation) == set()


async def test_a_successor_from_an_older_checkpoint_than_a_node_has_seen_is_refused(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    backup = back_up(federation, tmp_path / "backup")
    early = last_note(federation)
    await health.write(lambda tables: withdraw(tables, "h2", federation.clock()))
    await health.publish()
    await federation.settle()
    await health.membership.sync()
    held = health.membership.view
    await succeed(federation, backup, early)
    with pytest.raises(RemoteError):
        await federation.checkpoint()  # the key holders refuse it too
    with pytest.raises(SuccessorRefused, match="before what we have seen"):
        await health.membership.sync()
    assert AlarmCode.SUCCESSOR_REFUSED in await alarms(health)
    assert health.membership.view is held
    assert len(await health.read(lambda t: t.tx.rows("SELECT * FROM evidence"))) == 1


async def test_a_successor_that_changes_more_than_the_log_is_refused(
    federation: SimFederation,
    agencies: Agencies,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health, _ = agencies
    backup = back_up(federation, tmp_path / "backup")
    await health.membership.sync()

    def more_quota(held: Charter, key: VerifierKey) -> Charter:
        value = honest(held, key).model_dump(mode="json")
        value["quotas"]["requests_per_day"] += 1
        return parse_charter(canonical.encode(value))

    honest = succeeding.next_charter
    monkeypatch.setattr(succeeding, "next_charter", more_quota)
    await succeed(federation, backup, last_note(federation))
    with pytest.raises(RemoteError):
        await federation.checkpoint()
    with pytest.raises(SuccessorRefused, match="changes more than the log"):
        await health.membership.sync()
    assert AlarmCode.SUCCESSOR_REFUSED in await alarms(health)


async def looked(federation: SimFederation, genesis: str, to: Path) -> list[tuple[Severity, Code]]:
    """What the auditor's monitor says, which pinned the old log's genesis."""
    state = MonitorState(to, genesis)
    http: Any = federation.network
    try:
        monitor = AuditMonitor(http, "https://hub.example", state, Expected(600))
        findings = (await monitor.look(federation.clock())).findings
    finally:
        await state.close()
    return [(item.severity, item.code) for item in findings]


async def test_the_auditors_monitor_tells_a_successor_from_another_log(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    del agencies
    old, state = federation.genesis, tmp_path / "state"
    assert await looked(federation, old, state) == []
    backup = back_up(federation, tmp_path / "backup")
    await succeed(federation, backup, last_note(federation))
    await federation.checkpoint()
    assert await looked(federation, old, state) == [(Severity.RULE, Code.SUCCESSOR)]
    assert await looked(federation, old, state) == [(Severity.RULE, Code.SUCCESSOR)]
    assert await looked(federation, federation.genesis, tmp_path / "own") == []


async def test_the_auditors_monitor_keeps_proof_of_a_log_that_only_says_that_it_succeeds(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    old, state = federation.genesis, tmp_path / "state"
    backup, early = back_up(federation, tmp_path / "backup"), last_note(federation)
    await health.write(lambda tables: withdraw(tables, "h2", federation.clock()))
    await health.publish()
    await federation.settle()
    assert await looked(federation, old, state) == []
    await succeed(federation, backup, early)
    with pytest.raises(RemoteError):
        await federation.checkpoint()
    found = await looked(federation, old, state)
    assert (Severity.BROKEN, Code.SUCCESSOR_REFUSED) in found
    assert len(list((state / "proof").glob("*.held"))) == 1


async def test_an_auditor_lays_a_checkpoint_of_the_lost_log_beside_its_successor(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    first = last_note(federation)
    await health.write(lambda tables: withdraw(tables, "h2", federation.clock()))
    await health.publish()
    await federation.settle()
    backup, last = back_up(federation, tmp_path / "backup"), last_note(federation)
    await health.write(lambda tables: withdraw(tables, "h1", federation.clock()))
    await health.publish()
    await federation.settle()
    later = last_note(federation)
    await succeed(federation, backup, last)
    with pytest.raises(RemoteError):
        await federation.checkpoint()
    await audited_folder(federation)
    size, root = parse_checkpoint(last)[1].size, b"\x07" * 32
    other = Checkpoint("hub.example/log", size, root)
    witnesses = [item.signer for item in federation.network.witnesses.values()]
    lines = [cosign_checkpoint(other, signer, federation.clock()) for signer in witnesses]
    log_signer = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x09" * 32))
    fork = sign_checkpoint(other, log_signer)
    for note, code in (
        (last, None),
        (later, Code.ROLLED_BACK),
        (first, Code.OLD_NOT_CHECKED),
        (fork.with_signatures(lines).encode(), Code.OLD_DIFFERS),
        (fork.with_signatures(lines[:1]).encode(), Code.OLD_NOT_CHECKED),
    ):
        findings = verify_case(Case(federation.folder / "case"), note).findings
        assert [item.code for item in findings] == ([code] if code else [])


async def audited_folder(federation: SimFederation) -> None:
    """Fetch the case, though the key holders refuse to follow this log."""
    holders, federation.network.holders = federation.network.holders, {}
    await audited(federation)
    federation.network.holders = holders


async def test_members_that_moved_on_unseen_are_followed_if_the_old_log_is_complete(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """Health was closed while care was suspended, got new keys and came back."""
    health, care = agencies
    await health.membership.sync()
    await ordered(federation, care, "suspended")
    await rotated(federation, care)
    await ordered(federation, care, "active")
    await care.membership.sync()
    keys = care.membership.me().body.keys
    seen = health.membership.directory.member(care.party_id)
    assert seen is not None
    assert seen.body.keys != keys
    backup = back_up(federation, tmp_path / "backup")
    await succeed(federation, backup, last_note(federation))
    await federation.checkpoint()
    for node in agencies:
        await node.membership.sync()
        member = node.membership.directory.active(care.party_id)
        assert member is not None
        assert member.body.keys == keys
    assert await audited(federation) == set()


async def test_a_backup_from_before_new_keys_is_not_followed_by_who_has_seen_them(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """The thief's old keys would be good again."""
    health, care = agencies
    backup = back_up(federation, tmp_path / "backup")
    await rotated(federation, care)
    await federation.settle()
    await health.membership.sync()
    await succeed(federation, backup, last_note(federation))
    with pytest.raises(RemoteError):
        await federation.checkpoint()
    with pytest.raises(SuccessorRefused, match="named otherwise"):
        await health.membership.sync()
    assert AlarmCode.SUCCESSOR_REFUSED in await alarms(health)


async def test_a_suspension_that_the_backup_lacks_is_not_undone(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    backup = back_up(federation, tmp_path / "backup")
    await ordered(federation, care, "suspended")
    await health.membership.sync()
    await succeed(federation, backup, last_note(federation))
    with pytest.raises(RemoteError):
        await federation.checkpoint()
    with pytest.raises(SuccessorRefused, match="named otherwise"):
        await health.membership.sync()


async def test_other_keys_for_a_member_in_the_successor_are_refused(
    federation: SimFederation,
    agencies: Agencies,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hub enrols care anew in care's name, which in a log of its own would hold."""
    health, care = agencies
    backup = back_up(federation, tmp_path / "backup")
    await health.membership.sync()
    me, charter = care.membership.me().body, care.membership.charter
    theirs = Keys(
        SecretSeed(bytes([31]) * 32),
        SecretSeed(bytes([32]) * 32),
        SecretSeed(bytes([33]) * 32),
        SecretSeed(bytes([34]) * 32),
    )
    record = theirs.record(me.keys.seal_expires, "55" * 32)
    said = me.model_dump(exclude={"status", "enrolment"}) | {"keys": record.model_dump()}
    applied = EnrolmentBody.model_validate({**said, "invitation_hash": "00" * 32})
    context = Context(charter.charter_id, 1, charter.log.origin, care.party_id)
    stamp = Stamp(charter.charter_id, "59" * 16, federation.clock())
    enrolment = make_statement(context, stamp, applied, theirs.sign)
    forged = me.model_copy(
        update={"keys": record, "enrolment": to_base64(enrolment.envelope.encode())}
    )
    honest = read_recovered

    def other_remains(tables: HubTables) -> RecoveredState:
        recovered = honest(tables)
        members = [
            replace(item, body=forged) if item.preamble.aud == care.party_id else item
            for item in recovered.members
        ]
        return replace(recovered, members=tuple(members))

    monkeypatch.setattr("hub.members.succession.read_recovered", other_remains)
    await succeed(federation, backup, last_note(federation))
    with pytest.raises(RemoteError):
        await federation.checkpoint()
    with pytest.raises(SuccessorRefused, match="named otherwise"):
        await health.membership.sync()


async def test_a_successor_can_be_lost_too(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    backup = back_up(federation, tmp_path / "backup")
    await succeed(federation, backup, last_note(federation))
    await federation.checkpoint()
    for node in agencies:
        await node.membership.sync()
        await accept_charter(node.membership)
    await federation.settle()
    again = back_up(federation, tmp_path / "again", of="hub2")
    await succeed(federation, again, last_note(federation), to="hub3", origin="hub.example/log3")
    await federation.checkpoint()
    for node in agencies:
        await node.membership.sync()
        assert node.membership.charter.log.origin == "hub.example/log3"
        assert node.membership.charter.version == 3
        await accept_charter(node.membership)
        await federation.checkpoint()
        await node.service.charters.step()
    await federation.round()
    request = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    assert (await care.sent(request))["state"] == "opened"
    assert await audited(federation) == set()


async def test_renewed_seal_keys_and_new_names_are_the_members_own_word_in_the_new_log_too(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """Health was closed when care renewed and moved; the hub repeats what care signed."""
    health, care = agencies
    federation.clock.now += 310 * DAY
    await federation.checkpoint()
    await change_details(care.membership, "Children's care", None, None)
    await federation.checkpoint()
    await health.membership.sync()
    await care.service.renewal.step()
    await federation.checkpoint()
    await change_details(care.membership, None, "01632 960177", None)
    await federation.hub_write(lambda tables: rename(tables, health.party_id, "Health North"))
    await federation.hub.jobs.admit()
    await federation.checkpoint()
    await ordered(federation, health, "suspended")
    await ordered(federation, health, "active")
    await care.membership.sync()
    seen, now = health.membership.directory.active(care.party_id), care.membership.me().body
    assert seen is not None
    assert (seen.body.keys.seal != now.keys.seal, seen.body.name) == (True, "Children's care")
    await succeed(federation, back_up(federation, tmp_path / "backup"), last_note(federation))
    await federation.checkpoint()
    for node in agencies:
        await node.membership.sync()
        member = node.membership.directory.active(care.party_id)
        assert member is not None
        assert member.body == now
        assert await alarms(node) == [AlarmCode.SUCCESSOR]
        await accept_charter(node.membership)
        await federation.checkpoint()
        await node.service.charters.step()
    assert care.membership.directory.active(health.party_id).body.name == "Health North"  # type: ignore[union-attr]
    await federation.round()
    request = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    assert (await care.sent(request))["state"] == "opened"
    assert await audited(federation) == set()
    await change_details(care.membership, None, None, "Always open")
    await federation.checkpoint()
    again = back_up(federation, tmp_path / "again", of="hub2")
    await succeed(federation, again, last_note(federation), to="hub3", origin="hub.example/log3")
    await federation.checkpoint()
    for node in agencies:
        await node.membership.sync()
        member = node.membership.directory.active(care.party_id)
        assert member is not None
        assert member.body == now.model_copy(update={"duty_hours": "Always open"})


async def test_a_hub_cannot_slip_another_seal_key_into_the_new_log(
    federation: SimFederation,
    agencies: Agencies,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To who was closed at the end of the old log it says that care had renewed its key."""
    health, care = agencies
    await health.membership.sync()
    await care.take_in(row("c9", AMIRA, "child_in_need", DUTY))
    await care.publish()
    await federation.settle()
    me = care.membership.me().body
    body = SealRenewalBody(replaces=me.keys.seal, seal="5e" * 32, seal_expires=1_900_000_000)
    statement = care.membership.sign(body, care.membership.hub.hub_id)
    seed = federation.hub.jobs.signer.seed
    forged = parse_statement(sign("seal_renewal", statement.envelope.payload, seed).encode())
    honest = read_recovered

    def remains(tables: HubTables) -> RecoveredState:
        recovered = honest(tables)
        return replace(recovered, members=(*recovered.members, forged))

    monkeypatch.setattr("hub.members.succession.read_recovered", remains)
    monkeypatch.setattr("protocol.dsse.Envelope.verify", lambda self, key: None)
    await succeed(federation, back_up(federation, tmp_path / "backup"), last_note(federation))
    monkeypatch.undo()
    with pytest.raises(RemoteError):
        await federation.checkpoint()
    with pytest.raises(RemoteError):
        await health.membership.sync()
    member = health.membership.directory.active(care.party_id)
    assert member is not None
    assert member.body.keys.seal == me.keys.seal
