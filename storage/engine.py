"""What every engine promises, whatever database is behind it. One contract suite runs on each.

A *body* is a function of a program's stores over one open transaction. It may run more than once
before its outcome counts, on the state as it is then; so it changes nothing but what it writes, and
what the program holds in memory is changed by the caller, once the commit is known.

The SQL of stores stays within what PostgreSQL and SQLite both run: `?` for values, ON CONFLICT for
what may be there, RETURNING for keys that the database gives. No triggers, no JSON functions, no
locks by hand. Loops over rows use the calls that take many. Scripts of a schema are written in
SQLite's words for types, which the other engine translates.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

Row = Mapping[str, Any]
"""A row by column name: within stores only, which answer frozen dataclasses."""

AMONG = "(:among)"
# Below the number of values that any engine takes in one statement.
MOST_VALUES = 30_000

Stores_co = TypeVar("Stores_co", covariant=True)
Result = TypeVar("Result")
Item = TypeVar("Item")
Store = TypeVar("Store")


class NotUniqueError(Exception):
    """A row of that key is there already. The statement changed nothing; the body may go on."""


@dataclass(frozen=True)
class Schema:
    """The SQL scripts that make each version, in order; the newest version is their number.

    `steps`: what is done after the script of a version, in its transaction, where SQL alone cannot.
    """

    scripts: Sequence[str]
    steps: Mapping[int, "Step"] = field(default_factory=dict)

    @classmethod
    def in_folder(cls, folder: Path, steps: Mapping[str, "Step"] | None = None) -> "Schema":
        """The scripts of a folder, in the order of their names; steps by a script's name."""
        paths = sorted(folder.glob("*.sql"))
        after = {
            version: steps[path.stem]
            for version, path in enumerate(paths, 1)
            if steps and path.stem in steps
        }
        return cls([path.read_text("utf-8") for path in paths], after)

    @property
    def version(self) -> int:
        """The version that the whole list makes."""
        return len(self.scripts)


class Transaction(ABC):
    """Statements within one open transaction. Engines give those that talk to the database.

    Table and column names are the stores' own constants, never anything that came from outside.
    """

    @abstractmethod
    def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query, or those that a statement with RETURNING answers."""

    @abstractmethod
    def tuples(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """As `rows`, by place and not by name: thousands of them in half the time."""

    @abstractmethod
    def one(self, sql: str, *values: object) -> Row | None:
        """The first row of a query, or None."""

    @abstractmethod
    def run(self, sql: str, *values: object) -> int:
        """Run one statement; the number of rows it changed. Raises NotUniqueError."""

    @abstractmethod
    def run_many(self, sql: str, values: Iterable[Sequence[object]]) -> None:
        """Run one statement for each tuple of values, in one go. Raises NotUniqueError."""

    def rows_among(self, sql: str, *values: object, among: Collection[object]) -> list[Row]:
        """All rows of a query that says `IN (:among)` once, after every `?`; a few statements for
        however many. Ordered within each statement only.
        """
        found: list[Row] = []
        for part in _parts(among):
            found += self.rows(*self._naming(sql, values, part))
        return found

    def tuples_among(
        self, sql: str, *values: object, among: Collection[object]
    ) -> list[tuple[Any, ...]]:
        """As `rows_among`, by place and not by name."""
        found: list[tuple[Any, ...]] = []
        for part in _parts(among):
            found += self.tuples(*self._naming(sql, values, part))
        return found

    def run_among(self, sql: str, *values: object, among: Collection[object]) -> int:
        """Run a statement that says `IN (:among)` once, after every `?`; how many rows changed."""
        return sum(self.run(*self._naming(sql, values, part)) for part in _parts(among))

    def insert(self, table: str, row: Row) -> None:
        """Insert a row. Raises NotUniqueError."""
        self.run(_insert(table, row), *row.values())

    def insert_for_id(self, table: str, row: Row) -> int:
        """Insert a row; the `id` that the database gave it. Raises NotUniqueError."""
        (made,) = self.rows(f"{_insert(table, row)} RETURNING id", *row.values())
        return int(made["id"])

    @abstractmethod
    def number_behind(self, table: str, column: str) -> None:
        """Have the database number further rows behind those that brought numbers along."""

    def put(self, table: str, row: Row, key: Collection[str]) -> None:
        """Insert a row, or replace what the row of the same key says in these columns."""
        self.run(_upsert(table, row, key), *row.values())

    def update(self, table: str, values: Row, key: Row) -> int:
        """Set columns of the rows with this key; how many there were."""
        columns = ", ".join(f"{name} = ?" for name in values)
        found = " AND ".join(f"{name} = ?" for name in key)
        sql = f"UPDATE {table} SET {columns} WHERE {found}"  # noqa: S608 - stores' names
        return self.run(sql, *values.values(), *key.values())

    def insert_many(self, table: str, rows: Sequence[Row]) -> None:
        """Insert rows, which have the same columns. Raises NotUniqueError."""
        if rows:
            self.insert_rows(table, list(rows[0]), [tuple(row.values()) for row in rows])

    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> None:
        """Insert rows of these columns, however many, at once. Raises NotUniqueError."""
        self.run_many(_insert(table, columns), rows)

    def put_many(self, table: str, rows: Sequence[Row], key: Collection[str]) -> None:
        """`put` of many rows, which have the same columns in the same order."""
        if rows:
            self.put_rows(table, list(rows[0]), [tuple(row.values()) for row in rows], key)

    def put_rows(
        self,
        table: str,
        columns: Collection[str],
        rows: Sequence[Sequence[object]],
        key: Collection[str],
    ) -> None:
        """`put` of rows of these columns, however many, at once."""
        self.run_many(_upsert(table, columns, key), rows)

    def _naming(
        self, sql: str, values: Sequence[object], part: Sequence[object]
    ) -> tuple[Any, ...]:
        """A statement that says `IN (:among)` of these, and all its values."""
        return sql.replace(AMONG, f"({', '.join('?' * len(part))})"), *values, *part


Step = Callable[[Transaction], None]
"""What fills a new table from those that were there."""


class Tables(Protocol):
    """A program's stores over one open transaction."""

    tx: Transaction


