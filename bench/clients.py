"""Finding and listing own clients: p50 and p95 of forty of each, in milliseconds.

None may grow as the number of clients does, but for the team, whose list is as long.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from node.records.search import perhaps_known
from node.store.people import PersonKind
from node.store.records import Client, ClientRow, InvolvementRow
from node.store.search import Whose
from node.store.tables import SCHEMA, NodeTables
from node.views.clients import (
    Scope,
    Wanted,
    found_clients,
    list_clients,
    my_clients,
    team_clients,
)
from protocol.matchkeys.records import ClientRecord
from storage.engine import batches
from storage.sqlite import SqliteDatabase
from tests.sim.crowd import crowd

SIZES = (20_000, 100_000)
OF_EACH, TEAM, ROUNDS = 40, 2000, 40
LATE = 300
NOW = 1_800_000_000
SCOPES: tuple[Scope, ...] = ("mine", "team", "all")
View = Callable[[NodeTables, Client], object]


def main() -> None:
    """Measure each size."""
    print(f"{'clients':>8s} {'':32s} {'p50':>8s} {'p95':>8s}")
    for size in [int(text) for text in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as name:
            database = SqliteDatabase(Path(name) / "node.sqlite", SCHEMA, NodeTables)
            for people in batches(crowd(size), TEAM):
                rows = [ClientRow(row.local_id, row.record) for row in people]
                database.write(lambda tables, rows=rows: fill(tables, rows))  # type: ignore[misc]
            for title, view in views():
                measure(database, size, title, view)
            database.close()


def fill(tables: NodeTables, rows: Sequence[ClientRow]) -> None:
    """So many clients more, 40 a worker, 2000 a team."""
    made = list(tables.records.put_clients(rows).values())
    work = []
    for own in batches(made, OF_EACH):
        team = f"Team {own[0] // TEAM}"
        person = tables.people.register(f"Worker {own[0]}", team, PersonKind.WORKER, NOW).id
        for one in own:
            work.append(
                InvolvementRow(client=one, type="health_visiting", team=team, workers=(person,))
            )
    tables.records.add_involvements(work)


def views() -> Iterator[tuple[str, View]]:
    """What pages show, of one client or their worker."""

    def looked_for(scope: Scope, words: Callable[[ClientRecord], str]) -> View:
        return lambda tables, client: found_clients(
            tables,
            Wanted(words(client.record), scope),
            worker(client),
            NOW,
        )

    yield "my clients", lambda tables, client: my_clients(tables, worker(client), 1, NOW)
    yield "my team's clients", lambda tables, client: team_clients(tables, worker(client), 1, NOW)
    yield "all clients", lambda tables, _: list_clients(tables, Whose(), 1, NOW)
    yield "all clients, page 300", lambda tables, _: list_clients(tables, Whose(), LATE, NOW)
    for scope in SCOPES:
        yield f"{scope}: name", looked_for(scope, lambda r: f"{r.given} {r.family}")
        yield (
            f"{scope}: name with slips",
            looked_for(scope, lambda r: f"{slip(r.family)} {slip(r.given)}"),
        )
    yield "all: a name that many bear", looked_for("all", lambda r: str(r.given))
    yield "all: three letters", looked_for("all", lambda r: str(r.family)[:3])
    yield "all: number with a slip", looked_for("all", lambda r: slip(r.nhs_number))
    yield (
        "all: birth date, postcode",
        looked_for("all", lambda r: f"{r.date_of_birth} {r.postcode}"),
    )
    yield "who is alike", lambda tables, client: perhaps_known(tables, client.record)


def worker(client: Client) -> int:
    """Whose client that is."""
    return (client.id - 1) // OF_EACH + 1


def slip(word: str | None) -> str:
    """The word with two signs swapped."""
    return f"{word[:2]}{word[3]}{word[2]}{word[4:]}" if word else ""


def measure(database: SqliteDatabase[NodeTables], size: int, title: str, view: View) -> None:
    """Show some of many clients' pages, and print a row of the table."""
    draw, took = Random(size), []  # noqa: S311 - the same clients each time
    for _ in range(ROUNDS):
        after = draw.randrange(size)
        (client,) = database.read(lambda t, after=after: t.records.clients_after(after, 1))  # type: ignore[misc]
        began = time.perf_counter()
        database.read(lambda t, client=client: view(t, client))  # type: ignore[misc]
        took.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(took, n=20)
    print(f"{size:8d} {title:32s} {cuts[9]:8.1f} {cuts[18]:8.1f}", flush=True)


if __name__ == "__main__":
    main()
