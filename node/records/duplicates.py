"""Clients of this agency that look like one person twice (specs/06-requests.md §5).

Worked out here, from the match-key values of this node's own clients, with the charter's weights
and guard. Nothing of it is sent anywhere.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from node.membership.hub import HubMembership
from node.records.by_hand import whole_clients
from node.store.records import record_of
from node.store.tables import NodeTables
from protocol.matchkeys.recipes import match_keys
from protocol.matchkeys.score import Outcome, score_pair

Values = Mapping[str, list[bytes]]


@dataclass(frozen=True)
class Duplicate:
    """Two of our own clients who score as one person, and the key types that agree."""

    first: str
    second: str
    agreeing: tuple[str, ...]


def duplicates(tables: NodeTables, membership: HubMembership) -> list[Duplicate]:
    """Pairs that would be an automatic match if they stood in two agencies, by local id.

    Compares only clients who share a value; a value that very many share says nothing.
    """
    policy = membership.charter.policy
    values: dict[str, Values] = {}
    holders: dict[bytes, list[str]] = defaultdict(list)
    for client in whole_clients(tables):
        made = match_keys(record_of(client, membership.shared_places), policy.keys)
        keyed = {key: [_digest(key, item) for item in items] for key, items in made.items()}
        values[client.local_id] = keyed
        for digest in {item for items in keyed.values() for item in items}:
            holders[digest].append(client.local_id)
    shared = (sorted(ids) for ids in holders.values() if 1 < len(ids) <= policy.stop_token_records)
    pairs = {pair for ids in shared for pair in combinations(ids, 2)}
    found = []
    for first, second in sorted(pairs):
        score = score_pair(policy, values[first], values[second])
        if score.outcome is Outcome.MATCH:
            found.append(Duplicate(first, second, score.agree))
    return found


def _digest(key_id: str, value: str) -> bytes:
    """Sixteen bytes in place of a value: a whole agency's values need not stay in memory."""
    data = f"{key_id}|{value}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).digest()[:16]
