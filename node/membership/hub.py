"""This node's membership of one hub: keys, view of the log, signing and sending.

Each hub gets keys of its own, so that two hubs cannot tell that they share a member. Keys of other
parties come from the log alone (protocol.directory).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from node.alarms import AlarmCode, keep_evidence, raise_alarm
from node.config import Agreement, HubTerms
from node.faults import Faults
from node.membership.keys import KEY_NAMES, Keys, keys_of, load_keys
from node.membership.known_leaves import Seen
from node.membership.succession import move_on, refuse
from node.membership.synced import check_synced
from node.store.hubs import HubRow
from node.store.permissions import At
from node.store.tables import NodeEngine, NodeTables
from protocol import canonical
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64, to_base64
from protocol.governance.acceptance import unaccepted
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory, Member
from protocol.governance.follow import LogView
from protocol.governance.succession import SuccessorRefused
from protocol.log.checkpoint import parse_checkpoint
from protocol.matchkeys.shared_places import SharedPlaces
from protocol.matchkeys.tables import table_hashes
from protocol.messages.bodies import AcceptedBody
from protocol.messages.key_record import KeyRecord
from protocol.messages.kinds import KINDS, SigningKey, kind_of
from protocol.messages.statement import (
    Context,
    Stamp,
    Statement,
    check_clocks,
    make_statement,
    parse_statement,
)
from protocol.wire import Message, Submitted, encode_wire, parse_wire
from runtime.environment import Environment
from transport.client import HttpClient
from transport.logsync import Contradiction, LeafRefused, Progress, sync

Body = TypeVar("Body", bound=WireModel)
STATUS_LIMIT = 64 * 1024
CLOCK_SECONDS = 60
"""By how much our clock may have moved since the hub's was found to be like it."""


@dataclass(frozen=True)
class NodeContext:
    """What a node has for all its hubs. No key is made of a place in `shared_places`; without them
    nothing is made.
    """

    engine: NodeEngine
    http: HttpClient
    env: Environment
    shared_places: SharedPlaces = field(repr=False)
    terms: Mapping[str, HubTerms] = field(default_factory=dict)


