"""A whole federation in one process: real hub, holders, witnesses and nodes, without sockets.

Clock and randomness are chosen, so a run repeats exactly. To tamper, put a function into
`network.tamper` under the end of a path: it gets the answer's bytes and returns others. That is
one line in a test.
"""

import asyncio
import copy
import functools
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hub.config import HubSettings, write_database
from hub.log.archive import page_of_notes
from hub.log.ledger import HubSigner, Ledger
from hub.log.moving import Place, move_database
from hub.log.publisher import fresh_signers
from hub.log.tile_rows import tiles_of
from hub.members.enrolment import Enrolment, code_hash, enrolment_of
from hub.members.founding import Founding, found
from hub.members.membership import Membership
from hub.server.routes import resync_batches
from hub.server.service import HubService
from hub.server.services import Services
from hub.store.log import Logged
from hub.store.members import ApplicantState
from hub.store.tables import HubTables, open_database, open_engine
from keys.holder.ceremony import Identity, combine_deals, write_deal
from keys.holder.config import HolderSettings
from keys.holder.service import HolderService
from node.actions.consents import give_consent
from node.config import NodeSettings
from node.links.team import Team, team_of
from node.membership.hub import HubMembership, NodeContext, load_membership
from node.membership.joining import Joining
from node.publishing.publisher import Published, Publisher
from node.records.agreements import Given
from node.records.clients import apply_import
from node.records.importer.rows import ImportedRow, NoPermission, Permission, WorkerDetails
from node.requests.answering import Answer
from node.requests.asking import ContactRequest
from node.requests.whose import Whose, whose_request
from node.service import NodeService
from node.store.consents import How
from node.store.objections import SaidBy
from node.store.tables import SCHEMA, NodeEngine, NodeTables
from node.store.tables import open_engine as open_node_engine
from protocol import canonical
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64
from protocol.governance.ceremony import CeremonyTerms, HolderRecord, SignedTranscript
from protocol.governance.charter import Charter, DutyDesk
from protocol.governance.fingerprint import fingerprint_words
from protocol.governance.witness_rules import least_quorum
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.leaf import NO_SALT, public_leaf
from protocol.log.note import NoteSigner, SignatureType
from protocol.log.tiles import parse_tile_path
from protocol.log.witness import WitnessedLog, decide_add_checkpoint, parse_add_checkpoint
from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.shared_places import SharedPlaces
from protocol.messages.statement import Statement
from protocol.requests.refusals import RefusalCode
from protocol.signing import SecretSeed, public_key
from protocol.wire import Invitation, Message, encode_wire, parse_wire
from runtime.environment import Environment
from runtime.secrets import write_secrets
from storage.sqlite import SqliteDatabase
from transport.seal import seal_public_key

HUB = "https://hub.example"
THREE = ("w1.example", "w2.example", "w3.example")
ORIGIN = "hub.example/log"
ORIGIN_HASH = hashlib.sha256(ORIGIN.encode()).hexdigest()
NOON = 1_790_000_000
TODAY = date(2026, 9, 21)

Result = TypeVar("Result")
Tamper = Callable[[bytes], bytes]


