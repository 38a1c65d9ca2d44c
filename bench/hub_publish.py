"""A hub that takes publications in, against bare inserts of the same token rows; and as it grows.

    python -m bench.hub_publish [SMALL LARGE]      tokens: 100,000 and 10,000,000 if not said

Ours is the hub's whole way of a publication of new stubs: chunks parsed and peppered, every row
checked, looked up, staged, logged and put in force, on a real SQLite file, and on a server of
PostgreSQL. What the node does, chunks and signature, is made before. The baseline puts the token
rows alone into the same table, with its index, in the same order, as many in a transaction, synced
as ours are; into PostgreSQL by COPY. Both by processor time, the server's session included: others
use the machine. Growth is the cost of a row where so many tokens of others are stored already.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg

from bench.results import RUNS, Figure, record
from hub.matching.applying import ROWS_A_STEP
from hub.store.tables import SCHEMA
from protocol.fields import from_base64
from protocol.messages.bodies import PublicationBody
from protocol.messages.statement import Statement
from runtime.cli import look_seldom
from storage.engine import batches
from storage.postgres import PostgresDatabase
from storage.sqlite import CACHE_KIB
from tests.postgres import Server, running_server
from tests.synthetic import CARE, SyntheticHub, stubs

STUBS = 1000
SIZES = (100_000, 10_000_000)
TOKENS_A_STUB = 15
COLUMNS = "token, stub_id, match_key_id, put_by, agency, ordinal, since"
INSERT = f"INSERT INTO token ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our words
# Of a stub's number, spread over all ids by multiplying it.
FILL = """
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < :tokens)
INSERT INTO token SELECT randomblob(16) AS token,
    printf('%08x%024x', (n % :stubs) * 2654435761 & 4294967295, n % :stubs),
    'name_dob.1', 0, :agency, 0, 1
FROM counted ORDER BY token
"""
TokenRow = tuple[bytes, str, str, int, str, int, int | None]
Clock = Callable[[], float]


def main() -> None:
    """Measure all."""
    small, large = [int(text) for text in sys.argv[1:]] or SIZES
    look_seldom()
    with tempfile.TemporaryDirectory() as folder:
        rates = [both_sqlite(Path(folder), run) for run in range(RUNS)]
        ours, bare = (max(rate[place] for rate in rates) for place in (0, 1))
        record(Figure("hub_publish_sqlite", ours, bare, "stubs a second", 0.3, "min"))
        with running_server() as server:
            rates = [both_postgres(server, run) for run in range(RUNS)]
        ours, bare = (max(rate[place] for rate in rates) for place in (0, 1))
        record(Figure("hub_publish_postgres", ours, bare, "stubs a second", 0.15, "min"))
        costs = [cost_at(Path(folder) / f"{size}.sqlite", size) for size in (small, large)]
        name = "hub_growth" if large >= SIZES[1] else f"hub_growth_{large}"
        record(Figure(name, costs[1] * 1e6, costs[0] * 1e6, "us a stub", 1.3, "max"))


def both_sqlite(folder: Path, run: int) -> tuple[float, float]:
    """Stubs a second: ours, and bare inserts."""
    people = range(run * STUBS, (run + 1) * STUBS)
    hub = SyntheticHub(folder / f"hub-{run}.sqlite")
    ours = published(hub, people, time.process_time)
    hub.close()
    rows = list(token_rows(people))
    with closing(opened(folder / f"bare-{run}.sqlite")) as database:
        bare = taken(time.process_time, lambda: insert(database, rows))
    return STUBS / ours, STUBS / bare


def both_postgres(server: Server, run: int) -> tuple[float, float]:
    """Stubs a second: ours, and bare COPY."""
    people = range(run * STUBS, (run + 1) * STUBS)
    address, other = server.database("ours", made), server.database("bare", made)
    hub = SyntheticHub(address)
    (row,) = hub.write(lambda tables: tables.tx.rows("SELECT pg_backend_pid() AS pid"))
    ours = published(hub, people, with_session(row["pid"]))
    hub.close()
    rows = list(token_rows(people))
    with psycopg.connect(other) as session:
        bare = taken(with_session(session.info.backend_pid), lambda: copy(session, rows))
    return STUBS / ours, STUBS / bare


def cost_at(path: Path, tokens: int) -> float:
    """Seconds a stub where so many tokens are there already; the best of some publications."""
    SyntheticHub(path).close()
    with closing(opened(path)) as database:
        fill(database, tokens)
    hub = SyntheticHub(path)
    parts = [range(run * STUBS, (run + 1) * STUBS) for run in range(RUNS)]
    costs = [published(hub, people, time.process_time) for people in parts]
    hub.close()
    return min(costs) / STUBS


def published(hub: SyntheticHub, people: range, clock: Clock) -> float:
    """What a publication takes, from its chunks until it is in force."""
    statement, chunks = hub.prepare(CARE, *stubs(CARE, people))
    return taken(clock, lambda: take_in(hub, statement, chunks))


def take_in(hub: SyntheticHub, statement: Statement[PublicationBody], chunks: list[bytes]) -> None:
    """The hub's part of a publication."""
    hub.apply(hub.receive(statement, chunks))


