"""Which clients need no drafting: all that their stubs are made of is as it was.

What is here of a client, of their work that may be published now and of what was agreed is read
each time; what a stub says of it costs by far the most, and follows from that alone, the charter in
our words, the places that many people share, and the recipes' version. It is compared by a digest
under the key of the token cache, so that a new key drafts everything anew.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from node.membership.hub import HubMembership
from node.publishing.tokens import TokenCache
from node.store.permissions import At
from node.store.stub_parts import StubParts
from node.store.tables import NodeTables
from protocol import canonical
from storage.plain import as_bytes

DRAFTING = 2
"""To be raised with every change of what a draft says of the same client under the same charter."""


@dataclass(frozen=True)
class Looked:
    """Of some clients how many are settled, and of how many nothing may be published nor is; the
    others (row ids), each with whether the hub has a stub of theirs.
    """

    settled: int
    without: int
    others: Mapping[int, bool]


class Settled:
    """Names what stubs at one hub are made of, under the charter in force."""

    def __init__(self, membership: HubMembership, cache: TokenCache) -> None:
        self._cache, self._hub_id = cache, membership.hub.hub_id
        self._past = membership.charter.past_seconds
        charter, shared = membership.charter.model_dump(mode="json"), membership.shared_places
        terms: canonical.JsonValue = [
            DRAFTING,
            self._hub_id,
            charter,
            membership.terms.model_dump(mode="json"),
            sorted(shared.postcodes),
            repr(shared.addresses),
        ]
        self._terms = cache.name(canonical.encode(terms))

    def look(self, tables: NodeTables, clients: Collection[int], now: int) -> Looked:
        """Who of these clients has to be drafted, as far as it can be told without that."""
        begin, settled, without, others = self._begin(tables), 0, 0, dict[int, bool]()
        for parts in self._parts(tables, clients, now):
            if parts.made_of is not None and parts.made_of == self._name(begin, parts):
                settled += 1
            elif parts.is_permitted or parts.is_live:
                others[parts.client] = parts.is_live
            else:
                without += 1
        return Looked(settled, without, others)

    def names(self, tables: NodeTables, clients: Collection[int], now: int) -> dict[int, bytes]:
        """Names for what the stubs of these clients are made of now."""
        begin = self._begin(tables)
        return {
            parts.client: self._name(begin, parts) for parts in self._parts(tables, clients, now)
        }

    def _parts(self, tables: NodeTables, clients: Collection[int], now: int) -> list[StubParts]:
        return tables.stub_parts.of(clients, At(self._hub_id, now, self._past))

    def _begin(self, tables: NodeTables) -> bytes:
        """What is the same for all: the terms, and what is always findable for now."""
        return self._terms + repr(sorted(tables.findable.of(self._hub_id).items())).encode()

    def _name(self, begin: bytes, parts: StubParts) -> bytes:
        return self._cache.name(begin + as_bytes(parts.here))
