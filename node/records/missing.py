"""Work that a file has no longer, where it has everything of a service: specs/09-imports.md §8.

It is closed. Before that a person is asked where much is missing, where work is missing that is
always findable, and where rows could not be read that may be the missing ones.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from node.records.importer.look import Doubt, FileWarning
from node.records.importer.rows import RowError
from node.store.records import EndedBy
from node.store.tables import NodeTables

MANY_OF = 10
"""More than one in so many missing is asked about."""


@dataclass(frozen=True)
class Feed:
    """Where a file comes from (the title of its mapping), and the types of involvement of which it
    has everything; `findable`: the types that a charter makes always findable, `by_law`: those of
    them that have a lawful basis for it.
    """

    title: str = ""
    everything_of: Collection[str] = ()
    findable: Collection[str] = ()
    by_law: Collection[str] = ()


class Missing:
    """What a file has not of what feeds brought. `ids`: the work that is to be closed, and `named`:
    by its client's own id and its type; known once `warnings` was asked.
    """

    def __init__(self, tables: NodeTables, feed: Feed, now: int) -> None:
        self._tables, self._feed = tables, feed
        brought = tables.records.brought(feed.everything_of, now) if feed.everything_of else []
        self._before, self._left = len(brought), set(brought)
        self.ids: list[int] = []
        self.named: list[tuple[str, str]] = []

    def saw(self, involvements: Iterable[int]) -> None:
        """The file has this work, or it is gone for another reason."""
        self._left.difference_update(involvements)

    def warnings(self, errors: Sequence[RowError], plainly: Mapping[str, str]) -> list[FileWarning]:
        """What a person must look at first, once the file was gone through; nothing of a client is
        closed of whom a line was left out. `plainly`: the own ids of clients whom the file names in
        another way.
        """
        missing = self._tables.records.by_row(self._left).values()
        ids = {
            client.id: client.local_id
            for client in self._tables.records.clients_by_row({item.client for item in missing})
        }
        named = {plainly.get(one, one) for error in errors if (one := error.local_id)}
        left_out = named | set(self._tables.held.own_ids(named).values())
        due = [item for item in missing if ids[item.client] not in left_out]
        self.ids = [item.id for item in due]
        self.named = [(ids[item.client], item.type) for item in due]
        doubts = []
        if len(due) * MANY_OF > self._before:
            doubts.append(FileWarning(Doubt.MANY_MISSING, (), count=len(due)))
        if findable := sum(item.type in self._feed.findable for item in due):
            doubts.append(FileWarning(Doubt.FINDABLE_MISSING, (), count=findable))
        unread = tuple(sorted({error.line for error in errors if error.local_id is None}))
        if due and unread:
            doubts.append(FileWarning(Doubt.UNREAD_MISSING, unread, count=len(due)))
        return doubts


def close(tables: NodeTables, involvements: Sequence[int], now: int) -> None:
    """Close what is missing, where nobody has ended or taken it over meanwhile."""
    records, import_id = tables.records, tables.imports.under_way()
    records.set_involvements(
        replace(item, ended_at=now, ended_by=EndedBy.FEED)
        for item in records.by_row(involvements).values()
        if item.import_id not in (None, import_id) and not item.is_over(now)
    )
