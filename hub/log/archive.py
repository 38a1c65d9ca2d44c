"""The archive of notes: what was published, and lines that came late (specs/05-log.md §13).

Auditors bound times by it and see which witness was away. It is public, and trusted with nothing:
every line in it is verified by whoever reads it.
"""

from collections.abc import Sequence

from hub.store.tables import HubTables
from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.log.checkpoint import merge_cosignatures, parse_checkpoint
from protocol.log.note import Note, VerifierKey

PAGE = 500


def archive_published(tables: HubTables, size: int, note: bytes, *, quorum: bool) -> None:
    """Keep a note that is about to be published, as the head, in the archive, and, with a
    quorum, as the one under which proofs are given.

    Raises RemoteError(CONFLICT) if another writer moved the head.
    """
    tables.move_head(size, size, note)
    _keep(tables, size, note)
    if quorum:
        tables.set_witnessed(size, note)


def archive_late(tables: HubTables, late: Note, keys: Sequence[VerifierKey]) -> tuple[int, bytes]:
    """Keep lines over an earlier checkpoint beside those that it has; its size and note.

    Raises RemoteError(NOT_FOUND) unless this log published that checkpoint.
    """
    _, checkpoint = parse_checkpoint(late.encode())
    row = tables.tx.one(_NEWEST, checkpoint.size)
    held = parse_checkpoint(row["note"])[0] if row else None
    if held is None or held.text != late.text:
        raise RemoteError(ErrorCode.NOT_FOUND, "this log published no such checkpoint")
    merged = merge_cosignatures(held, late.signatures, keys).encode()
    _keep(tables, checkpoint.size, merged)
    return checkpoint.size, merged


def page_of_notes(tables: HubTables, after: int) -> bytes:
    """Canonical JSON of the notes with a number above `after`, at most PAGE."""
    rows = tables.tx.rows(
        "SELECT seq, note FROM note WHERE seq > ? ORDER BY seq LIMIT ?", after, PAGE
    )
    notes = [{"note": row["note"].decode(), "seq": row["seq"]} for row in rows]
    return canonical.encode({"notes": notes})


def _keep(tables: HubTables, size: int, note: bytes) -> None:
    row = tables.tx.one(_NEWEST, size)
    if row is None or row["note"] != note:
        tables.tx.run("INSERT INTO note (size, note) VALUES (?, ?)", size, note)


_NEWEST = "SELECT note FROM note WHERE size = ? ORDER BY seq DESC LIMIT 1"