@dataclass
class Clock:
    """A clock that a test moves."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


class Random:
    """Repeatable randomness: SHA-256 of a counter."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._counter = 0

    def __call__(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            self._counter += 1
            data += hashlib.sha256(f"{self._name}/{self._counter}".encode()).digest()
        return data[:size]


@dataclass
class SimWitness:
    """A witness in memory. `asleep`: unreachable; `stuck`: answers once that is set; `says`: a
    size that it claims to hold, and `shows` what it answers who asks for its checkpoint.
    """

    signer: NoteSigner
    clock: Clock
    log: WitnessedLog | None = None
    asleep: bool = False
    stuck: asyncio.Event | None = None
    says: int | None = None
    shows: bytes | None = None
    asked: int = 0

    def add_checkpoint(self, body: bytes) -> tuple[int, bytes]:
        """The C2SP call, as audit/witness answers it."""
        if self.asleep:
            raise RemoteError(ErrorCode.UNREACHABLE, "asleep")
        if self.says is not None:
            return 409, b"%d\n" % self.says
        assert self.log is not None
        outcome = decide_add_checkpoint(
            self.log, parse_add_checkpoint(body), self.clock(), self.signer
        )
        if outcome.new_head is not None:
            _, head = parse_checkpoint(outcome.new_head.encode())
            self.log = WitnessedLog(self.log.key, head)
            self.shows = outcome.new_head.encode()
        return outcome.status, outcome.body


@dataclass
class Network:
    """Stands where HttpClient stands. Routes by URL to the parties; `tamper` edits answers, and
    `said` counts what the hub is told.
    """

    hub: Services | None = None
    hub_down: bool = False
    holders: dict[str, HolderService] = field(default_factory=dict)
    witnesses: dict[str, SimWitness] = field(default_factory=dict)
    tamper: dict[str, Tamper] = field(default_factory=dict)
    captured: list[bytes] = field(default_factory=list)
    said: int = 0

    async def get(self, url: str) -> bytes:
        return self._tampered(url, await self._hub_get(url))

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        del headers
        self.captured.append(body)
        if url.endswith("/v1/evaluations"):
            base = url.removesuffix("/v1/evaluations")
            if base not in self.holders:
                raise RemoteError(ErrorCode.UNREACHABLE, "no such holder")
            return self._tampered(url, await self.holders[base].answer(body))
        return self._tampered(url, await self._hub_post(url, body))

    async def stream_records(self, url: str, body: bytes) -> AsyncIterator[bytes]:
        """What a member that came back from a backup is given; `tamper` edits each record."""
        hub, path = self._reachable(), url.removeprefix(HUB)
        assert path == "/v1/resyncs"
        span = await hub.intake.resync(parse_wire(Message, body))
        async for batch in resync_batches(hub, span):
            for record in batch:
                yield self._tampered(url, record)

    async def exchange(self, url: str, body: bytes | None) -> tuple[int, bytes]:
        if body is None and url.endswith(f"/{ORIGIN_HASH}/checkpoint"):
            shown = self.witnesses[url.removesuffix(f"/{ORIGIN_HASH}/checkpoint")].shows
            return (404, b"") if shown is None else (200, shown)
        if body is None:
            return await self._pulled(url)
        witness = self.witnesses[url.removesuffix("/add-checkpoint")]
        witness.asked += 1
        if witness.stuck is not None:
            await witness.stuck.wait()
        return witness.add_checkpoint(body)

    async def _pulled(self, url: str) -> tuple[int, bytes]:
        """What a pulling witness asks: the hub's newest checkpoint, after a short wait for news."""
        publisher = self._reachable().publisher
        old = int(url.removeprefix(f"{HUB}/v1/add-checkpoint/").partition("?")[0])
        body = await publisher.request_from(old, 0.2)
        return (200, body) if body is not None else (409, b"%d\n" % publisher.size)

    def _tampered(self, url: str, answer: bytes) -> bytes:
        for pattern, change in self.tamper.items():
            if re.search(pattern, url):
                answer = change(answer)
        self.captured.append(answer)
        return answer

    async def _hub_get(self, url: str) -> bytes:
        hub = self._reachable()
        path = url.removeprefix(HUB).partition("?")[0]
        if path == "/checkpoint":
            note = hub.publisher.tiles.read_checkpoint()
            if note is None:
                raise RemoteError(ErrorCode.NOT_FOUND, "no checkpoint")
            return note
        if path.startswith("/tile/"):
            try:
                return hub.publisher.tiles.read_tile(parse_tile_path(path[1:]))
            except LocalError as error:
                raise RemoteError(ErrorCode.NOT_FOUND, "no such tile") from error
        if path.startswith("/v1/charters/"):
            digest = path.rpartition("/")[2]
            document = await hub.engine.read(lambda tables: tables.charters.document(digest))
            assert document is not None
            return document
        if path.startswith("/v1/proofs/"):
            return await hub.publisher.proof(int(path.rpartition("/")[2]))
        return await self._told(hub, url)

    async def _told(self, hub: Services, url: str) -> bytes:
        """What the hub says of itself."""
        if url == f"{HUB}/v1/status":
            return canonical.encode({"now": hub.signer.env.clock()})
        if url.startswith(f"{HUB}/v1/notes"):
            after = int(url.rpartition("=")[2])
            return await hub.engine.read(lambda tables: page_of_notes(tables, after))
        raise RemoteError(ErrorCode.NOT_FOUND, url)

    async def _hub_post(self, url: str, body: bytes) -> bytes:
        hub = self._reachable()
        path = url.removeprefix(HUB)
        if path.endswith("/chunks"):
            return encode_wire(await hub.intake.add_chunk(path.split("/")[3], body))
        if path == "/v1/cosignatures":
            note, _ = parse_checkpoint(body)
            await hub.publisher.take(note.text, note.signatures)
            return b'{"taken":true}'
        message = parse_wire(Message, body)
        self.said += path != "/v1/polls"
        if path == "/v1/statements":
            return encode_wire(await hub.intake.submit(message))
        if path == "/v1/publications":
            return encode_wire(await hub.intake.begin_publication(message))
        if path == "/v1/polls":
            return encode_wire(await hub.mailbox.poll(message))
        if path == "/v1/rotations":
            data = from_base64(message.envelope)
            await hub.engine.write(
                lambda tables: Membership(Ledger(tables, hub.signer)).rotate(data)
            )
            return b"{}"
        if path == "/v1/enrolments":
            envelope = from_base64(message.envelope)
            await hub.engine.write(
                lambda tables: Enrolment(Ledger(tables, hub.signer)).apply(envelope)
            )
            return b"{}"
        raise RemoteError(ErrorCode.NOT_FOUND, path)

    def _reachable(self) -> Services:
        if self.hub is None or self.hub_down:
            raise RemoteError(ErrorCode.UNREACHABLE, "the hub is away")
        return self.hub


@dataclass
class SimNode:
    """One agency: its running node, and what its people do."""

    service: NodeService
    folder: Path

    @property
    def membership(self) -> HubMembership:
        return self.service.membership

    @property
    def party_id(self) -> str:
        return self.membership.hub.party_id

    async def take_in(self, *rows: ImportedRow) -> None:
        now = self.membership.env.clock()
        await self.write(lambda tables: apply_import(tables, rows, now))

    async def publish(self) -> Published:
        await self.membership.sync()
        return await Publisher(self.membership).publish()

    async def forget_tokens(self) -> None:
        """Have the next publication make every token anew."""

        def work(tables: NodeTables) -> None:
            tables.tx.run("DELETE FROM token_cache")
            tables.tx.run("UPDATE stub SET made_of = NULL")

        await self.write(work)

    async def team(self, local_id: str) -> Team:
        return await self.read(lambda tables: team_of(tables, self.membership, local_id))

    async def request(self, local_id: str, involvement_id: str, **change: Any) -> ContactRequest:
        """A request under Children Act s47, complete unless `change` says otherwise."""
        links = await self.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
        found = [link for link in links if involvement_id in link["involvements"]]
        values: dict[str, Any] = {
            "local_id": local_id,
            "link_id": found[0]["link_id"] if found else "00" * 16,
            "involvement_id": involvement_id,
            "holder": found[0]["agency_id"] if found else "00" * 16,
            "practitioner": 1,
            "role": "social_worker",
            "purpose": "safeguarding_child",
            "basis": "UK-CA89-S47",
            "facts": {"enquiry_reference": "S47-1", "informed": "informed"},
        }
        return ContactRequest(**{**values, **change})

    async def ask(self, local_id: str, involvement_id: str, **change: Any) -> str:
        """Ask, and send at once; the request's id."""
        request = await self.request(local_id, involvement_id, **change)
        await self.membership.follow()
        request_id = await self.write(lambda tables: self.service.asking.ask(tables, request))
        await self.service.advance()
        return request_id

    async def whose(self, request_id: str) -> Whose:
        """Whose a request to us is (row ids)."""
        hub_id = self.membership.hub.hub_id

        def look(tables: NodeTables) -> Whose:
            request = tables.received_requests.get(hub_id, request_id)
            if request is None:
                return Whose(None, (), None, frozenset())
            return whose_request(tables, self.membership, request)

        return await self.read(look)

    async def answer(self, request_id: str, refusal: RefusalCode | None = None) -> None:
        """The first of the register answers it, or else whoever has it, and it is sent at once."""
        found = await self.whose(request_id)
        person = 1 if 1 in found.may_answer or not found.people else found.people[0]
        answer = Answer(request_id, person, refusal)
        await self.write(lambda tables: self.service.answering.answer(tables, answer))
        await self.service.advance()

    async def agree(self, local_id: str, **said: Any) -> list[int]:
        """A client of ours agrees in writing, for two years, to all, unless told otherwise."""
        values: dict[str, Any] = {
            "given_by": SaidBy.CLIENT,
            "how": How.IN_WRITING,
            "on": "2026-09-01",
            "until": "2028-09-01",
            "wording": "Form 4",
        }
        return await give_consent(self.service, Given(local_id, **{**values, **said}), 1)

    async def sent(self, request_id: str) -> Mapping[str, Any]:
        return await self._row("sent_request", request_id)

    async def received(self, request_id: str) -> Mapping[str, Any]:
        return await self._row("received_request", request_id)

    async def outbox(self) -> list[Mapping[str, Any]]:
        return await self.read(lambda tables: tables.tx.rows("SELECT * FROM outbox ORDER BY id"))

    async def _row(self, table: str, request_id: str) -> Mapping[str, Any]:
        sql = {
            "sent_request": "SELECT * FROM sent_request WHERE request_id = ?",
            "received_request": "SELECT * FROM received_request WHERE request_id = ?",
        }[table]
        row = await self.read(lambda tables: tables.tx.one(sql, request_id))
        assert row is not None, f"no {table} of that id"
        return dict(row)

    async def write(self, work: Callable[[NodeTables], Result]) -> Result:
        return await self.membership.engine.write(work)

    async def read(self, work: Callable[[NodeTables], Result]) -> Result:
        return await self.membership.engine.read(work)


class SimFederation:
    """Hub, three key holders (2 of 3), three witnesses, and the agencies that join.

    `rehearse`: every body runs once for nothing first, so that one which changes more than what it
    writes is found out. A measurement sets it to False.
    """

    rehearse = True

    def __init__(
        self,
        folder: Path,
        witnesses: Sequence[str] = THREE,
        pullers: Sequence[str] = (),
        name: str = "hub",
    ) -> None:
        self.folder = folder
        self.name = name
        self.witness_names = witnesses
        self.puller_names = pullers
        self.clock = Clock()
        self.network = Network()
        self.nodes: dict[str, SimNode] = {}
        self.random = Random(name)
        self._followed: tuple[bytes | None, list[HolderService]] | None = None
        self._left: SimFederation | None = None

    async def start(self) -> None:
        """Key generation, founding, and the first checkpoint."""
        hub_folder = self.folder / "hub"
        hub_folder.mkdir(mode=0o700)
        seeds = {name: self.random(32) for name in ("sign", "log", "pepper")}
        write_secrets(hub_folder / "keys.json", seeds)
        log_signer = NoteSigner(ORIGIN, SignatureType.ED25519, SecretSeed(seeds["log"]))
        charter_id = self.random(16).hex()
        plan = {"charter_id": charter_id, "hub_name": self.name, "control_domain": "Council"}
        (hub_folder / "plan.json").write_text(json.dumps({**plan, "origin": ORIGIN}))
        terms, transcripts = self._key_birth(charter_id)
        for name in self.witness_names:
            seed = SecretSeed(self.random(32))
            signer = NoteSigner(name, SignatureType.COSIGNATURE_V1, seed)
            log = WitnessedLog(log_signer.key)
            self.network.witnesses[f"https://{name}"] = SimWitness(signer, self.clock, log)
        founding = Founding(
            charter_id=charter_id,
            hub_name="Test hub" if self.name == "hub" else self.name,
            control_domain="Council",
            log_key=log_signer.key,
            witnesses=[
                {"name": w.signer.name, "control_domain": w.signer.name, "vkey": w.signer.key.text}
                for w in self.network.witnesses.values()
            ],
            quorum=least_quorum(len(self.network.witnesses)),
            holders=terms.holders,
            transcripts=transcripts,
            duty_desk=DutyDesk(name="Duty team", phone="01632 960000", hours="Always"),
        )
        env = Environment(self.clock, self.random)
        engine = open_engine(hub_folder)
        pen = HubSigner(SecretSeed(seeds["sign"]), env)
        self.genesis = await engine.write(lambda tables: found(tables, founding, pen))
        await engine.close()
        settings = HubSettings(
            host="127.0.0.1",
            port=0,
            public_url=HUB,
            witness_urls={w.signer.name: url for url, w in self.network.witnesses.items()},
        )
        await self._serve(settings, [record.url for record in terms.holders])

    async def _serve(self, settings: HubSettings, holder_urls: Sequence[str]) -> None:
        """Start the hub and the holders from their folders."""
        env = Environment(self.clock, self.random)
        engine = open_engine(self.folder / "hub", rehearse=self.rehearse)
        self.hub = HubService(self.folder / "hub", settings, env, engine)
        self.services = await self.hub.start()
        if settings.database:
            self.hub.led.epoch = await self.hub_write(lambda t: t.leads.take("sim", t.leads.lead()))
            await self.hub.begin_leading()
        self.network.hub = self.services
        await self.checkpoint()
        of_each = HolderSettings(hub_url=HUB, genesis=self.genesis)
        for number, url in enumerate(holder_urls, 1):
            own = of_each.model_copy(deep=True)
            holder = HolderService(self.folder / f"holder-{number}", own, self.clock)
            await holder.start()
            await holder.sync(self.network)  # type: ignore[arg-type]
            self.network.holders[url] = holder

    async def resume(self, left: "SimFederation", database: str = "") -> None:
        """Go on, in this folder, where another federation stood when it was closed.

        Every program starts anew from a copy of its folder: that takes a fifth of the time that
        it takes to come so far. `database`: where the hub moves its own to before.
        """
        self._left = left
        shutil.copytree(left.folder, self.folder, dirs_exist_ok=True)
        if database:
            await self._move_hub(database)
        self.clock.now, self.random = left.clock.now, copy.copy(left.random)
        self.genesis = left.genesis
        self.network.captured = [*left.network.captured]
        for url, witness in left.network.witnesses.items():
            self.network.witnesses[url] = replace(witness, clock=self.clock)
        settings = left.hub.settings.model_copy(deep=True, update={"database": database})
        await self._serve(settings, [*left.network.holders])
        for name, node in left.nodes.items():
            await self._resume_node(name, node)

    async def _move_hub(self, database: str) -> None:
        folder = self.folder / "hub"
        before, after = open_engine(folder), open_database(folder, database)
        tiles = tiles_of(folder, database, lambda _: None)
        await move_database(before, Place(after, tiles), self.random(16).hex(), lambda *_: None)
        tiles.close()
        await before.close()
        await after.close()
        write_database(folder, database)

    async def begin(self, build: Callable[..., Awaitable[object]], *said: str) -> None:
        """Have something happen that many tests begin with: once, and later from a copy of it."""
        left = self._left
        if left is None or self.hub.settings.database or self._has_moved(left):
            await build(self, *said)
            return
        key = (left, build, said)
        if key not in BEGUN:
            folder = left.folder.with_name(f"begun-{len(BEGUN)}")
            async with simulated(folder, resume=left) as made:
                await build(made, *said)
            BEGUN[key] = made
        await self.close()
        shutil.rmtree(self.folder)
        self.network.holders.clear()
        await self.resume(BEGUN[key])

    def _has_moved(self, left: "SimFederation") -> bool:
        """Whether anything has happened since it went on from where another stood."""
        return (
            [*self.nodes] != [*left.nodes]
            or self.clock != left.clock
            or self.network.said > 0
            or self.services.publisher.size != left.services.publisher.size
            or any(witness.asleep for witness in self.network.witnesses.values())
        )

    async def _resume_node(self, name: str, left: SimNode) -> None:
        folder, before = self.folder / name, left.membership.env
        engine = open_node_engine(folder, rehearse=self.rehearse)
        (hub,) = await engine.read(lambda tables: tables.hubs.all())
        env = Environment(self.clock, copy.copy(before.random))
        context = NodeContext(engine, self.network, env, SharedPlaces())  # type: ignore[arg-type]
        federation = await load_membership(folder, hub, context)
        service = NodeService(federation, left.service.settings.model_copy(deep=True))
        self.nodes[name] = SimNode(service, folder)

    async def join(self, name: str, member_class: str, **settings: Any) -> SimNode:
        """Invite, apply, compare words, approve, accept the charter."""
        given = self.settings(name, member_class, **settings)
        joining, engine = self._about_to_join(name, given)
        return await self._joined(joining, engine, given, self.folder / name)

    async def join_too(self, node: SimNode, given: NodeSettings) -> SimNode:
        """Let a node of another federation join this one."""
        engine, env = node.membership.engine, node.membership.env
        joining = Joining(node.folder, given, self.network, env)  # type: ignore[arg-type]
        return await self._joined(joining, engine, given, node.folder)

    async def _joined(
        self, joining: Joining, engine: NodeEngine, given: NodeSettings, folder: Path
    ) -> SimNode:
        invitation = await self.invite(self.random(32))
        federation, words = await joining.apply(engine, invitation)
        await self._approve(federation.hub.party_id, words)
        await joining.wait_for_approval(federation, lambda: None)
        await joining.accept_charter(federation)
        await self.checkpoint()
        node = SimNode(NodeService(federation, given), folder)
        self.nodes[given.name] = node
        return node

    async def invite(self, code: bytes) -> Invitation:
        """An invitation with this 32-byte code."""
        expires = self.clock() + 3600
        await self.hub_write(lambda tables: tables.members.invite(code_hash(code.hex()), expires))
        return Invitation(hub=HUB, hub_name="Test hub", genesis=self.genesis, code=code.hex())

    def settings(self, name: str, member_class: str, **more: Any) -> NodeSettings:
        """A node's settings."""
        return NodeSettings(
            name=name,
            member_class=member_class,
            control_domain=name,
            duty_line="01632 960100",
            duty_hours="Always",
            poll_seconds=1,
            **{"clients": 4000, **more},
        )

    def joining(self, name: str, member_class: str, **more: Any) -> tuple[Joining, NodeEngine]:
        """A new node that is about to join, and its database."""
        return self._about_to_join(name, self.settings(name, member_class, **more))

    def _about_to_join(self, name: str, settings: NodeSettings) -> tuple[Joining, NodeEngine]:
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        env = Environment(self.clock, Random(name))
        (folder / "node.sqlite").write_bytes(_no_clients())
        made = Joining(folder, settings, self.network, env)  # type: ignore[arg-type]
        return made, open_node_engine(folder, rehearse=self.rehearse)

    async def checkpoint(self) -> None:
        """Publish the log as it is, cosigned by whoever is awake; holders follow."""
        publisher = self.services.publisher
        for pace in publisher.cosignatures._paces.values():
            pace.retry_at = 0  # as if so much time had passed that everybody is asked again
        await publisher.step(self.network)  # type: ignore[arg-type]
        holders = [*self.network.holders.values()]
        newest = publisher.tiles.read_checkpoint()
        if (newest, holders) == self._followed:
            return
        for holder in holders:
            try:
                await holder.sync(self.network)  # type: ignore[arg-type]
            except RemoteError as error:
                if error.code is not ErrorCode.NO_QUORUM:
                    raise
        self._followed = (newest, holders)

    async def round(self) -> None:
        """A matching round, published, and everybody reads their mail."""
        await self.hub.jobs.ends()  # which comes twice a second
        await self.hub.jobs.round()
        await self.settle()

    async def settle(self) -> None:
        """Tell what ended and was raised, checkpoint, deliver and send until nothing moves."""
        quiet = 0
        while quiet < 2:
            await self.hub.jobs.ends()
            await self.hub.jobs.alert()
            await self.checkpoint()
            moved = 0
            for node in self.nodes.values():
                moved += await node.service.receive(wait=0)
                await node.service.advance()
            quiet = 0 if moved else quiet + 1

    @asynccontextmanager
    async def polling(
        self, poll: Coroutine[Any, Any, object]
    ) -> AsyncIterator[asyncio.Task[object]]:
        """A poll that waits at the hub meanwhile; given up afterwards if it still does."""
        waiting = asyncio.create_task(poll)
        # The hub announces to nobody that a poll has begun to wait.
        while not self.services.mailbox._polling and not waiting.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        try:
            yield waiting
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def open_poll(self, instance: str) -> None:
        """Wait until a poll of this instance waits at the hub."""
        polling = self.services.mailbox._polling
        async with asyncio.timeout(20):
            while instance not in {one.instance for one in polling.values()}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def entries(self, kind: str) -> list[Mapping[str, Any]]:
        """The log's entries of a kind, with their envelopes."""
        sql = (
            "SELECT e.idx, e.sender, p.envelope FROM entry e JOIN payload p USING (idx) "
            "WHERE e.kind = ? ORDER BY e.idx"
        )
        return list(await self.hub_read(lambda tables: tables.tx.rows(sql, kind)))

    async def close(self) -> None:
        """Close every database, those too that a test has closed already."""
        await self.services.publisher.close()
        await self.hub.engine.close()
        for holder in self.network.holders.values():
            await holder.close()
        for node in self.nodes.values():
            await node.membership.engine.close()

    async def _approve(self, party_id: str, words: str) -> None:
        applicant = await self.hub_read(lambda tables: tables.members.applicant(party_id))
        assert applicant is not None
        assert fingerprint_words(party_id, enrolment_of(applicant).keys) == words
        approved = ApplicantState.APPROVED
        await self.hub_write(lambda tables: tables.members.move_applicant(party_id, approved))
        await self.hub.jobs.admit()
        await self.checkpoint()

    def _key_birth(self, charter_id: str) -> tuple[CeremonyTerms, list[SignedTranscript]]:
        identities = []
        for number in (1, 2, 3):
            folder = self.folder / f"holder-{number}"
            folder.mkdir(mode=0o700)
            secrets = {"sign": self.random(32), "seal": self.random(32)}
            write_secrets(folder / "keys.json", secrets)
            record = HolderRecord(
                holder_id=self.random(16).hex(),
                name=f"Holder {number}",
                control_domain=f"Domain {number}",
                sign=public_key(secrets["sign"]).hex(),
                seal=seal_public_key(secrets["seal"]),
                url=f"https://holder-{number}.example",
            )
            seeds = (SecretSeed(secrets["sign"]), SecretSeed(secrets["seal"]))
            identities.append(Identity(record, *seeds))
        terms = CeremonyTerms(
            charter_id=charter_id,
            epoch=1,
            threshold=2,
            holders=[identity.record for identity in identities],
        )
        deals = [write_deal(terms, identity, self.random) for identity in identities]
        transcripts = []
        for number, identity in enumerate(identities, 1):
            share, _, signed = combine_deals(terms, identity, deals)
            path = self.folder / f"holder-{number}" / "share-1.json"
            write_secrets(path, {"share": share.secret.to_bytes()})
            transcripts.append(parse_wire(SignedTranscript, signed, limit=200_000))
        return terms, transcripts

    async def charter(self) -> Charter:
        """The charter in force, as the hub's log has it."""
        return (await self.hub_read(lambda tables: tables.directory.current())).charter

    async def signers(self) -> dict[str, int]:
        """The witnesses whose line on the newest checkpoint is fresh, and its time."""
        note = self.services.publisher._current()
        return fresh_signers(note, await self.charter(), self.clock())

    def ledger(self, tables: HubTables) -> Ledger:
        """The hub's own pen within a transaction."""
        return Ledger(tables, self.hub.jobs.signer)

    def slip_in(self, tables: HubTables, statement: Statement[Any]) -> Logged:
        """Log a public statement as a lying hub does: it does not follow what it writes itself."""
        leaf, now = public_leaf(statement.envelope.encode()), self.clock()
        return tables.log.append(leaf, statement.envelope, statement.preamble, NO_SALT, now)

    async def hub_write(self, work: Callable[[HubTables], Result]) -> Result:
        return await self.services.engine.write(work)

    async def hub_read(self, work: Callable[[HubTables], Result]) -> Result:
        return await self.services.engine.read(work)


BEGUN: dict[tuple[object, ...], SimFederation] = {}
"""What tests began with before, closed: to be copied."""


@functools.cache
def _no_clients() -> bytes:
    """A new node's database, to be copied: to make its tables takes a tenth of a test's time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "node.sqlite")
        database = SqliteDatabase(path, SCHEMA, NodeTables)
        database.read(lambda tables: None)
        database.close()
        return path.read_bytes()


@asynccontextmanager
async def simulated(
    folder: Path,
    witnesses: Sequence[str] = THREE,
    pullers: Sequence[str] = (),
    resume: SimFederation | None = None,
    database: str = "",
) -> AsyncIterator[SimFederation]:
    """A founded federation without agencies, or one that goes on where another was closed, its hub
    then in this database.
    """
    federation = SimFederation(folder, witnesses, pullers)
    await (federation.resume(resume, database) if resume else federation.start())
    try:
        yield federation
    finally:
        await federation.close()


ON_BOTH_ENGINES = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
"""Of tests whose hub is to run on each."""

AMIRA = ClientRecord("9990000026", "Amira", "Noor", "Hassan", "2022-03-14", "F",
                     "12 Rowan Road", "LX3 4AB")  # fmt: skip
AMEERA = ClientRecord(None, "Ameera", "Noor", "Hasan", "14/03/2022", "F", "12 Rowan Rd", "LX34AB")
SAMIR = ClientRecord("9990000034", "Samir", "Ali", "Hassan", "2022-03-14", "M",
                     "12 Rowan Road", "LX3 4AB")  # fmt: skip
# Same name and day of birth, another address and no other identifier: not enough to be sure of.
NOT_SURE = ClientRecord(None, "Amira", None, "Hassan", "2022-03-14", None, "3 Elm Way", "LX9 9ZZ")


def row(
    local_id: str,
    record: ClientRecord,
    involvement: str,
    permission: Permission | None,
    worker: str = "W. Orker",
) -> ImportedRow:
    """One imported row."""
    details = WorkerDetails(worker, "Practitioner", "07700 900123", "w@agency.example", "East")
    why = None if permission else NoPermission.NO_BASIS
    return ImportedRow(1, local_id, record, involvement, None, details, permission, why)


DUTY = Permission("UK-CA04-S10-S11", date(2030, 1, 1), None)


async def two_agencies(federation: SimFederation) -> tuple[SimNode, SimNode]:
    """Health visiting has Amira and her twin; social care has Ameera. Published and linked."""
    await federation.begin(linked)
    health, care = federation.nodes.values()
    return health, care


async def linked(federation: SimFederation) -> None:
    """See two_agencies."""
    health, care = await _joined_both(federation)
    await health.take_in(
        row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"),
        row("h2", SAMIR, "health_visiting", DUTY, "H. Visitor"),
    )
    await care.take_in(row("c1", AMEERA, "child_in_need", DUTY, "S. Worker"))
    await health.publish()
    await care.publish()
    await federation.round()


async def not_sure(federation: SimFederation) -> None:
    """Health visiting has Amira; social care has somebody of her name and birth date."""
    health, care = await _joined_both(federation)
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"))
    await care.take_in(row("c1", NOT_SURE, "child_in_need", DUTY, "S. Worker"))
    await health.publish()
    await care.publish()
    await federation.round()


async def _joined_both(federation: SimFederation) -> tuple[SimNode, SimNode]:
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    return health, care
