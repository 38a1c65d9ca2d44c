"""A council that is stopped and started from what is on disk, as often as need be.

The federation of tests/sim, with witnesses that keep what they sign in files of their own, and a
line to the network for each party. What stands in nobody's database (the clock, who is there) is
in state.json, as a person would know it.
"""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from audit.case.case import Case
from audit.rules.open import open_case
from audit.verify.verify import verify_case
from audit.witness.store import WitnessStore, make_witness
from hub.config import HubSettings, write_database
from hub.members.enrolment import code_hash
from hub.server.service import HubService
from hub.store.tables import HubTables, open_engine
from keys.holder.config import HolderSettings
from keys.holder.service import HolderService
from node.config import NodeSettings
from node.membership.hub import NodeContext, load_membership
from node.service import NodeService
from node.store.tables import open_engine as open_node_engine
from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.fields import to_base64
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.tiles import bundles_for_size, tiles_for_size
from protocol.matchkeys.shared_places import SharedPlaces
from protocol.wire import ExportRecord, Invitation, encode_wire
from runtime.environment import Environment
from tests.faults.seams import Line, Seams
from tests.sim.federation import (
    HUB,
    ORIGIN_HASH,
    THREE,
    Clock,
    Network,
    Random,
    SimFederation,
    SimNode,
)

AGENCIES = {"Health visiting": "health_provider", "Social care": "childrens_social_care"}
STATE, HEADS = "state.json", "heads.txt"


