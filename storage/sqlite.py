"""A SQLite database behind one worker thread: transactions, durability, migrations.

The event loop never touches the disk: callers hand in functions, which run one at a time in the
thread. Writes that wait together are committed together, each all or nothing on its own: one sync
of the disk serves them all. Another process (a command beside a running service) may share the
file: transactions are immediate and wait for each other.
"""

import asyncio
import functools
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlite_utils

from protocol.errors import ErrorCode, LocalError

Result = TypeVar("Result")
Work = Callable[[sqlite_utils.Database], Result]

BUSY_SECONDS = 30
WRITES_AT_ONCE = 1000


@dataclass(frozen=True)
class Schema:
    """The SQL scripts that make each version, in order; the newest version is their number."""

    scripts: Sequence[str]

    @classmethod
    def in_folder(cls, folder: Path) -> "Schema":
        """The scripts of a folder, in the order of their names."""
        return cls([path.read_text("utf-8") for path in sorted(folder.glob("*.sql"))])

    @property
    def version(self) -> int:
        """The version that the whole list makes."""
        return len(self.scripts)


class Engine:
    """One database file. `read` and `write` promise that a function's effects are all or nothing.

    Raises LocalError(STORAGE) when the file cannot be opened or is from a newer program.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        self._path = path
        self._schema = schema
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite-{path.stem}")
        self._database: sqlite_utils.Database | None = None
        self._waiting: deque[tuple[Work[Any], Future[Any]]] = deque()
        self._closed = False

    async def write(self, work: Work[Result]) -> Result:
        """Run `work` in an immediate transaction; committed to disk before this returns."""
        outcome: Future[Result] = Future()
        self._waiting.append((work, outcome))
        self._thread.submit(self._write_waiting)
        return await asyncio.wrap_future(outcome)

    async def read(self, work: Work[Result]) -> Result:
        """Run `work` on one consistent snapshot."""
        return await self._in_thread(functools.partial(self._transact, "BEGIN", work))

    async def settle(self) -> None:
        """Bring the write-ahead file into the database and empty it: what was deleted is gone."""
        await self._in_thread(self._settle)

    async def close(self) -> None:
        """Close the file; the engine cannot be used afterwards. Closing twice is harmless."""
        if not self._closed:
            self._closed = True
            await self._in_thread(self._close)
            self._thread.shutdown(wait=True)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _transact(self, begin: str, work: Work[Result]) -> Result:
        database = self._database or self._open()
        try:
            database.conn.execute(begin)
            result = work(database)
            database.conn.execute("COMMIT")
        except BaseException as error:
            if database.conn.in_transaction:
                database.conn.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise _storage_error(error) from error
            raise
        return result

    def _write_waiting(self) -> None:
        """Do all writes that wait, if a run before this one has not; then one commit for all."""
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), WRITES_AT_ONCE))]
        group = [item for item in taken if item[1].set_running_or_notify_cancel()]
        if not group:
            return
        try:
            outcomes = self._transact(
                "BEGIN IMMEDIATE", lambda db: [_apart(db, w) for w, _ in group]
            )
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

    def _open(self) -> sqlite_utils.Database:
        try:
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA secure_delete=ON")
            self._migrate(connection)
        except sqlite3.Error as error:
            raise LocalError(ErrorCode.STORAGE, f"cannot open {self._path.name}") from error
        self._path.chmod(0o600)
        self._database = sqlite_utils.Database(connection)
        return self._database

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > self._schema.version:
            connection.execute("ROLLBACK")
            raise LocalError(
                ErrorCode.STORAGE,
                f"{self._path.name} was written by a newer program (schema {version}); upgrade",
            )
        for script in self._schema.scripts[version:]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={self._schema.version}")
        connection.execute("COMMIT")

    def _settle(self) -> None:
        database = self._database or self._open()
        database.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _close(self) -> None:
        if self._database is not None:
            self._database.conn.close()
            self._database = None


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


def _apart(
    database: sqlite_utils.Database, work: Work[Result]
) -> tuple[Result | None, Exception | None]:
    """Run one piece of a transaction so that its failure undoes it alone."""
    run = database.conn.execute
    run("SAVEPOINT apart")
    try:
        result = work(database)
    except Exception as error:
        if not database.conn.in_transaction:  # a full disk ends the transaction for all of them
            raise
        run("ROLLBACK TO apart")
        run("RELEASE apart")
        if isinstance(error, sqlite3.OperationalError):
            return None, _storage_error(error)
        return None, error
    run("RELEASE apart")
    return result, None


def _storage_error(cause: sqlite3.OperationalError) -> LocalError:
    error = LocalError(ErrorCode.STORAGE, "the database is busy or the disk full")
    error.__cause__ = cause
    return error
