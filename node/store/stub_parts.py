"""The store of what stubs are made of: all that is here of a client and may change what a hub is
told. Nothing here decides.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple

from node.store.permissions import At, publishable
from node.store.records import RECORD_FIELDS
from storage.engine import Transaction

_OF_CLIENT = (
    f"SELECT c.id, {', '.join(f'c.{name}' for name in RECORD_FIELDS)}, "  # noqa: S608 - our names
    "COALESCE(s.retired = 0, 1 = 0), CASE WHEN s.revision > 0 AND s.published_hash <> '' "
    "AND s.retired = 0 THEN s.made_of END "
    "FROM client c LEFT JOIN stub s ON s.hub_id = ? AND s.client = c.id WHERE c.id IN (:among)"
)
# Of times what has come by now, so that a name of all this changes when it comes.
_OF_WORK = (
    "SELECT i.client, i.id, i.type, i.label, i.permission_basis, i.valid_until, i.consent_date, "
    "i.ended_at, i.ended_at <= ?, i.ended_at + ? <= ?, i.for_unborn, k.involvement_id "
    "FROM involvement i LEFT JOIN stub_involvement k ON k.hub_id = ? AND k.involvement = i.id "
    "WHERE {} AND i.client IN (:among) ORDER BY i.id"
)
_AGREED = (
    "SELECT i.client, c.* FROM involvement i JOIN consent c ON c.involvement = i.id "
    "WHERE i.client IN (:among) ORDER BY c.id"
)


class StubParts(NamedTuple):
    """What a client's stub is made of at a hub: rows of who they are, of their work that may be
    published, of what was agreed. `is_live`: the hub has a stub of theirs that is not retired;
    `made_of`: a name for what that was made of, if it is settled (node/publishing/settled.py).
    """

    client: int
    here: tuple[Any, ...]
    is_permitted: bool
    is_live: bool
    made_of: bytes | None


class StubPartsStore:
    """What stubs are made of, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def of(self, clients: Collection[int], at: At) -> list[StubParts]:
        """Of these clients (row ids), of all who are here."""
        tx, may = self._tx, publishable(at)
        works, agreed = defaultdict[int, list[object]](list), defaultdict[int, list[object]](list)
        values = (at.now, at.past, at.now, at.hub_id, *may.values)
        for row in tx.tuples_among(_OF_WORK.format(may.sql), *values, among=clients):
            works[row[0]].append(row)
        for row in tx.tuples_among(_AGREED, among=clients):
            agreed[row[0]].append(row)
        return [
            StubParts(
                row[0], (row[:-2], works.get(row[0]), agreed.get(row[0])),
                row[0] in works, bool(row[-2]), row[-1],
            )
            for row in tx.tuples_among(_OF_CLIENT, at.hub_id, among=clients)
        ]  # fmt: skip
