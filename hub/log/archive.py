"""The archive of notes: what was published, and lines that came late (specs/05-log.md §13).

Auditors bound times by it and see which witness was away. It is public, and trusted with nothing:
every line in it is verified by whoever reads it.
"""

from collections.abc import Sequence

from hub.store.checkpoints import SizedNote
from hub.store.tables import HubTables
from protocol import canonical
from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, RemoteError
from protocol.log.checkpoint import merge_cosignatures, parse_checkpoint
from protocol.log.note import Note, VerifierKey

PAGE = 500


def archive_published(tables: HubTables, size: int, note: bytes, *, quorum: bool) -> None:
    """Keep a note that is about to be published, as the head, in the archive, and, with a
    quorum, as the one under which proofs are given.

    Raises RemoteError(CONFLICT) if another writer moved the head.
    """
    tables.checkpoints.move_head(size, size, note)
    tables.checkpoints.archive(size, note)
    if quorum:
        tables.checkpoints.set_witnessed(size, note)


def archive_late(tables: HubTables, late: Note, keys: Sequence[VerifierKey]) -> SizedNote:
    """Keep lines over an earlier checkpoint beside those that it has; what it has now.

    One line of each witness, its first: so each adds to the archive once a checkpoint.
    Raises RemoteError(NOT_FOUND) unless this log published that checkpoint.
    """
    size = parse_checkpoint(late.encode())[1].size
    newest = tables.checkpoints.newest_of(size)
    held = parse_checkpoint(newest)[0] if newest is not None else None
    if held is None or held.text != late.text:
        raise RemoteError(ErrorCode.NOT_FOUND, "this log published no such checkpoint")
    there = {(line.name, line.key_id) for line in held.signatures}
    new = tuple(line for line in late.signatures if (line.name, line.key_id) not in there)
    merged = merge_cosignatures(held, new, keys).encode()
    tables.checkpoints.archive(size, merged)
    return SizedNote(size, merged)


def page_of_notes(tables: HubTables, after: int) -> bytes:
    """Canonical JSON of the notes with a number above `after`, at most PAGE."""
    found = tables.checkpoints.archived(after, PAGE)
    notes: list[JsonValue] = [{"note": item.note.decode(), "seq": item.number} for item in found]
    return canonical.encode({"notes": notes})
