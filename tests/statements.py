"""Count what goes to the database: a call is one round trip, however many rows it carries."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from storage.postgres import PostgresDatabase, PostgresTransaction
from storage.sqlite import SqliteDatabase, SqliteTransaction

OF_ALL = ("rows", "one", "run", "run_many")
CALLS = [(kind, name) for kind in (SqliteTransaction, PostgresTransaction) for name in OF_ALL]


class _Count:
    """What is said to databases, but for rehearsals."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._rehearsals = 0

    def counting(self, kind: Any, name: str) -> Any:
        real = getattr(kind, name)

        def call(transaction: Any, sql: str, *values: object) -> object:
            if not self._rehearsals:
                self.said.append(sql)
            return real(transaction, sql, *values)

        return mock.patch.object(kind, name, call)

    def rehearsing(self, kind: Any) -> Any:
        real = kind._once_for_nothing

        def rehearse(database: Any, body: Any, **how: bool) -> None:
            self._rehearsals += 1
            try:
                real(database, body, **how)
            finally:
                self._rehearsals -= 1

        return mock.patch.object(kind, "_once_for_nothing", rehearse)


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The SQL of each call to a database that is made meanwhile, in order.

    What an engine rehearses is not counted: it is done once for nothing, and only in tests.
    """
    count = _Count()
    with ExitStack() as stack:
        for kind, name in (*CALLS, (PostgresTransaction, "insert_rows")):
            stack.enter_context(count.counting(kind, name))
        for database in (SqliteDatabase, PostgresDatabase):
            stack.enter_context(count.rehearsing(database))
        yield count.said
