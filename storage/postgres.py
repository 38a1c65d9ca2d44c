"""PostgreSQL behind the promise of storage/engine.py: synchronous calls, in threads.

Writers wait for each other at one lock, of the table that says the schema's version, before their
snapshot is taken: whatever a body reads is what stands when it commits, in however many processes.
Readers never wait. A transaction that lost its connection, or lost against another, is begun anew;
whether one was committed whose answer got lost, the server is asked by its number.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.rows import dict_row

from protocol.errors import ErrorCode, LocalError
from storage.engine import AMONG, NotUniqueError, Row, Schema, Transaction
from storage.postgres_session import (
    check_address,
    is_elsewhere,
    may_go_again,
    opened_session,
    our_error,
    statement,
    translated,
    was_lost,
)
from storage.threaded import Body, ThreadedEngine

Stores = TypeVar("Stores")
Result = TypeVar("Result")
Connection = psycopg.Connection[tuple[Any, ...]]

READERS = 2
AGAIN_SECONDS = 30
"""How long a transaction is begun anew, from a lost server on."""
LONGEST_PAUSE = 1.0

_VERSION = "patchwork_schema"
_MAKE_VERSION = (
    "CREATE TABLE patchwork_schema (version BIGINT NOT NULL); "
    "INSERT INTO patchwork_schema VALUES (0)"
)
_GET_VERSION = "SELECT version FROM patchwork_schema"
_SET_VERSION = "UPDATE patchwork_schema SET version = %s"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ",
    "LOCK TABLE patchwork_schema IN EXCLUSIVE MODE",  # before the snapshot, which is then younger
    "SELECT pg_current_xact_id()::text",
)


class _TakeCare(Exception):
    """A key was taken, which ends a transaction here: bodies go on only behind savepoints."""


class PostgresTransaction(Transaction):
    """Statements within the transaction that is open on a connection.

    `careful`: each is behind a savepoint, so that a body can go on where a key is taken. Without it
    that raises _TakeCare, and the bodies run again, with care: a savepoint costs two ways.
    """

    def __init__(self, connection: Connection, *, careful: bool) -> None:
        self._connection = connection
        self._careful = careful

    def rows(self, sql: str, *values: object) -> list[Row]:
        """See Transaction."""
        with self._kept(), self._connection.cursor(row_factory=dict_row) as cursor:
            return [*cursor.execute(statement(sql), values)]

    def tuples(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """See Transaction."""
        with self._kept():
            return self._connection.execute(statement(sql), values).fetchall()

    def one(self, sql: str, *values: object) -> Row | None:
        """See Transaction."""
        with self._kept(), self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement(sql), values).fetchone()

    def run(self, sql: str, *values: object) -> int:
        """See Transaction."""
        with self._kept():
            return self._connection.execute(statement(sql), values).rowcount

    def run_many(self, sql: str, values: Iterable[Sequence[object]]) -> None:
        """See Transaction."""
        with self._kept(), self._connection.cursor() as cursor:
            cursor.executemany(statement(sql), values)

    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> None:
        """See Transaction."""
        into = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self._kept(), self._connection.cursor() as cursor, cursor.copy(into) as copy:
            for row in rows:
                copy.write_row(row)

    def number_behind(self, table: str, column: str) -> None:
        """See Transaction."""
        last = f"(SELECT MAX({column}) FROM {table})"  # noqa: S608 - stores' names
        self.one(f"SELECT setval(pg_get_serial_sequence(?, ?), {last})", table, column)

    def _naming(
        self, sql: str, values: Sequence[object], part: Sequence[object]
    ) -> tuple[Any, ...]:
        return sql.replace(f"IN {AMONG}", "= ANY (?)"), *values, list(part)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Where a key is taken, nothing of what is done inside stays."""
        if self._careful:
            self._connection.execute("SAVEPOINT kept")
        try:
            yield
        except psycopg.IntegrityError:
            if not self._careful:
                raise _TakeCare from None
            self._connection.execute("ROLLBACK TO kept")
            raise NotUniqueError from None  # the server's own words quote values
        if self._careful:
            self._connection.execute("RELEASE kept")


