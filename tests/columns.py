"""Which columns of a database some work reads: SQLite itself is asked."""

from collections.abc import Callable
from typing import TypeVar

from storage.sqlite import SqliteDatabase

READ = 20
"""How SQLite names that a statement reads a column."""
Stores = TypeVar("Stores")


def columns_read(
    database: SqliteDatabase[Stores], work: Callable[[Stores], object]
) -> set[tuple[str, str]]:
    """The tables and columns that some work reads."""
    found = set()

    def note(action: int, table: str | None, column: str | None, *_: object) -> int:
        if action == READ and table and column and not table.startswith("sqlite_"):
            found.add((table, column))
        return 0

    def body(tables: Stores) -> None:
        connection = database.opened()
        connection.set_authorizer(note)
        try:
            work(tables)
        finally:
            connection.set_authorizer(None)

    database.read(body)
    return found
