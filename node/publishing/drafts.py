"""What is to be published: stub rows and tokens of a page of clients (specs/04-matching.md).

Works within one transaction of the node's database and sends nothing. Match-key values stay here;
what comes out is token inputs for the OPRF and rows without client data.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from node.membership.hub import HubMembership
from node.publishing.limits import Digests, Limits, TokenSet, tokens_hash
from node.publishing.tokens import TokenCache
from node.store.tables import NodeTables, record_of
from protocol import canonical
from protocol.commitments import commit
from protocol.fields import to_base64
from protocol.governance.charter import Charter
from protocol.matchkeys.recipes import match_keys, names_somebody
from protocol.messages.bodies import Permission, PublishedInvolvement, StubRow, StubTokens
from protocol.tokens import token_input
from storage.engine import Row


@dataclass(frozen=True)
class Span:
    """The next `size` clients after a row id; only those with a stub at the hub, if `known`."""

    after: int
    size: int
    known: bool = False

    def clients(self, tables: NodeTables, hub_id: str) -> list[Row]:
        """The clients, in the order of their row ids."""
        sql = (
            "SELECT * FROM client WHERE id > ? AND (? = 0 OR id IN (SELECT client FROM stub "
            "WHERE hub_id = ? AND retired = 0)) ORDER BY id LIMIT ?"
        )
        return tables.tx.rows(sql, self.after, int(self.known), hub_id, self.size)


@dataclass(frozen=True)
class Draft:
    """A client that may be published: its involvements and the digests of its token inputs."""

    client: Row
    involvements: Sequence[PublishedInvolvement]
    digests: Digests


@dataclass
class Page:
    """A page of clients: drafts, those that may not or cannot be published, inputs to evaluate."""

    last: int = 0
    clients: list[Row] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    without_permission: int = 0
    insufficient_identifiers: list[str] = field(default_factory=list)
    inputs: dict[bytes, bytes] = field(default_factory=dict)


@dataclass
class Changes:
    """What changed on a page: rows and tokens to send, and the effects once they are applied."""

    rows: list[StubRow] = field(default_factory=list)
    tokens: list[StubTokens] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)
    retired: int = 0
    room: int = 0
    insufficient_identifiers: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


class Drafter:
    """Drafts pages of clients for one hub."""

    def __init__(self, membership: HubMembership, cache: TokenCache) -> None:
        self._membership = membership
        self._cache = cache

    def page(self, tables: NodeTables, span: Span, now: int) -> Page:
        """Draft the clients of a span."""
        charter, page = self._membership.charter, Page(last=span.after)
        for client in span.clients(tables, self._membership.hub.hub_id):
            page.last = client["id"]
            page.clients.append(client)
            involvements = self._involvements(tables, client, now)
            if not involvements:
                page.without_permission += 1
                continue
            wanted = self._inputs(charter, client)
            if not names_somebody(wanted):
                page.insufficient_identifiers.append(client["local_id"])
                continue
            digests = {}
            for key, values in wanted.items():
                digests[key] = [self._cache.digest(value) for value in values]
                page.inputs.update(zip(digests[key], values, strict=True))
            page.drafts.append(Draft(client, involvements, digests))
        for digest in self._cache.known(tables, page.inputs):
            del page.inputs[digest]
        return page

    def changes(self, tables: NodeTables, page: Page, now: int) -> Changes:
        """Rows and tokens of the stubs on a page that differ from what was published."""
        changes = Changes()
        limits = Limits(self._membership, tables, now)
        changes.room = limits.room()
        overshared_tokens = limits.overshared_tokens(
            (draft.client["id"], {item for items in draft.digests.values() for item in items})
            for draft in page.drafts
        )
        live: set[int] = set()
        for draft in page.drafts:
            own = overshared_tokens.get(draft.client["id"], set())
            kept = {
                key: [digest for digest in digests if digest not in own]
                for key, digests in draft.digests.items()
            }
            kept = {key: digests for key, digests in kept.items() if digests}
            if not names_somebody(kept):
                # Several records of one person here: what is left cannot be published.
                changes.insufficient_identifiers.append(draft.client["local_id"])
                continue
            live.add(draft.client["id"])
            self._changed(tables, limits, Draft(draft.client, draft.involvements, kept), changes)
        for client in page.clients:
            if client["id"] not in live:
                self._retire(tables, client, changes)
        return changes

    def endings(self, tables: NodeTables, page: Page, now: int) -> Changes:
        """Only what ends: the stubs of the clients on a page who may no longer be published."""
        changes = Changes()
        for client in page.clients:
            if not self._involvements(tables, client, now):
                self._retire(tables, client, changes)
        return changes

    def _inputs(self, charter: Charter, client: Row) -> dict[str, list[bytes]]:
        """OPRF inputs by match key, never more of a type than the charter's cap."""
        policy, epoch = charter.policy, charter.token_key.epoch
        keys = match_keys(record_of(client, self._membership.shared_postcodes), policy.keys)
        return {
            key: [
                token_input(charter.charter_id, epoch, key, value)
                for value in values[: policy.keys[key].cap]
            ]
            for key, values in keys.items()
        }

    def _involvements(
        self, tables: NodeTables, client: Row, now: int
    ) -> list[PublishedInvolvement]:
        membership, charter = self._membership, self._membership.charter
        random = membership.env.random
        result = []
        seen: set[str] = set()
        for row in tables.in_force(client["id"], now):
            if row["type"] in seen:
                continue  # the same work with a mother and her unborn child is shown once
            seen.add(row["type"])
            kind = charter.involvement_type(row["type"])
            basis = charter.lawful_basis(row["permission_basis"])
            if kind is None or basis is None or basis.in_force != "yes":
                continue
            known = tables.involvement_id(
                membership.hub.hub_id, row["id"], random(16).hex(), random(32).hex()
            )
            facts: canonical.JsonValue = {
                "basis": row["permission_basis"],
                "consent_date": row["consent_date"],
            }
            result.append(
                PublishedInvolvement(
                    id=known["involvement_id"],
                    type=row["type"],
                    label=row["label"] if row["label"] in kind.labels else kind.labels[0],
                    permission=Permission(
                        basis_class=basis.permission_class, valid_until=row["valid_until"]
                    ),
                    active_until=None,
                    facts_commitment=commit(bytes.fromhex(known["salt"]), facts),
                )
            )
        return result

    def _changed(self, tables: NodeTables, limits: Limits, draft: Draft, changes: Changes) -> None:
        """Add one stub's row and tokens if it changed, as far as the charter's limits let it."""
        membership = self._membership
        old = tables.stub_of(membership.hub.hub_id, draft.client["id"])
        if old is not None and old["published_hash"] == _published_hash(draft):
            return
        tokens = (
            limits.token_set(old, draft.digests)
            if old and old["revision"]
            else self._first(draft, changes)
        )
        if tokens.held:
            changes.held.append(draft.client["local_id"])
            draft = Draft(draft.client, draft.involvements, tokens.digests)
            if not tokens.digests or (old and old["published_hash"] == _published_hash(draft)):
                return
        stub_id = old["stub_id"] if old else membership.env.new_id()
        texts = {
            key: [to_base64(self._cache.get(tables, digest).token) for digest in items]
            for key, items in draft.digests.items()
        }
        changes.tokens.append(StubTokens(stub_id=stub_id, salt=tokens.salt, tokens=texts))
        token_value: canonical.JsonValue = {"stub_id": stub_id, "tokens": texts}
        row = StubRow(
            stub_id=stub_id,
            revision=old["revision"] + 1 if old else 1,
            retired=False,
            involvements=list(draft.involvements),
            token_commitment=commit(bytes.fromhex(tokens.salt), token_value),
        )
        changes.rows.append(row)
        changes.effects.append(
            {
                **_effect(draft.client, row, _published_hash(draft), draft.digests),
                "tokens_hash": tokens_hash(draft.digests),
                "salt": tokens.salt,
                "counted": tokens.counted,
            }
        )

    def _first(self, draft: Draft, changes: Changes) -> TokenSet:
        """The tokens of a stub that the hub does not know, if there is room for it today."""
        if changes.room <= 0:
            return TokenSet({}, "", held=True)
        changes.room -= 1
        return TokenSet(draft.digests, self._membership.env.random(32).hex())

    def _retire(self, tables: NodeTables, client: Row, changes: Changes) -> None:
        """Retire the stub of a client who may no longer be published, if there is one."""
        old = tables.stub_of(self._membership.hub.hub_id, client["id"])
        if old is None or old["retired"] or not old["revision"]:
            return  # revision 0: a log's successor has never heard of it
        salt = self._membership.env.random(32)
        value: canonical.JsonValue = {"stub_id": old["stub_id"], "tokens": {}}
        row = StubRow(
            stub_id=old["stub_id"],
            revision=old["revision"] + 1,
            retired=True,
            involvements=[],
            token_commitment=commit(salt, value),
        )
        changes.rows.append(row)
        changes.retired += 1
        changes.effects.append(_effect(client, row, "", {}))


def _published_hash(draft: Draft) -> str:
    """A name for all that a stub says, to know whether anything changed."""
    said: canonical.JsonValue = {
        "involvements": [item.model_dump(mode="json") for item in draft.involvements],
        "tokens": {key: [item.hex() for item in items] for key, items in draft.digests.items()},
    }
    return hashlib.sha256(canonical.encode(said)).hexdigest()


def _effect(client: Row, row: StubRow, published_hash: str, digests: Digests) -> dict[str, Any]:
    """What to remember of a stub once the hub has applied it."""
    return {
        "client": client["id"],
        "stub_id": row.stub_id,
        "revision": row.revision,
        "published_hash": published_hash,
        "retired": int(row.retired),
        "digests": {key: [digest.hex() for digest in items] for key, items in digests.items()},
        "tokens_hash": None,
    }
