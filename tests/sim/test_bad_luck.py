"""Bad timing and bad luck: nobody honest is accused, and nobody dishonest gets away by it."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.findings import Severity
from audit.witness.pull import Puller
from audit.witness.store import WitnessStore, make_witness
from hub.log.tile_store import TileStore
from hub.members.charter_changes import proposed, put_forward
from node.alarms import MOST_EVIDENCE, AlarmCode, acknowledge, keep_evidence, open_alarms
from node.records.clients import withdraw
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.log.checkpoint import parse_checkpoint_text
from protocol.log.note import parse_signature_lines
from protocol.log.witness import parse_add_checkpoint
from tests.sim.federation import SimFederation, SimNode, simulated
from tests.sim.test_august import SEVEN
from tests.sim.test_monitor import log_rubbish, look, other_note
from tests.sim.test_restart import restart_hub
from tests.sim.test_succession import back_up, last_note, looked, succeed
from tests.sim.test_unwitnessed_card import alarms, allowed, let_go, notices
from tests.sim.test_without_quorum import sleep

Agencies = tuple[SimNode, SimNode]


async def test_a_second_fork_is_told_though_the_evidence_is_full(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.membership.sync()
    hub_id = health.membership.hub.hub_id

    def keep(number: int) -> Callable[[NodeTables], str]:
        return lambda tables: keep_evidence(tables, hub_id, b"held", b"%d" % number, number)

    for number in range(MOST_EVIDENCE):
        await health.write(keep(number))
    view = health.membership.view
    federation.network.tamper["/checkpoint"] = lambda _: other_note(federation, view.size)
    assert await look(health) == [AlarmCode.TWO_LOGS]
    (alarm,) = await health.read(lambda t: open_alarms(t, hub_id))
    await health.write(lambda t: acknowledge(t, hub_id, alarm.id, federation.clock()))
    federation.network.tamper.clear()
    federation.clock.now += 30 * 86_400
    await federation.join("Housing", "housing")
    assert AlarmCode.TWO_LOGS not in await look(health)
    view = health.membership.view
    federation.network.tamper["/checkpoint"] = lambda _: other_note(federation, view.size)
    news = await look(health)
    shown = [item.code for item in await health.read(lambda t: open_alarms(t, hub_id))]
    assert AlarmCode.TWO_LOGS in news or AlarmCode.TWO_LOGS in shown


async def test_what_a_leaf_against_the_rules_leaves_keeps_room_for_a_fork(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await look(health)
    for _ in range(MOST_EVIDENCE):
        await log_rubbish(federation)
        await look(health)
    fork = other_note(federation, health.membership.view.size)
    federation.network.tamper["/checkpoint"] = lambda _: fork
    await look(health)
    kept = await health.read(lambda t: t.tx.rows("SELECT served FROM evidence"))
    assert fork in [item["served"] for item in kept], "the fork's two notes are the proof"


async def test_a_publication_without_a_salt_does_not_stop_the_looking_up(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.write(lambda tables: withdraw(tables, "h2", federation.clock()))

    def unsalted(data: bytes) -> bytes:
        value = json.loads(data)
        if value.get("submitted"):
            value["submitted"]["salt"] = None
        return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()

    federation.network.tamper["/v1/publications"] = unsalted
    assert (await health.publish()).retired
    federation.network.tamper.clear()
    await federation.checkpoint()
    await health.membership.sync()
    for _ in range(2):
        try:
            await health.service.outbox.check_logged()
        except PatchworkError as error:
            pytest.fail(f"nothing is looked up any more: {type(error).__name__} {error.detail}")
    assert "not_in_log" in await alarms(health)


async def late_lines(federation: SimFederation, number: int) -> tuple[bytes, Any]:
    publisher = federation.services.publisher
    witness = list(federation.network.witnesses.values())[number]
    assert witness.log is not None
    assert witness.log.head is not None
    body = await publisher.request_from(witness.log.head.size)
    assert body is not None
    was, witness.asleep = witness.asleep, False
    _, lines = witness.add_checkpoint(body)
    witness.asleep = was
    return parse_add_checkpoint(body).note.text, parse_signature_lines(lines)


@pytest.mark.parametrize("completes", [False, True])
async def test_late_lines_do_not_take_back_what_was_published_meanwhile(
    federation: SimFederation, agencies: Agencies, *, completes: bool
) -> None:
    _, care = agencies
    publisher = federation.services.publisher
    sleep(federation)
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    (text, lines), (_, more) = [await late_lines(federation, number) for number in (0, 1)]
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()  # the log has grown past `text`, still without a quorum
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    sleep(federation, asleep=False)
    engine, held, go = publisher._led, asyncio.Event(), asyncio.Event()
    real, names = engine.write, set()

    async def slow(work: Any) -> Any:
        if asyncio.current_task().get_name() == "late":  # type: ignore[union-attr]
            names.add("late")
            held.set()
            await go.wait()  # other writers are before it in the queue
        return await real(work)

    object.__setattr__(engine, "write", slow)
    late = asyncio.create_task(
        publisher.take(text, (*lines, *more) if completes else lines), name="late"
    )
    await held.wait()
    await federation.checkpoint()
    newest = publisher.witnessed_size
    assert newest > parse_checkpoint_text(text).size
    go.set()
    await late
    object.__setattr__(engine, "write", real)
    stored = (await federation.hub_read(lambda t: t.checkpoints.witnessed())).size
    assert (publisher.witnessed_size, stored) == (newest, newest)


async def test_a_line_that_comes_while_the_log_grows_is_not_lost(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await allowed(federation, agencies)
    index = (await health.received(request_id))["decision_index"]
    publisher = federation.services.publisher
    brought = [await late_lines(federation, number) for number in (0, 1)]
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    real, loop = publisher.tiles.append, asyncio.get_running_loop()

    def append(size: int, leaves: Any) -> int:
        for item in brought:  # the witnesses come while the tiles are written
            asyncio.run_coroutine_threadsafe(publisher.take(*item), loop).result(5)
        return real(size, leaves)

    publisher.tiles.append = append  # type: ignore[method-assign,assignment]
    await federation.checkpoint()
    publisher.tiles.append = real  # type: ignore[method-assign]
    await federation.checkpoint()
    assert publisher.has_quorum(index), "both lines were taken, and are nowhere now"


async def test_after_a_restart_no_quorum_is_missing_if_the_published_checkpoint_has_one(
    federation: SimFederation, agencies: Agencies
) -> None:
    del agencies
    await federation.checkpoint()
    size = federation.services.publisher.witnessed_size
    assert not federation.services.publisher.quorum_is_missing(size)
    await restart_hub(federation)
    assert not federation.services.publisher.quorum_is_missing(size)


async def test_a_successor_that_waits_for_its_witnesses_is_not_called_broken(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    del agencies
    old, state = federation.genesis, tmp_path / "state"
    assert await looked(federation, old, state) == []
    await succeed(federation, back_up(federation, tmp_path / "backup"), last_note(federation))
    sleep(federation)
    await federation.services.publisher.step(federation.network)  # type: ignore[arg-type]
    found = await looked(federation, old, state)
    assert Severity.BROKEN not in [severity for severity, _ in found], found


@pytest.mark.parametrize("code", [ErrorCode.STORAGE, ErrorCode.NOT_FOUND])
async def test_a_successor_that_cannot_be_read_this_time_is_not_called_broken(
    federation: SimFederation, agencies: Agencies, tmp_path: Path, code: ErrorCode
) -> None:
    del agencies
    old, state = federation.genesis, tmp_path / "state"
    assert await looked(federation, old, state) == []
    await succeed(federation, back_up(federation, tmp_path / "backup"), last_note(federation))
    await federation.checkpoint()

    def fails(_: bytes) -> bytes:
        raise RemoteError(code, "this time")

    federation.network.tamper["/v1/charters/"] = fails
    found = await looked(federation, old, state)
    assert Severity.BROKEN not in [severity for severity, _ in found], found


async def test_the_monitor_does_not_call_a_servers_fault_a_leaf_against_the_rules(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    del agencies
    old, state = federation.genesis, tmp_path / "state"
    assert await looked(federation, old, state) == []
    await federation.join("Housing", "housing")

    def fails(_: bytes) -> bytes:
        raise RemoteError(ErrorCode.STORAGE, "unforeseen; see the service's log")

    federation.network.tamper["/tile/"] = fails
    found = await looked(federation, old, state)
    assert Severity.BROKEN not in [severity for severity, _ in found], found


async def test_a_charter_document_damaged_on_the_way_is_no_leaf_against_the_rules(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await look(health)
    new = proposed(await federation.charter(), {"quotas": {"requests_per_day": 100}})
    await federation.hub_write(lambda tables: put_forward(tables, new))
    await federation.hub.jobs.amend()
    await federation.checkpoint()
    federation.network.tamper["/v1/charters/"] = lambda data: data[:-20]
    assert AlarmCode.LEAF_REFUSED not in await look(health)


def test_a_leftover_that_is_still_a_tiles_other_name_does_not_change_the_tile(
    tmp_path: Path,
) -> None:
    """A crash after the target folder's sync and before the source's: two names, one file."""
    store = TileStore(tmp_path)
    store.append(0, [b"record %d" % number for number in range(5)])
    bundle = tmp_path / "tile/entries/000.p/5"
    before = bundle.read_bytes()
    (tmp_path / ".new").mkdir(exist_ok=True)
    os.link(bundle, tmp_path / ".new" / "0")
    TileStore(tmp_path).append(5, [b"record 5"])
    assert bundle.read_bytes() == before


async def test_a_second_line_that_did_not_arrive_is_brought_again_at_once(tmp_path: Path) -> None:
    async with simulated(tmp_path, SEVEN) as council:
        inside = council.network.witnesses["https://w5.example"]
        assert inside.log is not None
        make_witness(tmp_path / "w5", "w5.example", inside.signer.seed)
        store = WitnessStore(tmp_path / "w5")
        store.add_log(inside.log.key)
        puller = Puller(council.network, "https://hub.example", store, council.clock)  # type: ignore[arg-type]
        inside.asleep = True
        await puller.step(wait=0)  # one that arrives
        await council.join("Housing", "housing")
        publisher = council.services.publisher
        assert "w5.example" not in await council.signers()
        take = publisher.take

        def cut(*_: object) -> None:
            raise RemoteError(ErrorCode.UNREACHABLE, "cut off")

        publisher.take = cut  # type: ignore[method-assign,assignment]
        with pytest.raises(RemoteError):
            await puller.step(wait=0)
        publisher.take = take  # type: ignore[method-assign]
        council.clock.now += 5
        await puller.step(wait=0)
        store.close()
        assert "w5.example" in await council.signers(), "at once, not with the next heartbeat"


async def test_a_card_that_left_while_the_answer_was_lost_is_not_forgotten_with_the_log(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    backup, note = back_up(federation, tmp_path / "backup"), last_note(federation)
    request_id = await allowed(federation, agencies)
    real = federation.network.post

    async def lost(url: str, body: bytes, headers: Any = None) -> bytes:
        await real(url, body, headers)
        raise RemoteError(ErrorCode.UNREACHABLE, "the answer is lost")

    federation.network.post = lost  # type: ignore[method-assign]
    with pytest.raises(RemoteError):
        await let_go(health, request_id)
    federation.network.post = real  # type: ignore[method-assign]
    await care.service.receive(wait=0)
    assert (await care.sent(request_id))["state"] == "opened"
    await federation.services.publisher.close()
    sleep(federation, asleep=False)
    await succeed(federation, backup, note)
    await federation.checkpoint()
    await health.service.monitor.look()
    said = await alarms(health)
    assert "card_unwitnessed" in said or "card_in_no_log" in said
    assert await notices(health) != []
