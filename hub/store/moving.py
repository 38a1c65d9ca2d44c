"""All rows of a hub's database, to be carried to another one, table by table in the order of keys.

How far they are is read from the rows that are there: whoever is interrupted goes on behind the
last key. What stands for another database's own life is not carried: tiles, the lease, the move.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.engine import Row, Transaction

TABLES: Mapping[str, tuple[str, ...]] = {
    "meta": ("key",),
    "entry": ("idx",),
    "payload": ("idx",),
    "evidence": ("idx", "part"),
    "head": ("id",),
    "witnessed": ("id",),
    "note": ("seq",),
    "closed": ("id",),
    "charter_document": ("hash",),
    "directory_version": ("id",),
    "invitation": ("code_hash",),
    "applicant": ("party_id",),
    "rotation": ("party_id",),
    "member_order": ("party_id",),
    "name_order": ("party_id",),
    "size_order": ("party_id",),
    "rejection_count": ("sender", "day"),
    "over_quota": ("statement_id",),
    "over_quota_count": ("agency",),
    "over_quota_leaf": ("agency", "kind", "day"),
    "new_stubs": ("agency", "day"),
    "daily": ("agency",),
    "daily_open": ("statement_id",),
    "acknowledged": ("agency",),
    "mailbox_last": ("agency",),
    "mailbox": ("agency", "seq"),
    "upload": ("statement_id",),
    "upload_chunk": ("statement_id", "hash"),
    "publication": ("number",),
    "staged_stub": ("put_by", "stub_id"),
    "stub": ("stub_id",),
    "stub_tokens": ("stub_id",),
    "stub_change": ("stub_id",),
    "token": ("token", "stub_id", "match_key_id", "put_by"),
    "former_token": ("token", "stub_id"),
    "dirty_stub": ("stub_id",),
    "lost_stub": ("stub_id",),
    "link": ("link_id",),
    "verdict": ("link_id", "agency"),
    "questions_held": ("asker", "asked"),
    "round_told": ("agency",),
    "request": ("request_id",),
    "earlier_card": ("release",),
    "identity_check": ("check_id",),
    "enquiry": ("enquiry_id",),
    "attention": ("attention_id",),
    "attention_told": ("agency", "idx", "link_id"),
    "account": ("id",),
    "session": ("id_hash",),
    "sent_form": ("id_hash", "token"),
    "authenticator_app": ("account",),
    "recovery_code": ("account", "code_hash"),
    "passkey": ("id",),
    "sign_in_step": ("id_hash",),
    "session_check": ("id_hash",),
    "known_browser": ("id_hash", "account"),
    "operator_act": ("id",),
    "standing_alarm": ("name",),
    "member_heard": ("party_id",),
    "week_figure": ("week", "agency"),
    "answered": ("agency", "basis", "by_rule"),
    "wave": ("id",),
    "wave_organisation": ("wave", "name"),
}
"""Every table that is carried, after those it refers to, with the columns that order its rows."""

OWN = ("move", "lead", "tile", "published", "taken_line")
"""What a database has for itself."""

NUMBERED = {
    "note": "seq", "account": "id", "passkey": "id", "operator_act": "id", "wave": "id",
}  # fmt: skip
"""Whose rows the database numbers."""

_SHARED = frozenset({"stub_change"})
"""Whose rows may have their key in common: those are carried together."""


class MoveState(StrEnum):
    """Why a database must not be served."""

    LEAVING = "leaving"
    COMING = "coming"
    GONE = "gone"


@dataclass(frozen=True)
class Move:
    """A database's part in a move; its other end has the same id."""

    state: MoveState
    move_id: str


@dataclass(frozen=True)
class Page:
    """Some rows of a table, in order; `is_last`: there are no more."""

    table: str
    rows: Sequence[Row]
    is_last: bool

    @property
    def last(self) -> tuple[object, ...]:
        """The key of its last row."""
        return tuple(self.rows[-1][name] for name in TABLES[self.table])


class Moving:
    """The whole database within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def move(self) -> Move | None:
        """Why this database must not be served, if so."""
        row = self._tx.one("SELECT state, move_id FROM move")
        return Move(MoveState(row["state"]), row["move_id"]) if row else None

    def set_move(self, move: Move | None) -> None:
        """Take down why it must not be served, or that it may."""
        if move is None:
            self._tx.run("DELETE FROM move")
        else:
            self._tx.put("move", {"id": 1, **vars(move)}, ("id",))

    def last(self, table: str) -> tuple[object, ...] | None:
        """The key of a table's last row."""
        key = TABLES[table]
        order = ", ".join(f"{name} DESC" for name in key)
        sql = f"SELECT {', '.join(key)} FROM {table} ORDER BY {order} LIMIT 1"  # noqa: S608 - ours
        row = self._tx.one(sql)
        return tuple(row.values()) if row else None

    def after(self, table: str, last: Sequence[object] | None, most: int) -> Page:
        """The next rows of a table behind a key, about `most` of them."""
        key = ", ".join(TABLES[table])
        marks = ", ".join("?" * len(TABLES[table]))
        behind = f"WHERE ({key}) > ({marks})" if last is not None else ""
        sql = f"SELECT * FROM {table} {behind} ORDER BY {key} LIMIT ?"  # noqa: S608 - ours
        rows = self._tx.rows(sql, *(last or ()), most)
        is_last = len(rows) < most
        if table in _SHARED and not is_last:
            rows = self._whole(table, rows)
        return Page(table, rows, is_last)

    def pages(self, most: int) -> Iterator[Page]:
        """All rows of all tables that have any."""
        for table in TABLES:
            last: Sequence[object] | None = None
            while (page := self.after(table, last, most)).rows:
                yield page
                last = page.last

    def put(self, page: Page) -> None:
        """Insert rows as they are. Raises NotUniqueError for those that are here."""
        self._tx.insert_many(page.table, page.rows)
        if page.table in NUMBERED:
            self._tx.number_behind(page.table, NUMBERED[page.table])

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        found = {}
        for table in TABLES:
            row = self._tx.one(f"SELECT COUNT(*) AS n FROM {table}")  # noqa: S608 - ours
            found[table] = int(row["n"]) if row else 0
        return found

    def _whole(self, table: str, rows: Sequence[Row]) -> list[Row]:
        """Rows whose last key is not cut in two: all of that key, or none."""
        (key,) = TABLES[table]
        last = rows[-1][key]
        some = [row for row in rows if row[key] != last]
        sql = f"SELECT * FROM {table} WHERE {key} = ?"  # noqa: S608 - ours
        return [*some, *self._tx.rows(sql, last)]
