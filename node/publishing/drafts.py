"""What is to be published: stub rows and tokens of a page of clients (specs/04-matching.md).

Works within one transaction of the node's database and sends nothing. Match-key values stay here;
what comes out is token inputs for the OPRF and rows without client data.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

from node.config import HubTerms
from node.membership.hub import HubMembership
from node.publishing.limits import Limits, TokenSet, encoded
from node.publishing.settled import Settled
from node.publishing.spans import Span
from node.publishing.tokens import TokenCache
from node.publishing.works import Shown, Works, known_ids, published, works_of
from node.store.publications import Effect, PublishedTokens
from node.store.records import Client, record_of
from node.store.stubs import Digests, PublishedInvolvementId, PublishedStub
from node.store.tables import NodeTables
from protocol import canonical
from protocol.commitments import commit, commit_encoded
from protocol.fields import to_base64
from protocol.governance.charter import Charter
from protocol.matchkeys.recipes import match_keys, names_somebody
from protocol.messages.bodies import PublishedInvolvement, StubRow
from protocol.tokens import token_inputs


@dataclass(frozen=True)
class Draft:
    """A client who may be published, as the record was read, and the digests of its token inputs;
    `inputs` by digest.
    """

    client: Client
    digests: Digests
    inputs: Mapping[bytes, bytes] = field(repr=False)


@dataclass(frozen=True)
class Page:
    """Some clients: `due` those of whom something may have to be told, with their work that may be
    published; of the others how many may not be published, and whose stubs are `settled`.
    """

    last: int = 0
    size: int = 0
    due: Sequence[Client] = ()
    works: Works = field(default_factory=dict)
    without_permission: int = 0
    settled: int = 0

    def with_next(self, page: "Page") -> "Page":
        """This page and the one that follows it, as one."""
        return Page(
            page.last,
            self.size + page.size,
            [*self.due, *page.due],
            {**self.works, **page.works},
            self.without_permission + page.without_permission,
            self.settled + page.settled,
        )

    def split(self, size: int) -> tuple["Page", "Page"]:
        """Those of whom `size` are due, and the rest of them."""
        first, rest = self.due[:size], self.due[size:]
        works = [
            {client.id: self.works[client.id] for client in part if client.id in self.works}
            for part in (first, rest)
        ]
        size_of_first = self.size - len(rest)
        return (
            Page(self.last, size_of_first, first, works[0], self.without_permission, self.settled),
            Page(self.last, len(rest), rest, works[1]),
        )


@dataclass(frozen=True)
class Stub:
    """All that a stub is to say; `made_of`: by what it is known not to need drafting again, or None
    where it must be.
    """

    client: Client
    involvements: Sequence[PublishedInvolvement]
    digests: Digests
    made_of: bytes | None

    @cached_property
    def name(self) -> str:
        """A hash of all that the stub says, to know whether anything changed."""
        works = canonical.encode([item.model_dump(mode="json") for item in self.involvements])
        said = canonical.object_of({"involvements": works, "tokens": self._tokens})
        return hashlib.sha256(said).hexdigest()

    @cached_property
    def tokens_hash(self) -> str:
        """See limits.tokens_hash."""
        return hashlib.sha256(self._tokens).hexdigest()

    @cached_property
    def _tokens(self) -> bytes:
        return encoded(self.digests)


@dataclass
class Changes:
    """What changed on a page: rows and tokens (each a StubTokens, encoded) to send, and the effects
    once they are applied.

    `stale`: clients whose record changed since it was drafted; they are to be drafted again.
    """

    rows: list[StubRow] = field(default_factory=list)
    tokens: list[bytes] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    retired: int = 0
    insufficient_identifiers: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    stale: int = 0


class Drafter:
    """Drafts pages of clients for one hub, each with as many statements as any other."""

    def __init__(self, membership: HubMembership, cache: TokenCache) -> None:
        self._membership = membership
        self._cache = cache
        self._known: tuple[Charter, HubTerms, Settled] | None = None
        self._drafting = Lock()

    def page(self, tables: NodeTables, span: Span, now: int) -> Page:
        """The clients of a span, and who of them has to be drafted."""
        membership, hub_id = self._membership, self._membership.hub.hub_id
        everybody = span.clients(tables, hub_id)
        if not everybody:
            return Page(span.after)
        looked = self._terms().look(tables, everybody, now)
        clients = tables.records.clients_by_row(looked.others)
        works = works_of(membership, tables, clients, now)
        due = [client for client in clients if client.id in works or looked.others[client.id]]
        without = looked.without + len(clients) - len(works)
        return Page(everybody[-1], len(everybody), due, works, without, looked.settled)

    def draft(self, page: Page) -> dict[int, Draft]:
        """Token inputs of those on a page who may be published, by client; who cannot be found by
        them has none. It needs no transaction.
        """
        with self._drafting:  # the first of several pages is done first, and others have use of it
            return {
                client.id: self._draft(client) for client in page.due if client.id in page.works
            }

    def _draft(self, client: Client) -> Draft:
        wanted, inputs = self._inputs(client), dict[bytes, bytes]()
        digests = {}
        if names_somebody(wanted):
            for key, values in wanted.items():
                digests[key] = [self._cache.digest(value) for value in values]
                inputs.update(zip(digests[key], values, strict=True))
        return Draft(client, digests, inputs)

    def changes(
        self, tables: NodeTables, clients: Sequence[Client], drafts: Mapping[int, Draft], now: int
    ) -> Changes:
        """Rows and tokens of these clients' stubs that differ from what was published: by the
        permissions and the work that there are now.
        """
        changes = Changes()
        stubs, limits = self._stubs(tables, clients), Limits(self._membership, tables, now)
        works = works_of(self._membership, tables, clients, now)
        still = {client.id: client for client in tables.records.clients_by_row(works)}
        live, wholes = set[int](), list[Draft]()
        for client in clients:
            draft = drafts.get(client.id)
            if client.id in works and (draft is None or still.get(client.id) != draft.client):
                changes.stale += 1
                live.add(client.id)
            elif draft is not None and client.id in works:
                wholes.append(draft)
        ids = self._ids(tables, {item.client.id: works[item.client.id] for item in wholes})
        barred = limits.overshared_tokens(
            {item.client.id: set(item.inputs) for item in wholes}, stubs
        )
        # By now the hub's ids of their work are there, which are in these names.
        names = self._terms().names(tables, [item.client.id for item in wholes], now)
        wanted = [
            Stub(
                item.client,
                self._involvements(works[item.client.id], ids),
                digests,
                None if barred.get(item.client.id) else names[item.client.id],
            )
            for item in wholes
            if (digests := self._findable(item, barred, changes))
        ]
        live |= {stub.client.id for stub in wanted}
        old_and_new = [(stubs.get(item.client.id), item) for item in wanted]
        self._change(tables, old_and_new, limits, changes)
        self._retire(clients, stubs, live, changes)
        return changes

    def _involvements(
        self, shown: Sequence[Shown], ids: Mapping[int, PublishedInvolvementId]
    ) -> list[PublishedInvolvement]:
        return [published(item, ids[item.involvement.id]) for item in shown]

    @staticmethod
    def _findable(
        draft: Draft, barred: Mapping[int, Collection[bytes]], changes: Changes
    ) -> Digests | None:
        """The tokens that may be published of a client. None, and said, where they do not do: too
        little is known; or several records here are of one person, and what is left is too little.
        """
        digests = _without(draft.digests, barred.get(draft.client.id, ()))
        if names_somebody(digests):
            return digests
        changes.insufficient_identifiers.append(draft.client.local_id)
        return None

    def endings(self, tables: NodeTables, span: Span, now: int) -> tuple[Page, Changes]:
        """Only what ends: the stubs of the clients of a span who may no longer be published."""
        changes, page = Changes(), self.page(tables, span, now)
        self._retire(page.due, self._stubs(tables, page.due), page.works, changes)
        return page, changes

    def _stubs(self, tables: NodeTables, clients: Sequence[Client]) -> dict[int, PublishedStub]:
        hub_id = self._membership.hub.hub_id
        return tables.stubs.of_clients(hub_id, [client.id for client in clients])

    def _terms(self) -> Settled:
        charter, terms = self._membership.charter, self._membership.terms
        known = self._known
        if known is None or known[0] is not charter or known[1] is not terms:
            known = self._known = (charter, terms, Settled(self._membership, self._cache))
        return known[2]

    def _inputs(self, client: Client) -> dict[str, list[bytes]]:
        """OPRF inputs by match key, never more of a type than the charter's cap."""
        charter = self._membership.charter
        policy, epoch = charter.policy, charter.token_key.epoch
        keys = match_keys(record_of(client, self._membership.shared_places), policy.keys)
        return {
            key: token_inputs(charter.charter_id, epoch, key, values[: policy.keys[key].cap])
            for key, values in keys.items()
        }

    def _ids(self, tables: NodeTables, works: Works) -> dict[int, PublishedInvolvementId]:
        """Under which ids the hub knows involvements; those it does not know get one."""
        hub_id, random = self._membership.hub.hub_id, self._membership.env.random
        known = known_ids(tables, hub_id, works)
        wanted = [item.involvement.id for items in works.values() for item in items]
        fresh = {
            item: PublishedInvolvementId(item, random(16).hex(), random(32).hex())
            for item in wanted
            if item not in known
        }
        tables.stubs.add_involvement_ids(hub_id, fresh.values())
        return known | fresh

    def _change(
        self,
        tables: NodeTables,
        wanted: Sequence[tuple[PublishedStub | None, Stub]],
        limits: Limits,
        changes: Changes,
    ) -> None:
        """Add the rows and tokens of stubs that changed, as far as the limits let them."""
        changed, same = list[tuple[PublishedStub | None, Stub]](), dict[int, bytes]()
        for old, stub in wanted:
            if old is None or old.published_hash != stub.name:
                changed.append((old, stub))
            elif stub.made_of is not None:
                same[stub.client.id] = stub.made_of
        tables.stubs.set_made_of(self._membership.hub.hub_id, same)
        room = limits.room() if any(not (old and old.revision) for old, _ in changed) else 0
        known = limits.token_sets(
            {old.stub_id: stub.digests for old, stub in changed if old and old.revision}
        )
        ready: list[tuple[PublishedStub | None, Stub, TokenSet]] = []
        for old, stub in changed:
            if old and old.revision:
                tokens = known[old.stub_id]
            else:
                tokens = self._first(stub, room)
                room -= 1
            if tokens.held:
                changes.held.append(stub.client.local_id)
                stub = Stub(stub.client, stub.involvements, tokens.digests, None)
                if not tokens.digests or (old and old.published_hash == stub.name):
                    continue
            ready.append((old, stub, tokens))
        self._add(tables, ready, changes)

    def _first(self, stub: Stub, room: int) -> TokenSet:
        """The tokens of a stub that the hub does not know, if there is room for it today."""
        if room <= 0:
            return TokenSet({}, "", held=True)
        return TokenSet(stub.digests, self._membership.env.random(32).hex())

    def _add(
        self,
        tables: NodeTables,
        ready: Sequence[tuple[PublishedStub | None, Stub, TokenSet]],
        changes: Changes,
    ) -> None:
        wanted = {
            digest for _, stub, _ in ready for items in stub.digests.values() for digest in items
        }
        pairs = self._cache.get_all(tables, wanted)
        for old, stub, tokens in ready:
            stub_id = old.stub_id if old else self._membership.env.new_id()
            texts = {
                key: [to_base64(pairs[digest].token) for digest in items]
                for key, items in stub.digests.items()
            }
            said = {"stub_id": canonical.encode(stub_id), "tokens": canonical.encode(texts)}
            row = StubRow(
                stub_id=stub_id,
                revision=old.revision + 1 if old else 1,
                retired=False,
                involvements=list(stub.involvements),
                token_commitment=commit_encoded(
                    bytes.fromhex(tokens.salt), canonical.object_of(said)
                ),
            )
            salt = canonical.encode(tokens.salt)
            changes.tokens.append(canonical.object_of({**said, "salt": salt}))
            changes.rows.append(row)
            names = PublishedTokens(stub.tokens_hash, tokens.salt, tokens.counted)
            known = _stub(stub.client, row, stub.name, stub.made_of)
            changes.effects.append(Effect(known, stub.digests, names))

    def _retire(
        self,
        clients: Sequence[Client],
        stubs: Mapping[int, PublishedStub],
        live: Iterable[int],
        changes: Changes,
    ) -> None:
        """Retire the stubs of those clients who may no longer be published."""
        stay = set(live)
        for client in clients:
            old = stubs.get(client.id)
            if client.id in stay or old is None or old.retired or not old.revision:
                continue  # revision 0: a log's successor has never heard of it
            row = retired_row(old.stub_id, old.revision, self._membership.env.random(32))
            changes.rows.append(row)
            changes.retired += 1
            changes.effects.append(Effect(_stub(client, row, "", None), {}, None))


def retired_row(stub_id: str, revision: int, salt: bytes) -> StubRow:
    """The row that retires a stub whose last revision this is."""
    value: canonical.JsonValue = {"stub_id": stub_id, "tokens": {}}
    return StubRow(
        stub_id=stub_id,
        revision=revision + 1,
        retired=True,
        involvements=[],
        token_commitment=commit(salt, value),
    )


def _without(digests: Digests, barred: Collection[bytes]) -> Digests:
    """Digests without those that may not be published."""
    if not barred:
        return digests
    kept = {
        key: [digest for digest in items if digest not in barred] for key, items in digests.items()
    }
    return {key: items for key, items in kept.items() if items}


def _stub(
    client: Client, row: StubRow, published_hash: str, made_of: bytes | None
) -> PublishedStub:
    """What to remember of a stub once the hub has applied it."""
    return PublishedStub(client.id, row.stub_id, row.revision, published_hash, row.retired, made_of)