class Made(Generic[Store]):
    """One of a program's stores, made when a body first asks for it: few of forty are wanted."""

    def __init__(self, make: Callable[[Transaction], Store]) -> None:
        self._make = make

    def __set_name__(self, _tables: type, name: str) -> None:
        """Keep the attribute's name, under which the store stays."""
        self._name = name

    def __get__(self, tables: Tables, _tables: type) -> Store:
        """Make the store; from then on the attribute is the store itself."""
        store = vars(tables)[self._name] = self._make(tables.tx)
        return store


class Engine(Protocol[Stores_co]):
    """A database and the stores over it. Made for one process; several may share the database."""

    async def write(self, body: Callable[[Stores_co], Result]) -> Result:
        """Run a body in a transaction of its own: all of it or nothing, and durable on return.

        Raises what the body raises, or LocalError(STORAGE); then nothing of it stays.
        """
        ...

    async def read(self, body: Callable[[Stores_co], Result]) -> Result:
        """Run a body on one consistent snapshot. Raises as `write` does."""
        ...

    async def check(self) -> None:
        """Look whether the database is whole. Raises LocalError(STORAGE) if it is damaged."""
        ...

    async def settle(self) -> bool:
        """Make sure that what was deleted is no longer in any of the database's files; False where
        somebody else is using the database just now, and it may still be.
        """
        ...

    async def close(self) -> None:
        """Close; the engine cannot be used afterwards. Closing twice is harmless."""
        ...


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _parts(among: Collection[object]) -> Iterator[list[object]]:
    return batches(dict.fromkeys(among), MOST_VALUES)


def _insert(table: str, columns: Collection[str]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - stores' names


def _upsert(table: str, columns: Collection[str], key: Collection[str]) -> str:
    changed = [f"{name} = excluded.{name}" for name in columns if name not in key]
    then = f"UPDATE SET {', '.join(changed)}" if changed else "NOTHING"
    return f"{_insert(table, columns)} ON CONFLICT ({', '.join(key)}) DO {then}"
