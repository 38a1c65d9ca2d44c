"""Plain SQL over one open transaction: what the tables of every program share."""

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
        return next(self.database.query(sql, values), None)

    def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""
        return list(self.database.query(sql, values))

    def run(self, sql: str, *values: object) -> int:
        """Run one statement; the number of rows it changed."""
        return self.database.conn.execute(sql, values).rowcount
