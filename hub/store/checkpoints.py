"""The log's head, the notes that were published, and since when there is no quorum."""

from dataclasses import dataclass
from typing import NamedTuple

from protocol.errors import ErrorCode, RemoteError
from storage.engine import Row, Transaction


class SizedNote(NamedTuple):
    """A signed note, and the number of entries that it covers."""

    size: int
    note: bytes


NO_NOTE = SizedNote(0, b"")
_CAME_BACK = "came_back"
_AHEAD = "ahead"


@dataclass(frozen=True)
class ArchivedNote:
    """A note in the archive, by its number there."""

    number: int
    note: bytes


class Checkpoints:
    """Checkpoints within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def head(self) -> SizedNote:
        """The newest signed checkpoint; NO_NOTE before the first."""
        return _sized(self._tx.one("SELECT size, note FROM head")) or NO_NOTE

    def claim_head(self, expected_size: int, size: int) -> None:
        """As move_head, for a note that is signed only once the head is ours."""
        self.move_head(expected_size, size, b"")

    def move_head(self, expected_size: int, size: int, note: bytes) -> None:
        """Compare-and-swap of the log head: raises RemoteError(CONFLICT) if somebody was first."""
        if expected_size == 0 and self._tx.one("SELECT 1 FROM head") is None:
            self._tx.insert("head", {"id": 1, "size": size, "note": note})
            return
        held = {"id": 1, "size": expected_size}
        moved = self._tx.update("head", {"size": size, "note": note}, held)
        if moved != 1:
            raise RemoteError(ErrorCode.CONFLICT, "the log head was moved by another writer")

    def witnessed(self) -> SizedNote:
        """The newest published checkpoint with a quorum; NO_NOTE before one."""
        return _sized(self._tx.one("SELECT size, note FROM witnessed")) or NO_NOTE

    def set_witnessed(self, size: int, note: bytes) -> None:
        """Remember a checkpoint with a quorum that is about to be published."""
        self._tx.put("witnessed", {"id": 1, "size": size, "note": note}, ("id",))

    def newest(self) -> SizedNote | None:
        """The newest note of the largest checkpoint in the archive."""
        sql = "SELECT size, note FROM note ORDER BY size DESC, seq DESC LIMIT 1"
        return _sized(self._tx.one(sql))

    def newest_of(self, size: int) -> bytes | None:
        """The newest note in the archive over a checkpoint of this size."""
        row = self._tx.one("SELECT note FROM note WHERE size = ? ORDER BY seq DESC LIMIT 1", size)
        return bytes(row["note"]) if row else None

    def archive(self, size: int, note: bytes) -> None:
        """Add a note to the archive, unless it is the newest of its size already."""
        if self.newest_of(size) != note:
            self._tx.insert("note", {"size": size, "note": note})

    def archived(self, after: int, limit: int) -> list[ArchivedNote]:
        """The notes with a number above `after`, in order."""
        sql = "SELECT seq, note FROM note WHERE seq > ? ORDER BY seq LIMIT ?"
        rows = self._tx.rows(sql, after, limit)
        return [ArchivedNote(row["seq"], bytes(row["note"])) for row in rows]

    def came_back(self, now: int) -> None:
        """This database came back from a backup: nobody knows whether the log went on without."""
        self._tx.put("meta", {"key": _CAME_BACK, "value": str(now)}, ("key",))

    def has_come_back(self) -> bool:
        """Whether it did, and witnesses have not said yet that nothing is newer."""
        return self._tx.one("SELECT 1 FROM meta WHERE key = ?", _CAME_BACK) is not None

    def is_newest(self) -> None:
        """The witnesses hold nothing newer."""
        self._tx.run("DELETE FROM meta WHERE key = ?", _CAME_BACK)

    def leave_line(self, note: bytes) -> None:
        """Leave a checkpoint with witnesses' lines for the leader to take."""
        self._tx.run("INSERT INTO taken_line (note) VALUES (?) ON CONFLICT (note) DO NOTHING", note)

    def take_lines(self) -> list[bytes]:
        """What other processes left, in order; it is forgotten."""
        rows = self._tx.rows("SELECT line_id, note FROM taken_line ORDER BY line_id")
        lines = [row["line_id"] for row in rows]
        self._tx.run_among("DELETE FROM taken_line WHERE line_id IN (:among)", among=lines)
        return [bytes(row["note"]) for row in rows]

    def are_lines_left(self) -> bool:
        """Whether other processes have left any."""
        return self._tx.one("SELECT 1 FROM taken_line") is not None

    def ahead(self) -> str | None:
        """The witness that has seen a longer log than this database has, if one has."""
        row = self._tx.one("SELECT value FROM meta WHERE key = ?", _AHEAD)
        return str(row["value"]) if row else None

    def set_ahead(self, witness: str | None) -> None:
        """Take down which witness has, for whoever asks beside the running hub."""
        if witness is None:
            self._tx.run("DELETE FROM meta WHERE key = ?", _AHEAD)
        else:
            self._tx.put("meta", {"key": _AHEAD, "value": witness}, ("key",))

    def closed_since(self) -> int | None:
        """Since when contact details cannot move; None while they can."""
        row = self._tx.one("SELECT since FROM closed")
        return int(row["since"]) if row else None

    def close(self, now: int) -> None:
        """Take down that they cannot, if that is not known yet."""
        sql = "INSERT INTO closed (id, since) VALUES (1, ?) ON CONFLICT (id) DO NOTHING"
        self._tx.run(sql, now)

    def reopen(self) -> None:
        """Take down that they can."""
        self._tx.run("DELETE FROM closed")

    def is_alarm_due(self, since: int) -> bool:
        """Whether they could not by `since` and nobody was told; from now on somebody was."""
        sql = "UPDATE closed SET alarmed = 1 WHERE alarmed = 0 AND since <= ?"
        return self._tx.run(sql, since) > 0


def _sized(row: Row | None) -> SizedNote | None:
    return SizedNote(row["size"], bytes(row["note"])) if row else None