class StoredNetwork(Network):
    """The network, with witnesses whose answer is on their disk before it leaves."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.stores: dict[str, WitnessStore] = {}

    async def exchange(self, url: str, body: bytes | None) -> tuple[int, bytes]:
        """See HttpClient."""
        if body is None:
            base = url.removesuffix(f"/{ORIGIN_HASH}/checkpoint")
            head = await asyncio.to_thread(self.stores[base].head, ORIGIN_HASH)
            return (404, b"") if head is None else (200, head)
        store = self.stores[url.removesuffix("/add-checkpoint")]
        outcome = await asyncio.to_thread(store.add_checkpoint, body, self.clock())
        return outcome.status, outcome.body


class Council(SimFederation):
    """See above. `generation`: how often it has been started; randomness is never drawn twice."""

    rehearse = False
    network: StoredNetwork

    def __init__(self, folder: Path, seams: Seams | None = None) -> None:
        super().__init__(folder)
        self.seams = seams
        self.network = StoredNetwork(self.clock)
        self.late: list[Any] = []
        self.lines = {
            party: Line(seams, self.network, party, self.late)
            for party in ("hub", "node", "holder")
        }
        self.invited: dict[str, str] = {}

    async def invite_both(self) -> None:
        """Hand an invitation to each agency."""
        for name in AGENCIES:
            code = self.random(32).hex()
            expires = self.clock() + 30 * 86_400
            digest = code_hash(code)
            await self.hub_write(partial(_invite, digest=digest, expires=expires))
            self.invited[name] = code

    def invitation(self, name: str) -> Invitation:
        """The one that an agency was handed."""
        return Invitation(
            hub=HUB, hub_name="Test hub", genesis=self.genesis, code=self.invited[name]
        )

    async def _serve(self, settings: HubSettings, holder_urls: Any) -> None:
        self._witnesses()
        env = Environment(self.clock, self.random)
        engine = open_engine(self.folder / "hub")
        self.hub = HubService(self.folder / "hub", settings, env, engine)
        try:
            self.services = await self.hub.start()
            if settings.database:
                epoch = await engine.write(lambda t: t.leads.take("sim", t.leads.lead()))
                self.hub.led.epoch = epoch
                await self.hub.begin_leading()
        except BaseException:
            await engine.close()
            raise
        self.network.hub = self.services
        for number, url in enumerate(holder_urls, 1):
            own = HolderSettings(hub_url=HUB, genesis=self.genesis)
            holder = HolderService(self.folder / f"holder-{number}", own, self.clock)
            self.network.holders[url] = holder
            await holder.start()
        await self.checkpoint()

    def _witnesses(self) -> None:
        for name in THREE:
            url, folder = f"https://{name}", self.folder / f"witness-{name[1]}"
            if url in self.network.witnesses:
                inside = self.network.witnesses[url]
                make_witness(folder, name, inside.signer.seed)
                store = WitnessStore(folder)
                assert inside.log is not None
                store.add_log(inside.log.key)
            else:
                store = WitnessStore(folder)
            self.network.stores[url] = store

    async def checkpoint(self) -> None:
        """Publish the log as it is; holders follow."""
        publisher = self.services.publisher
        for pace in publisher.cosignatures._paces.values():
            pace.retry_at = 0
        await publisher.step(self.lines["hub"])  # type: ignore[arg-type]
        note = await asyncio.to_thread(publisher.tiles.read_checkpoint)
        if note is not None:
            _, head = parse_checkpoint(note)
            with (self.folder / HEADS).open("a") as file:
                file.write(f"{head.size} {head.root.hex()}\n")
        for holder in self.network.holders.values():
            try:
                await holder.sync(self.lines["holder"])  # type: ignore[arg-type]
            except RemoteError as error:
                if error.code is not ErrorCode.NO_QUORUM:
                    raise

    async def settle(self) -> None:
        """As in the federation; each node takes on again what it set aside, as at its start."""
        quiet = 0
        while quiet < 2:
            await self.hub.jobs.ends()
            await self.checkpoint()
            moved = 0
            for node in self.nodes.values():
                moved += await node.service.receive(wait=0)
                await node.service.advance()
            quiet = 0 if moved else quiet + 1

    async def go_on(self) -> None:
        """What the services do by themselves meanwhile, whatever meets them."""
        works: list[Callable[[], Awaitable[object]]] = [self.hub.jobs.admit, self.checkpoint]
        for node in self.nodes.values():
            works += [partial(node.service.receive, wait=0), node.service.advance]
        for work in works:
            with suppress(PatchworkError, OSError):
                await work()

    async def deliver_late(self) -> None:
        """What was under way arrives after all; nobody hears its answer."""
        while self.late:
            with suppress(PatchworkError):
                await self.late.pop(0)()

    def heads(self) -> set[tuple[int, bytes]]:
        """Every head that was published, as whoever reads the log took it down."""
        lines = (self.folder / HEADS).read_text().splitlines()
        return {(int(size), bytes.fromhex(root)) for size, root in map(str.split, lines)}

    def save(self) -> None:
        """Keep what is in nobody's database."""
        settings = self.hub.settings
        value = {
            "now": self.clock.now,
            "genesis": self.genesis,
            "hub": settings.model_dump(mode="json"),
            "holders": [*self.network.holders],
            "nodes": [*self.nodes],
            "invited": self.invited,
            "generation": getattr(self, "generation", 0),
        }
        (self.folder / STATE).write_text(json.dumps(value))

    async def start_again(self, database: str = "") -> None:
        """Start every program from its folder."""
        state = json.loads((self.folder / STATE).read_text())
        self.generation = state["generation"] + 1
        (self.folder / STATE).write_text(json.dumps(state | {"generation": self.generation}))
        self.clock.now, self.genesis = state["now"], state["genesis"]
        self.invited = state["invited"]
        self.random = Random(f"council-{self.generation}")
        if database:
            write_database(self.folder / "hub", database)
            state["hub"]["database"] = database
        settings = HubSettings(**state["hub"])
        await self._serve(settings, state["holders"])
        for name in state["nodes"]:
            await self.start_node(name)

    async def start_node(self, name: str) -> None:
        """Start an agency's node from its folder."""
        folder = self.folder / name
        engine = open_node_engine(folder)
        (hub,) = await engine.read(lambda tables: tables.hubs.all())
        env = Environment(self.clock, Random(f"{name}-{self.generation}"))
        context = NodeContext(engine, self.lines["node"], env, SharedPlaces())  # type: ignore[arg-type]
        membership = await load_membership(folder, hub, context)
        self.nodes[name] = SimNode(NodeService(membership, self.settings_of(name)), folder)

    def settings_of(self, name: str) -> NodeSettings:
        """An agency's settings."""
        return self.settings(name, AGENCIES[name])

    async def stop(self) -> None:
        """Stop every program."""
        self.save()
        await self.close_all()

    async def close_all(self) -> None:
        """Close every database that is open."""
        await self.close()
        for store in self.network.stores.values():
            store.close()

    async def restart(self) -> "Council":
        """The same council, each program started anew from what is on disk."""
        await self.stop()
        again = Council(self.folder, self.seams)
        await again.start_again()
        return again

    async def audited(self) -> Counter[str]:
        """What an auditor finds who has the whole log and every payload."""
        await self.checkpoint()
        folder = self.folder / "case"
        shutil.rmtree(folder, ignore_errors=True)
        evidence = folder / "payloads" / "evidence"
        evidence.mkdir(parents=True)
        (folder / "genesis").write_text(f"{self.genesis}\n")
        await asyncio.to_thread(self._copy_tiles, folder / "log")
        await self._copy_payloads(folder, evidence)
        case = Case(folder)
        verified = verify_case(case)
        findings = (*verified.findings, *open_case(case, verified, jobs=1).findings)
        return Counter(str(item.code) for item in findings)

    def _copy_tiles(self, folder: Path) -> None:
        tiles = self.services.publisher.tiles
        note = tiles.read_checkpoint()
        assert note is not None
        _, head = parse_checkpoint(note)
        for tile in (*tiles_for_size(head.size), *bundles_for_size(head.size)):
            path = folder / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tiles.read_tile(tile))
        (folder / "checkpoint").write_bytes(note)

    async def _copy_payloads(self, folder: Path, evidence: Path) -> None:
        (folder / "charters").mkdir()
        sql = "SELECT hash, document FROM charter_document"
        for item in await self.hub_read(lambda tables: tables.tx.rows(sql)):
            (folder / "charters" / f"{item['hash']}.json").write_bytes(item["document"])
        lines = []
        kept = await self.hub_read(lambda tables: tables.log.evidence(0, 10_000))
        for entry in await self.hub_read(lambda tables: tables.log.payloads(0, 10_000)):
            parts = kept.get(entry.index, [])
            record = ExportRecord(
                index=entry.index,
                salt=entry.salt.hex(),
                envelope=to_base64(entry.envelope),
                evidence=len(parts),
            )
            lines.append(encode_wire(record) + b"\n")
            for number, data in enumerate(parts):
                (evidence / f"{entry.index}.{number}").write_bytes(data)
        (folder / "payloads" / "payloads.jsonl").write_bytes(b"".join(lines))


def _invite(tables: HubTables, digest: str, expires: int) -> None:
    tables.members.invite(digest, expires)
