"""Count what goes to the database: a call is one round trip, however many rows it carries."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from storage.sqlite import SqliteTransaction


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The SQL of each call to a database that is made meanwhile, in order."""
    said: list[str] = []

    def counting(name: str) -> Any:
        real = getattr(SqliteTransaction, name)

        def call(self: SqliteTransaction, sql: str, *values: object) -> object:
            said.append(sql)
            return real(self, sql, *values)

        return mock.patch.object(SqliteTransaction, name, call)

    with counting("rows"), counting("one"), counting("run"), counting("run_many"):
        yield said
