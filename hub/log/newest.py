"""A hub that came back from a backup signs only if nobody has seen more: specs/05-log.md §17.

Any quorum of witnesses shares one with those that are asked here, so a checkpoint that a quorum has
signed since the backup cannot be overlooked.
"""

import asyncio
import hashlib
from collections.abc import Mapping

from hub.store.checkpoints import SizedNote
from hub.store.tables import HubEngine, HubTables
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import Charter
from protocol.governance.follow import log_key, witness_keys
from protocol.log.checkpoint import parse_checkpoint, verify_cosigners, verify_log_signature
from protocol.log.note import Note
from transport.client import HttpClient

SUCCEED = (
    "This log must not be continued from here: begin a new one with patchwork-hub succeed, and "
    "--from this folder (docs/operate/disk-lost.md)"
)


async def check_newest(engine: HubEngine, urls: Mapping[str, str], http: HttpClient) -> None:
    """Ask the witnesses, if this hub came back from a backup. Raises LocalError: STORAGE if one has
    seen more, NOT_READY while too few have answered.
    """

    def state(tables: HubTables) -> tuple[Charter, SizedNote] | None:
        if not tables.checkpoints.has_come_back():
            return None
        return tables.directory.current().charter, tables.checkpoints.head()

    came_back = await engine.read(state)
    if came_back is None:
        return
    charter, head = came_back
    names = [witness.name for witness in charter.witnesses if witness.name in urls]
    shown = await asyncio.gather(*(_shown(http, urls[name], name, charter) for name in names))
    for name, note in zip(names, shown, strict=True):
        if note is not None:
            _check_not_ahead(name, note, head)
    need = len(charter.witnesses) - charter.quorum + 1
    answered = sum(note is not None for note in shown)
    if answered < need:
        raise LocalError(
            ErrorCode.NOT_READY,
            "this hub came back from a backup, and what was signed last was shown by "
            f"{counted(answered, 'witness')}; it takes {need}. Start it again when they answer, "
            "with their addresses in hub.toml",
        )
    await engine.write(lambda tables: tables.checkpoints.is_newest())


def _check_not_ahead(name: str, note: Note, head: SizedNote) -> None:
    held, text = parse_checkpoint(note.encode())[1], parse_checkpoint(head.note)[0].text
    if held.size > head.size:
        raise LocalError(
            ErrorCode.STORAGE,
            f"{name} has signed {held.size} entries, this backup holds {head.size}. {SUCCEED}",
        )
    if held.size == head.size and note.text != text:
        raise LocalError(ErrorCode.STORAGE, f"{name} has signed another log. {SUCCEED}")


async def _shown(http: HttpClient, url: str, name: str, charter: Charter) -> Note | None:
    """The last checkpoint of this log that a witness has signed, or None if it does not say."""
    origin = hashlib.sha256(charter.log.origin.encode()).hexdigest()
    keys = tuple(key for key in witness_keys(charter) if key.name == name)
    try:
        status, data = await http.exchange(f"{url}/{origin}/checkpoint", None)
        if status != 200:
            return None
        note, checkpoint = parse_checkpoint(data)
        verify_log_signature(note, checkpoint, log_key(charter))
        return note if verify_cosigners(note, keys) else None
    except RemoteError:
        return None
