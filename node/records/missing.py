"""Work that a file has no longer, where it has everything of a service: specs/09-imports.md §8.

It is closed. Before that a person is asked where much is missing, where work is missing that is
always findable, and where rows could not be read that may be the missing ones.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from node.records.importer.look import Doubt, FileWarning
from node.records.importer.rows import RowError
from node.records.workload import Terms
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


def close_missing(
    tables: NodeTables,
    feed: Feed,
    terms: Terms,
    before: int,
    errors: Sequence[RowError],
) -> tuple[list[FileWarning], list[tuple[str, str]]]:
    """Close what is missing: what a person must look at first, and what was closed, by local id and
    type.

    `before`: how much there was; nothing of a client is closed of whom a line was left out.
    """
    missing = tables.records.missing(feed.everything_of, terms.import_id, terms.now)
    if not missing:
        return [], []
    ids = {
        client.id: client.local_id
        for client in tables.records.clients_by_row({item.client for item in missing})
    }
    named = {error.local_id for error in errors if error.local_id}
    left_out = named | set(tables.held.own_ids(named).values())
    due = [item for item in missing if ids[item.client] not in left_out]
    ended = [replace(item, ended_at=terms.now, ended_by=EndedBy.FEED) for item in due]
    tables.records.set_involvements(ended)
    doubts = []
    if len(due) * MANY_OF > before:
        doubts.append(FileWarning(Doubt.MANY_MISSING, (), count=len(due)))
    if findable := sum(item.type in feed.findable for item in due):
        doubts.append(FileWarning(Doubt.FINDABLE_MISSING, (), count=findable))
    unread = tuple(sorted({error.line for error in errors if error.local_id is None}))
    if due and unread:
        doubts.append(FileWarning(Doubt.UNREAD_MISSING, unread, count=len(due)))
    return doubts, [(ids[item.client], item.type) for item in due]
