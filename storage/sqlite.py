"""SQLite behind the promise of storage/engine.py: one file, one worker thread.

The event loop never touches the disk: bodies run one at a time in the thread. Writes that wait
together are committed together, each all or nothing on its own: one sync of the disk serves them
all. Another process (a command beside a running service) may share the file: transactions are
immediate and wait for each other.
"""

import asyncio
import functools
import os
import sqlite3
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from protocol.errors import ErrorCode, LocalError
from storage.engine import NotUniqueError, Row, Schema, Transaction

Stores = TypeVar("Stores")
Result = TypeVar("Result")
Body = Callable[[Stores], Result]

BUSY_SECONDS = 30
WRITES_AT_ONCE = 1000


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

        Raises LocalError(STORAGE) where none of them is committed.
        """
        return self._transact("BEGIN IMMEDIATE", lambda: [self._apart(body) for body in bodies])

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
        False where a reader or writer elsewhere is in the way.
        """
        ((busy, *_),) = self.opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
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
            raise LocalError(ErrorCode.STORAGE, f"cannot open {self._path.name}") from error
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA secure_delete=ON")
            self._migrate(connection)
        except sqlite3.Error as error:
            connection.close()
            raise LocalError(ErrorCode.STORAGE, f"cannot open {self._path.name}") from error
        except LocalError:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        if self._version(connection) == self._schema.version:
            return  # nothing to write, and no disk to wait for: every command begins here
        from sqlite_utils import Database  # whoever makes no tables starts without it

        database = Database(connection)
        connection.execute("BEGIN IMMEDIATE")
        version = self._version(connection)  # another program may have been first
        for script in self._schema.scripts[version:]:
            for statement in script.split(";\n"):
                database.execute(statement)
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


class SqliteEngine(Generic[Stores]):
    """The engine over one SQLite file. Arguments and faults as of SqliteDatabase."""

    def __init__(
        self,
        path: Path,
        schema: Schema,
        stores: Callable[[Transaction], Stores],
        *,
        rehearse: bool = False,
    ) -> None:
        self._file = SqliteDatabase(path, schema, stores, rehearse=rehearse)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite-{path.stem}")
        self._waiting: deque[tuple[Body[Stores, Any], Future[Any]]] = deque()
        self._closed = False

    async def write(self, body: Body[Stores, Result]) -> Result:
        """See Engine."""
        outcome: Future[Result] = Future()
        self._waiting.append((body, outcome))
        self._thread.submit(self._write_waiting)
        return await asyncio.wrap_future(outcome)

    async def read(self, body: Body[Stores, Result]) -> Result:
        """See Engine."""
        return await self._in_thread(functools.partial(self._file.read, body))

    async def check(self) -> None:
        """See Engine."""
        await self._in_thread(self._file.check)

    async def settle(self) -> bool:
        """See Engine."""
        return await self._in_thread(self._file.settle)

    async def close(self) -> None:
        """See Engine."""
        if not self._closed:
            self._closed = True
            await self._in_thread(self._file.close)
            self._thread.shutdown(wait=True)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _write_waiting(self) -> None:
        """Do all writes that wait, if a run before this one has not; then one commit for all."""
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), WRITES_AT_ONCE))]
        group = [item for item in taken if item[1].set_running_or_notify_cancel()]
        if not group:
            return
        try:
            outcomes = self._file.write_all([body for body, _ in group])
        except BaseException as error:
            for _, outcome in group:
                outcome.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, outcome), (result, fault) in zip(group, outcomes, strict=True):
            if fault is None:
                outcome.set_result(result)
            else:
                outcome.set_exception(fault)


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
    error = LocalError(ErrorCode.STORAGE, "the database is busy or the disk is full")
    error.__cause__ = cause
    return error
