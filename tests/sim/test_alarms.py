"""What specs/05-log.md §14 asks of a node's monitor, each by a hub or a day that does it."""

import contextlib
import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from node.alarms import AlarmCode, acknowledge, open_alarms
from node.oversight.monitor import Monitor
from protocol.errors import RemoteError
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed
from runtime.secrets import read_secrets
from tests.sim.federation import ORIGIN, SimFederation, SimNode
from tests.sim.test_lies import unlogged
from tests.sim.test_monitor import Agencies, look, other_note, sleep


async def shown(agency: SimNode) -> list[AlarmCode]:
    hub_id = agency.membership.hub.hub_id
    return [a.code for a in await agency.read(lambda tables: open_alarms(tables, hub_id))]


def by_the_log_alone(federation: SimFederation, size: int) -> bytes:
    seed = SecretSeed(read_secrets(federation.folder / "hub" / "keys.json")["log"])
    return sign_checkpoint(
        Checkpoint(ORIGIN, size, b"x" * 32), NoteSigner(ORIGIN, SignatureType.ED25519, seed)
    ).encode()


async def test_a_hub_that_goes_silent_is_an_alarm(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await look(health)
    federation.network.hub_down = True
    federation.clock.now += 3600
    with contextlib.suppress(RemoteError):
        await look(health)
    assert AlarmCode.CHECKPOINT_STALE in await shown(health)


async def test_a_missing_quorum_is_an_alarm_for_a_node_that_restarts(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await look(health)
    sleep(federation)
    await federation.hub.jobs.round()
    await federation.checkpoint()
    for _ in range(3):  # as `patchwork-node monitor` from cron: a new program each time
        await Monitor(health.membership, []).look()
        federation.clock.now += 290
    await Monitor(health.membership, []).look()
    assert AlarmCode.NO_QUORUM in await shown(health)


async def test_the_operators_command_is_told_of_a_message_that_is_not_in_the_log(
    federation: SimFederation,
    agencies: Agencies,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, care = agencies
    told = tmp_path / "told"
    program = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"
    monitor = Monitor(care.membership, [sys.executable, "-c", program])
    await monitor.look()
    unlogged(monkeypatch, "request", index=None)
    with contextlib.suppress(RemoteError):
        await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    await care.service.outbox.check_logged()
    assert AlarmCode.NOT_IN_LOG in await shown(care)
    await monitor.look()
    assert told.exists()
    assert json.loads(told.read_text())["alarm"] == "not_in_log"


async def test_the_note_that_contradicted_is_the_one_that_is_kept(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.membership.sync()
    forged, calls = other_note(federation, health.membership.view.size), []

    def once(honest: bytes) -> bytes:
        calls.append(1)
        return forged if len(calls) == 1 else honest

    federation.network.tamper["/checkpoint"] = once
    await look(health)
    rows = await health.read(lambda tables: tables.tx.rows("SELECT served FROM evidence"))
    assert [row["served"] for row in rows] == [forged]


async def test_a_contradiction_that_a_command_meets_is_kept(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.membership.sync()
    forged = other_note(federation, health.membership.view.size)
    federation.network.tamper["/checkpoint"] = lambda _: forged
    with contextlib.suppress(RemoteError):
        await health.service.charters.step()
    federation.network.tamper.clear()
    await look(health)
    assert await health.read(lambda tables: tables.count("evidence")) == 1


async def test_two_roots_that_the_log_alone_signed_are_proof(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.membership.sync()
    size = health.membership.view.size
    for forged in (by_the_log_alone(federation, size), by_the_log_alone(federation, size - 1)):
        federation.network.tamper["/checkpoint"] = lambda _, forged=forged: forged  # type: ignore[misc]
        with contextlib.suppress(RemoteError):
            await look(health)
    assert await health.read(lambda tables: tables.count("evidence")) == 2


async def test_what_is_still_so_is_still_shown_after_it_was_acknowledged(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    federation.clock.now += 3600
    await look(health)
    hub_id = health.membership.hub.hub_id
    (alarm,) = await health.read(lambda tables: open_alarms(tables, hub_id))
    await health.write(lambda tables: acknowledge(tables, hub_id, alarm.id, federation.clock()))
    await look(health)
    assert AlarmCode.CHECKPOINT_STALE in await shown(health)


async def test_keys_swapped_again_are_an_alarm_again(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    own = health.membership.keys
    hub_id = health.membership.hub.hub_id
    for number in (1, 2):
        health.membership.keys = replace(own, sign=SecretSeed(bytes([number]) * 32))
        await look(health)
        assert await shown(health) == [AlarmCode.OWN_KEYS_DIFFER], f"time {number}"
        (alarm,) = await health.read(lambda tables: open_alarms(tables, hub_id))
        await health.write(partial(acknowledge, hub_id=hub_id, alarm_id=alarm.id, now=1))
        health.membership.keys = own
        await look(health)


async def test_a_message_that_is_set_aside_is_checked_too(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()

    wrong = health.membership.view.size - 1

    def spoil(data: bytes) -> bytes:
        bag: dict[str, Any] = json.loads(data)
        for item in bag["deliveries"]:
            item["sealed"] = None
            if item["index"] is not None:
                item["index"] = wrong
        return json.dumps(bag, sort_keys=True, separators=(",", ":")).encode()

    await health.membership.sync()
    federation.network.tamper["/v1/polls"] = spoil
    await health.service.receive(wait=0)
    federation.network.tamper.clear()
    await health.service.outbox.check_logged()
    assert AlarmCode.NOT_IN_LOG in await shown(health)