@dataclass
class HubMembership:
    """One hub, as seen from this node. `shared_places` as of NodeContext; `terms`: what its charter
    calls our own codes; `owed`: whether it was away when it was to be told of a change here.
    """

    hub: HubRow
    keys: Keys = field(repr=False)
    engine: NodeEngine
    http: HttpClient
    env: Environment
    view: LogView
    shared_places: SharedPlaces = field(repr=False)
    folder: Path
    terms: HubTerms = field(default_factory=HubTerms)
    faults: Faults = field(init=False, repr=False)
    owed: bool = False
    seen: Seen = field(init=False, repr=False, default_factory=Seen)
    _clock_checked: int = field(init=False, repr=False, default=0)
    _kept_findable: bool = field(init=False, repr=False, default=False)

    def __post_init__(self) -> None:
        """What is kept beside the fields."""
        self.faults = Faults(self.engine, self.env, self.hub.hub_id)

    @property
    def charter(self) -> Charter:
        """The charter in force, from the log."""
        return self.view.directory.charter

    @property
    def agreement(self) -> Agreement:
        """The charter in force, in our own words."""
        return Agreement(self.charter, self.terms)

    @property
    def directory(self) -> Directory:
        """Who is who, from the log."""
        return self.view.directory

    def me(self) -> Member:
        """Our own membership. Raises LocalError(NOT_READY) before the council has approved."""
        member = self.directory.member(self.hub.party_id)
        if member is None:
            raise LocalError(ErrorCode.NOT_READY, "the council has not approved this node yet")
        if member.body.status != "active":
            raise LocalError(
                ErrorCode.NOT_READY, f"this agency is {member.body.status}: call the council"
            )
        return member

    def recipient(self, party_id: str) -> KeyRecord:
        """The keys to seal to. Raises RemoteError for one who left, or whose seal key expired."""
        member = self.directory.active(party_id)
        if member is None:
            raise RemoteError(ErrorCode.UNKNOWN_MEMBER, "the other agency is not a member any more")
        if member.body.keys.seal_expires <= self.env.clock():
            raise RemoteError(ErrorCode.EXPIRED, "the other agency's seal key has expired")
        return member.body.keys

    def unaccepted(self) -> list[str]:
        """What the charter in force loosens that this agency has not signed. Empty: it binds us."""
        return unaccepted(self.directory, self.hub.party_id)

    def check_bound(self) -> None:
        """Refuse what only the charter in force allows. Raises LocalError(NOT_READY)."""
        if self.unaccepted():
            raise LocalError(
                ErrorCode.NOT_READY,
                f"version {self.charter.version} of the sharing agreement waits for your agency. "
                "Read it with patchwork-node charter show, then sign it with "
                "patchwork-node charter accept",
            )

    def at(self) -> At:
        """Here and now, as permissions are asked for."""
        return At(self.hub.hub_id, self.env.clock(), self.charter.past_seconds)

    def always_findable(self) -> dict[str, str]:
        """The types, by our own codes, that the charters which bind us make always findable, each
        with its basis.
        """
        found = self.charter.always_findable
        if self.unaccepted():
            accepted = self.directory.accepted_charter(self.hub.party_id)
            before = accepted.always_findable if accepted is not None else {}
            found = {kind: basis for kind, basis in found.items() if before.get(kind) == basis}
        ours = self.agreement.types
        return {own: found[kind.code] for own, kind in ours.items() if kind.code in found}

    async def check_synced(self) -> None:
        """Refuse to go on from a backup before we know what it lacks. Raises LocalError."""
        hub_id = self.hub.hub_id
        await self.engine.read(lambda tables: check_synced(tables, hub_id))

    def check_tables(self) -> None:
        """Refuse to make match-keys with name tables other than the charter's."""
        if not self.has_its_tables():
            raise LocalError(
                ErrorCode.CONFIGURATION,
                "this program's name tables are not the charter's: install the version that the "
                "council uses, or have its charter brought up to date (patchwork-hub charter show)",
            )

    def has_its_tables(self) -> bool:
        """Whether this program has the name tables of the charter in force."""
        return self.charter.tables == table_hashes()

    async def sync(self, note: bytes | None = None) -> None:
        """Advance our view of the log to a cosigned checkpoint: the newest, or the one in `note`.

        What contradicts our view is kept as evidence, whichever part of the node meets it. Where
        the log was lost we move on to its successor. Raises RemoteError.
        """
        view, hub, now = self.view, self.hub, self.env.clock()
        note = note or await self.http.get(f"{hub.url}/checkpoint")
        if note == view.note:  # to the byte what our view was verified by
            if not self._kept_findable:
                await self._keep_findable()
            return
        progress = await self._read_on(view, note)
        moved = progress.view.genesis != view.genesis

        def keep(tables: NodeTables) -> HubRow:
            tables.log_views.save(progress.view, progress.public_leaves, progress.documents)
            return move_on(tables, hub, progress.view.genesis, now) if moved else hub

        kept = await self.engine.write(keep)
        if moved:
            self.hub, self.seen = kept, Seen()
        same = self.view.genesis == progress.view.genesis
        if progress.view.size >= self.view.size if same else moved:
            self.view = progress.view  # else another task was quicker
        if progress.view.genesis == self.view.genesis:
            self.seen.take(progress.leaves, progress.view.size, progress.view.frontier.root())
        await self._keep_findable()

    async def _read_on(self, view: LogView, note: bytes) -> Progress:
        """What the log has beyond a view. Raises RemoteError, and keeps what speaks against it."""
        hub, now = self.hub, self.env.clock()
        try:
            return await sync(self.http, hub.url, view, note)
        except Contradiction as error:
            served = error.note
            await self.engine.write(lambda tables: self._accuse(tables, view, served))
            raise
        except LeafRefused as error:
            leaf = error
            await self.engine.write(lambda tables: self._refuse_leaf(tables, view, leaf))
            raise
        except SuccessorRefused as error:
            refused = error
            await self.engine.write(lambda tables: refuse(tables, hub, view, refused, now))
            raise

    async def _keep_findable(self) -> None:
        """Write down what is always findable, where that has changed."""
        hub_id, found = self.hub.hub_id, self.always_findable()
        if await self.engine.read(lambda tables: tables.findable.of(hub_id)) != found:
            await self.engine.write(lambda tables: tables.findable.put(hub_id, found))
        self._kept_findable = True  # what it depends on beside the log changes with a start

    def _accuse(self, tables: NodeTables, view: LogView, served: bytes) -> None:
        """Keep two notes that contradict each other, and say how they do."""
        now, hub_id = self.env.clock(), self.hub.hub_id
        _, theirs = parse_checkpoint(served)
        code = AlarmCode.ROOT_DIFFERS
        if theirs.size < view.size:
            code = AlarmCode.ROLLED_BACK
        elif theirs.size == view.size:
            code = AlarmCode.TWO_LOGS
        name = keep_evidence(tables, hub_id, view.note, served, now)
        raise_alarm(tables, hub_id, code, now, place=name[:16])

    def _refuse_leaf(self, tables: NodeTables, view: LogView, leaf: LeafRefused) -> None:
        """Keep once what witnesses signed though it breaks the rules; the view stays before it."""
        now, hub_id = self.env.clock(), self.hub.hub_id
        unknown = leaf.code is ErrorCode.UNKNOWN_KIND
        code = AlarmCode.PROGRAM_OLD if unknown else AlarmCode.LEAF_REFUSED
        news = raise_alarm(tables, hub_id, code, now, place=str(view.size))
        if news and not unknown:
            keep_evidence(tables, hub_id, view.note, leaf.note, now)

    async def follow(self) -> bool:
        """Advance our view if witnesses let us; whether the newest checkpoint has a quorum.

        Without one, what moves no contact details goes on (specs/05-log.md §13).
        """
        try:
            await self.sync()
        except RemoteError as error:
            if error.code is not ErrorCode.NO_QUORUM:
                raise
            return False
        return True

    async def begin(self) -> bool:
        """`follow`, before a person's act is written down: a hub that would refuse our clock says
        so first, and nothing has changed. Raises RemoteError(EXPIRED), with both times, and what
        `check_synced` raises.
        """
        await self.check_synced()
        now = self.env.clock()
        if abs(now - self._clock_checked) > CLOCK_SECONDS:
            await check_clock(self.http, self.hub.url, now)
            self._clock_checked = now
        return await self.follow()

    def sign(self, body: Body, aud: str) -> Statement[Body]:
        """A statement by this node, signed with the key for its kind."""
        charter = self.charter
        context = Context(
            charter.charter_id, charter.version, charter.log.origin, self.hub.party_id
        )
        stamp = Stamp(aud, self.env.new_id(), self.env.clock())
        auth = KINDS[kind_of(type(body))].signing_key is SigningKey.AUTH
        key = self.keys.auth if auth else self.keys.sign
        return make_statement(context, stamp, body, key)

    async def post(
        self,
        path: str,
        envelope: bytes,
        sealed: bytes | None = None,
        proof: bytes | None = None,
    ) -> bytes:
        """POST a statement to the hub; the answer's bytes. Raises RemoteError."""
        message = Message(
            envelope=to_base64(envelope),
            sealed=to_base64(sealed) if sealed is not None else None,
            proof=to_base64(proof) if proof is not None else None,
        )
        return await self.http.post(f"{self.hub.url}{path}", encode_wire(message))

    async def say(self, body: WireModel) -> AcceptedBody:
        """Sign and post what waits in no outbox; the hub's word that it is in the log.

        Raises RemoteError; a refusal over quota goes into our books first, as into the hub's.
        """
        statement = self.sign(body, self.hub.hub_id)
        try:
            answer = await self.post("/v1/statements", statement.envelope.encode())
        except RemoteError as error:
            enter = partial(self.enter_refusal, statement=statement, error=error)
            await self.engine.write(enter)
            raise
        return self.check_accepted(parse_wire(Submitted, answer), statement.id)

    def enter_refusal(
        self, tables: NodeTables, statement: Statement[Any], error: RemoteError
    ) -> None:
        """Take down that the hub refused a statement over quota, if it did; twice is once."""
        if error.code is ErrorCode.OVER_QUOTA:
            hub_id, iat = self.hub.hub_id, statement.preamble.iat
            tables.journal.enter_refused(hub_id, statement.id, iat, sure=True)

    def check_accepted(self, submitted: Submitted, statement_id: str) -> AcceptedBody:
        """The hub's signed word that a statement is logged. Raises RemoteError."""
        statement = parse_statement(from_base64(submitted.accepted)).expect(AcceptedBody)
        self.directory.verify(statement)
        if statement.preamble.sender != self.hub.hub_id or statement.body.statement != statement_id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "the hub's answer is about another")
        return statement.body


