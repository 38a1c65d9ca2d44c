"""A council that ran on an earlier program goes on with this one, in the middle of four requests.

Each archive in `before/` holds its folders as one program left them: version 0.1.0, and the last
one whose databases had eight scripts. Hub, three key holders, two agencies. One request was
answered and opened, one refused, one waits for a person, one was written down and never sent; and
health visiting has imported a child that it has not published.
"""

import asyncio
import json
import shutil
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.config import HubSettings
from hub.policies.packs import pack
from hub.server.service import HubService
from keys.holder.config import HolderSettings
from keys.holder.service import HolderService
from node.actions.backup import make_backup, restore_backup
from node.actions.records import withdraw_now
from node.membership.hub import NodeContext, load_membership
from node.service import NodeService
from node.store.tables import open_engine
from protocol.errors import LocalError
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.note import NoteSigner, SignatureType
from protocol.log.witness import WitnessedLog
from protocol.matchkeys.shared_places import SharedPlaces
from protocol.matchkeys.tables import table_hashes
from protocol.signing import SecretSeed
from runtime.environment import Environment
from tests.sim.federation import HUB, Random, SimFederation, SimNode, SimWitness
from tests.sim.put_back import started
from tests.sim.test_backup import Safe
from tests.sim.test_charter_change import accept, amend
from tests.sim.test_put_back import lost_by

BEFORE = sorted((Path(__file__).parent / "before").glob("*.tar.xz"))


class Resumed(SimFederation):
    """A federation whose parties start from the folders of another one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.left: dict[str, Any] = json.loads((folder / "sim.json").read_text("utf-8"))
        self.clock.now = self.left["now"]
        self.random = Random("after the upgrade")
        self.genesis = self.left["genesis"]

    async def start(self) -> None:
        """Start everybody from what lies in the folders."""
        urls = {name: f"https://{name}" for name in self.left["witness_seeds"]}
        settings = HubSettings(host="127.0.0.1", port=0, public_url=HUB, witness_urls=urls)
        env = Environment(self.clock, self.random)
        self.hub = HubService(self.folder / "hub", settings, env)
        self.services = await self.hub.start()
        self.network.hub = self.services
        note = (self.folder / "hub" / "log" / "checkpoint").read_bytes()
        head = parse_checkpoint(note)[1]
        for name, seed in self.left["witness_seeds"].items():
            secret = SecretSeed(bytes.fromhex(seed))
            signer = NoteSigner(name, SignatureType.COSIGNATURE_V1, secret)
            log = WitnessedLog(self.services.publisher._signer.key, head)
            self.network.witnesses[urls[name]] = SimWitness(signer, self.clock, log)
        for number, url in enumerate(self.left["holders"], 1):
            held = HolderSettings(hub_url=HUB, genesis=self.genesis)
            holder = HolderService(self.folder / f"holder-{number}", held, self.clock)
            await holder.start()
            await holder.sync(self.network)  # type: ignore[arg-type]
            self.network.holders[url] = holder
        for name in ("Health visiting", "Social care"):
            self.nodes[name] = await self._node(name)

    async def _node(self, name: str) -> SimNode:
        folder = self.folder / name
        engine = open_engine(folder)
        (hub,) = await engine.read(lambda tables: tables.hubs.all())
        env = Environment(self.clock, Random(f"{name} after the upgrade"))
        context = NodeContext(engine, self.network, env, SharedPlaces())  # type: ignore[arg-type]
        membership = await load_membership(folder, hub, context)
        return SimNode(NodeService(membership, self.settings(name, "any")), folder)


@pytest.fixture(params=BEFORE, ids=lambda path: path.name.partition(".tar")[0])
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folders as an earlier program left them."""
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest_asyncio.fixture
async def council(left: Path) -> AsyncIterator[Resumed]:
    made = Resumed(left)
    await made.start()
    yield made
    await made.close()


async def test_what_was_decided_is_still_so(council: Resumed) -> None:
    care, requests = council.nodes["Social care"], council.left["requests"]
    opened, refused = [await care.sent(requests[name]) for name in ("opened", "refused")]
    assert (opened["state"], refused["state"]) == ("opened", "refused")
    assert json.loads(opened["card"])["practitioner"] == "H. Visitor"
    assert [who.agency for who in (await care.team("c1")).others] == ["Health visiting"]


async def test_what_waited_goes_on(council: Resumed) -> None:
    """The one that waited for a person is answered, the one that was never sent is sent."""
    health, care = council.nodes["Health visiting"], council.nodes["Social care"]
    requests = council.left["requests"]
    await health.answer(requests["waiting"])
    await council.settle()
    assert (await care.sent(requests["waiting"]))["state"] == "opened"
    await health.answer(requests["unsent"])
    await council.settle()
    assert (await care.sent(requests["unsent"]))["state"] == "opened"


async def brought_up(council: Resumed) -> None:
    """The operator takes this version's keys and name tables into the charter; all accept it."""
    whole = (await council.charter()).to_value()
    keys: dict[str, Any] = {"match_policy": pack("england").to_json(), "tables": {**table_hashes()}}
    await amend(council, {**whole, **keys})
    await accept(council, *council.nodes.values())


async def test_nothing_is_published_by_other_keys_than_the_charters_and_a_withdrawal_is(
    council: Resumed,
) -> None:
    """The charter is of the version before, until the council brings it up to date."""
    health = council.nodes["Health visiting"]
    with pytest.raises(LocalError, match="patchwork-hub charter show"):
        await health.publish()
    assert [who.agency for who in (await council.nodes["Social care"].team("c1")).others]
    await withdraw_now(health.service, "h1", 1)
    await council.settle()
    await council.hub.jobs.ends()
    await council.settle()
    assert (await council.nodes["Social care"].team("c1")).others == ()


async def test_only_what_was_not_published_is_published(council: Resumed) -> None:
    health = council.nodes["Health visiting"]
    await brought_up(council)
    report = await health.publish()
    assert (report.changed, report.unchanged) == (1, 2)
    await council.round()
    assert [who.agency for who in (await health.team("h1")).others] == ["Social care"]
    assert (await health.publish()).changed == 0


async def test_another_agency_joins_and_is_found(council: Resumed) -> None:
    """The directory goes on from the public leaves that the version before wrote."""
    housing = await council.join("Housing", "housing")
    for node in council.nodes.values():
        await node.membership.sync()
        assert housing.party_id in node.membership.directory.members


async def test_a_backup_of_the_program_before_is_restored_by_this_one(
    left: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its database is brought up, and the node asks what it missed, of a hub that was too."""
    elsewhere = tmp_path_factory.mktemp("backup")
    safe, backup = Safe(elsewhere), elsewhere / "health.age"
    name = "Health visiting"
    make_backup(left / name, backup, [safe.recipient], Environment())
    council = Resumed(left)
    await council.start()
    health, waiting = council.nodes[name], council.left["requests"]["waiting"]
    await health.answer(waiting)
    await withdraw_now(health.service, "h2", 1)
    await council.settle()
    await health.membership.engine.close()
    shutil.rmtree(left / name)
    identities, env = [safe.file], health.membership.env
    await asyncio.to_thread(restore_backup, left / name, backup, identities, env)
    health = await started(council, name, health)
    await council.settle()
    assert (await health.received(waiting))["state"] == "opened"
    assert (await lost_by(health)).withdrawn == ("h2",)
    await brought_up(council)
    report = await health.publish()
    assert (report.changed, report.unchanged, report.without_permission) == (1, 1, 1)
    await council.close()
