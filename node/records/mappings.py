"""Saved mappings: called otherwise, with the feed that each is."""

from dataclasses import replace

from node.records.importer.mapping import dump_mapping, load_mapping
from node.store.tables import NodeTables
from node.store.uploads import OVER, SavedMapping
from protocol.contact import read_name
from protocol.errors import ErrorCode, LocalError


def rename(tables: NodeTables, saved: SavedMapping, name: str) -> None:
    """Let a mapping have another name, and all that its feed ever said stand under it: the next
    file of it is known again. Raises LocalError: MALFORMED for no name, CONFLICT for one that is
    taken, NOT_READY while a file that was brought with it is not done with.
    """
    new = read_name(name)
    if new is None:
        raise LocalError(ErrorCode.MALFORMED, "a name has at most 80 plain characters")
    taken = {one.name for one in tables.uploads.mappings()}
    if new in taken | {feed.title for feed in tables.imports.feeds()}:
        raise LocalError(ErrorCode.CONFLICT, "another kind of file has that name")
    waiting = (one for one in tables.uploads.all() if one.mapping and one.state not in OVER)
    if any(load_mapping(one.mapping).title == saved.name for one in waiting):
        raise LocalError(ErrorCode.NOT_READY, "a file that was brought with it waits: finish that")
    mapping = replace(load_mapping(saved.mapping), title=new)
    tables.uploads.drop_mapping(saved.name)
    tables.uploads.save_mapping(SavedMapping(new, dump_mapping(mapping), saved.at))
    tables.imports.rename(saved.name, new)
