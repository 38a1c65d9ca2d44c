"""Fetch the hub's archive of notes into a case: specs/08-audit.md §1, specs/05-log.md §13.

One file a note, named by its number, so that an interrupted fetch goes on after the last. Nothing
is judged here (audit/rules/times.py does), but a hub cannot fill the disk or make this go on for
ever.
"""

import asyncio
from pathlib import Path

from audit.case.files import write_file
from audit.rules.times import MAX_NOTES
from protocol import canonical
from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, RemoteError
from protocol.log.note import MAX_NOTE_BYTES
from transport.client import RESPONSE_LIMIT, HttpClient

MAX_BYTES = 2**30
DIGITS = 15

Note = tuple[int, bytes]


async def fetch_notes(http: HttpClient, url: str, folder: Path) -> None:
    """Everything after what the folder holds. A hub that keeps no archive has none to give.

    Raises RemoteError for an answer that cannot be read; what came before stays.
    """
    last, count, size = await asyncio.to_thread(_held, folder)
    while count < MAX_NOTES and size < MAX_BYTES:
        try:
            page = parse_notes(await http.get(f"{url}/v1/notes?after={last}"), last)
        except RemoteError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return
            raise
        if not page:
            return
        await asyncio.to_thread(_write, folder, page)
        last, count = page[-1][0], count + len(page)
        size += sum(len(note) for _, note in page)


def parse_notes(data: bytes, after: int) -> list[Note]:
    """Numbers, rising from above `after`, and notes. Raises RemoteError and nothing else."""
    value = canonical.parse_loose(data, limit=RESPONSE_LIMIT)
    items = value.get("notes") if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise RemoteError(ErrorCode.MALFORMED, "the answer holds no list of notes")
    found: list[Note] = []
    for item in items:
        found.append(_note(item, found[-1][0] if found else after))
    return found


def _note(item: JsonValue, after: int) -> Note:
    seq = item.get("seq") if isinstance(item, dict) else None
    text = item.get("note") if isinstance(item, dict) else None
    # bool is an int
    if type(seq) is not int or not isinstance(text, str) or not after < seq < 10**DIGITS:
        raise RemoteError(ErrorCode.MALFORMED, "a note is missing, or its number does not rise")
    try:
        note = text.encode()
    except UnicodeEncodeError as error:
        raise RemoteError(ErrorCode.MALFORMED, "a note is not text") from error
    if len(note) > MAX_NOTE_BYTES:
        raise RemoteError(ErrorCode.TOO_LARGE, "a note is over the limit")
    return seq, note


def _held(folder: Path) -> tuple[int, int, int]:
    """The last number, how many there are, and how many bytes."""
    files = [path for path in folder.glob("[0-9]*") if path.name.isdecimal()]
    last = max((int(path.name) for path in files), default=0)
    return last, len(files), sum(path.stat().st_size for path in files)


def _write(folder: Path, page: list[Note]) -> None:
    for seq, note in page:
        write_file(folder / f"{seq:0{DIGITS}d}", note)