def taken(clock: Clock, work: Callable[[], object]) -> float:
    """What work takes by a clock."""
    began = clock()
    work()
    return clock() - began


def with_session(pid: int) -> Clock:
    """Processor time of this process and of a server's session, which is a process of its own."""
    spent = Path(f"/proc/{pid}/schedstat")
    return lambda: time.process_time() + int(spent.read_text("ascii").split()[0]) / 1e9


def made(address: str) -> None:
    """Make the hub's tables."""
    database = PostgresDatabase(address, SCHEMA, lambda tx: tx)
    database.opened()
    database.close()


def token_rows(people: range) -> Iterator[list[TokenRow]]:
    """The token rows of each step, in the order of the table, as the hub puts them in."""
    _, sets = stubs(CARE, people)
    for some in batches(sets, ROWS_A_STEP):
        yield sorted(
            (from_base64(text), item.stub_id, key, 1, CARE.party.id, ordinal, None)
            for item in some
            for key, texts in item.tokens.items()
            for ordinal, text in enumerate(texts)
        )


def insert(database: sqlite3.Connection, steps: list[list[TokenRow]]) -> None:
    """Bare inserts, a transaction for each step."""
    for rows in steps:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(INSERT, rows)
        database.execute("COMMIT")


def copy(session: psycopg.Connection, steps: list[list[TokenRow]]) -> None:
    """Bare COPY, a transaction for each step."""
    for rows in steps:
        with session.cursor() as cursor, cursor.copy(f"COPY token ({COLUMNS}) FROM STDIN") as into:
            for row in rows:
                into.write_row(row)
        session.commit()


def opened(path: Path) -> sqlite3.Connection:
    """The hub's tables by bare SQLite, as durable as ours."""
    is_new = not path.exists()
    database = sqlite3.connect(path, isolation_level=None)
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON")
    for pragma in (*pragmas, f"cache_size=-{CACHE_KIB}"):
        database.execute(f"PRAGMA {pragma}")
    if is_new:
        for script in SCHEMA.scripts:
            database.executescript(script)
    return database


def fill(database: sqlite3.Connection, tokens: int) -> None:
    """Store so many random tokens of others."""
    database.execute("DROP INDEX token_by_stub")
    database.execute("BEGIN IMMEDIATE")
    database.execute(
        FILL, {"tokens": tokens, "stubs": tokens // TOKENS_A_STUB, "agency": "ab" * 16}
    )
    database.execute("CREATE INDEX token_by_stub ON token (stub_id)")
    database.execute("COMMIT")


if __name__ == "__main__":
    main()
