"""The store of files that people import on the pages, and of the mappings that they confirmed.

A file itself lies in the node's folder until it was imported. Nothing here decides.
"""

from dataclasses import dataclass
from enum import StrEnum

from storage.engine import Row, Transaction


class UploadState(StrEnum):
    """How far a file has come."""

    READING = "reading"
    READ = "read"
    LOOKING = "looking"
    LOOKED = "looked"
    IMPORTING = "importing"
    DONE = "done"
    REFUSED = "refused"


UNDER_WAY = (UploadState.READING, UploadState.LOOKING, UploadState.IMPORTING)
OVER = (UploadState.DONE, UploadState.REFUSED)


@dataclass(frozen=True, repr=False)
class Upload:
    """A file that one of our people (a row's id) brought, by the name that it has with them; `at`,
    Unix seconds, something was last done with it.

    `columns`: what stands in its columns; `chosen`: which of them is what; `mapping`: TOML; `why`:
    what kept it from going further; `report`: what its import would do, or did. The first two and
    the last are JSON; all are empty until they are known.
    """

    id: int
    person: int
    name: str
    at: int
    state: UploadState
    columns: str
    chosen: str
    mapping: str
    why: str
    report: str

    def __repr__(self) -> str:
        """Say which, never what stands in it."""
        return f"Upload(id={self.id}, state={self.state})"


@dataclass(frozen=True)
class SavedMapping:
    """A mapping (TOML) that somebody confirmed, by the name of the feed."""

    name: str
    mapping: str
    at: int


class Uploads:
    """Uploads and mappings within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, person: int, name: str, now: int) -> int:
        """A file comes; its number."""
        row = {"person": person, "name": name, "at": now, "state": UploadState.READING.value}
        return self._tx.insert_for_id("upload", row)

    def get(self, upload: int) -> Upload | None:
        """The file of a number."""
        row = self._tx.one("SELECT * FROM upload WHERE id = ?", upload)
        return _upload(row) if row is not None else None

    def of(self, person: int) -> list[Upload]:
        """Somebody's files, the newest first."""
        rows = self._tx.rows("SELECT * FROM upload WHERE person = ? ORDER BY id DESC", person)
        return [_upload(row) for row in rows]

    def all(self) -> list[Upload]:
        """Everybody's files."""
        return [_upload(row) for row in self._tx.rows("SELECT * FROM upload ORDER BY id")]

    def change(self, upload: int, now: int, **values: str) -> bool:
        """Let a file say this from now on; whether it is here still."""
        return bool(self._tx.update("upload", {**values, "at": now}, {"id": upload}))

    def move(self, upload: int, before: UploadState, after: UploadState, now: int) -> bool:
        """Let a file go on from one state to another; whether it was in the one."""
        values = {"state": after.value, "at": now, "why": None}
        return bool(self._tx.update("upload", values, {"id": upload, "state": before.value}))

    def remove(self, upload: int) -> None:
        """Keep nothing of a file."""
        self._tx.run("DELETE FROM upload WHERE id = ?", upload)

    def save_mapping(self, saved: SavedMapping) -> None:
        """Keep a mapping, or let the one of its name say this."""
        self._tx.put("import_mapping", dict(vars(saved)), ("name",))

    def drop_mapping(self, name: str) -> bool:
        """Keep a mapping no longer; whether it was here."""
        return bool(self._tx.run("DELETE FROM import_mapping WHERE name = ?", name))

    def mappings(self) -> list[SavedMapping]:
        """All mappings, by name."""
        rows = self._tx.rows("SELECT * FROM import_mapping ORDER BY name")
        return [SavedMapping(**row) for row in rows]


def _upload(row: Row) -> Upload:
    words = {name: row[name] or "" for name in ("columns", "chosen", "mapping", "why", "report")}
    return Upload(**{**row, **words, "state": UploadState(row["state"])})
