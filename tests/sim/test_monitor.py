"""What a node notices of a hub and its log, each by a hub that does it."""

import asyncio
import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from hub.members.office import rename
from node.alarms import AlarmCode, Severity
from node.cli.main import app
from node.membership.details import change_details
from node.oversight.monitor import Monitor
from node.store.tables import NodeTables
from protocol.errors import RemoteError
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, sign_checkpoint
from protocol.log.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed
from runtime.secrets import read_secrets
from tests.sim.federation import ORIGIN, Clock, SimFederation, SimNode
from tests.sim.test_stolen_node import ordered

Agencies = tuple[SimNode, SimNode]


async def look(agency: SimNode) -> list[AlarmCode]:
    """One look; the alarms that are news."""
    return [alarm.code for alarm in await agency.service.monitor.look()]


async def evidence(agency: SimNode) -> int:
    return await agency.read(lambda tables: tables.count("evidence"))


def sleep(federation: SimFederation, *, asleep: bool = True) -> None:
    for witness in federation.network.witnesses.values():
        witness.asleep = asleep


def other_note(federation: SimFederation, size: int) -> bytes:
    """A checkpoint that hub and every witness have signed of a tree that nobody has."""
    seed = SecretSeed(read_secrets(federation.folder / "hub" / "keys.json")["log"])
    head = Checkpoint(ORIGIN, size, b"x" * 32)
    note = sign_checkpoint(head, NoteSigner(ORIGIN, SignatureType.ED25519, seed))
    witnesses = federation.network.witnesses.values()
    lines = [cosign_checkpoint(head, item.signer, federation.clock()) for item in witnesses]
    return note.with_signatures(lines).encode()


async def test_an_honest_hub_raises_no_alarm(federation: SimFederation, agencies: Agencies) -> None:
    for agency in agencies:
        assert await look(agency) == []
    await federation.round()
    for agency in agencies:
        assert await look(agency) == []
        assert await agency.read(lambda tables: tables.count("received_entry")) == 0


