"""The hub's disk is lost: a new log begins from a backup and the witnesses' last checkpoints."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from audit.case import Case
from audit.findings import FindingCode as Code
from audit.findings import Severity
from audit.monitor import Expected
from audit.monitor import Monitor as AuditMonitor
from audit.monitor_state import MonitorState
from audit.verify import verify_case
from hub import succeeding
from hub.service import HubService
from hub.succeed_cli import begin
from node.alarms import AlarmCode, open_alarms
from node.charters import accept_charter
from node.clients import withdraw
from node.monitor import Monitor
from node.publishing import Publisher
from protocol import canonical
from protocol.charter import Charter, parse_charter
from protocol.checkpoint import Checkpoint, cosign_checkpoint, parse_checkpoint, sign_checkpoint
from protocol.daily import DAY
from protocol.errors import RemoteError
from protocol.log_messages import StatementAnswerBody
from protocol.matchkeys.records import ClientRecord
from protocol.note import NoteSigner, SignatureType, VerifierKey, parse_vkey
from protocol.signing import SecretSeed
from protocol.statement import parse_statement
from protocol.succession import SuccessorRefused
from protocol.witness import WitnessedLog
from tests.sim.federation import DUTY, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited

Agencies = tuple[SimNode, SimNode]
NEW = "hub.example/log2"


def back_up(federation: SimFederation, to: Path) -> Path:
    """A backup of the hub's folder, as an operator takes it."""
    folder = federation.folder / "hub"
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


async def succeed(federation: SimFederation, backup: Path, note: bytes) -> None:
    """The hub's disk is gone; the command runs; the witnesses' operators take the new log."""
    await federation.services.engine.close()
    new = federation.folder / "hub2"
    new.mkdir()
    federation.genesis, vkey = await begin(new, backup, [note], NEW)
    for witness in federation.network.witnesses.values():
        witness.log = WitnessedLog(parse_vkey(vkey))
    old = federation.hub
    federation.hub = HubService(new, old.settings, old.outside)
    federation.services = await federation.hub.start()
    federation.network.hub = federation.services


async def alarms(node: SimNode) -> list[AlarmCode]:
    hub_id = node.federation.hub.hub_id
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
    stub = await health.read(lambda t: t.one("SELECT stub_id FROM stub WHERE client = 1"))
    old_size = health.federation.view.size
    await succeed(federation, backup, last_note(federation))
    await federation.checkpoint()
    for node in (health, care):
        news = await Monitor(node.federation, []).look()
        assert [alarm.code for alarm in news] == [AlarmCode.SUCCESSOR], "and nothing false"
        assert AlarmCode.SUCCESSOR in await alarms(node)
        await node.service.charters.step()
    await health.write(lambda tables: withdraw(tables, "h3", federation.clock()))
    await Publisher(health.federation).tell_withdrawn()
    assert await federation.entries("publication") == [], "nothing before a person has accepted"
    assert (await care.sent(unanswered))["state"] == "log_lost"
    for node in (health, care):
        await accept_charter(node.federation)
        await federation.checkpoint()
        await node.service.charters.step()
    await federation.round()
    stubs = await federation.hub_read(lambda t: t.rows("SELECT stub_id, revision FROM stub"))
    assert len(stubs) == 2, "those who were withdrawn since the backup do not come back"
    assert stub is not None
    assert (stub["stub_id"], 1) in {(item["stub_id"], item["revision"]) for item in stubs}
    request = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    assert (await care.sent(request))["state"] == "opened"
    kept = await health.read(lambda t: t.rows("SELECT genesis FROM log_view"))
    assert len(kept) == 2, "the old view is kept"
    assert old_size > 0
    federation.genesis = health.federation.view.genesis
    assert await audited(federation) == set()
    federation.clock.now += DAY
    await federation.hub.daily()
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
    await health.federation.sync()
    held = health.federation.view
    await succeed(federation, backup, early)
    with pytest.raises(RemoteError):
        await federation.checkpoint()  # the key holders refuse it too
    with pytest.raises(SuccessorRefused, match="before what we have seen"):
        await health.federation.sync()
    assert AlarmCode.SUCCESSOR_REFUSED in await alarms(health)
    assert health.federation.view is held
    assert len(await health.read(lambda t: t.rows("SELECT * FROM evidence"))) == 1


async def test_a_successor_that_changes_more_than_the_log_is_refused(
    federation: SimFederation,
    agencies: Agencies,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health, _ = agencies
    backup = back_up(federation, tmp_path / "backup")
    await health.federation.sync()

    def more_quota(held: Charter, key: VerifierKey) -> Charter:
        value = honest(held, key).model_dump(mode="json")
        value["quotas"]["evaluations_per_day"] += 1
        return parse_charter(canonical.encode(value))

    honest = succeeding.next_charter
    monkeypatch.setattr(succeeding, "next_charter", more_quota)
    await succeed(federation, backup, last_note(federation))
    with pytest.raises(RemoteError):
        await federation.checkpoint()
    with pytest.raises(SuccessorRefused, match="changes more than the log"):
        await health.federation.sync()
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
