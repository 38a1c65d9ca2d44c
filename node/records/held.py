"""Saying who a held client is: somebody known under another id, or a client of their own.

specs/09-imports.md §5.
"""

from node.store.held import Held
from node.store.people import Act, Deed
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError


def say_same(tables: NodeTables, local_id: str, act: tuple[int, int]) -> None:
    """The held client is the one known: a withdrawal holds, and the id is another of theirs. One
    that was published already keeps its id, and is withdrawn, so that the hub hears of it; so does
    one who agreed to something or whom others were merged into, and one who is somebody whose
    record is deleted.

    `act`: who says so (a row id), and when. What the row said of them counts from the next import.
    Raises LocalError.
    """
    held = _held(tables, local_id)
    other = tables.merges.whole_of(held.other) if held.other is not None else None
    known = tables.stubs.has(held.client) or tables.held.has_more(held.client)
    if other is not None and not known:
        tables.held.merge(held.client, other, local_id)
    else:
        tables.records.withdraw(held.client, act[1])
        if other is not None:
            tables.withheld.copy([(other, held.client)], act[1])
        tables.held.release(held.client)
    tables.people.acted(Act(act[0], Deed.SAID_SAME_CLIENT, local_id, act[1]))


def say_another(tables: NodeTables, local_id: str, act: tuple[int, int]) -> None:
    """The held client is somebody else, and is published like any other. Raises LocalError."""
    held = _held(tables, local_id)
    tables.held.release(held.client)
    tables.people.acted(Act(act[0], Deed.SAID_ANOTHER_CLIENT, local_id, act[1]))


def _held(tables: NodeTables, local_id: str) -> Held:
    client = tables.records.client(local_id)
    held = tables.held.of(client.id) if client else None
    if held is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client of that id is held: patchwork-node held")
    return held
