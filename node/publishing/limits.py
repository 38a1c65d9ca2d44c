"""The charter's limits on publications, counted here first: specs/04-matching.md §10.

The node holds back what the hub would refuse, so that honest data passes and nothing is lost: what
is held stays in the agency's own data and goes when there is room. The hub counts again.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from node.membership.hub import HubMembership
from node.store.limits import LastTokens
from node.store.publications import Effect
from node.store.stubs import Digests, PublishedStub
from node.store.tables import NodeTables
from protocol import canonical
from protocol.counted import counted
from protocol.governance.charter import Charter
from protocol.governance.limits import DAY, may_change, room_for_new, same_token_terms
from protocol.messages.statement import Preamble


@dataclass(frozen=True)
class TokenSet:
    """The tokens a stub may publish now, by the digests of their inputs, and their salt.

    `counted` when the hub will count a change of tokens; `held` when newer ones must wait.
    """

    digests: Digests
    salt: str
    counted: bool = False
    held: bool = False


def encoded(digests: Digests) -> bytes:
    """A set of tokens in canonical form."""
    return canonical.encode(
        {key: [digest.hex() for digest in items] for key, items in digests.items()}
    )


def tokens_hash(digests: Digests) -> str:
    """A name for a set of tokens, to know it again."""
    return hashlib.sha256(encoded(digests)).hexdigest()


class Limits:
    """The limits of one hub's charter on this agency, within one transaction."""

    def __init__(self, membership: HubMembership, tables: NodeTables, now: int) -> None:
        self._membership = membership
        self._hub_id = membership.hub.hub_id
        self._tables = tables
        self._now = now

    def room(self) -> int:
        """How many new stubs may still be published today."""
        counts = self._tables.publication_counts.new_stubs(self._hub_id)
        clients = self._membership.directory.clients_of(self._membership.hub.party_id)
        quotas = self._membership.charter.quotas
        return room_for_new(quotas, clients, counts, self._now // DAY)

    def overshared_tokens(
        self, digests: Mapping[int, Collection[bytes]], stubs: Mapping[int, PublishedStub]
    ) -> dict[int, set[bytes]]:
        """For each client its digests that may not be published: they are in too many stubs.

        Those who have such a token at the hub keep it, if there is room without the others.
        `digests` are the wanted ones of the clients on a page, `stubs` the ones they have.
        """
        most = self._membership.charter.quotas.stubs_per_token
        wanted: dict[bytes, set[str | int]] = {}
        for client, items in digests.items():
            holder = stubs[client].stub_id if client in stubs else client
            for digest in items:
                wanted.setdefault(digest, set()).add(holder)
        live = self._tables.stubs.holders(self._hub_id, wanted)
        former = self._tables.publication_counts.former_holders(self._hub_id, wanted, self._now)
        barred: dict[str | int, set[bytes]] = {}
        for digest, holders in wanted.items():
            if len(holders) <= most and digest not in live and digest not in former:
                continue  # most tokens are of one person, who is new
            have, had = live.get(digest, set()), former.get(digest, set())
            if len(holders | have | had) <= most:
                continue
            keep = have if len(have | had) <= most else set()
            for holder in holders - keep:
                barred.setdefault(holder, set()).add(digest)
        clients = {stub.stub_id: client for client, stub in stubs.items()}
        return {
            clients[holder] if isinstance(holder, str) else holder: items
            for holder, items in barred.items()
        }

    def token_sets(self, wanted: Mapping[str, Digests]) -> dict[str, TokenSet]:
        """What stubs that the hub knows may publish of the wanted tokens, by stub id."""
        counts, charter = self._tables.publication_counts, self._membership.charter
        last = counts.last_tokens(self._hub_id, wanted)
        changes = counts.changes(self._hub_id, wanted)
        allowed: dict[str, TokenSet] = {}
        held = []
        for stub_id, digests in wanted.items():
            before = last.get(stub_id)
            if before is not None and before.tokens_hash == tokens_hash(digests):
                allowed[stub_id] = TokenSet(digests, before.salt)
                continue
            counted = same_token_terms(self._terms(before), charter)
            if not counted or may_change(charter.quotas, changes.get(stub_id, ()), self._now):
                salt = self._membership.env.random(32).hex()
                allowed[stub_id] = TokenSet(digests, salt, counted=counted)
            else:
                held.append(stub_id)
        published = self._tables.stubs.all_digests(self._hub_id, held)
        for stub_id in held:
            salt = last[stub_id].salt if stub_id in last else ""
            allowed[stub_id] = TokenSet(published.get(stub_id, {}), salt, held=True)
        return allowed

    def _terms(self, last: LastTokens | None) -> Charter | None:
        """The charter under which a stub's tokens were published last."""
        if last is None:
            return None
        return self._membership.directory.charter_of(last.charter_version)


def count_applied(
    tables: NodeTables, hub_id: str, effects: Sequence[Effect], signed: Preamble
) -> None:
    """Count what the hub has applied. Call before the published tokens are replaced.

    What the hub counts by is when the publication was signed, and under which charter.
    """
    counts, iat = tables.publication_counts, signed.iat
    counts.give_up(hub_id, [effect.stub.stub_id for effect in effects], iat)
    if new := sum(effect.stub.revision == 1 for effect in effects):
        counts.add_new_stubs(hub_id, iat // DAY, new)
    published = [(item.stub.stub_id, item.tokens) for item in effects if item.tokens is not None]
    counts.put_last_tokens(
        hub_id,
        [
            LastTokens(stub_id, tokens.tokens_hash, tokens.salt, signed.charter_version)
            for stub_id, tokens in published
        ],
    )
    counts.add_changes(hub_id, [stub_id for stub_id, tokens in published if tokens.counted], iat)


def waiting_words(held: Sequence[str]) -> str:
    """What to tell the agency's people of records that a limit holds back."""
    return (
        f"Waiting here: {counted(len(held), 'record')}, changed too often in 30 days or beyond "
        "what one day may have of new ones. Nothing is lost; publish again tomorrow. If you did "
        "not expect this, somebody may be trying out addresses: check who changed what."
    )