async def check_clock(http: HttpClient, url: str, now: int) -> None:
    """Raise RemoteError(EXPIRED) if a hub's clock is not ours; one that does not say is passed."""
    try:
        value = canonical.parse_loose(await http.get(f"{url}/v1/status"), limit=STATUS_LIMIT)
    except RemoteError:
        return
    theirs = value.get("now") if isinstance(value, dict) else None
    if isinstance(theirs, int):
        check_clocks(now, theirs)


async def load_membership(folder: Path, hub: HubRow, context: NodeContext) -> HubMembership:
    """The membership of a hub that this node has joined."""
    return await _membership(folder, load_keys(folder, hub.hub_id), hub, context)


async def follow_without_keys(folder: Path, hub: HubRow, context: NodeContext) -> HubMembership:
    """A membership whose keys are gone, to follow the log by: what it signs nobody accepts."""
    keys = keys_of({name: context.env.random(32) for name in KEY_NAMES})
    return await _membership(folder, keys, hub, context)


async def _membership(folder: Path, keys: Keys, hub: HubRow, context: NodeContext) -> HubMembership:
    view = await context.engine.read(lambda tables: tables.log_views.load(hub.genesis))
    return HubMembership(
        hub, keys, context.engine, context.http, context.env, view, context.shared_places, folder,
        context.terms.get(hub.name, HubTerms()),
    )  # fmt: skip


def followed_charters(tables: NodeTables) -> list[tuple[str, Charter]]:
    """The charters in force at the hubs that this node has joined or is joining, as last seen, each
    with the hub's name.
    """
    views = [(hub.name, tables.log_views.load(hub.genesis)) for hub in tables.hubs.all()]
    return [(name, view.directory.charter) for name, view in views if view.directory.charters]
