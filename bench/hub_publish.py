"""A hub that takes publications in, against bare inserts of the same token rows; and as it grows.

    python -m bench.hub_publish [SMALL LARGE]      tokens: 100,000 and 10,000,000 if not said

Ours is the whole way of a publication of new stubs: chunks parsed and peppered, every row checked,
looked up, staged, logged and put in force, on a real SQLite file. The baseline puts the token rows
alone into the same table, with its index, in the same order, as many in a transaction, synced as
ours are. Growth is the cost of a row where so many tokens of others are stored already.
"""

import hashlib
import random
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from bench.results import RUNS, Figure, record, seconds
from hub.matching.applying import ROWS_A_STEP
from hub.store.tables import SCHEMA
from protocol.fields import from_base64
from protocol.messages.bodies import StubRow, StubTokens
from storage.engine import batches
from storage.sqlite import CACHE_KIB
from tests.synthetic import CARE, SyntheticHub, stubs

STUBS = 1000
SIZES = (100_000, 10_000_000)
TOKENS_A_STUB = 15
INSERT = (
    "INSERT INTO token (token, stub_id, match_key_id, put_by, agency, ordinal, since) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
TokenRow = tuple[bytes, str, str, int, str, int, int | None]


def main() -> None:
    """Measure both."""
    small, large = [int(text) for text in sys.argv[1:]] or SIZES
    with tempfile.TemporaryDirectory() as folder:
        rates = [both(Path(folder), run) for run in range(RUNS)]
        ours, bare = (max(rate[place] for rate in rates) for place in (0, 1))
        record(Figure("hub_publish_sqlite", ours, bare, "stubs a second", 0.3, "min"))
        costs = [cost_at(Path(folder) / f"{size}.sqlite", size) for size in (small, large)]
        name = "hub_growth" if large >= SIZES[1] else f"hub_growth_{large}"
        record(Figure(name, costs[1] * 1e6, costs[0] * 1e6, "us a stub", 1.3, "max"))


def both(folder: Path, run: int) -> tuple[float, float]:
    """Stubs a second: ours, and bare inserts."""
    people = range(run * STUBS, (run + 1) * STUBS)
    hub = SyntheticHub(folder / f"hub-{run}.sqlite")
    made = stubs(CARE, people)
    ours = seconds(partial(published, hub, *made))
    hub.close()
    rows = list(token_rows(people))
    with closing(opened(folder / f"bare-{run}.sqlite")) as database:
        bare = seconds(lambda: insert(database, rows))
    return STUBS / ours, STUBS / bare


def cost_at(path: Path, tokens: int) -> float:
    """Seconds a stub where so many tokens are there already; the best of some publications."""
    SyntheticHub(path).close()
    with closing(opened(path)) as database:
        fill(database, tokens)
    hub = SyntheticHub(path)
    taken = []
    for run in range(RUNS):
        made = stubs(CARE, range(run * STUBS, (run + 1) * STUBS))
        taken.append(seconds(partial(published, hub, *made)))
    hub.close()
    return min(taken) / STUBS


def published(hub: SyntheticHub, rows: list[StubRow], sets: list[StubTokens]) -> None:
    """A publication, from its chunks until it is in force."""
    hub.apply(hub.upload(CARE, rows, sets))


def token_rows(people: range) -> Iterator[list[TokenRow]]:
    """The token rows of each step, in the order of the table, as the hub puts them in."""
    _, sets = stubs(CARE, people)
    for some in batches(sorted(sets, key=lambda item: item.stub_id), ROWS_A_STEP):
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


def opened(path: Path) -> sqlite3.Connection:
    """The hub's tables by bare SQLite, as durable as ours."""
    is_new = not path.exists()
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", f"cache_size=-{CACHE_KIB}"):
        database.execute(f"PRAGMA {pragma}")
    if is_new:
        for script in SCHEMA.scripts:
            database.executescript(script)
    return database


def fill(database: sqlite3.Connection, tokens: int) -> None:
    """Store so many tokens of others, in the order of the table."""
    draw = random.Random(tokens)  # noqa: S311 - the same each time
    step = 2**64 // tokens
    rows = (
        (
            (number * step).to_bytes(8, "big") + draw.randbytes(8),
            hashlib.md5(b"%d" % (draw.randrange(tokens) // TOKENS_A_STUB)).hexdigest(),  # noqa: S324
            "name_dob.1", 0, "ab" * 16, 0, 1,
        )
        for number in range(tokens)
    )  # fmt: skip
    database.execute("DROP INDEX token_by_stub")
    database.execute("BEGIN IMMEDIATE")
    database.executemany(INSERT, rows)
    database.execute("CREATE INDEX token_by_stub ON token (stub_id)")
    database.execute("COMMIT")


if __name__ == "__main__":
    main()
