"""SQLite behind the promise of storage/engine.py: one file, one worker thread.

Another process (a command beside a running service) may share the file: transactions are immediate
and wait for each other.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from protocol.errors import ErrorCode, LocalError
from storage.engine import NotUniqueError, Row, Schema, Transaction
from storage.threaded import Body, ThreadedEngine

Stores = TypeVar("Stores")
Result = TypeVar("Result")

BUSY_SECONDS = 30
CACHE_KIB = 16 * 1024
"""What a transaction changes is written once if it fits: each token lies in a page of its own."""

PAGES_AHEAD = 4096
"""Pages in the write-ahead file before they are brought into the database: a thousand, as SQLite
has it, are fewer than a batch of tokens touches, and each commit would wait for that too.
"""


class SqliteTransaction(Transaction):
    """Statements within the transaction that is open on a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany

    def rows(self, sql: str, *values: object) -> list[Row]:
        """See Transaction."""
        cursor = self._one_by_one(sql, values)
        columns = _columns(cursor)
        return [dict(zip(columns, row, strict=True)) for row in cursor]

    def tuples(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """See Transaction."""
        return self._one_by_one(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> Row | None:
        """See Transaction."""
        cursor = self._one_by_one(sql, values)
        row = cursor.fetchone()
        found = None if row is None else dict(zip(_columns(cursor), row, strict=True))
        cursor.close()
        return found

    def run(self, sql: str, *values: object) -> int:
        """See Transaction."""
        return self._one_by_one(sql, values).rowcount

    def run_many(self, sql: str, values: Iterable[Sequence[object]]) -> None:
        """See Transaction."""
        try:
            self._executemany(sql, values)
        except sqlite3.IntegrityError as error:
            raise NotUniqueError from error

    def number_behind(self, table: str, column: str) -> None:
        """See Transaction: SQLite does so by itself."""

    def _one_by_one(self, sql: str, values: Sequence[object]) -> sqlite3.Cursor:
        try:
            return self._execute(sql, values)
        except sqlite3.IntegrityError as error:
            raise NotUniqueError from error


class SqliteDatabase(Generic[Stores]):
    """One database file, used from one thread at a time. `stores` makes the stores of a program.

    Raises LocalError(STORAGE) when the file cannot be opened or is from a newer program.
    `rehearse`: run each body once for nothing before it counts, as an engine that tries again may;
    tests use it to find bodies that change more than what they write.
    """

    def __init__(
        self,
        path: Path,
        schema: Schema,
        stores: Callable[[Transaction], Stores],
        *,
        rehearse: bool = False,
    ) -> None:
        self._path = path
        self._schema = schema
        self._stores = stores
        self._rehearse = rehearse
        self._database: sqlite3.Connection | None = None

    def write(self, body: Body[Stores, Result]) -> Result:
        """Run a body in an immediate transaction; committed to disk before this returns."""
        result, fault = self.write_all([body])[0]
        if fault is not None:
            raise fault
        return result  # type: ignore[no-any-return]

    def read(self, body: Body[Stores, Result]) -> Result:
        """Run a body on one consistent snapshot."""
        return self._transact("BEGIN", lambda: self._run(body))

    def write_all(self, bodies: Sequence[Body[Stores, Any]]) -> list[tuple[Any, Exception | None]]:
        """Run bodies in one transaction, each all or nothing; what each came to, or its fault.

        Raises LocalError(STORAGE) where none of them is committed, and what a single one raises.
        """
        return self._transact("BEGIN IMMEDIATE", lambda: self._each(bodies))

    def check(self) -> None:
        """Raise LocalError(STORAGE) if the file is damaged: it reads all of it."""
        detail = f"{self._path.name} is damaged: keep it as it is, and bring back a backup"
        try:
            found = self.opened().execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.DatabaseError as error:
            raise LocalError(ErrorCode.STORAGE, detail) from error
        if found != [("ok",)]:
            raise LocalError(ErrorCode.STORAGE, detail)

    def settle(self) -> bool:
        """Bring the write-ahead file into the database and empty it: what was deleted is gone.
        False where a reader or writer elsewhere is in the way. Raises LocalError(STORAGE).
        """
        try:
            ((busy, *_),) = self.opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.OperationalError as error:
            raise _storage_error(error) from error
        return not busy

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def opened(self) -> sqlite3.Connection:
        """The open file, its tables brought up to the newest version."""
        if self._database is None:
            self._database = self._open()
        return self._database

    def _transact(self, begin: str, work: Callable[[], Result]) -> Result:
        connection = self.opened()
        try:
            connection.execute(begin)
            result = work()
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise _storage_error(error) from error
            raise
        return result

    def _run(self, body: Body[Stores, Result]) -> Result:
        return body(self._stores(SqliteTransaction(self.opened())))

    def _each(self, bodies: Sequence[Body[Stores, Any]]) -> list[tuple[Any, Exception | None]]:
        if len(bodies) == 1 and not self._rehearse:
            # The transaction is its own: a savepoint would copy each page before it is changed.
            return [(self._run(bodies[0]), None)]
        return [self._apart(body) for body in bodies]

    def _apart(self, body: Body[Stores, Any]) -> tuple[Any, Exception | None]:
        """Run one body of a transaction so that its failure undoes it alone."""
        connection = self.opened()
        if self._rehearse:
            self._once_for_nothing(body)
        connection.execute("SAVEPOINT apart")
        try:
            result = self._run(body)
        except Exception as error:
            if not connection.in_transaction:  # a full disk ends the transaction for all of them
                raise
            connection.execute("ROLLBACK TO apart")
            connection.execute("RELEASE apart")
            if isinstance(error, sqlite3.OperationalError):
                return None, _storage_error(error)
            return None, error
        connection.execute("RELEASE apart")
        return result, None

    def _once_for_nothing(self, body: Body[Stores, Any]) -> None:
        connection = self.opened()
        connection.execute("SAVEPOINT rehearsal")
        with suppress(Exception):  # it fails again, or not, when it counts
            self._run(body)
        if connection.in_transaction:
            connection.execute("ROLLBACK TO rehearsal")
            connection.execute("RELEASE rehearsal")
        else:
            connection.execute("BEGIN IMMEDIATE")

    def _open(self) -> sqlite3.Connection:
        try:
            # The files beside it are made with its mode: nobody else reads them for a moment.
            # Never by opening one that is there: closing it again would drop SQLite's locks.
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            self._path.chmod(0o600)
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint={PAGES_AHEAD}")
            connection.execute("PRAGMA secure_delete=ON")
            self._migrate(connection)
        except sqlite3.Error as error:
            connection.close()
            raise self._unusable(error) from error
        except LocalError:
            connection.close()
            raise
        return connection

    def _unusable(self, error: Exception) -> LocalError:
        damaged = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB
        why = "it is no database: keep it as it is, and bring back a backup"
        if not damaged:
            why = "look at the folder, its owner and its free space"
        return LocalError(ErrorCode.STORAGE, f"cannot open {self._path.name}: {why}")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        if self._version(connection) == self._schema.version:
            return  # nothing to write, and no disk to wait for: every command begins here
        from sqlite_utils import Database  # whoever makes no tables starts without it

        database = Database(connection)
        connection.execute("BEGIN IMMEDIATE")
        version = self._version(connection)  # another program may have been first
        for made, script in enumerate(self._schema.scripts[version:], version + 1):
            for statement in script.split(";\n"):
                database.execute(statement)
            if step := self._schema.steps.get(made):
                step(SqliteTransaction(connection))
        connection.execute(f"PRAGMA user_version={self._schema.version}")
        connection.execute("COMMIT")

    def _version(self, connection: sqlite3.Connection) -> int:
        """How many scripts the file has had. Raises LocalError(STORAGE) if more than we know."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > self._schema.version:
            raise LocalError(
                ErrorCode.STORAGE,
                f"{self._path.name} was written by a newer program (schema {version}); upgrade",
            )
        return int(version)


class SqliteEngine(ThreadedEngine[Stores]):
    """The engine over one SQLite file. Arguments and faults as of SqliteDatabase."""

    def __init__(
        self,
        path: Path,
        schema: Schema,
        stores: Callable[[Transaction], Stores],
        *,
        rehearse: bool = False,
    ) -> None:
        database = SqliteDatabase(path, schema, stores, rehearse=rehearse)
        super().__init__(database, (), f"sqlite-{path.stem}")


def copy_database(source: Path, target: Path) -> None:
    """Copy a whole database as it is at one moment, also while a program is writing to it.

    What `target` held before is replaced. Raises LocalError(STORAGE) if the source is not there or
    is no database, or if the target cannot be written.
    """
    try:
        target.touch(mode=0o600)
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing, pages=-1)
    except (sqlite3.Error, OSError) as error:
        raise LocalError(ErrorCode.STORAGE, f"cannot copy {source.name}") from error


@contextmanager
def snapshot(source: Path) -> Iterator[Path]:
    """A copy of a database as it is now, also while a program is writing to it, beside it until it
    has been read. Raises LocalError(STORAGE).
    """
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=source.parent) as folder:
        target = Path(folder) / source.name
        copy_database(source, target)
        yield target


def _columns(cursor: sqlite3.Cursor) -> list[str]:
    return [column[0] for column in cursor.description]


def _storage_error(cause: sqlite3.OperationalError) -> LocalError:
    error = LocalError(
        ErrorCode.STORAGE,
        "the database is busy or the disk is full: make room, or wait, and try again",
    )
    error.__cause__ = cause
    return error
