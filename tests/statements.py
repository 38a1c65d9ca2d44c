"""Count what goes to the database: a call is one round trip, however many rows it carries."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from storage.sqlite import SqliteDatabase, SqliteTransaction


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The SQL of each call to a database that is made meanwhile, in order.

    What an engine rehearses is not counted: it is done once for nothing, and only in tests.
    """
    said: list[str] = []
    rehearsals: list[Any] = []
    rehearsed = SqliteDatabase._once_for_nothing

    def counting(name: str) -> Any:
        real = getattr(SqliteTransaction, name)

        def call(self: SqliteTransaction, sql: str, *values: object) -> object:
            if not rehearsals:
                said.append(sql)
            return real(self, sql, *values)

        return mock.patch.object(SqliteTransaction, name, call)

    def rehearse(self: SqliteDatabase[Any], body: Any) -> None:
        rehearsals.append(body)
        try:
            rehearsed(self, body)
        finally:
            rehearsals.pop()

    rehearsing = mock.patch.object(SqliteDatabase, "_once_for_nothing", rehearse)
    with counting("rows"), counting("one"), counting("run"), counting("run_many"), rehearsing:
        yield said