class PostgresDatabase(Generic[Stores]):
    """One connection to a database. `address` as of check_address, `stores` and `rehearse` as of
    SqliteDatabase. Raises LocalError(STORAGE) when it cannot be opened or is from a newer program.
    """

    def __init__(
        self,
        address: str,
        schema: Schema,
        stores: Callable[[Transaction], Stores],
        *,
        rehearse: bool = False,
    ) -> None:
        self._conninfo = check_address(address)
        self._schema = schema
        self._stores = stores
        self._rehearse = rehearse
        self._connection: Connection | None = None

    def write(self, body: Body[Stores, Result]) -> Result:
        """Run a body in a transaction; committed, and on the server's disk, before this returns."""
        result, fault = self.write_all([body])[0]
        if fault is not None:
            raise fault
        return result  # type: ignore[no-any-return]

    def read(self, body: Body[Stores, Result]) -> Result:
        """Run a body on one consistent snapshot."""

        def once(*, careful: bool) -> Result:
            with self._transaction(_READ):
                return self._run(body, careful=careful)

        return self._until_it_counts(once)

    def write_all(self, bodies: Sequence[Body[Stores, Any]]) -> list[tuple[Any, Exception | None]]:
        """Run bodies in one transaction, each all or nothing; what each came to, or its fault.

        Raises LocalError(STORAGE) where none of them is committed, and what a single one raises.
        """

        def once(*, careful: bool) -> list[tuple[Any, Exception | None]]:
            with self._transaction(*_WRITE):
                if len(bodies) == 1 and not self._rehearse:  # the transaction is its own
                    return [(self._run(bodies[0], careful=careful), None)]
                return [self._apart(body, careful=careful) for body in bodies]

        return self._until_it_counts(once)

    def check(self) -> None:
        """Raise LocalError(STORAGE) unless it answers: whether its files are whole is the server's
        to say (data checksums).
        """
        self.read(lambda _: None)

    def settle(self) -> bool:
        """Free what was deleted for others to be written over it. Always False: until they are, it
        is still in the server's files, its write-ahead log and its replicas.
        """
        with suppress(psycopg.Error):
            self.opened().execute("VACUUM")
        return False

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def opened(self) -> Connection:
        """The open connection, the tables brought up to the newest version."""
        if self._connection is None:
            connection = opened_session(self._conninfo)
            try:
                self._migrate(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _until_it_counts(self, once: Callable[..., Result]) -> Result:
        """Run a transaction, and again for as long as that may help."""
        was_open, careful, pause = False, False, 0.01
        deadline = time.monotonic() + AGAIN_SECONDS
        while True:
            try:
                return once(careful=careful)
            except _TakeCare:
                careful = True
            except psycopg.Error as error:
                was_open = was_open or self._connection is not None
                again = may_go_again(error, self._connection)
                if was_lost(error, self._connection) or is_elsewhere(error):
                    self.close()
                # Who begins hears at once that there is no server there.
                if not again or not was_open or time.monotonic() > deadline:
                    raise our_error(error) from None
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    @contextmanager
    def _transaction(self, *begin: str) -> Iterator[None]:
        connection = self.opened()
        cursor = connection.execute("; ".join(begin), prepare=False)
        while cursor.nextset():
            pass
        number = cursor.fetchone() if cursor.description else None
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise
        self._commit(connection, number[0] if number else None)

    def _commit(self, connection: Connection, number: str | None) -> None:
        try:
            said = connection.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            lost = was_lost(error, connection)
            if number is None or not lost or not self._was_committed(number):
                raise
            return
        if said != "COMMIT":
            raise LocalError(ErrorCode.STORAGE, "the database undid what was to be committed")

    def _was_committed(self, number: str) -> bool:
        """Whether the transaction of that number counts, though nobody heard so.

        Raises psycopg.Error where the server cannot be asked in time, and LocalError(STORAGE) where
        it does not know yet.
        """
        deadline, pause = time.monotonic() + AGAIN_SECONDS, 0.01
        while True:
            self.close()
            try:
                sql = "SELECT pg_xact_status(%s::text::xid8)"
                (status,) = self.opened().execute(sql, (number,)).fetchone() or (None,)
            except psycopg.errors.InvalidParameterValue:
                return False  # to come, it says: a replica took over that has not heard of it
            except psycopg.Error:
                if time.monotonic() > deadline:
                    raise
            else:
                if status != "in progress":
                    return bool(status == "committed")
                if time.monotonic() > deadline:
                    detail = "nobody knows yet whether the last transaction counts"
                    raise LocalError(ErrorCode.STORAGE, detail)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _run(self, body: Body[Stores, Result], *, careful: bool) -> Result:
        return body(self._stores(PostgresTransaction(self.opened(), careful=careful)))

    def _apart(self, body: Body[Stores, Any], *, careful: bool) -> tuple[Any, Exception | None]:
        """Run one body of a transaction so that its failure undoes it alone."""
        connection = self.opened()
        if self._rehearse:
            self._once_for_nothing(body, careful=careful)
        connection.execute("SAVEPOINT apart")
        try:
            result = self._run(body, careful=careful)
        except Exception as error:
            if isinstance(error, _TakeCare) or may_go_again(error, connection):
                raise
            connection.execute("ROLLBACK TO apart")
            connection.execute("RELEASE apart")
            return None, our_error(error)
        connection.execute("RELEASE apart")
        return result, None

    def _once_for_nothing(self, body: Body[Stores, Any], *, careful: bool) -> None:
        connection = self.opened()
        connection.execute("SAVEPOINT rehearsal")
        try:
            self._run(body, careful=careful)
        except _TakeCare:
            raise
        except Exception:  # noqa: BLE001, S110 - it fails again, or not, when it counts
            pass
        connection.execute("ROLLBACK TO rehearsal")
        connection.execute("RELEASE rehearsal")

    def _migrate(self, connection: Connection) -> None:
        if self._version(connection) == self._schema.version:
            return
        with connection.transaction():
            # Two programs that begin at once: the second finds it done.
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (_VERSION,))
            version = self._version(connection)
            if version is None:
                connection.execute(_MAKE_VERSION)
            for script in self._schema.scripts[version or 0 :]:
                for part in translated(script):
                    connection.execute(part)
            connection.execute(_SET_VERSION, (self._schema.version,))

    def _version(self, connection: Connection) -> int | None:
        """How many scripts the database has had; None where it is empty. Raises LocalError(STORAGE)
        if more than we know.
        """
        # Not to_regclass: within a transaction it goes on saying what it said before.
        table = "SELECT 1 FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid)"
        if connection.execute(table, (_VERSION,)).fetchone() is None:
            return None
        (version,) = connection.execute(_GET_VERSION).fetchone() or (0,)
        if version > self._schema.version:
            raise LocalError(
                ErrorCode.STORAGE,
                f"the database was written by a newer program (schema {version}); upgrade",
            )
        return int(version)


class PostgresEngine(ThreadedEngine[Stores]):
    """The engine over one database of PostgreSQL. Arguments and faults as of PostgresDatabase."""

    def __init__(
        self,
        address: str,
        schema: Schema,
        stores: Callable[[Transaction], Stores],
        *,
        rehearse: bool = False,
    ) -> None:
        def connection() -> PostgresDatabase[Stores]:
            return PostgresDatabase(address, schema, stores, rehearse=rehearse)

        readers = [connection() for _ in range(READERS)]
        super().__init__(connection(), readers, "postgres")
