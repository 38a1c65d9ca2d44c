"""What is to be published: stub rows and tokens of a page of clients (specs/04-matching.md).

Works within one transaction of the node's database and sends nothing. Match-key values stay here;
what comes out is token inputs for the OPRF and rows without client data.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from node.config import Agreement
from node.membership.hub import HubMembership
from node.publishing.limits import Limits, TokenSet, tokens_hash
from node.publishing.narrowing import all_shown_to
from node.publishing.spans import Span
from node.publishing.tokens import TokenCache
from node.store.permissions import WHILE_OPEN, At
from node.store.publications import Effect, PublishedTokens
from node.store.records import Client, Involvement, record_of
from node.store.stubs import Digests, PublishedInvolvementId, PublishedStub
from node.store.tables import NodeTables
from protocol import canonical
from protocol.commitments import commit
from protocol.fields import to_base64
from protocol.governance.charter import LawfulBasis
from protocol.governance.involvement_types import InvolvementType
from protocol.matchkeys.recipes import match_keys, names_somebody
from protocol.messages.bodies import (
    MOST_INVOLVEMENTS,
    Permission,
    PublishedInvolvement,
    StubRow,
    StubTokens,
)
from protocol.tokens import token_input


@dataclass(frozen=True)
class Draft:
    """A client that may be published: its involvements and the digests of its token inputs."""

    client: Client
    involvements: Sequence[PublishedInvolvement]
    digests: Digests

    @cached_property
    def name(self) -> str:
        """A hash of all that the stub says, to know whether anything changed."""
        said: canonical.JsonValue = {
            "involvements": [item.model_dump(mode="json") for item in self.involvements],
            "tokens": {key: [item.hex() for item in items] for key, items in self.digests.items()},
        }
        return hashlib.sha256(canonical.encode(said)).hexdigest()


@dataclass
class Page:
    """A page of clients: drafts, those that may not or cannot be published, inputs to evaluate."""

    last: int = 0
    clients: list[Client] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    without_permission: int = 0
    insufficient_identifiers: list[str] = field(default_factory=list)
    inputs: dict[bytes, bytes] = field(default_factory=dict)


@dataclass
class Changes:
    """What changed on a page: rows and tokens to send, and the effects once they are applied."""

    rows: list[StubRow] = field(default_factory=list)
    tokens: list[StubTokens] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    retired: int = 0
    insufficient_identifiers: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Shown:
    """An involvement that the charter lets us publish, and its permission; `consent_date` where it
    rests on consent.
    """

    involvement: Involvement
    kind: InvolvementType
    basis: LawfulBasis
    valid_until: int
    consent_date: str | None


class Drafter:
    """Drafts pages of clients for one hub, each with as many statements as any other."""

    def __init__(self, membership: HubMembership, cache: TokenCache) -> None:
        self._membership = membership
        self._cache = cache

    def page(self, tables: NodeTables, span: Span, now: int) -> Page:
        """Draft the clients of a span."""
        clients = span.clients(tables, self._membership.hub.hub_id)
        page = Page(last=clients[-1].id if clients else span.after, clients=clients)
        involvements = self._involvements(tables, clients, now)
        for client in clients:
            if client.id not in involvements:
                page.without_permission += 1
                continue
            wanted = self._inputs(client)
            if not names_somebody(wanted):
                page.insufficient_identifiers.append(client.local_id)
                continue
            digests = {}
            for key, values in wanted.items():
                digests[key] = [self._cache.digest(value) for value in values]
                page.inputs.update(zip(digests[key], values, strict=True))
            page.drafts.append(Draft(client, involvements[client.id], digests))
        for digest in self._cache.known(tables, page.inputs):
            del page.inputs[digest]
        return page

    def changes(self, tables: NodeTables, page: Page, now: int) -> Changes:
        """Rows and tokens of the stubs on a page that differ from what was published."""
        changes = Changes()
        stubs = self._stubs(tables, page)
        limits = Limits(self._membership, tables, now)
        barred = limits.overshared_tokens(
            {draft.client.id: _all_of(draft.digests) for draft in page.drafts}, stubs
        )
        live = []
        for whole in page.drafts:
            draft = _without(whole, barred.get(whole.client.id, set()))
            if names_somebody(draft.digests):
                live.append(draft)
            else:
                # Several records of one person here: what is left cannot be published.
                changes.insufficient_identifiers.append(draft.client.local_id)
        self._change(tables, [(stubs.get(item.client.id), item) for item in live], limits, changes)
        published = {draft.client.id for draft in live}
        self._retire(page, stubs, published, changes)
        return changes

    def endings(self, tables: NodeTables, page: Page, now: int) -> Changes:
        """Only what ends: the stubs of the clients on a page who may no longer be published."""
        changes = Changes()
        live = self._involvements(tables, page.clients, now)
        self._retire(page, self._stubs(tables, page), live, changes)
        return changes

    def _stubs(self, tables: NodeTables, page: Page) -> dict[int, PublishedStub]:
        hub_id = self._membership.hub.hub_id
        return tables.stubs.of_clients(hub_id, [client.id for client in page.clients])

    def _inputs(self, client: Client) -> dict[str, list[bytes]]:
        """OPRF inputs by match key, never more of a type than the charter's cap."""
        charter = self._membership.charter
        policy, epoch = charter.policy, charter.token_key.epoch
        keys = match_keys(record_of(client, self._membership.shared_places), policy.keys)
        return {
            key: [
                token_input(charter.charter_id, epoch, key, value)
                for value in values[: policy.keys[key].cap]
            ]
            for key, values in keys.items()
        }

    def _involvements(
        self, tables: NodeTables, clients: Sequence[Client], now: int
    ) -> dict[int, list[PublishedInvolvement]]:
        """What may be published of these clients: of each who has any involvement that may be."""
        agreement, at = self._membership.agreement, At(self._membership.hub.hub_id, now)
        found = tables.records.all_permitted([client.id for client in clients], at)
        findable = tables.findable.of(at.hub_id)
        shown = {
            client: allowed(agreement, findable, items, now) for client, items in found.items()
        }
        ids = self._involvement_ids(tables, shown.values())
        works = [item.involvement for items in shown.values() for item in items]
        named = all_shown_to(tables, agreement, works)
        return {
            client: [_published(item, ids, named.get(item.involvement.id)) for item in items]
            for client, items in shown.items()
            if items
        }

    def _involvement_ids(
        self, tables: NodeTables, shown: Iterable[Sequence[_Shown]]
    ) -> dict[int, PublishedInvolvementId]:
        """Under which ids the hub knows involvements; those it does not know get one."""
        hub_id, random = self._membership.hub.hub_id, self._membership.env.random
        wanted = [item.involvement.id for items in shown for item in items]
        known = tables.stubs.involvement_ids(hub_id, wanted)
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
        drafts: Sequence[tuple[PublishedStub | None, Draft]],
        limits: Limits,
        changes: Changes,
    ) -> None:
        """Add the rows and tokens of stubs that changed, as far as the limits let them."""
        changed = [
            (old, draft) for old, draft in drafts if old is None or old.published_hash != draft.name
        ]
        room = limits.room()
        known = limits.token_sets(
            {old.stub_id: draft.digests for old, draft in changed if old and old.revision}
        )
        ready: list[tuple[PublishedStub | None, Draft, TokenSet]] = []
        for old, draft in changed:
            if old and old.revision:
                tokens = known[old.stub_id]
            else:
                tokens = self._first(draft, room)
                room -= 1
            if tokens.held:
                changes.held.append(draft.client.local_id)
                draft = Draft(draft.client, draft.involvements, tokens.digests)
                if not tokens.digests or (old and old.published_hash == draft.name):
                    continue
            ready.append((old, draft, tokens))
        self._add(tables, ready, changes)

    def _first(self, draft: Draft, room: int) -> TokenSet:
        """The tokens of a stub that the hub does not know, if there is room for it today."""
        if room <= 0:
            return TokenSet({}, "", held=True)
        return TokenSet(draft.digests, self._membership.env.random(32).hex())

    def _add(
        self,
        tables: NodeTables,
        ready: Sequence[tuple[PublishedStub | None, Draft, TokenSet]],
        changes: Changes,
    ) -> None:
        wanted = {digest for _, draft, _ in ready for digest in _all_of(draft.digests)}
        pairs = self._cache.get_all(tables, wanted)
        for old, draft, tokens in ready:
            stub_id = old.stub_id if old else self._membership.env.new_id()
            texts = {
                key: [to_base64(pairs[digest].token) for digest in items]
                for key, items in draft.digests.items()
            }
            token_value: canonical.JsonValue = {"stub_id": stub_id, "tokens": texts}
            row = StubRow(
                stub_id=stub_id,
                revision=old.revision + 1 if old else 1,
                retired=False,
                involvements=list(draft.involvements),
                token_commitment=commit(bytes.fromhex(tokens.salt), token_value),
            )
            changes.tokens.append(StubTokens(stub_id=stub_id, salt=tokens.salt, tokens=texts))
            changes.rows.append(row)
            published = PublishedTokens(tokens_hash(draft.digests), tokens.salt, tokens.counted)
            stub = _stub(draft.client, row, draft.name)
            changes.effects.append(Effect(stub, draft.digests, published))

    def _retire(
        self,
        page: Page,
        stubs: Mapping[int, PublishedStub],
        live: Iterable[int],
        changes: Changes,
    ) -> None:
        """Retire the stubs of the clients on a page who may no longer be published."""
        stay = set(live)
        for client in page.clients:
            old = stubs.get(client.id)
            if client.id in stay or old is None or old.retired or not old.revision:
                continue  # revision 0: a log's successor has never heard of it
            row = retired_row(old.stub_id, old.revision, self._membership.env.random(32))
            changes.rows.append(row)
            changes.retired += 1
            changes.effects.append(Effect(_stub(client, row, ""), {}, None))


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