async def test_two_roots_for_one_size_are_kept_as_proof_and_the_view_stays(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.membership.sync()
    before = health.membership.view
    federation.network.tamper["/checkpoint"] = lambda _: other_note(federation, before.size)
    assert await look(health) == [AlarmCode.TWO_LOGS]
    assert await look(health) == [], "it is told once"
    assert health.membership.view == before
    assert await evidence(health) == 1
    federation.network.tamper.clear()
    assert await look(health) == []
    (alarm,) = await health.read(lambda tables: tables.tx.rows("SELECT * FROM alarm"))
    assert alarm["cleared_at"] is None, "proof stays until a person has seen it"


async def test_a_shorter_log_and_one_that_does_not_follow_are_told_apart(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.membership.sync()
    size = health.membership.view.size
    federation.network.tamper["/checkpoint"] = lambda _: other_note(federation, size - 1)
    assert await look(health) == [AlarmCode.ROLLED_BACK]
    federation.network.tamper.clear()
    await federation.hub.jobs.round()
    await federation.checkpoint()
    federation.network.tamper["/checkpoint"] = lambda _: other_note(federation, size + 1)
    assert await look(health) == [AlarmCode.ROOT_DIFFERS]
    assert await evidence(health) == 2


async def log_rubbish(federation: SimFederation) -> None:
    """The hub writes a public leaf that nobody can read, and witnesses sign the tree with it."""
    await federation.hub.jobs.round()
    await federation.hub_write(
        lambda tables: tables.tx.run(
            "UPDATE entry SET leaf = ? WHERE idx = (SELECT MAX(idx) FROM entry)", b"\x01\x02rubbish"
        )
    )
    holders, federation.network.holders = federation.network.holders, {}
    await federation.checkpoint()
    federation.network.holders = holders


async def test_a_leaf_against_the_rules_is_proof_and_the_view_stays_before_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await look(health)
    before = health.membership.view
    for news in ([AlarmCode.LEAF_REFUSED], [], []):
        await log_rubbish(federation)
        assert await look(health) == news, "once, however long the hub goes on"
    assert health.membership.view == before
    assert await evidence(health) == 1


async def test_a_file_that_was_damaged_on_the_way_is_not_called_a_leaf_against_the_rules(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await look(health)
    await federation.join("Housing", "housing")
    federation.network.tamper["/tile/entries/"] = lambda data: data[:-1] + bytes([data[-1] ^ 1])
    assert await look(health) == [AlarmCode.ROOT_DIFFERS]


async def test_what_nobody_signed_accuses_nobody(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    federation.network.tamper["/checkpoint"] = lambda data: data.replace(b"\n\n", b"\n\n", 1)[:-9]
    with contextlib.suppress(RemoteError):
        assert await look(health) == []
    assert await evidence(health) == 0


async def test_a_missing_quorum_is_an_alarm_after_ten_minutes_and_goes_with_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    sleep(federation)
    await federation.hub.jobs.round()
    await federation.checkpoint()
    assert await look(health) == []
    federation.clock.now += 11 * 60
    assert await look(health) == [AlarmCode.NO_QUORUM]
    federation.clock.now += 5 * 60
    assert await look(health) == [AlarmCode.CHECKPOINT_STALE]
    sleep(federation, asleep=False)
    await federation.settle()
    assert await look(health) == []
    alarms = await health.read(lambda tables: tables.tx.rows("SELECT cleared_at FROM alarm"))
    assert all(alarm["cleared_at"] for alarm in alarms)


async def test_witnesses_ahead_of_our_clock(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    federation.clock.now += 3600
    await federation.round()
    federation.clock.now -= 3600
    assert await look(health) == [AlarmCode.CHECKPOINT_FUTURE]


async def test_keys_in_the_log_that_are_not_ours(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    keys = replace(health.membership.keys, sign=SecretSeed(b"\x33" * 32))
    health.membership.keys = keys
    assert await look(health) == [AlarmCode.OWN_KEYS_DIFFER]


async def test_a_new_member_and_a_new_charter_are_told_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    assert await look(health) == [], "what was there at the first look is no news"
    await federation.join("Housing", "housing")
    assert await look(health) == [AlarmCode.MEMBER_CHANGED]
    assert await look(health) == []


async def test_a_received_message_that_is_not_in_the_log(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    wrong = health.membership.view.size - 1

    def move(data: bytes) -> bytes:
        bag = json.loads(data)
        for item in bag["deliveries"]:
            if item["index"] is not None:
                item["index"] = wrong
        return json.dumps(bag, sort_keys=True, separators=(",", ":")).encode()

    federation.network.tamper["/v1/polls"] = move
    await health.service.receive(wait=0)
    federation.network.tamper.clear()
    assert await health.service.outbox.check_logged() == 2, "request and hub's decision"
    rows = await health.read(lambda tables: tables.tx.rows("SELECT code, place FROM alarm"))
    assert [(row["code"], row["place"]) for row in rows] == [("not_in_log", str(wrong))]


@pytest.mark.parametrize("behind", [0, 100_000], ids=["all in time", "one witness is slow"])
async def test_an_index_that_never_comes(
    federation: SimFederation, agencies: Agencies, behind: int
) -> None:
    _, care = agencies
    slow = next(iter(federation.network.witnesses.values()))
    slow.clock = Clock(federation.clock() - behind) if behind else slow.clock
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()

    def promise(tables: NodeTables) -> None:
        tables.tx.run("UPDATE outbox SET state = 'sent', idx = 5000 WHERE kind = 'request'")

    await care.write(promise)
    await care.service.outbox.check_logged()
    assert await care.read(lambda tables: tables.count("alarm")) == 0, "it may still come"
    federation.clock.now += 400
    await federation.round()
    await care.service.outbox.check_logged()
    (alarm,) = await care.read(lambda tables: tables.tx.rows("SELECT code, place FROM alarm"))
    assert (alarm["code"], alarm["place"]) == ("promise_broken", "5000")


async def test_the_operators_command_is_told_without_personal_data(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    told = tmp_path / "told"
    program = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"
    monitor = Monitor(health.membership, [sys.executable, "-c", program])
    await health.membership.sync()
    size = health.membership.view.size
    federation.network.tamper["/checkpoint"] = lambda _: other_note(federation, size)
    await monitor.look()
    value: dict[str, Any] = json.loads(told.read_text())
    assert value.keys() == {"alarm", "hub", "hub_name", "says", "about", "what_to_do"}
    assert value["alarm"] == "two_logs"


async def test_the_operators_command_hears_which_organisation_and_what_happened(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    told = tmp_path / "told"
    program = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"
    health.service.monitor = Monitor(health.membership, [sys.executable, "-c", program])
    await look(health)
    await federation.join("Housing", "housing")
    await ordered(federation, care, "suspended")
    with capture_logs() as logs:
        await look(health)
    said = [json.loads(line)["about"] for line in told.read_text().splitlines()]
    assert sorted(said) == [
        "Housing has joined.",
        "Social care is suspended: the council has stopped it for now.",
    ]
    assert {line["about"] for line in logs if line["event"] == "alarm"} == set(said)


async def test_nobody_is_alarmed_about_what_they_did_themselves(
    federation: SimFederation, agencies: Agencies
) -> None:
    """What others do to an agency it hears of; its own act everybody else does."""
    health, care = agencies
    for node in agencies:
        await look(node)
    await change_details(health.membership, None, "01632 960155", "Weekdays 8 to 6")
    await federation.checkpoint()
    assert await look(health) == []
    assert await look(care) == [AlarmCode.DETAILS_CHANGED]
    await federation.hub_write(lambda tables: rename(tables, health.party_id, "Northern visiting"))
    await federation.hub.jobs.admit()
    await federation.checkpoint()
    assert await look(health) == [AlarmCode.DETAILS_CHANGED], "the council did that"
    await ordered(federation, health, "suspended")
    assert await look(health) == [AlarmCode.MEMBER_CHANGED]


async def test_the_commands_show_alarms_and_put_them_away(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.membership.sync()
    size = health.membership.view.size
    federation.network.tamper["/checkpoint"] = lambda _: other_note(federation, size)
    await look(health)
    (health.folder / "node.toml").write_text('name = "Health visiting"\n', encoding="utf-8")
    folder = ["--dir", str(health.folder)]

    def run(*words: str) -> Any:
        return asyncio.to_thread(CliRunner().invoke, app, [*words, *folder])

    shown = await run("alarms", "--json")
    (alarm,) = json.loads(shown.stdout)
    assert (alarm["code"], alarm["severity"]) == ("two_logs", Severity.PROOF.name.lower())
    assert "tell the auditor" in (await run("alarms")).stdout
    assert (await run("alarms", "--acknowledge", "999", "--as", "H. Visitor")).exit_code == 1
    said = await run("alarms", "--acknowledge", str(alarm["id"]), "--as", "H. Visitor")
    assert (said.exit_code, said.stdout) == (0, "Nothing is amiss.\n")
