"""What a fault of this program kept from being done: kept here, to be tried again.

A fault is told by its type and its place in our code; never by what it said, which may be of a
client.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from storage.engine import Row, Transaction


class Kind(StrEnum):
    """What was set aside: a message to us, a statement of ours, an entry that was looked for, a
    card or an identity check that is to leave, or a loop of the service.
    """

    MESSAGE = "message"
    STATEMENT = "statement"
    ENTRY = "entry"
    CARD = "card"
    CHECK = "check"
    LOOP = "loop"


@dataclass(frozen=True)
class Fault:
    """An unforeseen error: its type, and the innermost line of our own code that it came from."""

    error: str
    place: str


@dataclass(frozen=True)
class Item:
    """What was to be done: an id or an index of its kind, and a message as it came."""

    hub_id: str
    what: Kind
    item: str
    delivery: bytes | None = None


@dataclass(frozen=True)
class SetAside:
    """Something that was set aside, when that was first so, and the last fault."""

    id: int
    item: Item
    first_seen: int
    fault: Fault


class SetAsideStore:
    """What was set aside, by its hub, its kind and its own id."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put(self, item: Item, fault: Fault, now: int) -> None:
        """Set something aside. Once more: the fault is the last one, the time the first."""
        self._tx.run(
            "INSERT INTO set_aside (hub_id, what, item, delivery, first_seen, error, place) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hub_id, what, item) "
            "DO UPDATE SET error = excluded.error, place = excluded.place",
            item.hub_id, item.what.value, item.item, item.delivery, now, fault.error, fault.place,
        )  # fmt: skip

    def all(self, hub_id: str) -> list[SetAside]:
        """Everything that was set aside at a hub, in the order in which it came."""
        sql = "SELECT * FROM set_aside WHERE hub_id = ? ORDER BY id"
        return [_set_aside(row) for row in self._tx.rows(sql, hub_id)]

    def items(self, hub_id: str, what: Kind) -> set[str]:
        """The ids of what was set aside of a kind."""
        sql = "SELECT item FROM set_aside WHERE hub_id = ? AND what = ?"
        return {str(row["item"]) for row in self._tx.rows(sql, hub_id, what.value)}

    def remove(self, hub_id: str, what: Kind, items: Collection[str]) -> int:
        """These are done, or are to be tried again; how many there were."""
        sql = "DELETE FROM set_aside WHERE hub_id = ? AND what = ? AND item IN (:among)"
        return self._tx.run_among(sql, hub_id, what.value, among=items)


def _set_aside(row: Row) -> SetAside:
    item = Item(row["hub_id"], Kind(row["what"]), row["item"], row["delivery"])
    return SetAside(row["id"], item, row["first_seen"], Fault(row["error"], row["place"]))