def allowed(
    agreement: Agreement,
    findable: Mapping[str, str],
    involvements: Iterable[Involvement],
    now: int,
) -> list[_Shown]:
    """Those of a type and on a basis that the charter has, and the basis is in force: the one that
    makes the type always findable, if it is in `findable`; work that is over as long as the charter
    says, and not if it is sensitive. What goes on comes first, and no more than a stub takes.

    The same type of work with a mother and her unborn child is shown once.
    """
    items = sorted(
        involvements, key=lambda item: (item.is_over(now), item.for_unborn is not None, item.id)
    )
    types, charter = set[str](), agreement.charter
    shown = []
    for item in items:
        if item.for_unborn is not None and item.type in types:
            continue
        kind = agreement.kind(item.type)
        by_law = None if item.is_over(now) else findable.get(item.type)
        basis = charter.lawful_basis(by_law) if by_law else agreement.basis(item.permission_basis)
        if kind is None or basis is None or basis.in_force != "yes":
            continue
        until, consent = item.valid_until or 0, item.consent_date
        if by_law is not None:
            until, consent = WHILE_OPEN, None
        seen_after = 0 if kind.openness == "sensitive" else charter.past_seconds
        if item.ended_at is None or now < item.ended_at + seen_after:
            types.add(item.type)
            shown.append(_Shown(item, kind, basis, until, consent))
    return shown[:MOST_INVOLVEMENTS]


