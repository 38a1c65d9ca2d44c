"""Programs stop and start again: nothing is lost, and a restored backup is noticed."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from hub.server.service import HubService
from keys.holder.service import HolderService
from node.membership.hub import NodeContext, load_membership
from node.service import NodeService
from node.store.tables import open_engine
from protocol.errors import ErrorCode, LocalError, RemoteError
from tests.sim.federation import SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]


async def restart_hub(federation: SimFederation) -> None:
    """Stop the hub and start it from its folder. Raises what its start raises."""
    await federation.services.engine.close()
    old = federation.hub
    federation.hub = HubService(federation.folder / "hub", old.settings, old.env)
    federation.services = await federation.hub.start()
    federation.network.hub = federation.services


async def test_a_hub_goes_on_where_it_stopped(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await restart_hub(federation)
    await federation.settle()
    await health.answer(request_id)
    await restart_hub(federation)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"


async def test_a_node_goes_on_where_it_stopped(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    before = health.membership
    await before.engine.close()
    engine = open_engine(health.folder)
    (hub,) = await engine.read(lambda tables: tables.hubs.all())
    context = NodeContext(engine, before.http, before.env, before.shared_places)
    again = await load_membership(health.folder, hub, context)
    assert again.view.size == before.view.size
    assert again.directory == before.directory
    health.service = NodeService(again, health.service.answering._settings)
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"


async def test_a_key_holder_goes_on_where_it_stopped(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    for url, old in federation.network.holders.items():
        await old.close()
        holder = HolderService(old.folder, old.settings, federation.clock)
        await holder.start()
        await holder.sync(federation.network)  # type: ignore[arg-type]
        federation.network.holders[url] = holder
    await health.forget_tokens()
    assert (await health.publish()).evaluated > 0, "it knows its members"


async def test_a_restored_backup_of_the_hub_does_not_sign(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    del agencies
    database = federation.folder / "hub" / "hub.sqlite"
    with sqlite3.connect(database) as live, sqlite3.connect(tmp_path / "backup") as copy:
        live.backup(copy)
    live.close()
    copy.close()
    await federation.round()
    await federation.services.engine.close()
    for leftover in database.parent.glob("hub.sqlite-*"):
        leftover.unlink()
    shutil.copy(tmp_path / "backup", database)
    hub = HubService(database.parent, federation.hub.settings, federation.hub.env)
    with pytest.raises(LocalError, match="backup restored") as caught:
        await hub.start()
    assert caught.value.code is ErrorCode.STORAGE
    await hub.engine.close()


async def test_tiles_that_do_not_give_the_signed_root_stop_the_hub(
    federation: SimFederation, agencies: Agencies
) -> None:
    del agencies
    size, _ = await federation.hub_read(lambda tables: tables.checkpoints.head())
    tile = federation.folder / "hub" / "log" / f"tile/0/000.p/{size}"
    data = bytearray(tile.read_bytes())
    data[5] ^= 1
    tile.write_bytes(bytes(data))
    with pytest.raises(LocalError, match="tiles do not give"):
        await restart_hub(federation)


async def test_a_join_that_did_not_get_through_can_be_repeated(federation: SimFederation) -> None:
    def lost(_: bytes) -> bytes:
        raise RemoteError(ErrorCode.UNREACHABLE, "cut off")

    federation.network.tamper["/v1/enrolments"] = lost
    code = b"c" * 32
    invitation = await federation.invite(code)
    joining, engine = federation.joining("Agency", "charity")
    with pytest.raises(RemoteError):
        await joining.apply(engine, invitation)
    federation.network.tamper.clear()
    first = await joining.apply(engine, invitation)
    again = await joining.apply(engine, invitation)
    assert again[1] == first[1], "the same words each time"
    assert again[0].hub.party_id == first[0].hub.party_id
    await engine.close()


async def test_two_processes_of_one_node_send_a_request_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    question = await care.request("c1", (await care.team("c1")).others[0].involvement_id)
    request_id = await care.write(lambda tables: care.service.asking.ask(tables, question))
    twin = NodeService(care.membership, care.service.answering._settings)
    await asyncio.gather(care.service.advance(), twin.advance(), care.service.advance())
    assert len(await federation.entries("request")) == 1
    assert await federation.entries("rejection") == []
    assert (await care.sent(request_id))["state"] == "waiting"
