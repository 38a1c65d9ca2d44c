"""An empty database of a program is made once in a process and copied from then on.

A node's thirty scripts take 80 ms, and a thousand scenarios begin with an empty database. Databases
that are brought up from an older version, and those of the engines' own tests, go their usual way.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from storage.sqlite import SqliteDatabase

Migrate = Callable[[SqliteDatabase[Any], sqlite3.Connection], None]
OF_A_PROGRAM = 10  # scripts: the tests' own schemas have one or two


def made_once(migrate: Migrate) -> Migrate:
    """The same tables in the same file."""
    made: dict[Sequence[str], sqlite3.Connection] = {}

    def bring_up(database: SqliteDatabase[Any], connection: sqlite3.Connection) -> None:
        scripts = tuple(database._schema.scripts)
        ((pages,),) = connection.execute("PRAGMA page_count")
        if pages > 1 or len(scripts) < OF_A_PROGRAM:
            migrate(database, connection)
        elif scripts in made:
            made[scripts].backup(connection)
        else:
            migrate(database, connection)
            copy = sqlite3.connect(":memory:", check_same_thread=False)
            connection.backup(copy)
            made[scripts] = copy

    return bring_up