def _published(
    shown: _Shown,
    ids: Mapping[int, PublishedInvolvementId],
    shown_to: tuple[str, ...] | None,
) -> PublishedInvolvement:
    """An involvement as the hub is told of it."""
    item, known = shown.involvement, ids[shown.involvement.id]
    facts: canonical.JsonValue = {
        "basis": shown.basis.code,
        "consent_date": shown.consent_date,
    }
    return PublishedInvolvement(
        id=known.involvement_id,
        type=shown.kind.code,
        label=item.label if item.label in shown.kind.labels else shown.kind.labels[0],
        permission=Permission(
            basis_class=shown.basis.permission_class, valid_until=shown.valid_until
        ),
        active_until=item.ended_at,
        facts_commitment=commit(bytes.fromhex(known.salt), facts),
        shown_to=shown_to,
    )


def _all_of(digests: Digests) -> set[bytes]:
    return {item for items in digests.values() for item in items}


def _without(draft: Draft, barred: set[bytes]) -> Draft:
    """A draft without tokens that may not be published."""
    if not barred:
        return draft
    kept = {
        key: [digest for digest in digests if digest not in barred]
        for key, digests in draft.digests.items()
    }
    digests = {key: items for key, items in kept.items() if items}
    return Draft(draft.client, draft.involvements, digests)


def _stub(client: Client, row: StubRow, published_hash: str) -> PublishedStub:
    """What to remember of a stub once the hub has applied it."""
    return PublishedStub(client.id, row.stub_id, row.revision, published_hash, row.retired)
