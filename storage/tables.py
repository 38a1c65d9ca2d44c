"""Plain SQL over one open transaction: what the tables of every program share."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import sqlite_utils

Row = Mapping[str, Any]


class Tables:
    """The tables of a database within a transaction that the caller opened with an Engine."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self.database = database

    def one(self, sql: str, *values: object) -> Row | None:
        """The first row of a query, or None."""
        cursor = self.database.conn.execute(sql, values)
        row = cursor.fetchone()
        return None if row is None else dict(zip(_columns(cursor), row, strict=True))

    def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""
        cursor = self.database.conn.execute(sql, values)
        columns = _columns(cursor)
        return [dict(zip(columns, row, strict=True)) for row in cursor]

    def run(self, sql: str, *values: object) -> int:
        """Run one statement; the number of rows it changed."""
        return self.database.conn.execute(sql, values).rowcount


def _columns(cursor: sqlite3.Cursor) -> list[str]:
    return [column[0] for column in cursor.description]
